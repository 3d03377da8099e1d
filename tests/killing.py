"""Processes for tests to kill: a projector in small batches, a rebuild in small steps."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Connection

from vertikal.events.database import connect
from vertikal.events.log import Recorded
from vertikal.projections import building, closings
from vertikal.projections.engine import Engine
from vertikal.services import projector, rebuilding

BATCH, EPOCH, MERGED = 60, 128, 4
PARTITION_EVENTS, SCATTERED = 500, 1_000


class Reckless:
    """Keeps a projector running, but kills it again and again."""

    def __init__(self, url: str, seconds_max: float, *, apart: bool = False) -> None:
        self._context = get_context("forkserver")  # begins a process in milliseconds, with all modules at hand
        self._context.set_forkserver_preload(["tests.killing"])
        self._start = partial(self._context.Process, target=follow, args=(url, apart), daemon=True)
        self._random = random.Random(7)
        self._seconds_max = seconds_max
        self.killed = 0
        self._process = self._begin()

    def look(self) -> None:
        """Kill the projector if its time has come, and start another."""
        if time.monotonic() >= self._until:
            self.end()
            self.killed += 1
            self._process = self._begin()

    def end(self) -> None:
        self._process.kill()
        self._process.join()

    def _begin(self) -> ForkServerProcess:
        process = self._start()
        process.start()
        self._until = time.monotonic() + self._random.uniform(0.0, self._seconds_max)
        return process


def follow(url: str, apart: bool) -> None:
    """A projector of small batches; ``apart``: with a mistake, its cursor is committed before its postings."""
    closings.EPOCH, closings.MERGED = EPOCH, MERGED
    fold = Engine.fold

    def fold_apart(engine: Engine, connection: Connection, events: list[Recorded]) -> None:
        commit(connection)
        fold(engine, connection, events)

    with (
        patch.object(projector, "project", partial(projector.project, limit=BATCH)),
        patch.object(Engine, "fold", fold_apart if apart else fold),
    ):
        projector.follow(connect(url), threading.Event())


def commit(connection: Connection) -> None:
    """Commit what SQLAlchemy believes to be under way still, and begin anew."""
    connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def small_steps() -> None:
    """Have the two workers of a rebuild lay out and fold few events at a time."""
    building.PARTITION_EVENTS, rebuilding.SCATTERED = PARTITION_EVENTS, SCATTERED


def rebuild(url: str, folder: Path) -> subprocess.Popen[bytes]:
    """A rebuild by two workers, in small steps."""
    return subprocess.Popen([sys.executable, "-m", "tests.killing", url, str(folder)])


def kill_after(process: subprocess.Popen[bytes], begun: Callable[[], bool], seconds: float) -> bool:
    """Kill a process some time after it has begun; whether it was still at work."""
    while not begun():
        if process.poll() is not None:
            return False
        time.sleep(0.02)
    time.sleep(seconds)
    process.kill()
    return process.wait() == -signal.SIGKILL


if __name__ in ("__main__", "__mp_main__"):  # the second in its workers
    small_steps()
if __name__ == "__main__":
    rebuilding.run(sys.argv[1], Path(sys.argv[2]), (), 2, lambda *_: None)
