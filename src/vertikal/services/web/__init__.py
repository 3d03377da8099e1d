"""The HTTP API; each module owns its routes."""
