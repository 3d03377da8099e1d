"""Figures: an indicator for an organisation and a period, as of a date, as known at a position of the log.

A figure is a sum of balances. For an earlier ``known_at`` the postings that came later are taken off again, so one
query answers both clocks, and the postings of a figure always sum to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, FromClause, Table, func, select

from .book import Opened, Place
from .indicators import Dimensions, Indicator, Part, Selection
from .ledger import LEAF, day_of
from .organisations import Tree
from .periods import Period
from .tables import accounts, balances, blocked, postings

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


def figure(ledger: Opened, question: Question) -> Figure:
    """The figure itself."""
    at = ledger.holding(question.organisation)
    sums = {
        side: sum(sum(_by_place(ledger, question, part, at).values()) for part in parts)
        for side, parts in sides_of(question)
    }
    return Figure(question.organisation, sums["numerator"], sums.get("denominator"))


def rows(ledger: Opened, question: Question, tree: Tree) -> list[Figure]:
    """The figure broken down by ``question.by``; the rows sum to it."""
    if question.by in UNITS:
        return _rows_by_unit(ledger, question, tree)
    return _rows_by_dimension(ledger, question)


def incomplete(ledger: Opened, organisation: str, tree: Tree) -> int:
    """How many events that concern the organisation or those below could not be applied."""
    counted = func.count(func.distinct(blocked.c.position))
    if ledger.connection.execute(select(counted)).scalar() == 0:
        return 0
    below = list(tree.under(organisation))
    return ledger.connection.execute(select(counted).where(blocked.c.organisation.in_(below))).scalar() or 0


# Rows


def _rows_by_unit(ledger: Opened, question: Question, tree: Tree) -> list[Figure]:
    at = ledger.holding(question.organisation)
    units = _units(ledger, question, at, tree)
    amounts: dict[str, dict[str, int]] = {code: defaultdict(int) for code in units.values()}
    amounts |= {code: defaultdict(int) for code in _present(question, tree)}
    for side, parts in sides_of(question):
        for part in parts:
            for place, amount in _by_place(ledger, question, part, [ledger.places[id_] for id_ in units]).items():
                amounts[units[place]][side] += amount
    total = figure(ledger, question)
    counted = total.denominator is None
    found = [
        Figure(code, row["numerator"], None if counted else row["denominator"]) for code, row in sorted(amounts.items())
    ]
    return _with_rest(total, found)


def _rows_by_dimension(ledger: Opened, question: Question) -> list[Figure]:
    at = ledger.holding(question.organisation)
    amounts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    known = {side: all(_knows(part, question.by) for part in parts) for side, parts in sides_of(question)}
    for side, parts in sides_of(question):
        for part in parts if known[side] else ():
            dimensions = {account.id: account.dimensions for account in ledger.accounts.get(part.measure.name, ())}
            for account, amount in _by_account(ledger, question, part, at).items():
                amounts[_label(part, dimensions[account], question.by)][side] += amount
    whole = known.get("denominator", False)
    return [
        Figure(key, row["numerator"], row["denominator"] if whole else None) for key, row in sorted(amounts.items())
    ]


def _units(ledger: Opened, question: Question, at: list[Place], tree: Tree) -> dict[int, str]:
    """The places that make the rows: schools at any depth, or what stands directly below the organisation."""
    under = ledger.under(at)
    if question.by == "school":
        return {place.id: place.organisation for place in under if place.kind == "school"}
    node = tree.nodes.get(question.organisation)
    if node is None or node.kind != "region":
        return {place.id: place.organisation for place in at}
    depths = {place.path.count("/") + 1 for place in at}
    return {place.id: place.organisation for place in under if place.path.count("/") in depths}


def _present(question: Question, tree: Tree) -> list[str]:
    """Units that exist on the date, whether or not anything was posted there: silence is an answer, too."""
    on, root = min(question.as_of, question.period.end), question.organisation
    standing = [node for node in tree.nodes.values() if node.ended is None or node.ended > on]
    if question.by == "school":
        return [node.code for node in standing if node.kind == "school" and tree.within(node.code, root, on)]
    children = [node.code for node in standing if node.kind in UNITS and node.parent(on) == root]
    return children if root in tree.nodes and tree.nodes[root].kind == "region" else [root]


# Sums


def _by_place(ledger: Opened, question: Question, part: Part, at: Iterable[Place]) -> dict[int, int]:
    """Amounts by place: the balances, less what was posted behind ``known_at``. Above the schools, of summaries."""
    sums: defaultdict[int, int] = defaultdict(int)
    leaves = [place for place in at if place.kind == LEAF]
    others = [place for place in at if place.kind != LEAF]
    for some, summary in ((leaves, False), (others, _summary_suffices(question, part))):
        sums |= _grouped(ledger, question, part, balances, "place", some, summary=summary)
    if question.known_at < ledger.position:
        for place in (*leaves, *others):
            later = _grouped(ledger, question, part, postings, "account", ledger.under([place]), summary=False)
            sums[place.id] -= sum(later.values())
    return sums


def _by_account(ledger: Opened, question: Question, part: Part, at: list[Place]) -> dict[int, int]:
    """Amounts by account: the balances, less what was posted behind ``known_at``."""
    sums = _grouped(ledger, question, part, balances, "account", at, summary=False)
    if question.known_at < ledger.position:
        later = _grouped(ledger, question, part, postings, "account", ledger.under(at), summary=False)
        for account, amount in later.items():
            sums[account] -= amount
    return sums


def _grouped(
    ledger: Opened,
    question: Question,
    part: Part,
    table: Table,
    group: str,
    at: list[Place],
    *,
    summary: bool,
) -> defaultdict[int, int]:
    """Sums of balances, or of the postings behind ``known_at``, at these places."""
    conditions = narrowing(ledger, question, part, table, summary=summary)
    if conditions is None or not at:
        return defaultdict(int)
    conditions.append(table.c.place.in_([place.id for place in at]))
    if table is postings:
        conditions.append(table.c.position > question.known_at)
    statement = select(table.c[group], func.sum(table.c.amount)).where(*conditions).group_by(table.c[group])
    return defaultdict(int, {key: int(amount) for key, amount in ledger.connection.execute(statement)})


def narrowing(
    ledger: Opened, question: Question, part: Part, table: FromClause, *, summary: bool
) -> list[ColumnElement[bool]] | None:
    """Which accounts and dates of ``table`` a part asks for; None where it is no account at all."""
    selection = part.reading(question.period, question.as_of)
    chosen = _chosen(ledger, question, part, selection, summary=summary)
    if chosen == []:
        return None
    every = select(accounts.c.id).where(accounts.c.measure == part.measure.name, accounts.c.summary == int(summary))
    found = [table.c.account.in_(every if chosen is None else chosen), table.c.date <= day_of(selection.end)]
    if selection.start is not None:
        found.append(table.c.date >= day_of(selection.start))
    return found


def _chosen(ledger: Opened, question: Question, part: Part, selection: Selection, *, summary: bool) -> list[int] | None:
    """The accounts that are meant; None where it is every account of the measure."""
    if part.origin is not None and question.only.get("origin", part.origin) != part.origin:
        return []
    only = _narrowed(question, part)
    if not only and selection.accepts is None:
        return None
    return [
        account.id
        for account in ledger.accounts.get(part.measure.name, ())
        if account.summary == summary
        and all(account.dimensions[name] == value for name, value in only.items())
        and (selection.accepts is None or selection.accepts(account.dimensions))
    ]


def _narrowed(question: Question, part: Part) -> dict[str, str]:
    asked = {name: value for name, value in question.only.items() if name in part.measure.dimensions}
    return {**asked, **part.only}


def _summary_suffices(question: Question, part: Part) -> bool:
    """Whether a question needs none of the dimensions that summaries leave out (readings need only kept ones)."""
    return part.measure.summarised and _narrowed(question, part).keys() <= set(part.measure.kept)


def sides_of(question: Question) -> list[tuple[Side, tuple[Part, ...]]]:
    """What each side of the figure is the sum of; a count has no denominator."""
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


def _knows(part: Part, dimension: str | None) -> bool:
    return dimension in part.measure.dimensions or (dimension == "origin" and part.origin is not None)


def _label(part: Part, dimensions: Dimensions, dimension: str | None) -> str:
    return str(part.origin) if dimension == "origin" else dimensions[str(dimension)]
