"""The ledger as it is opened for reading: one state of it, with its places, accounts and tree at hand."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, func, select

from ..events import registry
from ..events.tables import head
from ..read_models.indicator import Dimensions
from .organisations import Tree, read_tree
from .tables import VOLUMES, Volume, accounts, places, volumes

TREES_REMEMBERED = 32


@dataclass(frozen=True)
class Place:
    """An organisation under its parents: ``path`` are the codes from the root down."""

    id: int
    path: str
    organisation: str
    kind: str


@dataclass(frozen=True)
class Account:
    """A measure with values of its dimensions; a summary has only those dimensions that most questions ask for."""

    id: int
    measure: str
    dimensions: Dimensions
    summary: bool


@dataclass(frozen=True)
class Opened:
    """One state of the ledger, for the length of a transaction."""

    connection: Connection
    volume: Volume
    position: int
    closed: int
    head: int
    places: Mapping[int, Place]
    accounts: Mapping[str, list[Account]]
    _trees: _Trees

    def tree(self, known_at: int) -> Tree:
        """The organisations as known at a position."""
        return self._trees.at(self.connection, known_at)

    def holding(self, organisation: str) -> list[Place]:
        """Where the organisation stands or stood."""
        return [place for place in self.places.values() if place.organisation == organisation]

    def under(self, at: Iterable[Place]) -> list[Place]:
        """These places and all below them."""
        roots = [place.path for place in at]
        return [
            place
            for place in self.places.values()
            if any(place.path == root or place.path.startswith(root + "/") for root in roots)
        ]


class _Trees:
    """The trees at all positions up to one; those that were asked for are remembered, a few at a time."""

    def __init__(self, connection: Connection, until: int) -> None:
        self.until = until
        self._turns = registry.turns(connection)
        self._read: dict[int, Tree] = {}

    def at(self, connection: Connection, known_at: int) -> Tree:
        """The tree as known at a position, which is that of the last event before it that concerned the tree."""
        number = bisect_right(self._turns, known_at)
        turn = self._turns[number - 1] if number else 0
        tree = self._read.get(turn)
        if tree is None:
            if len(self._read) >= TREES_REMEMBERED:
                self._read = {}
            tree = self._read[turn] = read_tree(connection, turn)
        return tree


class Book:
    """Remembers, between readings, what of the ledger only ever grows. One per process, shared by its threads."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        self._accounts: tuple[int, dict[str, list[Account]]] = (0, {})
        self._trees: _Trees | None = None

    def open(self, connection: Connection) -> Opened:
        """The ledger as this transaction sees it."""
        name, position, closed, last, turned, last_place, last_account = connection.execute(_STATE).one()
        places_now, accounts_now, trees_now = self._places, self._accounts, self._trees
        if len(places_now) != (last_place or 0):
            places_now = {row.id: Place(*row) for row in connection.execute(select(places))}
        if accounts_now[0] != (last_account or 0):
            accounts_now = (last_account, _read_accounts(connection))
        if trees_now is None or trees_now.until != turned:
            trees_now = _Trees(connection, turned)
        self._places, self._accounts, self._trees = places_now, accounts_now, trees_now
        return Opened(connection, VOLUMES[name], position, closed, last, places_now, accounts_now[1], trees_now)


def live(connection: Connection) -> Volume:
    """The volume that figures are read from."""
    return VOLUMES[connection.execute(select(volumes.c.name).where(volumes.c.live == 1)).scalar_one()]


def resting(connection: Connection) -> Volume:
    """The volume that is not live."""
    return VOLUMES[connection.execute(select(volumes.c.name).where(volumes.c.live == 0)).scalar_one()]


def held(connection: Connection, volume: Volume | None = None) -> int:
    """The last position of the log that a volume holds; without one, that the figures hold."""
    whose = volumes.c.live == 1 if volume is None else volumes.c.name == volume.name
    return int(connection.execute(select(volumes.c.position).where(whose)).scalar_one())


_STATE = select(
    volumes.c.name,
    volumes.c.position,
    volumes.c.closed,
    head.c.position,
    head.c.organisations,
    select(func.max(places.c.id)).scalar_subquery(),
    select(func.max(accounts.c.id)).scalar_subquery(),
).select_from(volumes.join(head, volumes.c.live == head.c.one))


def _read_accounts(connection: Connection) -> dict[str, list[Account]]:
    found: dict[str, list[Account]] = defaultdict(list)
    columns = (accounts.c.id, accounts.c.measure, accounts.c.dimensions, accounts.c.summary)
    for id_, measure, dimensions, summary in connection.execute(select(*columns)):
        found[measure].append(Account(id_, measure, orjson.loads(dimensions), bool(summary)))
    return dict(found)
