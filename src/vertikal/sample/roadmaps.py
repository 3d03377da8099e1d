"""How the documented systems say their road maps: rows of a plan, and the marks beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .facts import Data, Fact


class Row(NamedTuple):
    """A row of a plan; without ``targets`` it is for the owner."""

    number: str
    title: str
    timing: Data
    responsible: Sequence[str]
    expected: Data | None = None
    targets: Sequence[str] = ()


def planned(
    owner: str, roadmap: str, day: str, sections: Iterable[tuple[str, Sequence[Row]]], first: int = 1
) -> Iterator[Fact]:
    """The activities of a plan, coded by their ordinal: printed numbers are labels and may occur twice."""
    ordinal = first
    for section, rows in sections:
        for row in rows:
            data: Data = {"roadmap": roadmap, "activity": code(ordinal), "number": row.number, "title": row.title}
            if section:
                data["section"] = section
            data["timing"] = row.timing
            data["responsible"] = list(row.responsible)
            if row.expected is not None:
                data["expected"] = row.expected
            if row.targets:
                data["organisations"] = list(row.targets)
            yield Fact("activity.planned", owner, day, data)
            ordinal += 1


def code(ordinal: int) -> str:
    return f"{ordinal:02}"


def expected(text: str, value: int | None = None, unit: str = "", comparator: str = ">=") -> Data:
    """An expected result; without a value it is words only."""
    return {"text": text} if value is None else {"text": text, "value": value, "unit": unit, "comparator": comparator}


def result(text: str, value: int, unit: str, of: tuple[int, int] | None = None) -> Data:
    """What was reached; ``of`` are the numerator and denominator of a share."""
    share = {"numerator": of[0], "denominator": of[1]} if of else {}
    return {"text": text, "value": value, "unit": unit, **share}


def done(roadmap: str, ordinal: int, organisation: str, on: str, reached: Data | None = None) -> Fact:
    data = {"roadmap": roadmap, "activity": code(ordinal), "organisation": organisation, "completed_on": on}
    return Fact("activity.completed", organisation, on, data | ({"result": reached} if reached else {}))


def partly(roadmap: str, ordinal: int, organisation: str, on: str, reached: str, missing: str) -> Fact:
    data = {"roadmap": roadmap, "activity": code(ordinal), "organisation": organisation, "on": on}
    return Fact("activity.partly_completed", organisation, on, data | {"done": reached, "missing": missing})


def not_held(roadmap: str, ordinal: int, organisation: str, on: str, organised: bool, reason: str) -> Fact:
    data = {"roadmap": roadmap, "activity": code(ordinal), "organisation": organisation, "on": on}
    return Fact("activity.not_held", organisation, on, data | {"organised": organised, "reason": reason})


def started(roadmap: str, ordinal: int, organisation: str, on: str) -> Fact:
    data = {"roadmap": roadmap, "activity": code(ordinal), "organisation": organisation, "on": on}
    return Fact("activity.started", organisation, on, data)


def cohort(
    owner: str, name: str, title: str, kind: str, period: Data, members: Iterable[str], basis: str, day: str
) -> Iterator[Fact]:
    """A cohort and its members from its first day on, all said on ``day``."""
    data = {"cohort": name, "title": title, "kind": kind, "owner": owner, "period": period}
    yield Fact("cohort.defined", owner, day, data)
    for school in members:
        included = {"cohort": name, "school": school, "from": period["start"], "basis": basis}
        yield Fact("school.included", school, day, included)
