"""Figures: an indicator for an organisation and a period, as of a date, as known at a position of the log.

A figure is a sum of what was posted, so the postings of a figure always sum to it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from . import blocked
from .book import Opened, Place
from .indicators import Dimensions, Part
from .organisations import Tree
from .questions import Question
from .sums import by_account, by_place

UNITS = ("municipality", "school")


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
        side: sum(sum(by_place(ledger, question, part, at).values()) for part in parts)
        for side, parts in question.sides()
    }
    return Figure(question.organisation, sums["numerator"], sums.get("denominator"))


def rows(ledger: Opened, question: Question, tree: Tree) -> list[Figure]:
    """The figure broken down by ``question.by``; the rows sum to it."""
    if question.by in UNITS:
        return _rows_by_unit(ledger, question, tree)
    return _rows_by_dimension(ledger, question)


def incomplete(ledger: Opened, organisation: str, tree: Tree) -> int:
    """How many events that concern the organisation or those below could not be applied."""
    if blocked.count(ledger.connection, ledger.volume) == 0:
        return 0
    return blocked.count(ledger.connection, ledger.volume, list(tree.under(organisation)))


def _rows_by_unit(ledger: Opened, question: Question, tree: Tree) -> list[Figure]:
    at = ledger.holding(question.organisation)
    units = _units(ledger, question, at, tree)
    amounts: dict[str, dict[str, int]] = {code: defaultdict(int) for code in units.values()}
    present = _present(question, tree)
    amounts |= {code: defaultdict(int) for code in present}
    for side, parts in question.sides():
        for part in parts:
            for place, amount in by_place(ledger, question, part, [ledger.places[id_] for id_ in units]).items():
                amounts[units[place]][side] += amount
    total = figure(ledger, question)
    counted = total.denominator is None
    shown = {code: row for code, row in sorted(amounts.items()) if code in present or any(row.values())}
    found = [Figure(code, row["numerator"], None if counted else row["denominator"]) for code, row in shown.items()]
    return _with_rest(total, found)


def _rows_by_dimension(ledger: Opened, question: Question) -> list[Figure]:
    at = ledger.holding(question.organisation)
    amounts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    known = {side: all(_knows(part, question.by) for part in parts) for side, parts in question.sides()}
    for side, parts in question.sides():
        for part in parts if known[side] else ():
            dimensions = {account.id: account.dimensions for account in ledger.accounts.get(part.measure.name, ())}
            for account, amount in by_account(ledger, question, part, at).items():
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
