"""The engine: folds events into entities and posts what each event changed in their worth.

For every event and every read model that knows its type, ``measures(after) − measures(before)`` goes to the ledger.
Nothing is counted by hand. Cursor, entities, postings and balances change in one transaction, the caller's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from ..contracts.catalogue import CATALOGUE
from ..events import bulk, log, registry
from .ledger import Ledger
from .model import Cells, Event, Model
from .models import MEASURES, MODELS
from .organisations import Tree, read_tree
from .owners import Owners
from .placing import Path
from .tables import blocked, cursor, entities

Key = tuple[str, str]  # name of the model, key of the entity
ENTITIES_REMEMBERED = 100_000
CHUNK = 500
MODELS_BY_NAME = {model.name: model for model in MODELS}


NOTHING = msgspec.Raw(b"null")


class CursorMoved(Exception):
    """Another projector was faster; nothing was written."""


class Body(msgspec.Struct):
    """An entity as stored: its state, the positions of its events, and why it stands still, if it does."""

    state: msgspec.Raw = NOTHING
    positions: list[int] = []
    blocked: str | None = None

    def decode(self, model: Model) -> Any:
        """The state; None where no event stands."""
        return msgspec.json.decode(self.state, type=model.state | None)


class Entity:
    """An entity in memory: what is stored of it, its state, and what that is worth."""

    __slots__ = ("body", "cells", "state")

    def __init__(self, model: Model, stored: bytes | None) -> None:
        self.body = msgspec.json.decode(stored, type=Body) if stored else Body()
        self.state = self.body.decode(model)
        self.cells: Cells = model.measures(self.state) if self.state is not None else {}


class Engine:
    """A projector's view of the ledger, kept from batch to batch while nobody else moves the cursor."""

    def __init__(self) -> None:
        self._position: int | None = None
        self._by_type: dict[str, list[Model]] = defaultdict(list)
        for model in MODELS:
            for type_ in model.types:
                self._by_type[type_].append(model)

    def apply(self, connection: Connection, events: Sequence[log.Recorded]) -> None:
        """Fold events that follow the cursor without a gap; the caller commits, or calls ``forget``."""
        before, last = events[0].position - 1, events[-1].position
        moved = connection.execute(update(cursor).where(cursor.c.position == before).values(position=last))
        if moved.rowcount != 1:
            raise CursorMoved
        if self._position != before:
            self._load(connection, before)
        facts = [(recorded.position, CATALOGUE.upcast(recorded.event)) for recorded in events]
        self._recall(connection, [event for _, event in facts])
        for position, event in facts:
            if event["type"].startswith("organisation."):
                self._turn(connection, position, event, self._ledger.tree.after(event["type"], event["data"]))
            elif event["type"] == "event.retracted":
                self._retract(connection, position, event)
            else:
                for model in self._by_type.get(event["type"], ()):
                    self._fold(connection, model, position, event)
        self._flush(connection)
        self._position = last

    def forget(self) -> None:
        """Drop what is remembered of the database: its transaction did not commit."""
        self._position = None

    def _fold(self, connection: Connection, model: Model, position: int, event: Event) -> None:
        key = model.key(event)
        if key is None:
            return
        entity = self._entity(connection, model, key)
        if not entity.body.positions or entity.body.positions[-1] != position:
            entity.body.positions.append(position)
        self._changed.add((model.name, key))
        if entity.body.blocked is None:
            try:
                state = model.evolve(entity.state, self._owners.owned(connection, position, event))
                cells = model.measures(state)
            except SQLAlchemyError:  # says nothing of the event: the batch is tried again
                raise
            except Exception as error:  # stops this entity only: it is listed, and its figures say "incomplete"
                entity.body.blocked = repr(error)[:500]
            else:
                self._settle(connection, position, entity, state, cells)
                return
        self._block(connection, model, key, position, event, entity.body.blocked)

    def _block(self, connection: Connection, model: Model, key: str, position: int, event: Event, reason: str) -> None:
        """List an event that could not be applied under every organisation whose figures it may touch."""
        contract = CATALOGUE.newest.get(event["type"])
        names = contract.refers if contract else ()
        owned = self._owners.owned(connection, position, event)
        concerned = {event["subject"], owned.get("owner", event["subject"])}
        concerned |= {code for name in names if name.kind == "organisation" for code, _ in name.codes(event["data"])}
        self._blocked |= {(model.name, key, position, code): reason for code in concerned}

    def _settle(self, connection: Connection, position: int, entity: Entity, state: object, cells: Cells) -> None:
        posted = self._ledger.post(position, entity.cells, cells)
        entity.state, entity.cells = state, cells
        self._feed(connection, position, posted)

    def _feed(self, connection: Connection, position: int, posted: list[tuple[Path, str, str, int]]) -> None:
        """Postings are events to the read models that fold them, at every organisation that holds them."""
        for path, measure, date, amount in posted:
            for model in self._by_type.get(measure, ()):
                for holder in path:
                    what = {"type": measure, "organisation": path[-1], "holder": holder, "subject": holder}
                    self._fold(
                        connection, model, position, {**what, "measure": measure, "date": date, "amount": amount}
                    )

    def _turn(self, connection: Connection, position: int, event: Event, tree: Tree) -> None:
        """The tree changes: what stands at the organisations concerned moves to where they are now."""
        data, before = event["data"], self._ledger.tree
        turned: set[str] = set()
        if event["type"] != "organisation.renamed":
            for code in data.get("codes", [data.get("code")]):
                if self._ledger.holds(code):
                    turned |= {*before.under(code), *tree.under(code)}
        if turned:
            self._flush(connection)
        self._feed(connection, position, self._ledger.replant(connection, position, tree, turned))

    def _retract(self, connection: Connection, position: int, event: Event) -> None:
        """Fold again what the retraction concerns in the end, without the event or (retracted twice) with it."""
        event = CATALOGUE.upcast(log.retracted_by(connection, event)[0].event)
        if event["type"].startswith("organisation."):
            self._turn(connection, position, event, read_tree(connection, position))
        for model in self._by_type.get(event["type"], ()):
            if (key := model.key(event)) is not None:
                self._refold(connection, model, key, position, event)

    def _refold(self, connection: Connection, model: Model, key: str, position: int, event: Event) -> None:
        """The entity anew from its standing events; that may release it, or show that it has to stand still."""
        entity = self._entity(connection, model, key)
        gone = registry.undone(connection, entity.body.positions, position)
        standing = [at for at in entity.body.positions if at not in gone]
        self._changed.add((model.name, key))
        try:
            state = fold(connection, model, standing, self._owners)
            cells = model.measures(state) if state is not None else {}
        except SQLAlchemyError:
            raise
        except Exception as error:
            entity.body.blocked = repr(error)[:500]
            self._block(connection, model, key, position, event, entity.body.blocked)
            return
        if entity.body.blocked is not None:
            entity.body.blocked = None
            for where in [where for where in self._blocked if where[:2] == (model.name, key)]:
                del self._blocked[where]
            connection.execute(delete(blocked).where(blocked.c.model == model.name, blocked.c.key == key))
        self._settle(connection, position, entity, state, cells)

    def _entity(self, connection: Connection, model: Model, key: str) -> Entity:
        if (model.name, key) not in self._entities:
            self._recall_keys(connection, model, [key])
        return self._entities[model.name, key]

    def _recall(self, connection: Connection, events: Sequence[Event]) -> None:
        """Read in a few queries what a batch will need: its entities and the owners that it refers to."""
        wanted: dict[str, dict[str, None]] = defaultdict(dict)
        for event in events:
            for model in self._by_type.get(event["type"], ()):
                if (key := model.key(event)) is not None and (model.name, key) not in self._entities:
                    wanted[model.name][key] = None
        for name, keys in wanted.items():
            self._recall_keys(connection, MODELS_BY_NAME[name], list(keys))
        self._owners.recall(connection, events)

    def _recall_keys(self, connection: Connection, model: Model, keys: list[str]) -> None:
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            statement = select(entities.c.key, entities.c.body).where(
                entities.c.model == model.name, entities.c.key.in_(chunk)
            )
            stored = {key: bytes(body) for key, body in connection.execute(statement)}
            for key in chunk:
                self._entities[model.name, key] = Entity(model, stored.get(key))

    def _load(self, connection: Connection, position: int) -> None:
        self._ledger = Ledger(connection, MEASURES, read_tree(connection, position))
        self._entities: dict[Key, Entity] = {}
        self._owners = Owners()
        self._changed: set[Key] = set()
        self._blocked: dict[tuple[str, str, int, str], str] = {}

    def _flush(self, connection: Connection) -> None:
        self._ledger.flush(connection)
        rows = []
        for name, key in sorted(self._changed):
            entity = self._entities[name, key]
            entity.body.state = msgspec.Raw(msgspec.json.encode(entity.state))
            rows.append((name, key, msgspec.json.encode(entity.body)))
        bulk.replace(connection, entities, rows)
        bulk.replace(connection, blocked, [(*where, reason) for where, reason in sorted(self._blocked.items())])
        self._changed, self._blocked = set(), {}
        if len(self._entities) > ENTITIES_REMEMBERED:
            self._entities = {}


def fold(connection: Connection, model: Model, positions: Iterable[int], owners: Owners) -> object:
    """The state of an entity after the events at these positions, in their order; None after none."""
    recorded = log.read_at(connection, positions)
    state = None
    for position in sorted(recorded):
        event = CATALOGUE.upcast(recorded[position].event)
        state = model.evolve(state, owners.owned(connection, position, event))
    return state
