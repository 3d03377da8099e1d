"""Entities as they are read: the state of a road map or an activity, now or as known at an earlier position."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ..events import registry
from . import roadmaps
from .engine import MODELS_BY_NAME, Body, fold
from .owners import Owners
from .tables import cursor, entities


def state(connection: Connection, model: str, key: str, known_at: int) -> Any:
    """The state of one entity; None where nothing was known of it."""
    statement = select(entities.c.body).where(entities.c.model == model, entities.c.key == key)
    stored = [bytes(body) for (body,) in connection.execute(statement)]
    return next(iter(_decoded(connection, model, stored, known_at)), None)


def states(connection: Connection, model: str, prefix: str, known_at: int) -> list[Any]:
    """The states of all entities whose key begins with ``prefix`` (all of the model, if that is empty)."""
    statement = select(entities.c.body).where(entities.c.model == model).order_by(entities.c.key)
    if prefix:
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        statement = statement.where(entities.c.key >= prefix, entities.c.key < after)
    return _decoded(connection, model, [bytes(body) for (body,) in connection.execute(statement)], known_at)


def roadmap(connection: Connection, code: str, as_of: str, known_at: int) -> dict[str, Any] | None:
    """A road map in the shape of ``/v1/roadmaps/{id}``; None where it is not known."""
    head: roadmaps.Roadmap | None = state(connection, "roadmaps", code, known_at)
    if head is None:
        return None
    views = [roadmaps.view(each, as_of) for each in states(connection, "activities", f"{code}/", known_at)]
    activities = sorted((each for each in views if each), key=lambda each: (each["section"] or "", each["activity"]))
    return {**msgspec.structs.asdict(head), "activities": activities}


def _decoded(connection: Connection, model: str, stored: list[bytes], known_at: int) -> list[Any]:
    """The states that stand at a position; those that changed since are folded again from the log."""
    bodies = [msgspec.json.decode(body, type=Body) for body in stored]
    positions = [at for body in bodies for at in body.positions]
    held = connection.execute(select(cursor.c.position)).scalar_one()
    now, then = (registry.undone(connection, positions, at) for at in (held, known_at))
    found = []
    for body in bodies:
        standing = [at for at in body.positions if at <= known_at and at not in then]
        if standing == [at for at in body.positions if at not in now]:
            found.append(body.decode(MODELS_BY_NAME[model]))
        else:
            found.append(fold(connection, MODELS_BY_NAME[model], standing, Owners()))
    return [state for state in found if state is not None]
