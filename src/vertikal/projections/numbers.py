"""The numbers of places and accounts: one dictionary for everybody who writes to a ledger, live or being built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Column, Connection, Table, func, select, text

from ..events import bulk
from ..read_models.model import Measure
from .placing import Path
from .tables import accounts, holders, places

LEAF = "school"  # a school has few postings, so it needs neither balances nor summaries
CHUNK = 500
Values = tuple[str, ...]
Name = tuple[str, Values, bool]  # measure, values of its dimensions, whether it is a summary


class Numbers:
    """Numbers by name. A new name has a provisional, negative number until ``settle`` gives it the one that stays."""

    def __init__(self, connection: Connection, measures: dict[str, Measure]) -> None:
        self._measures = measures
        self._places: dict[str, int] = {}
        self._kinds: dict[str, str] = {}
        self._accounts: dict[Name, int] = {}
        self._new_places: list[str] = []
        self._new_accounts: list[Name] = []
        for id_, path, kind in connection.execute(select(places.c.id, places.c.path, places.c.kind)):
            self._places[path], self._kinds[path] = id_, kind
        for id_, measure, dimensions, summary in connection.execute(select(*_ACCOUNT)):
            if measure in measures:
                self._accounts[self._name(measure, dimensions, bool(summary))] = id_

    def place(self, path: Path, kind: str) -> int:
        """The number of a place; ``kind`` is what stands there, if it is new."""
        name = "/".join(path)
        number = self._places.get(name)
        if number is None:
            self._new_places.append(name)
            number = self._places[name] = -len(self._new_places)
            self._kinds[name] = kind
        return number

    def is_leaf(self, path: Path) -> bool:
        """Whether a place that has a number is a school."""
        return self._kinds["/".join(path)] == LEAF

    def account(self, measure: str, values: Values) -> tuple[int, int | None]:
        """The numbers of an account, and of the summary that it is part of, if its measure has any."""
        of = self._measures[measure]
        summary = self._account((measure, kept(of, values), True)) if of.summarised else None
        return self._account((measure, values, False)), summary

    def settle(self, connection: Connection) -> tuple[dict[int, int], dict[int, int]]:
        """Give numbers that stay to what is new: {provisional: number} of places and of accounts.

        Others wait until this transaction ends, so that two who meet the same name agree on its number.
        """
        if not self._new_places and not self._new_accounts:
            return {}, {}
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE places, accounts IN SHARE ROW EXCLUSIVE MODE"))
        settled = self._settle_places(connection), self._settle_accounts(connection)
        self._new_places, self._new_accounts = [], []
        return settled

    def _account(self, name: Name) -> int:
        number = self._accounts.get(name)
        if number is None:
            self._new_accounts.append(name)
            number = self._accounts[name] = -len(self._new_accounts)
        return number

    def _settle_places(self, connection: Connection) -> dict[int, int]:
        provisional = {name: self._places[name] for name in self._new_places}
        self._places |= dict(_found(connection, places, places.c.path, list(provisional)))
        added = [name for name in provisional if self._places[name] < 0]
        for number, name in enumerate(added, _last(connection, places) + 1):
            self._places[name] = number
        rows = [(self._places[name], name, name.rpartition("/")[2], self._kinds[name]) for name in added]
        bulk.insert(connection, places, rows)
        bulk.insert(connection, holders, [(self._places[name], at) for name in added for at in self._above(name)])
        return {number: self._places[name] for name, number in provisional.items()}

    def _above(self, name: str) -> Iterator[int]:
        """The place itself and all above it, but schools; those above have numbers already, or get them now."""
        codes = name.split("/")
        for depth in range(1, len(codes) + 1):
            holder = "/".join(codes[:depth])
            if self._kinds[holder] != LEAF:
                yield self._places[holder]

    def _settle_accounts(self, connection: Connection) -> dict[int, int]:
        provisional = {name: self._accounts[name] for name in self._new_accounts}
        of = {measure for measure, _, _ in provisional}
        for measure in of:
            for id_, _, dimensions, summary in connection.execute(
                select(*_ACCOUNT).where(accounts.c.measure == measure)
            ):
                self._accounts[self._name(measure, dimensions, bool(summary))] = id_
        added = sorted((name for name in provisional if self._accounts[name] < 0), key=lambda name: not name[2])
        for number, name in enumerate(added, _last(connection, accounts) + 1):
            self._accounts[name] = number
        bulk.insert(connection, accounts, [self._account_row(name) for name in added])
        return {number: self._accounts[name] for name, number in provisional.items()}

    def _account_row(self, name: Name) -> tuple[Any, ...]:
        measure, values, summary = name
        of = self._measures[measure]
        named = dict(zip(of.kept if summary else of.dimensions, values, strict=True))
        dimensions = orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode()
        summed_in = self._accounts[measure, kept(of, values), True] if of.summarised and not summary else None
        return self._accounts[name], measure, dimensions, int(summary), summed_in

    def _name(self, measure: str, dimensions: str, summary: bool) -> Name:
        named, of = orjson.loads(dimensions), self._measures[measure]
        return measure, tuple(named[each] for each in (of.kept if summary else of.dimensions)), summary


def kept(measure: Measure, values: Values) -> Values:
    """The values of those dimensions that the measure's summaries keep."""
    return tuple(value for name, value in zip(measure.dimensions, values, strict=True) if name in measure.kept)


_ACCOUNT = (accounts.c.id, accounts.c.measure, accounts.c.dimensions, accounts.c.summary)


def _found(
    connection: Connection, table: Table, column: Column[str], names: Sequence[str]
) -> Iterator[tuple[str, int]]:
    for start in range(0, len(names), CHUNK):
        rows = connection.execute(select(column, table.c.id).where(column.in_(names[start : start + CHUNK])))
        yield from ((name, id_) for name, id_ in rows)


def _last(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.max(table.c.id))).scalar() or 0
