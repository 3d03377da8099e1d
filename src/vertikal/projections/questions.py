"""Questions: an indicator for an organisation and a period, as of a date, as known at a position of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import ColumnElement, select

from ..read_models.cohorts import MEMBERS, SHNOR_SCHOOLS
from ..read_models.indicator import Dimensions, Indicator, Part, Selection, members
from ..read_models.periods import Period
from .book import Opened, Place
from .ledger import day_of
from .tables import accounts

Side = Literal["numerator", "denominator"]


@dataclass(frozen=True)
class Question:
    """What is asked. ``known_at`` is a position; ``only`` narrows to values of dimensions.

    ``members``: the schools of the cohort that is asked for; facts of other organisations do not count, nor do those
    reported above the schools. Where schools are counted, these are those below the organisation at ``as_of``, with all
    of their facts. ``groups``: the row that each school belongs to, where rows are cohorts.
    """

    indicator: Indicator
    organisation: str
    period: Period
    as_of: str
    known_at: int
    by: str | None = None
    only: Dimensions = field(default_factory=dict)
    members: frozenset[str] | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    def sides(self) -> list[tuple[Side, tuple[Part, ...]]]:
        """What each side of the figure is the sum of; a count has no denominator."""
        sides: list[tuple[Side, tuple[Part, ...]]] = [("numerator", self.indicator.numerator)]
        if self.indicator.denominator:
            sides.append(("denominator", tuple(map(self._of_cohort, self.indicator.denominator))))
        return sides

    def _of_cohort(self, part: Part) -> Part:
        """All schools of the cohort that is asked for, in the place of all that are in any ``shnor`` one."""
        return Part(MEMBERS, members) if part.measure == SHNOR_SCHOOLS and "cohort" in self.only else part

    def standing(self, ledger: Opened) -> list[Place]:
        """The places whose sums make the figure."""
        if self.members is not None and self.indicator.of_members:
            return [place for place in ledger.places.values() if place.organisation in self.members]
        at = ledger.holding(self.organisation)
        if self.members is None:
            return at
        return [place for place in ledger.under(at) if place.organisation in self.members]

    def posted(self, ledger: Opened) -> list[Place]:
        """The places at which the postings of the figure stand."""
        return self.standing(ledger) if self.members is not None else ledger.under(ledger.holding(self.organisation))


def narrowing(
    ledger: Opened,
    question: Question,
    part: Part,
    account: ColumnElement[Any],
    date: ColumnElement[Any],
    *,
    summary: bool = False,
) -> list[ColumnElement[bool]] | None:
    """Which accounts and dates a part asks for, of these columns; None where it is no account at all."""
    selection = part.reading(question.period, question.as_of)
    chosen = _chosen(ledger, question, part, selection, summary=summary)
    if chosen == []:
        return None
    every = select(accounts.c.id).where(accounts.c.measure == part.measure.name, accounts.c.summary == int(summary))
    found = [account.in_(every if chosen is None else chosen), date <= day_of(selection.end)]
    if selection.start is not None:
        found.append(date >= day_of(selection.start))
    return found


def summary_suffices(question: Question, part: Part) -> bool:
    """Whether a question needs none of the dimensions that summaries leave out (readings need only kept ones)."""
    return part.measure.summarised and _narrowed(question, part).keys() <= set(part.measure.kept)


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
        and all(account.dimensions[name] in values for name, values in only.items())
        and (selection.accepts is None or selection.accepts(account.dimensions))
    ]


def _narrowed(question: Question, part: Part) -> dict[str, set[str]]:
    """The values that dimensions may have: those of the part, of these the one that is asked for."""
    found = {name: set(values) for name, values in part.only.items()}
    for name, value in question.only.items():
        if name in part.measure.dimensions:
            found[name] = found.get(name, {value}) & {value}
    return found
