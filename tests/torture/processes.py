"""The processes of a run: started, killed with ``kill -9``, started again, awaited.

They are forked from a process that has imported everything, so that a new one is at work at once.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine

from tests.torture import tail, writers
from tests.torture.plan import STOP_READING, STOP_WRITING, Plan
from vertikal.services import projector, serving

POLL_S, RESTART_AFTER_S = 0.05, 0.3
PATIENCE_S = 600  # for what has no reason to take long, on a machine that may be slow
BEGUN = r"projecting\s+behind=\d"  # the word alone is also in the traceback of a projector that could not begin
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([
    "psycopg2", "sqlalchemy.dialects.postgresql.psycopg2", "sqlalchemy.dialects.sqlite.pysqlite",
    "vertikal.services.serving", "tests.torture.writers", "tests.torture.tail",
])  # fmt: skip


class Child:
    """A process, and those that take its place; what each prints goes to a file of its own.

    ``work`` is given the arguments and how many were there before. ``ready``: a pattern of what it prints when it has
    begun.
    """

    def __init__(self, plan: Plan, name: str, ready: str, work: Callable[..., None], *arguments: object) -> None:
        self.name, self.kills, self.life = name, 0, 0
        self._plan, self._ready, self._work, self._arguments = plan, ready, work, arguments
        self.start()

    def start(self) -> None:
        self._output = self._plan.path(f"{self.name}.{self.life}.out")
        self._output.touch()
        arguments = (str(self._output), self._work, *self._arguments, self.life)
        self._process = FORKS.Process(target=_live, args=arguments, daemon=True)
        self._process.start()
        self.life += 1

    @property
    def has_begun(self) -> bool:
        return re.search(self._ready, self.output) is not None

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def exitcode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        """``kill -9``, in the middle of whatever it does."""
        self._process.kill()
        self._process.join()

    def strike(self) -> bool:
        """Kill the process if it has begun, and start another; whether that was done."""
        if not self.has_begun or self.exitcode is not None:
            return False
        self.kill()
        self.kills += 1
        self.start()
        return True

    def end(self) -> int | None:
        """Ask the process to end; its exit code, None where it does not."""
        self._process.terminate()
        self._process.join(PATIENCE_S)
        return self.exitcode


def _live(output: str, work: Callable[..., None], *arguments: object) -> None:
    """The life of a child: it prints to its file, and does not outlive the run."""
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(file, stream.fileno())
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    work(*arguments)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _project(plan: Plan, life: int) -> None:
    """The projector as the command line starts it."""
    del life
    serving.run_projector(plan.url)


class Processes:
    """All processes of a run. ``broken``: what they did that no fault explains."""

    def __init__(self, plan: Plan, *, with_projector: bool) -> None:
        self._plan, self.broken = plan, list[str]()
        self.writers = [
            Child(plan, f"writer-{number}", "ready", writers.main, plan, number) for number in range(plan.writers)
        ]
        self.tail = Child(plan, "tail", "ready", tail.main, plan)
        self.projectors = [Child(plan, "projector", BEGUN, _project, plan) for _ in range(with_projector)]

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for child in (*self.writers, self.tail, *self.projectors):
            child.kill()

    def look_after(self) -> None:
        """Start again what ended by itself, and write it down; a projector may fail to start while faults are about."""
        for child in (*self.writers, self.tail, *self.projectors):
            if child.exitcode in (None, 0):
                continue
            if child.has_begun or child not in self.projectors:
                self.broken.append(f"{child.name} ended by itself ({child.exitcode}): {child.output[-2_000:]}")
            time.sleep(RESTART_AFTER_S)
            child.start()

    def finish(self, engine: Engine) -> None:
        """Let the writers settle what they sent, the reader read it, and the projector make figures of it."""
        self._plan.path(STOP_WRITING).touch()
        self._await("the writers", lambda: all(child.exitcode == 0 for child in self.writers))
        self._plan.path(STOP_READING).touch()
        self._await("the reader", lambda: self.tail.exitcode == 0)
        for child in self.projectors:
            self._await(child.name, lambda: child.has_begun and projector.behind(engine) == 0)  # noqa: B023  # now
            if child.end() != 0:
                self.broken.append(f"{child.name} did not end well: {child.output[-2_000:]}")

    def _await(self, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > deadline:
                self.broken.append(f"{what} did not come to an end")
                return
            self.look_after()
            time.sleep(POLL_S)
