"""Entities as they are read: the state of a road map or an activity, now or as known at an earlier position."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from . import roadmaps
from .engine import MODELS_BY_NAME, Body, fold, owned
from .tables import entities


def state(connection: Connection, model: str, key: str, known_at: int) -> Any:
    """The state of one entity; None where nothing was known of it."""
    statement = select(entities.c.body).where(entities.c.model == model, entities.c.key == key)
    stored = connection.execute(statement).scalar()
    return None if stored is None else _decoded(connection, model, bytes(stored), known_at)


def states(connection: Connection, model: str, prefix: str, known_at: int) -> list[Any]:
    """The states of all entities whose key begins with ``prefix`` (all of the model, if that is empty)."""
    statement = select(entities.c.body).where(entities.c.model == model).order_by(entities.c.key)
    if prefix:
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        statement = statement.where(entities.c.key >= prefix, entities.c.key < after)
    bodies = [bytes(body) for (body,) in connection.execute(statement)]
    found = [_decoded(connection, model, body, known_at) for body in bodies]
    return [each for each in found if each is not None]


def roadmap(connection: Connection, code: str, as_of: str, known_at: int) -> dict[str, Any] | None:
    """A road map in the shape of ``/v1/roadmaps/{id}``; None where it is not known."""
    head: roadmaps.Roadmap | None = state(connection, "roadmaps", code, known_at)
    if head is None:
        return None
    views = [roadmaps.view(each, as_of) for each in states(connection, "activities", f"{code}/", known_at)]
    activities = sorted((each for each in views if each), key=lambda each: (each["section"] or "", each["activity"]))
    return {**msgspec.structs.asdict(head), "activities": activities}


def _decoded(connection: Connection, model: str, stored: bytes, known_at: int) -> Any:
    body = msgspec.json.decode(stored, type=Body)
    touched = [*body.positions, *body.retracted.values()]
    if touched and max(touched) > known_at:
        standing = [at for at in body.positions if at <= known_at and body.retracted.get(at, known_at + 1) > known_at]
        return fold(connection, MODELS_BY_NAME[model], standing, lambda event: owned(connection, event))
    return body.decode(MODELS_BY_NAME[model])
