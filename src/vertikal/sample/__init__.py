"""The sample region that ``vertikal demo`` and the benchmarks feed through the log: invented, seeded, reproducible."""

from .facts import Recorded, Sender
from .region import SIZES, region
from .scale import Scale

__all__ = ["SIZES", "Recorded", "Scale", "Sender", "region"]
