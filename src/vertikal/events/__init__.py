"""What was said: the append-only log, in a database."""
