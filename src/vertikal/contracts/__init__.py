"""What may be said: the events, one module per area, and the catalogue of them all."""
