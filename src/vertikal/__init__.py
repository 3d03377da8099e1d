"""Vertikal: the reporting backend of a management vertical, region → municipality → school."""

__version__ = "0.1.0"
