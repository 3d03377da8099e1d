"""Entities as they are read: the state of a road map or a cohort, now or as known at an earlier position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Table, and_, or_, select

from ..contracts.catalogue import CATALOGUE
from ..events import log, registry
from ..read_models import MODELS
from ..read_models.model import Event
from .book import Opened
from .folding import Body, fold
from .owners import Owners, owned_events

CHUNK = 100
BY_NAME = {model.name: model for model in MODELS}


def state(ledger: Opened, model: str, key: str, known_at: int) -> Any:
    """The state of one entity; None where nothing was known of it."""
    table = ledger.volume.entities
    statement = select(table.c.body).where(table.c.model == BY_NAME[model].stored_as, table.c.key == key)
    return next(iter(_decoded(ledger, model, statement, known_at)), None)


def states(ledger: Opened, model: str, prefix: str, known_at: int) -> list[Any]:
    """The states of all entities whose key begins with ``prefix`` (all of the model, if that is empty)."""
    return states_of(ledger, model, [prefix], known_at)


def states_of(ledger: Opened, model: str, prefixes: Sequence[str], known_at: int) -> list[Any]:
    """The states of all entities whose key begins with one of the prefixes, by key."""
    table, found = ledger.volume.entities, []
    ours = table.c.model == BY_NAME[model].stored_as
    for start in range(0, len(prefixes), CHUNK):
        wanted = or_(*(and_(ours, *_under(table, prefix)) for prefix in prefixes[start : start + CHUNK]))
        found += _decoded(ledger, model, select(table.c.body).where(wanted).order_by(table.c.key), known_at)
    return found


def _under(table: Table, prefix: str) -> list[ColumnElement[bool]]:
    """What keys that begin with a prefix satisfy."""
    if not prefix:
        return []
    return [table.c.key >= prefix, table.c.key < prefix[:-1] + chr(ord(prefix[-1]) + 1)]


def some(ledger: Opened, model: str, keys: Iterable[str], known_at: int) -> dict[str, Any]:
    """The states of these entities by key, of those of which anything was known."""
    found: dict[str, Any] = {}
    for chunk, bodies in _stored(ledger, model, keys):
        decoded = _states(ledger, model, bodies, known_at)
        found |= {key: state for key, state in zip(chunk, decoded, strict=True) if state is not None}
    return found


def events(ledger: Opened, model: str, keys: Iterable[str], known_at: int) -> dict[str, list[tuple[int, Event]]]:
    """The events that stand behind these entities, by key: (position, event) in the order of the log."""
    connection, found = ledger.connection, positions(ledger, model, keys)
    wanted = {at for each in found.values() for at in each if at <= known_at}
    read = log.read_at(connection, wanted - registry.undone(connection, wanted, known_at))
    said = {at: CATALOGUE.upcast(recorded.event) for at, recorded in read.items()}
    return {key: [(at, said[at]) for at in sorted(each) if at in said] for key, each in found.items()}


def positions(ledger: Opened, model: str, keys: Iterable[str]) -> dict[str, list[int]]:
    """The positions of all events of these entities, by key: also of those that were taken back."""
    found: dict[str, list[int]] = {}
    for chunk, bodies in _stored(ledger, model, keys):
        found |= {key: body.positions for key, body in zip(chunk, bodies, strict=True)}
    return found


def _stored(ledger: Opened, model: str, keys: Iterable[str]) -> Iterator[tuple[list[str], list[Body]]]:
    """Entities as they are stored, with their keys, some at a time."""
    table, wanted = ledger.volume.entities, sorted(set(keys))
    for start in range(0, len(wanted), CHUNK):
        here = (table.c.model == BY_NAME[model].stored_as, table.c.key.in_(wanted[start : start + CHUNK]))
        rows = ledger.connection.execute(select(table.c.key, table.c.body).where(*here)).all()
        yield [row.key for row in rows], [msgspec.json.decode(bytes(row.body), type=Body) for row in rows]


def _decoded(ledger: Opened, model: str, statement: Select[Any], known_at: int) -> list[Any]:
    """The states that stand at a position, of the bodies that a statement selects."""
    bodies = [msgspec.json.decode(bytes(body), type=Body) for (body,) in ledger.connection.execute(statement)]
    return [state for state in _states(ledger, model, bodies, known_at) if state is not None]


def _states(ledger: Opened, model: str, bodies: list[Body], known_at: int) -> list[Any]:
    """The states that stand at a position; those that changed since are folded again from the log."""
    connection = ledger.connection
    positions = [at for body in bodies for at in body.positions]
    now = registry.undone(connection, positions, ledger.position)
    then = now if known_at == ledger.position else registry.undone(connection, positions, known_at)
    found, owners = [], Owners()
    for body in bodies:
        standing = [at for at in body.positions if at <= known_at and at not in then]
        if standing == [at for at in body.positions if at not in now]:
            found.append(body.decode(BY_NAME[model]))
        else:
            found.append(fold(BY_NAME[model], owned_events(connection, standing, owners)))
    return found
