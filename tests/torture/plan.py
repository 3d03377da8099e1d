"""What a run is told: handed to every process of it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

STOP_WRITING, STOP_READING = "stop-writing", "stop-reading"


@dataclass(frozen=True)
class Plan:
    """``door``: how events are taken and read (``doors.py``). ``writers``: processes; ``senders``: threads in each.

    Besides its own senders every process has a thread for each of the ``shared`` streams, which all processes send.
    ``answers_min``, ``strikes_min``: a run is not over before so many were told, and each kind of strike was done.

    Shares are of transactions (``broken``) or of answers (``forgotten``); ``every`` are mean seconds, 0: never.
    """

    url: str
    folder: str
    seed: int
    door: str = "intake"
    writers: int = 2
    senders: int = 3
    shared: int = 1
    answers_min: int = 300
    strikes_min: int = 1
    delay_s_max: float = 0.06
    broken: float = 0.04
    forgotten: float = 0.03
    reorganised_every: float = 1.0
    writer_killed_every: float = 2.0
    projector_killed_every: float = 3.0
    connection_killed_every: float = 0.5
    server_stopped_every: float = 0.0

    def path(self, name: str) -> Path:
        return Path(self.folder) / name

    def dice(self, *names: object) -> random.Random:
        """Randomness of one part of the run, the same for the same seed."""
        return random.Random(f"{self.seed}/{'/'.join(map(str, names))}")

    def ends(self, name: str) -> bool:
        return self.path(name).exists()

    @property
    def streams(self) -> list[str]:
        """Every stream of events, in an order that gives each its number."""
        own = [f"w{writer}s{sender}" for writer in range(self.writers) for sender in range(self.senders)]
        return ["reorganiser", *(f"shared{number}" for number in range(self.shared)), *own]

    def streams_of(self, writer: int) -> list[str]:
        """The streams that one process sends; the tree is changed by the first only."""
        others = self.streams[1 : 1 + self.shared]
        own = [name for name in self.streams if name.startswith(f"w{writer}s")]
        return [*(["reorganiser"] if writer == 0 else []), *others, *own]
