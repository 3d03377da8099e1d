"""Databases that fail at a chosen call, and processes that are killed: what tests of interruption need."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg2.extensions
from sqlalchemy import Engine, event

STEP_CALLS_MAX = 500


class Killed(Exception):
    """The call at which the process would have died."""


class Faults:
    """Counts every call that an engine makes to its database, below SQLAlchemy, so that COPY counts as well.

    The call at which ``left`` comes to nought fails, and so does each after it: a dead process makes none. A commit is
    two calls: one fails before anything is committed, the other when all is, and nobody learns of it.
    """

    def __init__(self, engine: Engine) -> None:
        self.left: int | None = None
        engine.dispose()
        watched = _sqlite(self.call) if engine.dialect.name == "sqlite" else _postgresql(self.call)
        event.listen(engine, "do_connect", lambda *given: given[-1].update(watched))

    def call(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                raise Killed


def at_every_step(faults: Faults, attempt: Callable[[], object], state: Callable[[], object]) -> int:
    """Let attempts fail at call 1, 2, 3 …, and from 1 again behind whatever one has committed, until one runs through.

    How many failed.
    """
    failed, at, before = 0, 1, state()
    while _fails(faults, at, attempt):
        assert at < STEP_CALLS_MAX, "no attempt gets any further"
        now = state()
        failed, at, before = failed + 1, at + 1 if now == before else 1, now
    return failed


def _fails(faults: Faults, at: int, attempt: Callable[[], object]) -> bool:
    faults.left = at
    try:
        attempt()
    except Killed:
        return True
    finally:
        faults.left = None
    return False


def _sqlite(call: Callable[[], None]) -> dict[str, Any]:
    cursor = _calling(sqlite3.Cursor, call, "execute", "executemany")
    made = {"cursor": lambda self: sqlite3.Connection.cursor(self, cursor), "commit": _commit(sqlite3.Connection, call)}
    return {"factory": type("Connection", (sqlite3.Connection,), made)}


def _postgresql(call: Callable[[], None]) -> dict[str, Any]:
    cursor = _calling(psycopg2.extensions.cursor, call, "execute", "executemany", "copy_expert")
    made = {"commit": _commit(psycopg2.extensions.connection, call)}
    connection = type("Connection", (psycopg2.extensions.connection,), made)
    return {"cursor_factory": cursor, "connection_factory": connection}


def _calling(driver: Any, call: Callable[[], None], *names: str) -> Any:
    """The driver's class, with a call before each of the methods."""

    def method(name: str) -> Callable[..., Any]:
        def called(self: Any, *given: Any, **named: Any) -> Any:
            call()
            return getattr(driver, name)(self, *given, **named)

        return called

    return type(driver.__name__, (driver,), {name: method(name) for name in names})


def _commit(driver: Any, call: Callable[[], None]) -> Callable[[Any], None]:
    def commit(self: Any) -> None:
        call()
        driver.commit(self)
        call()

    return commit
