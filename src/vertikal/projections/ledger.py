"""The ledger: postings at the organisation that a fact is about, balances for it and everyone above it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import orjson
from sqlalchemy import Connection, select

from ..events import bulk
from .model import Cell, Cells, Measure
from .organisations import Tree
from .placing import Path, placed
from .tables import accounts, balances, places, postings


class Ledger:
    """Collects what a batch of events posts and writes it in one go; knows the number of every place and account."""

    def __init__(self, connection: Connection, measures: dict[str, Measure], tree: Tree) -> None:
        self.measures = measures
        self.tree = tree
        self._places = {path: id_ for id_, path in connection.execute(select(places.c.id, places.c.path))}
        stored = connection.execute(select(accounts.c.id, accounts.c.measure, accounts.c.dimensions))
        self._accounts = {
            (measure, tuple(orjson.loads(dimensions)[name] for name in measures[measure].dimensions)): id_
            for id_, measure, dimensions in stored
        }
        self._measure_of = {id_: measure for (measure, _), id_ in self._accounts.items()}
        self._holders: dict[Path, tuple[int, ...]] = {}
        self._settled: dict[str, Path] = {}
        self._clear()

    def post(self, position: int, before: Cells, after: Cells) -> list[tuple[Path, str, str, int]]:
        """Post the difference of two worths at ``position``; returns what was posted: (path, measure, date, amount)."""
        posted: list[tuple[Path, str, str, int]] = []
        for cell, amount in after.items():
            if amount != (had := before.get(cell, 0)):
                posted += self._post(position, cell, amount - had)
        for cell, had in before.items():
            if cell not in after:
                posted += self._post(position, cell, -had)
        return posted

    def replant(
        self, connection: Connection, position: int, tree: Tree, turned: set[str]
    ) -> list[tuple[Path, str, str, int]]:
        """Put a new tree in place of the old one: what stands at the ``turned`` organisations is posted anew."""
        changes: defaultdict[tuple[int, Path, str, bool], int] = defaultdict(int)
        for organisation in sorted(turned):
            for account, date, amount in self._facts(connection, organisation):
                kind = self.measures[self._measure_of[account]].kind
                for sign, planted in ((-1, self.tree), (1, tree)):
                    for path, on, way, moved in placed(planted, organisation, kind, date):
                        changes[account, path, on, moved] += sign * way * amount
        self.tree, self._settled = tree, {}
        return [
            self._write(position, account, path, on, amount, moved)
            for (account, path, on, moved), amount in changes.items()
            if amount
        ]

    def flush(self, connection: Connection) -> None:
        """Write what was collected."""
        bulk.insert(connection, places, self._new_places)
        bulk.insert(connection, accounts, self._new_accounts)
        bulk.insert(connection, postings, [(*key, amount) for key, amount in sorted(self._postings.items()) if amount])
        bulk.add(connection, balances, [(*key, amount) for key, amount in sorted(self._balances.items()) if amount])
        self._clear()

    def _post(self, position: int, cell: Cell, amount: int) -> Iterator[tuple[Path, str, str, int]]:
        organisation, measure, dimensions, date = cell
        account = self._accounts.get((measure, dimensions)) or self._open_account(measure, dimensions)
        settled = self._settled.get(organisation)
        if settled is not None:
            yield self._write(position, account, settled, date, amount, False)
            return
        kind = self.measures[measure].kind
        node = self.tree.nodes.get(organisation)
        if node and node.ended is None and not self.tree.turns(organisation):
            self._settled[organisation] = self.tree.path(organisation, date)
        for path, on, sign, moved in placed(self.tree, organisation, kind, date):
            yield self._write(position, account, path, on, sign * amount, moved)

    def _write(
        self, position: int, account: int, path: Path, on: str, amount: int, moved: bool
    ) -> tuple[Path, str, str, int]:
        holders = self._holders.get(path) or self._know(path)
        day = int(on[:4] + on[5:7] + on[8:])
        self._postings[account, holders[-1], position, day, int(moved)] += amount
        for holder in holders:
            self._balances[holder, account, day] += amount
        return path, self._measure_of[account], on, amount

    def _facts(self, connection: Connection, organisation: str) -> list[tuple[int, str, int]]:
        """What stands at an organisation by account and date, wherever it was placed."""
        statement = (
            select(postings.c.account, postings.c.date, postings.c.amount)
            .join(places, places.c.id == postings.c.place)
            .where(places.c.organisation == organisation, postings.c.moved == 0)
        )
        totals: defaultdict[tuple[int, int], int] = defaultdict(int)
        for account, day, amount in connection.execute(statement):
            totals[account, day] += amount
        return [(account, date_of(day), amount) for (account, day), amount in totals.items() if amount]

    def _open_account(self, measure: str, dimensions: tuple[str, ...]) -> int:
        id_ = len(self._accounts) + 1
        self._accounts[measure, dimensions] = id_
        self._measure_of[id_] = measure
        named = dict(zip(self.measures[measure].dimensions, dimensions, strict=True))
        self._new_accounts.append((id_, measure, orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode()))
        return id_

    def _know(self, path: Path) -> tuple[int, ...]:
        self._holders[path] = holders = tuple(self._place(path[:depth]) for depth in range(1, len(path) + 1))
        return holders

    def _place(self, path: Path) -> int:
        text = "/".join(path)
        id_ = self._places.get(text)
        if id_ is None:
            id_ = self._places[text] = len(self._places) + 1
            node = self.tree.nodes.get(path[-1])
            self._new_places.append((id_, text, path[-1], node.kind if node else ""))
        return id_

    def _clear(self) -> None:
        self._new_places: list[tuple[int, str, str, str]] = []
        self._new_accounts: list[tuple[int, str, str]] = []
        self._postings: defaultdict[tuple[int, int, int, int, int], int] = defaultdict(int)
        self._balances: defaultdict[tuple[int, int, int], int] = defaultdict(int)


def date_of(day: int) -> str:
    """20201218 → 2020-12-18."""
    text = f"{day:08}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def day_of(date: str) -> int:
    """2020-12-18 → 20201218."""
    return int(date[:4] + date[5:7] + date[8:])
