"""What is tortured: the intake and the log as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, select

from vertikal.events import log
from vertikal.events.tables import events
from vertikal.services import store
from vertikal.services.access import Party
from vertikal.services.intake import Intake, Outcome
from vertikal.services.settings import now, read_settings


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as the log or a reader has it."""

    position: int
    source: str
    id: str


class Door(Protocol):
    """A way to append events and to follow them. ``production``: it judges events, and figures are made of them."""

    production: bool

    def make(self) -> None:
        """Make the tables."""

    def submit(
        self, party: Party, sent: Sequence[dict[str, Any]], *, atomic: bool = False, dry_run: bool = False
    ) -> list[Outcome]: ...

    def read(self, connection: Connection, after: int, limit: int) -> list[Entry]:
        """What a reader with its cursor at ``after`` is given next."""

    def whole(self, connection: Connection) -> list[Entry]:
        """Everything that was written, by position."""


class IntakeDoor:
    """The door of production."""

    production = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._intake = Intake(engine, now, read_settings({}).timezone)

    def make(self) -> None:
        store.create(self._engine)

    def submit(
        self, party: Party, sent: Sequence[dict[str, Any]], *, atomic: bool = False, dry_run: bool = False
    ) -> list[Outcome]:
        return self._intake.submit(party, sent, atomic=atomic, dry_run=dry_run).results

    def read(self, connection: Connection, after: int, limit: int) -> list[Entry]:
        found = log.read(connection, after, limit)
        return [Entry(each.position, each.event["source"], each.event["id"]) for each in found]

    def whole(self, connection: Connection) -> list[Entry]:
        columns = (events.c.position, events.c.source, events.c.id)
        return [Entry(*row) for row in connection.execute(select(*columns).order_by(events.c.position))]
