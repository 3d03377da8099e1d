"""What could not be applied: the events at which entities stand still, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection, func, select

from ..events.tables import events
from .tables import Volume


@dataclass(frozen=True)
class Blocked:
    """An event that an entity of a read model could not take, and the organisations whose figures lack it."""

    model: str
    key: str
    position: int
    source: str
    id: str
    type: str
    organisations: list[str]
    reason: str


def count(connection: Connection, volume: Volume, organisations: Collection[str] | None = None) -> int:
    """How many events could not be applied; ``organisations``: of those that concern any of these."""
    table = volume.blocked
    counted = select(func.count(func.distinct(table.c.position)))
    if organisations is not None:
        counted = counted.where(table.c.organisation.in_(organisations))
    return connection.execute(counted).scalar_one()


def first(connection: Connection, volume: Volume, limit: int) -> list[Blocked]:
    """The first of them, at most ``limit``, in the order of the log."""
    table = volume.blocked
    key = (table.c.position, table.c.model, table.c.key)
    shown = select(*key).distinct().order_by(*key).limit(limit).subquery("shown")
    statement = (
        select(*key, events.c.source, events.c.id, events.c.type, table.c.reason, table.c.organisation)
        .join(shown, (shown.c.position == key[0]) & (shown.c.model == key[1]) & (shown.c.key == key[2]))
        .join(events, events.c.position == table.c.position)
        .order_by(*key, table.c.organisation)
    )
    return [
        Blocked(model, entity, position, source, id_, type_, [row.organisation for row in rows], reason)
        for (position, model, entity, source, id_, type_, reason), rows in groupby(
            connection.execute(statement), lambda row: tuple(row[:-1])
        )
    ]
