"""Notices: whoever subscribes learns what changed in an inbox, by a signed webhook or a daily e-mail."""
