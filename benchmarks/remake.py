"""One rebuild in a process of its own, as ``vertikal rebuild`` runs it: its time by phase and its peak memory.

Peaks are what Linux says that a process held at most since it began (VmHWM), read ten times a second. Children are
looked for with psutil.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from vertikal.events.database import connect, reading
from vertikal.projections import book, building
from vertikal.services import rebuilding

WORKERS = 2
LOOK_S = 0.1
ALONE = ("fed", "replanted", "balances")  # steps that one process does, while no other works


@dataclass(frozen=True)
class Remade:
    """``seconds`` until the volume was complete, ``finishing``: catch-up, comparison and digest. Memory in MB."""

    events: int
    seconds: float
    finishing: float
    phases: dict[str, float]
    parent_mb: float
    worker_mb: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds


def apart(url: str, workers: int = WORKERS) -> Remade:
    """Rebuild all figures of a database and swap them in, in another process."""
    command = [sys.executable, "-m", "benchmarks.remake", url, str(workers)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Remade(**json.loads(told))


def main() -> None:
    """``URL WORKERS``: rebuild, and tell what it took."""
    url, workers = sys.argv[1], int(sys.argv[2])
    with _phases() as phases, _memory() as peaks, tempfile.TemporaryDirectory(prefix="vertikal-rebuild-") as folder:
        begun = time.perf_counter()
        rebuilding.run(url, Path(folder) / "work", (), workers, lambda *_: None)
        built = time.perf_counter()
        rebuilt = rebuilding.finish(url, lambda *_: None, accept=False)
        finished = time.perf_counter()
    assert rebuilt.swapped, rebuilt.differences
    own, others = peaks()
    seconds = built - begun
    phases["the rest"] = seconds - sum(phases.values())
    made = Remade(_held(url), seconds, finished - built, dict(phases), own, others)
    print(json.dumps(asdict(made)))


def _held(url: str) -> int:
    with reading(connect(url)) as connection:
        return book.held(connection, book.live(connection))


@contextmanager
def _phases() -> Iterator[dict[str, float]]:
    """Seconds by phase: the titles of what workers do, and the names of what one process does alone."""
    taken: defaultdict[str, float] = defaultdict(float)

    def clocked(name: str, work: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        try:
            return work()
        finally:
            taken[name] += time.perf_counter() - begun

    do, once, index = rebuilding.Workers.do, rebuilding._once, building.index

    def do_clocked(workers: Any, steps: Any, title: str, *rest: Any) -> None:
        clocked(title, lambda: do(workers, steps, title, *rest))

    def once_clocked(engine: Any, step: str, work: Any) -> int:
        return int(clocked(step, lambda: once(engine, step, work)) if step in ALONE else once(engine, step, work))

    def index_clocked(connection: Any, plan: Any, *names: str) -> None:
        clocked(f"indexes of {' and '.join(names)}", lambda: index(connection, plan, *names))

    with (
        patch.object(rebuilding.Workers, "do", do_clocked),
        patch.object(rebuilding, "_once", once_clocked),
        patch.object(building, "index", index_clocked),
    ):
        yield taken


@contextmanager
def _memory() -> Iterator[Callable[[], tuple[float, float]]]:
    """Watch this process and its children; MB that this one and the greediest of the others held at most."""
    own, others, stop = psutil.Process(), [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(LOOK_S):
            others.extend(_peak(child.pid) for child in own.children(recursive=True))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lambda: (_peak(own.pid), max(others))
    finally:
        stop.set()
        thread.join()


def _peak(process: int) -> float:
    """MB that a process held at most since it began; nothing where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6 if "VmHWM:" in status else 0.0


if __name__ == "__main__":
    main()
