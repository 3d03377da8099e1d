"""Entities: what is stored of them, and how an event, or a retraction, changes what they are worth.

The one place where ``evolve`` and ``measures`` of a read model are called, live and in a rebuild.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ..contracts.catalogue import CATALOGUE
from ..read_models.model import Cell, Cells, Event, Model

Changes = list[tuple[Cell, int]]
Heard = dict[str, dict[str, int]]  # by topic: amounts by date
NOTHING = msgspec.Raw(b"null")
REASON_MAX = 500


class Body(msgspec.Struct, omit_defaults=True):
    """An entity as stored: its state, the positions of its events, why it stands still, if it does, what it heard."""

    state: msgspec.Raw = NOTHING
    positions: list[int] = []
    blocked: str | None = None
    heard: Heard = {}

    def decode(self, model: Model) -> Any:
        """The state; None where no event stands."""
        return msgspec.json.decode(self.state, type=model.state | None)


class Entity:
    """An entity in memory. A read model that cannot take an event stops it: ``blocked`` then says why."""

    __slots__ = ("blocked", "cells", "heard", "model", "positions", "state")

    def __init__(self, model: Model, stored: bytes | None = None) -> None:
        body = msgspec.json.decode(stored, type=Body) if stored else Body()
        self.model = model
        self.positions = body.positions
        self.blocked = body.blocked
        self.heard = body.heard
        self.state = body.decode(model)
        self.cells: Cells = model.worth(self.state, self.heard)

    def stored(self) -> bytes:
        """The bytes that it is stored as."""
        state = msgspec.Raw(msgspec.json.encode(self.state))
        return msgspec.json.encode(Body(state, self.positions, self.blocked, self.heard))

    def fold(self, position: int, event: Event) -> Changes:
        """What one more event changes in its worth; nothing where the entity stands still."""
        if not self.positions or self.positions[-1] != position:
            self.positions.append(position)
        if self.blocked is not None:
            return []
        try:
            state = self.model.evolve(self.state, event)
            cells = self.model.worth(state, self.heard)
        except Exception as error:  # stops this entity only: it is listed, and its figures say "incomplete"
            self.blocked = repr(error)[:REASON_MAX]
            return []
        return self._become(state, cells)

    def refold(self, standing: Iterable[Event]) -> Changes:
        """What changes when only these events stand; that may release the entity, or show that it must stand still."""
        try:
            state = fold(self.model, standing)
            cells = self.model.worth(state, self.heard)
        except Exception as error:  # as above
            self.blocked = repr(error)[:REASON_MAX]
            return []
        self.blocked = None
        return self._become(state, cells)

    def hear(self, topic: str, date: str, amount: int) -> Changes:
        """What changes in its worth when so much more is heard; an entity that stands still hears, and waits."""
        self.heard = _added(self.heard, topic, date, amount)
        if self.blocked is not None:
            return []
        try:
            cells = self.model.worth(self.state, self.heard)
        except Exception as error:  # as above
            self.blocked = repr(error)[:REASON_MAX]
            return []
        return self._become(self.state, cells)

    def _become(self, state: Any, cells: Cells) -> Changes:
        before, self.state, self.cells = self.cells, state, cells
        return difference(before, cells)


def fold(model: Model, events: Iterable[Event]) -> Any:
    """The state of an entity after events, in their order; None after none."""
    state = None
    for event in events:
        state = model.evolve(state, event)
    return state


def difference(before: Cells, after: Cells) -> Changes:
    """What to add to each cell to come from one worth to another."""
    changes = [(cell, more) for cell, amount in after.items() if (more := amount - before.get(cell, 0))]
    changes += [(cell, -amount) for cell, amount in before.items() if cell not in after]
    return changes


def _added(heard: Heard, topic: str, date: str, amount: int) -> Heard:
    """With so much more at a date; what comes to nothing is not there."""
    before = heard.get(topic, {})
    sums = {**before, date: before.get(date, 0) + amount}
    changed = {**heard, topic: {on: total for on, total in sums.items() if total}}
    return {of: each for of, each in changed.items() if each}


def concerned(event: Event) -> set[str]:
    """The organisations whose figures an event may touch: its subject, its owner, and all that it names."""
    contract = CATALOGUE.newest.get(event["type"])
    names = contract.refers if contract else ()
    named = {code for name in names if name.kind == "organisation" for code, _ in name.codes(event["data"])}
    return {event["subject"], event.get("owner", event["subject"]), *named}
