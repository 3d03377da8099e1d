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

Values = tuple[str, ...]
LEAF = "school"  # a school has few postings, so it needs no summaries


class Ledger:
    """Collects what a batch of events posts and writes it in one go; knows the number of every place and account."""

    def __init__(self, connection: Connection, measures: dict[str, Measure], tree: Tree) -> None:
        self.measures = measures
        self.tree = tree
        stored = connection.execute(select(places.c.id, places.c.path, places.c.kind)).all()
        self._places = {path: id_ for id_, path, _ in stored}
        self._kinds = {id_: kind for id_, _, kind in stored}
        self._codes = {path.rpartition("/")[2] for path in self._places}
        self._accounts: dict[tuple[str, Values], int] = {}
        self._summaries: dict[tuple[str, Values], int] = {}
        self._summary_of: dict[int, int] = {}
        self._measure_of: dict[int, str] = {}
        self._recall_accounts(connection)
        self._holders: dict[Path, tuple[int, ...]] = {}
        self._summing: dict[Path, tuple[int, ...]] = {}
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

    def holds(self, organisation: str) -> bool:
        """Whether anything was ever posted at the organisation or below it."""
        return organisation in self._codes

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
        day = day_of(on)
        self._postings[account, holders[-1], position, day, int(moved)] += amount
        for holder in holders:
            self._balances[holder, account, day] += amount
        summary = self._summary_of.get(account)
        if summary is not None:
            for holder in self._summing[path]:
                self._balances[holder, summary, day] += amount
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

    def _recall_accounts(self, connection: Connection) -> None:
        for id_, name, dimensions, summary in connection.execute(select(accounts)):
            measure, named = self.measures[name], orjson.loads(dimensions)
            of = measure.kept if summary else measure.dimensions
            values = tuple(named[each] for each in of)
            (self._summaries if summary else self._accounts)[name, values] = id_
            self._measure_of[id_] = name
        for (name, values), id_ in self._accounts.items():
            summary = self._summaries.get((name, _kept(self.measures[name], values)))
            if summary is not None:
                self._summary_of[id_] = summary

    def _open_account(self, name: str, values: Values) -> int:
        measure = self.measures[name]
        id_ = self._accounts[name, values] = self._number(name, measure.dimensions, values, summary=False)
        if measure.summarised:
            kept = _kept(measure, values)
            summary = self._summaries.get((name, kept))
            if summary is None:
                summary = self._summaries[name, kept] = self._number(name, measure.kept, kept, summary=True)
            self._summary_of[id_] = summary
        return id_

    def _number(self, name: str, dimensions: tuple[str, ...], values: Values, *, summary: bool) -> int:
        id_ = len(self._measure_of) + 1
        self._measure_of[id_] = name
        named = orjson.dumps(dict(zip(dimensions, values, strict=True)), option=orjson.OPT_SORT_KEYS).decode()
        self._new_accounts.append((id_, name, named, int(summary)))
        return id_

    def _know(self, path: Path) -> tuple[int, ...]:
        """The places along a path; all but schools also hold summaries."""
        along = [path[:depth] for depth in range(1, len(path) + 1)]
        self._holders[path] = tuple(self._place(each) for each in along)
        self._summing[path] = tuple(id_ for id_ in self._holders[path] if self._kinds[id_] != LEAF)
        return self._holders[path]

    def _place(self, path: Path) -> int:
        text = "/".join(path)
        id_ = self._places.get(text)
        if id_ is None:
            id_ = self._places[text] = len(self._places) + 1
            node = self.tree.nodes.get(path[-1])
            self._kinds[id_] = node.kind if node else ""
            self._codes.add(path[-1])
            self._new_places.append((id_, text, path[-1], self._kinds[id_]))
        return id_

    def _clear(self) -> None:
        self._new_places: list[tuple[int, str, str, str]] = []
        self._new_accounts: list[tuple[int, str, str, int]] = []
        self._postings: defaultdict[tuple[int, int, int, int, int], int] = defaultdict(int)
        self._balances: defaultdict[tuple[int, int, int], int] = defaultdict(int)


def _kept(measure: Measure, values: Values) -> Values:
    return tuple(value for name, value in zip(measure.dimensions, values, strict=True) if name in measure.kept)


def date_of(day: int) -> str:
    """20201218 → 2020-12-18."""
    text = f"{day:08}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def day_of(date: str) -> int:
    """2020-12-18 → 20201218."""
    return int(date[:4] + date[5:7] + date[8:])
