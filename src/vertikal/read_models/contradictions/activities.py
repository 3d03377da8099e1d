"""What the rules read of the activities of a road map as of a date, and the events behind that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .. import periods
from ..roadmaps import DONE, Activity, Mark, status_at
from .found import Origin


def standing(activities: Iterable[Activity], as_of: str) -> Iterator[Activity]:
    return (each for each in activities if each.plan is not None and each.planned_on <= as_of)


def planned(activity: Activity) -> dict[str, Any]:
    """What the plan says of an activity that stands."""
    return activity.plan or {}


def start_at(activity: Activity, on: str) -> str | None:
    """When the timing begins that was in force on a date."""
    timings = [timing for timing in activity.timings if timing.since <= on] or [activity.timings[0]]
    start: str | None = timings[-1].words.get("start")
    return start


def first_end(timing: Mapping[str, Any]) -> str | None:
    """The last day of the first day, month, quarter or half-year that a timing names; None where it names none."""
    start = timing.get("start")
    if start is None:
        return None
    year, month = int(start[:4]), int(start[5:7])
    match timing["kind"]:
        case "day" | "range":
            return str(start)
        case "month" | "month_range":
            return periods.parse(start[:7]).end
        case "quarter" | "quarter_range":
            return periods.parse(f"{year}-Q{(month + 2) // 3}").end
        case "half":
            return f"{year}-06-30" if month <= 6 else f"{year}-12-31"
    return None


def wholly_done(activity: Activity, on: str) -> bool:
    return all(status == DONE for status in statuses(activity, on))


def statuses(activity: Activity, on: str) -> list[str]:
    """The status of each target on a date: that of its latest mark."""
    marks = [(mark.on, mark.organisation, mark.status) for mark in activity.marks]
    return [
        status_at(tuple((date, status) for date, of, status in marks if of in ("", target)), on)
        for target in activity.targets
    ]


def marks_by_target(activity: Activity, owner: str, as_of: str) -> Iterator[tuple[str, list[Mark]]]:
    """The marks up to a date by the organisation they are of; those that hold for all targets are the owner's."""
    found: dict[str, list[Mark]] = {}
    for mark in activity.marks:
        if mark.on <= as_of:
            found.setdefault(mark.organisation or owner, []).append(mark)
    yield from sorted(found.items())


def plan_of(activity: Activity) -> Origin:
    return Origin("activities", _key(activity), types=("activity.planned", "activity.rescheduled"))


def marks_of(activity: Activity, marks: Sequence[Mark]) -> Origin:
    return Origin("activities", _key(activity), ids=tuple(mark.event_id for mark in marks))


def _key(activity: Activity) -> str:
    return f"{activity.roadmap}/{activity.activity}"
