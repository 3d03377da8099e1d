"""Who asks: the HTTP API, the command line, the projector."""
