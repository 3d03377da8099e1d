"""Figures: an indicator for an organisation and a period, as of a date, as known at a position of the log.

A figure is a sum of balances. For an earlier ``known_at`` the postings that came later are taken off again, so one
query answers both clocks, and the postings of a figure always sum to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from sqlalchemy import ColumnElement, Connection, Table, func, select, tuple_

from ..events import log
from ..events.tables import events as log_events
from .indicators import Dimensions, Indicator, Part, Selection
from .ledger import date_of, day_of
from .organisations import Tree, read_tree
from .periods import Period
from .tables import accounts, balances, blocked, cursor, places, postings

UNITS = ("municipality", "school")
Side = Literal["numerator", "denominator"]


@dataclass(frozen=True)
class Question:
    """What is asked. ``known_at`` is a position; ``only`` narrows to values of dimensions."""

    indicator: Indicator
    organisation: str
    period: Period
    as_of: str
    known_at: int
    by: str | None = None
    only: Dimensions = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """``denominator`` is None for a count, and in rows whose dimension the denominator does not know."""

    key: str
    numerator: int
    denominator: int | None


@dataclass(frozen=True)
class Posting:
    """One line of provenance: the event at ``position`` changed a side of the figure by ``amount`` on ``date``."""

    event_id: str
    position: int
    type: str
    source: str
    organisation: str
    date: str
    side: Side
    amount: int
    dimensions: Dimensions


@dataclass(frozen=True)
class Place:
    id: int
    path: str
    organisation: str
    kind: str


class Book:
    """The ledger as it is read; remembers the places, accounts and the tree, which seldom change."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}
        self._accounts: dict[str, dict[int, Dimensions]] = {}
        self._accounts_seen = 0
        self._tree: tuple[int, Tree] = (-1, Tree({}))

    def position(self, connection: Connection) -> int:
        """The last position that the ledger holds."""
        return connection.execute(select(cursor.c.position)).scalar() or 0

    def tree(self, connection: Connection, known_at: int) -> Tree:
        stamp = log.read_head(connection).organisations
        if known_at < stamp:
            return read_tree(connection, known_at)
        if self._tree[0] != stamp:
            self._tree = (stamp, read_tree(connection, None))
        return self._tree[1]

    def figure(self, connection: Connection, question: Question) -> Figure:
        """The figure itself."""
        return self._figure(
            connection, question, question.organisation, self._holding(connection, question.organisation)
        )

    def rows(self, connection: Connection, question: Question, tree: Tree) -> list[Figure]:
        """The figure broken down by ``question.by``; the rows sum to it."""
        if question.by in UNITS:
            return self._rows_by_unit(connection, question, tree)
        return self._rows_by_dimension(connection, question)

    def postings(
        self, connection: Connection, question: Question, after: Sequence[int] | None, limit: int
    ) -> tuple[list[Posting], list[int] | None]:
        """Up to ``limit`` postings of a figure and where to go on; all of them sum to numerator and denominator."""
        parts = [(side, part) for side, parts in _sides(question) for part in parts]
        start, key = (after[0], list(after[1:])) if after else (0, [])
        found: list[tuple[list[int], Posting]] = []
        for number in range(start, len(parts)):
            side, part = parts[number]
            rows = self._posting_rows(connection, question, part, key, limit + 1 - len(found))
            found += [([number, *row[:5]], _posting(row, side)) for row in rows]
            if len(found) > limit:
                return [posting for _, posting in found[:limit]], found[limit - 1][0]
            key = []
        return [posting for _, posting in found], None

    def incomplete(self, connection: Connection, organisation: str, tree: Tree) -> int:
        """How many events that concern the organisation or those below could not be applied."""
        counted = func.count(func.distinct(blocked.c.position))
        if connection.execute(select(counted)).scalar() == 0:
            return 0
        below = list(tree.under(organisation))
        return connection.execute(select(counted).where(blocked.c.organisation.in_(below))).scalar() or 0

    # Sums

    def _figure(self, connection: Connection, question: Question, key: str, at: list[Place]) -> Figure:
        sums = {
            side: sum(sum(self._sums(connection, question, part, at, "account").values()) for part in parts)
            for side, parts in _sides(question)
        }
        return Figure(key, sums["numerator"], sums.get("denominator"))

    def _rows_by_unit(self, connection: Connection, question: Question, tree: Tree) -> list[Figure]:
        at = self._holding(connection, question.organisation)
        units = self._units(connection, question, at, tree)
        totals = self._figure(connection, question, question.organisation, at)
        rows: dict[str, dict[str, int]] = {code: defaultdict(int) for code in units.values()}
        rows |= {code: defaultdict(int) for code in self._present(question, tree)}
        wanted = [self._places[id_] for id_ in units]
        for side, parts in _sides(question):
            for part in parts:
                for place, amount in self._sums(connection, question, part, wanted, "place").items():
                    rows[units[place]][side] += amount
        has_denominator = totals.denominator is not None
        figures = [
            Figure(code, row["numerator"], row["denominator"] if has_denominator else None)
            for code, row in sorted(rows.items())
        ]
        return _with_rest(totals, figures)

    def _rows_by_dimension(self, connection: Connection, question: Question) -> list[Figure]:
        at = self._holding(connection, question.organisation)
        rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        known = {side: all(_knows(part, question.by) for part in parts) for side, parts in _sides(question)}
        for side, parts in _sides(question):
            for part in parts:
                if known[side]:
                    dimensions = self._accounts_of(connection, part.measure.name)
                    for account, amount in self._sums(connection, question, part, at, "account").items():
                        rows[_label(part, dimensions[account], question.by)][side] += amount
        whole = known.get("denominator", False)
        return [
            Figure(key, row["numerator"], row["denominator"] if whole else None) for key, row in sorted(rows.items())
        ]

    def _sums(
        self, connection: Connection, question: Question, part: Part, at: list[Place], group: str
    ) -> dict[int, int]:
        """Amounts by account or by place: the balances, less what was posted behind ``known_at``."""
        selection = part.reading(question.period, question.as_of)
        chosen = self._chosen(connection, question, part, selection)
        if not at or chosen == []:
            return {}
        held = balances.c.place.in_([place.id for place in at])
        sums = _grouped(connection, balances, group, [held, *_conditions(balances, part, selection, chosen)])
        if question.known_at < self.position(connection):
            later = postings.c.position > question.known_at
            conditions = [later, *_conditions(postings, part, selection, chosen)]
            for place in at if group == "place" else [None]:
                under = self._under(connection, [place] if place else at)
                scope = postings.c.place.in_([inner.id for inner in under])
                for key, amount in _grouped(connection, postings, "account", [scope, *conditions]).items():
                    sums[place.id if place else key] -= amount
        return sums

    def _posting_rows(
        self, connection: Connection, question: Question, part: Part, after: list[int], limit: int
    ) -> Sequence[Any]:
        selection = part.reading(question.period, question.as_of)
        chosen = self._chosen(connection, question, part, selection)
        under = self._under(connection, self._holding(connection, question.organisation))
        if chosen == [] or not under:
            return []
        order = [postings.c[name] for name in ("position", "account", "place", "date", "moved")]
        statement = (
            select(
                *order,
                postings.c.amount,
                places.c.organisation,
                accounts.c.dimensions,
                log_events.c.id,
                log_events.c.type,
                log_events.c.source,
            )
            .join(places, places.c.id == postings.c.place)
            .join(accounts, accounts.c.id == postings.c.account)
            .join(log_events, log_events.c.position == postings.c.position)
            .where(postings.c.position <= question.known_at, postings.c.place.in_([place.id for place in under]))
            .where(*_conditions(postings, part, selection, chosen))
        )
        if after:
            statement = statement.where(tuple_(*order) > tuple_(*after))
        return connection.execute(statement.order_by(*order).limit(limit)).all()

    # Places and accounts

    def _chosen(self, connection: Connection, question: Question, part: Part, selection: Selection) -> list[int] | None:
        """The accounts that are meant; None where it is every account of the measure."""
        only = {name: value for name, value in question.only.items() if name in part.measure.dimensions}
        if part.origin is not None and question.only.get("origin", part.origin) != part.origin:
            return []
        only |= part.only
        if not only and selection.accepts is None:
            return None
        return [
            account
            for account, dimensions in self._accounts_of(connection, part.measure.name).items()
            if all(dimensions[name] == value for name, value in only.items())
            and (selection.accepts is None or selection.accepts(dimensions))
        ]

    def _accounts_of(self, connection: Connection, measure: str) -> dict[int, Dimensions]:
        last = connection.execute(select(func.max(accounts.c.id))).scalar() or 0
        if last != self._accounts_seen:
            found: dict[str, dict[int, Dimensions]] = defaultdict(dict)
            for id_, name, dimensions in connection.execute(select(accounts)):
                found[name][id_] = orjson.loads(dimensions)
            self._accounts, self._accounts_seen = found, last
        return self._accounts.get(measure, {})

    def _all_places(self, connection: Connection) -> Iterable[Place]:
        last = connection.execute(select(func.max(places.c.id))).scalar() or 0
        if last != len(self._places):
            self._places = {row.id: Place(*row) for row in connection.execute(select(places))}
        return self._places.values()

    def _holding(self, connection: Connection, organisation: str) -> list[Place]:
        return [place for place in self._all_places(connection) if place.organisation == organisation]

    def _under(self, connection: Connection, at: list[Place]) -> list[Place]:
        roots = [place.path for place in at]
        return [
            place
            for place in self._all_places(connection)
            if any(place.path == root or place.path.startswith(root + "/") for root in roots)
        ]

    def _units(self, connection: Connection, question: Question, at: list[Place], tree: Tree) -> dict[int, str]:
        """The places that make the rows: schools at any depth, or what stands directly below the organisation."""
        under = self._under(connection, at)
        if question.by == "school":
            return {place.id: place.organisation for place in under if place.kind == "school"}
        node = tree.nodes.get(question.organisation)
        if node is None or node.kind != "region":
            return {place.id: place.organisation for place in at}
        depths = {place.path.count("/") + 1 for place in at}
        return {place.id: place.organisation for place in under if place.path.count("/") in depths}

    def _present(self, question: Question, tree: Tree) -> list[str]:
        """Units that exist on the date, whether or not anything was posted there: silence is an answer, too."""
        on, root = min(question.as_of, question.period.end), question.organisation
        standing = [node for node in tree.nodes.values() if node.ended is None or node.ended > on]
        if question.by == "school":
            return [node.code for node in standing if node.kind == "school" and tree.within(node.code, root, on)]
        children = [node.code for node in standing if node.kind in UNITS and node.parent(on) == root]
        return children if root in tree.nodes and tree.nodes[root].kind == "region" else [root]


def _sides(question: Question) -> list[tuple[Side, tuple[Part, ...]]]:
    sides: list[tuple[Side, tuple[Part, ...]]] = [("numerator", question.indicator.numerator)]
    if question.indicator.denominator:
        sides.append(("denominator", question.indicator.denominator))
    return sides


def _with_rest(totals: Figure, rows: list[Figure]) -> list[Figure]:
    """The rows and, under the organisation's own code, what was reported above their level."""
    numerator = totals.numerator - sum(row.numerator for row in rows)
    denominator = None
    if totals.denominator is not None:
        denominator = totals.denominator - sum(row.denominator or 0 for row in rows)
    rest = Figure(totals.key, numerator, denominator)
    return [*rows, rest] if numerator or denominator else rows


def _conditions(table: Table, part: Part, selection: Selection, chosen: list[int] | None) -> list[ColumnElement[bool]]:
    of_measure = select(accounts.c.id).where(accounts.c.measure == part.measure.name)
    conditions = [table.c.account.in_(of_measure if chosen is None else chosen), table.c.date <= day_of(selection.end)]
    if selection.start is not None:
        conditions.append(table.c.date >= day_of(selection.start))
    return conditions


def _grouped(
    connection: Connection, table: Table, group: str, conditions: list[ColumnElement[bool]]
) -> defaultdict[int, int]:
    statement = select(table.c[group], func.sum(table.c.amount)).where(*conditions).group_by(table.c[group])
    return defaultdict(int, {key: int(amount) for key, amount in connection.execute(statement)})


def _knows(part: Part, dimension: str | None) -> bool:
    return dimension in part.measure.dimensions or (dimension == "origin" and part.origin is not None)


def _label(part: Part, dimensions: Dimensions, dimension: str | None) -> str:
    return str(part.origin) if dimension == "origin" else dimensions[str(dimension)]


def _posting(row: Any, side: Side) -> Posting:
    dimensions = orjson.loads(row.dimensions)
    date = date_of(row.date)
    return Posting(row.id, row.position, row.type, row.source, row.organisation, date, side, row.amount, dimensions)
