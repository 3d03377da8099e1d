"""Entities as they are read: the state of a road map or an activity, now or as known at an earlier position."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Select, select

from ..events import registry
from ..read_models import MODELS, roadmaps
from .book import Opened
from .folding import Body, fold
from .owners import Owners, owned_events

BY_NAME = {model.name: model for model in MODELS}


def state(ledger: Opened, model: str, key: str, known_at: int) -> Any:
    """The state of one entity; None where nothing was known of it."""
    table = ledger.volume.entities
    statement = select(table.c.body).where(table.c.model == BY_NAME[model].stored_as, table.c.key == key)
    return next(iter(_decoded(ledger, model, statement, known_at)), None)


def states(ledger: Opened, model: str, prefix: str, known_at: int) -> list[Any]:
    """The states of all entities whose key begins with ``prefix`` (all of the model, if that is empty)."""
    table = ledger.volume.entities
    statement = select(table.c.body).where(table.c.model == BY_NAME[model].stored_as).order_by(table.c.key)
    if prefix:
        after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        statement = statement.where(table.c.key >= prefix, table.c.key < after)
    return _decoded(ledger, model, statement, known_at)


def roadmap(ledger: Opened, code: str, as_of: str, known_at: int) -> dict[str, Any] | None:
    """A road map in the shape of ``/v1/roadmaps/{id}``; None where it is not known."""
    head: roadmaps.Roadmap | None = state(ledger, "roadmaps", code, known_at)
    if head is None:
        return None
    views = [roadmaps.view(each, as_of) for each in states(ledger, "activities", f"{code}/", known_at)]
    activities = sorted((each for each in views if each), key=lambda each: (each["section"] or "", each["activity"]))
    return {**msgspec.structs.asdict(head), "activities": activities}


def _decoded(ledger: Opened, model: str, statement: Select[Any], known_at: int) -> list[Any]:
    """The states that stand at a position; those that changed since are folded again from the log."""
    connection = ledger.connection
    bodies = [msgspec.json.decode(bytes(body), type=Body) for (body,) in connection.execute(statement)]
    positions = [at for body in bodies for at in body.positions]
    now, then = (registry.undone(connection, positions, at) for at in (ledger.position, known_at))
    found = []
    for body in bodies:
        standing = [at for at in body.positions if at <= known_at and at not in then]
        if standing == [at for at in body.positions if at not in now]:
            found.append(body.decode(BY_NAME[model]))
        else:
            found.append(fold(BY_NAME[model], owned_events(connection, standing, Owners())))
    return [state for state in found if state is not None]
