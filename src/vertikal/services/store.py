"""The database as a whole: made by ``vertikal init``, checked before anything is served."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, func, insert, inspect, select

from ..events import tables as events
from ..events.database import connect, reading, writing
from ..projections import tables as projections
from . import access

PARTS = (events.metadata, projections.metadata, access.metadata)
NEVER = "1970-01-01T00:00:00.000000Z"


class NotReady(Exception):
    """The database cannot be used as it is; the text says what to do."""


def create(engine: Engine) -> bool:
    """Make what is missing; whether anything was."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    made = not _is_made(engine)
    for metadata in PARTS:
        metadata.create_all(engine)
    with writing(engine) as connection:
        if connection.execute(select(func.count()).select_from(events.head)).scalar() == 0:
            connection.execute(insert(events.head).values(one=1, position=0, recorded_at=NEVER, organisations=0))
            connection.execute(insert(projections.cursor).values(one=1, position=0))
    return made


def open_store(url: str) -> Engine:
    """The engine of a database that is ready. Raises ``NotReady``; connection errors are SQLAlchemy's."""
    engine = connect(url)
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if (file and not Path(file).exists()) or not _is_made(engine):
        raise NotReady(f"no Vertikal database at {engine.url.render_as_string()}: run `vertikal init` first")
    return engine


def check(engine: Engine) -> list[str]:
    """What is wrong with the log: the head must be the number of events and the last position."""
    with reading(engine) as connection:
        head = connection.execute(select(events.head.c.position)).scalar()
        count, last = connection.execute(select(func.count(), func.max(events.events.c.position))).one()
        seen = connection.execute(select(projections.cursor.c.position)).scalar()
    found = []
    if not head == count == (last or 0):
        found.append(f"log: the head says {head}, there are {count} events, the last has position {last}")
    if (seen or 0) > (head or 0):
        found.append(f"ledger: its cursor {seen} lies behind the head {head}")
    return found


def _is_made(engine: Engine) -> bool:
    present = set(inspect(engine).get_table_names())
    return {table for metadata in PARTS for table in metadata.tables} <= present
