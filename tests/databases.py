"""Databases for tests: each its own, empty, or a copy of one that was filled once: copying is far faster than making.

What is copied was made in the same process by the same code as it would be for one test, and with epochs of the same
size, which some tests change; every test gets its own copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from vertikal.projections import closings

Fill = Callable[[str], None]  # makes the database of a URL, and closes it
Made = tuple[Fill, int, int]  # by what, with epochs of which size, how many merged in one


def made(fill: Fill) -> Made:
    return fill, closings.EPOCH, closings.MERGED


def named(fill: Fill) -> str:
    """A name for the database that is copied."""
    return "_".join(map(str, (fill.__name__, *made(fill)[1:])))


class Databases(Protocol):
    """The databases of one kind."""

    def fresh(self, file: Path, fill: Fill | None = None) -> AbstractContextManager[str]:
        """The URL of a database for one use, removed at its end: not yet made, or as ``fill`` leaves it.

        ``file``: where it lies, if it lies in a file.
        """
        ...


class SQLite:
    """Files; one that is not yet made does not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filled: dict[Made, Path] = {}

    @contextmanager
    def fresh(self, file: Path, fill: Fill | None = None) -> Iterator[str]:
        if fill is not None:
            shutil.copy(self._original(fill), file)
        yield f"sqlite:///{file}"
        for part in ("", "-wal", "-shm"):
            file.with_name(file.name + part).unlink(missing_ok=True)

    def _original(self, fill: Fill) -> Path:
        if made(fill) not in self._filled:
            file = self._folder / f"{named(fill)}.db"
            fill(f"sqlite:///{file}")
            # Its last connection is closed: what was in the WAL is in the file, or the copies would lack it.
            assert [each.name for each in self._folder.glob(f"{file.name}-*")] == []
            self._filled[made(fill)] = file
        return self._filled[made(fill)]


class PostgreSQL:
    """Databases of a server, each under a name that no other has."""

    def __init__(self, server: str) -> None:
        self._server = make_url(server)
        self._admin = create_engine(
            self._server.set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT", pool_size=1
        )
        self._filled: dict[Made, str] = {}

    def close(self) -> None:
        self._admin.dispose()

    @contextmanager
    def fresh(self, file: Path, fill: Fill | None = None) -> Iterator[str]:  # a server has no files
        name = f"test_{uuid4().hex}"
        self._create(name, "template1" if fill is None else self._original(fill))
        try:
            yield self._url(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _original(self, fill: Fill) -> str:
        if made(fill) not in self._filled:
            name = f"filled_{named(fill)}"
            self._create(name, "template1")
            fill(self._url(name))
            self._filled[made(fill)] = name
        return self._filled[made(fill)]

    def _create(self, name: str, like: str) -> None:
        # Copied as files: without fsync that, and dropping it, takes half as long as writing it into the WAL.
        with self._admin.connect() as connection:
            chosen = (connection.dialect.server_version_info or (0,)) >= (15,)
            strategy = " STRATEGY FILE_COPY" if chosen else ""  # before 15 there was no other
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {like}{strategy}"))

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def _url(self, name: str) -> str:
        return self._server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
