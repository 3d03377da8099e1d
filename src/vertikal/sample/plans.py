"""Generated road maps: adopted every autumn, and marked month by month until well into the next school year.

What becomes of an activity is arithmetic over its ordinal, its target and its year, so nothing has to be remembered
between months: each month asks of every row what is due to be said about it now.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import plan_rows
from .dates import Month, label, school_year, september
from .facts import Data, Fact
from .places import Municipality, School
from .plan_rows import Pattern
from .roadmaps import code
from .scale import Scale

MONTHS_LIVE = 16
# (up to which lot of a hundred, outcome); the lots in ACTIVITY_LOTS decide for all targets at once
OUTCOMES = (
    (60, "done"),
    (67, "late"),
    (75, "started"),
    (81, "partly"),
    (84, "not_held"),
    (87, "not_organised"),
    (91, "cancelled"),
    (95, "rescheduled"),
    (100, "silent"),
)
BY_LOT = tuple(next(name for limit, name in OUTCOMES if lot < limit) for lot in range(100))
ACTIVITY_LOTS = range(87, 95)
BY_TARGET_LOT = (*BY_LOT[: ACTIVITY_LOTS.start], *("silent",) * 5)
# outcome: what is said when, counted from the first ("f") or the last ("l") month of the row
STEPS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "done": (("l", 1, "completed"),),
    "late": (("l", 4, "completed"),),
    "started": (("f", 1, "started"), ("l", 1, "completed")),
    "partly": (("l", 1, "partly"),),
    "not_held": (("l", 1, "not_held"),),
    "not_organised": (("l", 2, "not_organised"),),
    "cancelled": (("l", 1, "cancelled"),),
    "rescheduled": (("l", 1, "rescheduled"), ("l", 3, "completed")),
    "silent": (),
}


class Plan(NamedTuple):
    """A road map as this module needs it; ``targets`` are those of the rows that are shared with the schools.

    ``silence``: in how many of a hundred cases the municipality sends no mark although the activity may be done.
    """

    roadmap: str
    owner: str
    sender: str
    number: int
    year: int
    rows: tuple[Pattern, ...]
    targets: tuple[School, ...]
    silence: int
    cohort: str = ""


def municipal(municipality: Municipality, year: int, scale: Scale) -> Plan:
    code, rows = municipality.code, plan_rows.municipal(scale.municipal_rows)
    targets, silence = municipality.members(year), _silence(municipality)
    return Plan(f"{code}-rm-{year}", code, code, municipality.number, year, rows, targets, silence, f"{code}-shnor")


def of_school(school: School, municipality: Municipality | None, year: int, scale: Scale) -> Plan:
    """A school's own road map; ``municipality`` is the one that sends it, None where the school does so itself."""
    rows = plan_rows.school(scale.school_rows)
    sender, silence = (municipality.code, _silence(municipality)) if municipality else (school.code, 0)
    return Plan(f"{school.code}-rm-{year}", school.code, sender, school.number, year, rows, (), silence)


def _silence(municipality: Municipality) -> int:
    return municipality.number * 7 % 4 * 5


def has_plan(school: School, scale: Scale) -> bool:
    """The schools with low results come first; at larger sizes others follow a plan as well."""
    return school.low or school.number * 37 % 100 < scale.planning


def live(month: Month) -> Iterator[tuple[int, int]]:
    """(school year, month within it) of the plans about which something may be said this month."""
    for year in (month.year - 1, month.year):
        index = month.since(september(year))
        if year >= 2020 and 0 <= index < MONTHS_LIVE:
            yield year, index


def facts(plan: Plan, index: int) -> Iterator[Fact]:
    """What is said about a road map in the month ``index`` of its year: first the plan, then marks.

    Every fifth owner hands its plan in a month late.
    """
    if index == (1 if plan.number % 5 == 0 else 0):
        yield from _adopted(plan)
    if index == 0:
        return
    for ordinal, row in enumerate(plan.rows, 1):
        lot = (ordinal * 37 + plan.number * 61 + plan.year * 17) % 100
        if lot in ACTIVITY_LOTS or not row.shared or not plan.targets:
            outcome = BY_LOT[lot] if lot >= plan.silence else "silent"
            yield from _said(plan, ordinal, row, index, outcome, lot)
            continue
        for school in plan.targets:
            own = (lot + school.number * 29) % len(BY_TARGET_LOT)
            outcome = BY_TARGET_LOT[own] if own >= plan.silence else "silent"
            yield from _said(plan, ordinal, row, index, outcome, own, school.code)


def _adopted(plan: Plan) -> Iterator[Fact]:
    owner, year = plan.owner, plan.year
    day = f"{year}-09-{2 + plan.number % 8:02}"
    kind = "муниципалитета" if plan.cohort else "школы"
    data: Data = {
        "roadmap": plan.roadmap,
        "owner": owner,
        "title": f"Дорожная карта {kind} по повышению качества образования, {label(year)}",
        "period": school_year(year),
        "act": {"number": f"{40 + plan.number % 300}-о", "date": day},
    }
    if plan.cohort:
        data["cohort"] = plan.cohort
    yield Fact("roadmap.adopted", owner, day, data)
    targets = [school.code for school in plan.targets]
    for ordinal, row in enumerate(plan.rows, 1):
        yield Fact("activity.planned", plan.sender, day, _planned(plan, ordinal, row, targets))


def _planned(plan: Plan, ordinal: int, row: Pattern, targets: list[str]) -> Data:
    data: Data = {
        "roadmap": plan.roadmap,
        "activity": code(ordinal),
        "number": f"{1 + (ordinal - 1) // 6}.{1 + (ordinal - 1) % 6}",
        "title": row.title,
        "section": f"Раздел {1 + (ordinal - 1) // 6}",
        "timing": plan_rows.timing(row, plan.year),
        "responsible": list(row.responsible),
    }
    if row.expected is not None:
        data["expected"] = row.expected
    if row.shared and targets:
        data["organisations"] = targets
    return data


def _said(
    plan: Plan, ordinal: int, row: Pattern, index: int, outcome: str, lot: int, target: str = ""
) -> Iterator[Fact]:
    for anchor, delay, what in STEPS[outcome]:
        if index == (row.first if anchor == "f" else row.last) + delay:
            yield from _step(plan, ordinal, row, what, lot, target)


def _step(plan: Plan, ordinal: int, row: Pattern, what: str, lot: int, target: str) -> Iterator[Fact]:
    """One step of an outcome: for one target, for all of them where it is decided for the activity as a whole."""
    later = 2 if what == "completed" and BY_LOT[lot] == "rescheduled" else 0
    month = september(plan.year).later(row.first if what == "started" else row.last + later)
    on = month.day(3 + lot * 7 % 25)
    data: Data = {"roadmap": plan.roadmap, "activity": code(ordinal)}
    if what == "cancelled":
        yield Fact("activity.cancelled", plan.sender, on, data | {"on": on, "reason": "Исключено приказом"})
    elif what == "rescheduled":
        data |= {"timing": plan_rows.postponed(row, plan.year), "reason": "Перенесено по ходатайству школ"}
        yield Fact("activity.rescheduled", plan.sender, on, data)
    elif target or not (row.shared and plan.targets):
        yield _mark(what, target or plan.owner, data, on, row)
    else:
        for school in plan.targets:
            yield _mark(what, school.code, dict(data), on, row)


def _mark(what: str, organisation: str, data: Data, on: str, row: Pattern) -> Fact:
    data["organisation"] = organisation
    if what == "completed":
        data["completed_on"] = on
        expected = row.expected
        if expected is not None and "value" in expected:
            data["result"] = {"text": "Выполнено", "value": expected["value"], "unit": expected["unit"]}
        elif expected is not None:
            data["evidence"] = [{"kind": expected["text"], "reference": f"{data['roadmap']}/{data['activity']}.pdf"}]
        return Fact("activity.completed", organisation, on, data)
    data["on"] = on
    if what == "started":
        return Fact("activity.started", organisation, on, data)
    if what == "partly":
        data |= {"done": "Начатое доведено до половины", "missing": "Не охвачены все классы"}
        return Fact("activity.partly_completed", organisation, on, data)
    data |= {"organised": what == "not_held", "reason": "Нет специалиста" if what == "not_organised" else "Отложено"}
    return Fact("activity.not_held", organisation, on, data)
