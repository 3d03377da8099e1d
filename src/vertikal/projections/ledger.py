"""The ledger: postings at the organisation that a fact is about, balances for it and everyone above it.

A school has no balances: its postings are few, and are summed when they are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

import orjson
from sqlalchemy import Connection, func, select

from ..events import bulk
from ..read_models.model import Cell, Measure
from .folding import Changes
from .numbers import Numbers
from .organisations import Tree
from .placing import Path, placed
from .tables import Volume, accounts, places

Posted = tuple[Path, str, tuple[str, ...], str, int]  # path, measure, values of its dimensions, date, amount


class Ledger:
    """Collects what a batch of events posts and writes it in one go.

    ``postings_only``: balances are made later, of all postings at once (see ``rebuild``).
    """

    def __init__(
        self,
        connection: Connection,
        volume: Volume,
        measures: dict[str, Measure],
        tree: Tree,
        *,
        postings_only: bool = False,
    ) -> None:
        self.tree = tree
        self._volume = volume
        self._postings_only = postings_only
        self._measures = measures
        self._numbers = Numbers(connection, measures)
        self.note_places(connection)
        self._settled: dict[str, Path] = {}
        self._settled_in: dict[int, tuple[Tree, dict[str, Path]]] = {}  # by id of the tree, which stays with it
        self._forget_numbers()
        self._clear()

    def post(self, position: int, changes: Changes) -> list[Posted]:
        """Post changes of worth at ``position``; returns what was posted."""
        posted: list[Posted] = []
        for cell, amount in changes:
            organisation, measure, dimensions, date = cell
            settled = self._settled.get(organisation)
            if settled is not None:
                posted.append(self._write(position, measure, dimensions, settled, date, amount, False))
            else:
                posted += self._place(position, cell, amount)
        return posted

    def stand_in(self, tree: Tree) -> None:
        """Post in another tree from now on; what was posted stays where it is."""
        if tree is not self.tree:
            self._settled_in[id(self.tree)] = self.tree, self._settled
            self.tree, self._settled = self._settled_in.setdefault(id(tree), (tree, {}))

    def forget_trees(self) -> None:
        """Keep no tree but the one that is posted in."""
        self._settled_in = {}

    def replant(self, connection: Connection, position: int, tree: Tree, turned: set[str]) -> list[Posted]:
        """Put a new tree in place of the old one: what stands at the ``turned`` organisations is posted anew."""
        changes: defaultdict[tuple[str, tuple[str, ...], Path, str, bool], int] = defaultdict(int)
        for organisation in sorted(turned):
            for measure, values, date, amount in facts(
                connection, self._volume, self._measures, organisation, position
            ):
                kind = self._measures[measure].kind
                for sign, planted in ((-1, self.tree), (1, tree)):
                    for path, on, way, moved in placed(planted, organisation, kind, date):
                        changes[measure, values, path, on, moved] += sign * way * amount
        self.tree, self._settled = tree, {}
        return [
            self._write(position, measure, values, path, on, amount, moved)
            for (measure, values, path, on, moved), amount in changes.items()
            if amount
        ]

    def note_places(self, connection: Connection) -> None:
        """See what others have posted at."""
        self._codes: set[str] = set(connection.execute(select(places.c.organisation)).scalars())

    def holds(self, organisation: str) -> bool:
        """Whether anything was ever posted at the organisation or below it."""
        return organisation in self._codes

    def flush(self, connection: Connection) -> None:
        """Write what was collected."""
        place, account = self._numbers.settle(connection)
        postings = [
            (place.get(key[0], key[0]), account.get(key[1], key[1]), *key[2:], amount)
            for key, amount in self._postings.items()
            if amount
        ]
        balances = [
            (place.get(key[0], key[0]), account.get(key[1], key[1]), key[2], amount)
            for key, amount in self._balances.items()
            if amount
        ]
        bulk.insert(connection, self._volume.postings, sorted(postings))
        bulk.add(connection, self._volume.balances, sorted(balances))
        if place or account:
            self._forget_numbers()
        self._clear()

    def _place(self, position: int, cell: Cell, amount: int) -> Iterator[Posted]:
        organisation, measure, dimensions, date = cell
        kind = self._measures[measure].kind
        node = self.tree.nodes.get(organisation)
        if node and node.ended is None and not self.tree.turns(organisation):
            self._settled[organisation] = self.tree.path(organisation, date)
        for path, on, sign, moved in placed(self.tree, organisation, kind, date):
            yield self._write(position, measure, dimensions, path, on, sign * amount, moved)

    def _write(
        self, position: int, measure: str, values: tuple[str, ...], path: Path, on: str, amount: int, moved: bool
    ) -> Posted:
        account, summary = self._accounts.get((measure, values)) or self._know_account(measure, values)
        place, above = self._holders.get(path) or self._know_place(path)
        day = day_of(on)
        self._postings[place, account, position, day, int(moved)] += amount
        for holder in above:
            self._balances[holder, account, day] += amount
            if summary is not None:
                self._balances[holder, summary, day] += amount
        return path, measure, values, on, amount

    def _know_account(self, measure: str, values: tuple[str, ...]) -> tuple[int, int | None]:
        self._accounts[measure, values] = self._numbers.account(measure, values)
        return self._accounts[measure, values]

    def _know_place(self, path: Path) -> tuple[int, tuple[int, ...]]:
        """The place at the end of a path, and those along it that hold balances."""
        along = [path[:depth] for depth in range(1, len(path) + 1)]
        numbers = []
        for each in along:
            node = self.tree.nodes.get(each[-1])
            numbers.append(self._numbers.place(each, node.kind if node else ""))
            self._codes.add(each[-1])
        holding = () if self._postings_only else zip(numbers, along, strict=True)
        above = tuple(id_ for id_, each in holding if not self._numbers.is_leaf(each))
        self._holders[path] = numbers[-1], above
        return self._holders[path]

    def _forget_numbers(self) -> None:
        """Provisional numbers have become others."""
        self._accounts: dict[tuple[str, tuple[str, ...]], tuple[int, int | None]] = {}
        self._holders: dict[Path, tuple[int, tuple[int, ...]]] = {}

    def _clear(self) -> None:
        self._postings: defaultdict[tuple[int, int, int, int, int], int] = defaultdict(int)
        self._balances: defaultdict[tuple[int, int, int], int] = defaultdict(int)


def facts(
    connection: Connection, volume: Volume, measures: dict[str, Measure], organisation: str, before: int
) -> list[tuple[str, tuple[str, ...], str, int]]:
    """(measure, dimensions, date, amount) of what was posted at an organisation before a position, in any place."""
    postings, total = volume.postings, func.sum(volume.postings.c.amount)
    statement = (
        select(accounts.c.measure, accounts.c.dimensions, postings.c.date, total)
        .join(places, places.c.id == postings.c.place)
        .join(accounts, accounts.c.id == postings.c.account)
        .where(places.c.organisation == organisation, postings.c.moved == 0, postings.c.position < before)
        .group_by(accounts.c.id, postings.c.date)
        .having(total != 0)
    )
    found = []
    for measure, dimensions, day, amount in connection.execute(statement):
        if measure in measures:
            found.append((measure, values_of(measures[measure], dimensions), date_of(day), int(amount)))
    return found


def values_of(measure: Measure, dimensions: str) -> tuple[str, ...]:
    """The values of a measure's dimensions, as an account holds them, in their order."""
    named = orjson.loads(dimensions)
    return tuple(named[each] for each in measure.dimensions)


@lru_cache(maxsize=20_000)
def date_of(day: int) -> str:
    """20201218 → 2020-12-18."""
    text = f"{day:08}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


@lru_cache(maxsize=20_000)
def day_of(date: str) -> int:
    """2020-12-18 → 20201218."""
    return int(date[:4] + date[5:7] + date[8:])
