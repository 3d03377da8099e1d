"""Whose a road map or a cycle is: some events leave it to the log, which knows who declared the thing."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from ..contracts.catalogue import CATALOGUE
from ..events import log, registry
from ..read_models.model import Event


class Owners:
    """Adds ``event["owner"]`` where only the owner of something may say an event; remembers what it has read."""

    def __init__(self) -> None:
        self._declared: dict[registry.Reference, list[tuple[int, str]]] = {}

    def recall(self, connection: Connection, events: Iterable[Event]) -> None:
        """Read in one query what a batch of events will need; what it declares anew is read anew."""
        wanted = set()
        for event in events:
            for name in CATALOGUE.newest[event["type"]].declares:
                for code, _ in name.codes(event["data"]):
                    self._declared.pop((name.kind, code), None)
            thing = _thing(event)
            if thing is not None:
                wanted.add(thing)
        self._declared |= registry.owners(connection, wanted - self._declared.keys())

    def recall_all(self, connection: Connection) -> None:
        """Read everything that any event may need."""
        kinds = {contract.of for contract in CATALOGUE.newest.values() if contract.of is not None}
        self._declared = registry.all_owners(connection, kinds)

    def owned(self, connection: Connection, position: int, event: Event) -> Event:
        """The event at a position with the owner as the log named it by then, whatever was retracted later."""
        thing = _thing(event)
        if thing is None:
            return event
        if thing not in self._declared:
            self._declared |= registry.owners(connection, [thing])
        known = [owner for at, owner in self._declared[thing] if at <= position]
        return {**event, "owner": known[-1] if known else event["subject"]}


def owned_events(connection: Connection, positions: Iterable[int], owners: Owners) -> list[Event]:
    """The events at these positions, in their order, in the newest version of their contracts and with owners."""
    found = log.read_at(connection, positions)
    return [owners.owned(connection, at, CATALOGUE.upcast(found[at].event)) for at in sorted(found)]


def _thing(event: Event) -> registry.Reference | None:
    contract = CATALOGUE.newest.get(event["type"])
    return None if contract is None or contract.of is None else (contract.of, event["data"][contract.of])
