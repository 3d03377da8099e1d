"""One relay at a time, elected by a lock of the database; it ends with its holder, however that ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text

LOCK = 7_303_014_500_000_001  # any number that nothing else in this database locks


@contextmanager
def elected(engine: Engine) -> Iterator[bool]:
    """Whether this process is the one, until the end of the block.

    PostgreSQL: an advisory lock of a session, gone as soon as its connection is. SQLite, which has none: a lock on a
    file beside it, gone with the process. A connection lost unnoticed leaves two relays for a while: the epoch in the
    database settles that, and neither sends more than what a reader may get twice.
    """
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            ours = bool(connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}).scalar())
            try:
                yield ours
            finally:
                if ours:
                    connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        return
    with open(f"{engine.url.database}.relay.lock", "w") as file:  # noqa: PTH123  # the name is no path of ours
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
