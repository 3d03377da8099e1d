"""Figures: an indicator for an organisation and a period, as of a date, as known at a position of the log.

A figure is a sum of what was posted, so the postings of a figure always sum to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..read_models.cohorts import KINDS
from ..read_models.indicator import Dimensions, Part
from . import blocked
from .book import Opened
from .organisations import Tree
from .questions import Question
from .sums import by_account, by_place

UNITS = ("municipality", "school")
Sums = dict[str, int]  # by side


@dataclass(frozen=True)
class Figure:
    """``denominator`` is None for a count, and in rows whose dimension the denominator does not know."""

    key: str
    numerator: int
    denominator: int | None


def figure(ledger: Opened, question: Question) -> Figure:
    """The figure itself."""
    at = question.standing(ledger)
    sums = {
        side: sum(sum(by_place(ledger, question, part, at).values()) for part in parts)
        for side, parts in question.sides()
    }
    return Figure(question.organisation, sums["numerator"], sums.get("denominator"))


def rows(ledger: Opened, question: Question, tree: Tree) -> list[Figure]:
    """The figure broken down by ``question.by``; the rows sum to it."""
    if question.by in KINDS:
        return _rows_by_cohort(ledger, question)
    if question.by in UNITS:
        return _rows_by_unit(ledger, question, tree)
    return _rows_by_dimension(ledger, question)


def incomplete(ledger: Opened, organisation: str, tree: Tree) -> int:
    """How many events that concern the organisation or those below could not be applied."""
    if blocked.count(ledger.connection, ledger.volume) == 0:
        return 0
    return blocked.count(ledger.connection, ledger.volume, list(tree.under(organisation)))


def _rows_by_unit(ledger: Opened, question: Question, tree: Tree) -> list[Figure]:
    units = _units(ledger, question, tree)
    present = _present(question, tree)
    shown = {code: row for code, row in _summed(ledger, question, units, present).items() if code in present or row}
    return _with_rest(figure(ledger, question), shown)


def _rows_by_cohort(ledger: Opened, question: Question) -> list[Figure]:
    """A row for each cohort of a kind, or for several that share schools; the other schools are the rest."""
    schools = {place.id: place.organisation for place in question.posted(ledger) if place.kind == "school"}
    units = {id_: question.groups[code] for id_, code in schools.items() if code in question.groups}
    return _with_rest(figure(ledger, question), _summed(ledger, question, units, set(units.values())))


def _summed(ledger: Opened, question: Question, units: Mapping[int, str], present: Iterable[str]) -> dict[str, Sums]:
    """The sums of both sides by unit, in the order of their codes; ``units`` are the places that belong to each."""
    amounts: dict[str, Sums] = {code: {} for code in sorted({*units.values(), *present})}
    at = [ledger.places[id_] for id_ in units]
    for side, parts in question.sides():
        for part in parts:
            for place, amount in by_place(ledger, question, part, at).items():
                row = amounts[units[place]]
                row[side] = row.get(side, 0) + amount
    return {code: {side: amount for side, amount in row.items() if amount} for code, row in amounts.items()}


def _rows_by_dimension(ledger: Opened, question: Question) -> list[Figure]:
    at = question.standing(ledger)
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


def _units(ledger: Opened, question: Question, tree: Tree) -> dict[int, str]:
    """What each place belongs to: a school at any depth, or what stands directly below the organisation."""
    at = ledger.holding(question.organisation)
    if question.by == "school":
        return {place.id: place.organisation for place in question.posted(ledger) if place.kind == "school"}
    node = tree.nodes.get(question.organisation)
    if node is None or node.kind != "region":
        return {place.id: question.organisation for place in question.standing(ledger)}
    depths = {place.path.count("/") + 1 for place in at}
    if question.members is None:
        return {place.id: place.organisation for place in ledger.under(at) if place.path.count("/") in depths}
    if question.indicator.of_members:
        paths = {place.id: tree.path(place.organisation, question.as_of) for place in question.standing(ledger)}
        return {id_: path[path.index(question.organisation) + 1] for id_, path in paths.items()}
    return {place.id: place.path.split("/")[min(depths)] for place in question.standing(ledger)}


def _present(question: Question, tree: Tree) -> set[str]:
    """Units that exist on the date, whether or not anything was posted there: silence is an answer, too."""
    root = question.organisation
    on = question.as_of if question.indicator.of_members else min(question.as_of, question.period.end)
    standing = [node for node in tree.nodes.values() if node.ended is None or node.ended > on]
    if question.by == "school":
        schools = {node.code for node in standing if node.kind == "school" and tree.within(node.code, root, on)}
        return schools if question.members is None else schools & question.members
    if root not in tree.nodes or tree.nodes[root].kind != "region":
        return {root}
    if question.members is None:
        return {node.code for node in standing if node.kind in UNITS and node.parent(on) == root}
    paths = [tree.path(node.code, on) for node in standing if node.code in question.members]
    return {path[path.index(root) + 1] for path in paths if root in path[:-1]}


def _with_rest(totals: Figure, rows: Mapping[str, Sums]) -> list[Figure]:
    """The rows and, under the organisation's own code, what belongs to none of them."""
    whole = totals.denominator is not None
    found = [
        Figure(code, row.get("numerator", 0), row.get("denominator", 0) if whole else None)
        for code, row in rows.items()
    ]
    numerator = totals.numerator - sum(row.numerator for row in found)
    denominator = (
        None if totals.denominator is None else totals.denominator - sum(row.denominator or 0 for row in found)
    )
    rest = Figure(totals.key, numerator, denominator)
    return [*found, rest] if numerator or denominator else found


def _knows(part: Part, dimension: str | None) -> bool:
    return dimension in part.measure.dimensions or (dimension == "origin" and part.origin is not None)


def _label(part: Part, dimensions: Dimensions, dimension: str | None) -> str:
    return str(part.origin) if dimension == "origin" else dimensions[str(dimension)]
