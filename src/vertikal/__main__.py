"""``python -m vertikal``."""

from .services.cli import main

main()
