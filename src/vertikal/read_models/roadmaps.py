"""Road maps and their activities. One activity × one target organisation is what is counted.

The status of a target is that of its latest mark by date (of one date, the later in the log). Overdue begins on the day
after the end of the timing in force, without any event, and ends on the day of a done mark or a cancellation.

How they are shown: ``roadmap_views``.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import msgspec

from . import heard
from .indicator import Indicator, Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps
from .periods import day_after

Ends = tuple[tuple[str, str | None], ...]  # (in force since, end)
Statuses = tuple[tuple[str, str], ...]  # (date, status)

PLANNED, DONE, CANCELLED = "planned", "done", "cancelled"
STATUSES = (PLANNED, "no_mark", "started", DONE, "partly", "not_held", "not_organised", CANCELLED)  # as they are shown
MEASURES = {
    name: Measure(f"activities_{name}", Kind.STOCK, ("roadmap",))
    for name in ("planned", "done", "due", "on_time", "overdue")
}


class Roadmap(msgspec.Struct, frozen=True):
    """A road map exists from ``adopted_on``, the local date of its adoption's ``time``."""

    roadmap: str
    owner: str
    title: str
    period: dict[str, str]
    adopted_on: str
    act: dict[str, str] | None = None
    cohort: str | None = None


def roadmap_keys(event: Event) -> Keys:
    return (event["data"]["roadmap"],)


def evolve_roadmap(_: Roadmap | None, event: Event) -> Roadmap:
    return Roadmap(**event["data"], adopted_on=event["time"][:10])


class Timing(msgspec.Struct, frozen=True, array_like=True):
    """A timing and the date from which it is in force; ``end`` is None where nothing can become overdue."""

    since: str
    end: str | None
    words: dict[str, Any]
    event_id: str
    reason: str | None = None


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What became of the activity at a target; ``organisation`` is empty where it holds for all targets."""

    on: str
    organisation: str
    status: str
    event_id: str
    result: dict[str, Any] | None = None
    evidence: list[dict[str, Any]] | None = None
    done: str | None = None
    missing: str | None = None
    reason: str | None = None


class Activity(msgspec.Struct, frozen=True, omit_defaults=True):
    """An activity with all its timings and marks, each ordered by date; ``plan`` is None while none stands.

    The names are empty while only decisions have named it.
    """

    roadmap: str = ""
    activity: str = ""
    planned_on: str = ""
    targets: tuple[str, ...] = ()
    plan: dict[str, Any] | None = None
    timings: tuple[Timing, ...] = ()
    marks: tuple[Mark, ...] = ()
    decisions: tuple[heard.Naming, ...] = ()


def activity_keys(event: Event) -> Keys:
    """A decision concerns the activities that it names."""
    data = event["data"]
    if event["type"] == "decision.taken":
        return tuple(dict.fromkeys(f"{each['roadmap']}/{each['activity']}" for each in data["activities"]))
    return (f"{data['roadmap']}/{data['activity']}",)


def evolve_activity(activity: Activity | None, event: Event) -> Activity:
    data, id_ = event["data"], event["id"]
    if event["type"] == "decision.taken":
        return _decided(activity or Activity(), event)
    now = activity or Activity(data["roadmap"], data["activity"])
    if not now.roadmap:
        now = msgspec.structs.replace(now, roadmap=data["roadmap"], activity=data["activity"])
    match event["type"]:
        case "activity.planned":
            targets = tuple(dict.fromkeys(data.get("organisations") or (event["owner"],)))
            today = event["time"][:10]
            timings = tuple(_inserted(now.timings, _timing(today, data, id_), _since))
            return Activity(now.roadmap, now.activity, today, targets, data, timings, now.marks, now.decisions)
        case "activity.rescheduled":
            timing = _timing(event["time"][:10], data, id_)
            return msgspec.structs.replace(now, timings=tuple(_inserted(now.timings, timing, _since)))
        case "activity.started":
            mark = Mark(data["on"], data["organisation"], "started", id_)
        case "activity.completed":
            mark = Mark(data["completed_on"], data["organisation"], DONE, id_, data.get("result"), data.get("evidence"))
        case "activity.partly_completed":
            mark = Mark(data["on"], data["organisation"], "partly", id_, done=data["done"], missing=data["missing"])
        case "activity.not_held":
            status = "not_held" if data["organised"] else "not_organised"
            mark = Mark(data["on"], data["organisation"], status, id_, reason=data.get("reason"))
        case "activity.cancelled":
            mark = Mark(data["on"], "", CANCELLED, id_, reason=data["reason"])
        case _:
            return now
    return msgspec.structs.replace(now, marks=tuple(_inserted(now.marks, mark, _on)))


def activity_measures(activity: Activity) -> Cells:
    if activity.plan is None:
        return {}
    ends = tuple((timing.since, timing.end) for timing in activity.timings)
    cells: Cells = {
        (target, MEASURES[name].name, (activity.roadmap,), date): amount
        for target in activity.targets
        for name, date, amount in _worth(activity.planned_on, ends, tuple(_statuses(activity, target)))
    }
    return cells | _told(activity) if activity.decisions else cells


def _decided(activity: Activity, event: Event) -> Activity:
    data = event["data"]
    naming = heard.Naming(event["time"][:10], event["owner"], data["cycle"], data["decision"])
    return msgspec.structs.replace(activity, decisions=(*activity.decisions, naming))


def _told(activity: Activity) -> Cells:
    """What each decision hears of it: that it is planned, and of how many targets it is done, or left to do."""
    statuses = [tuple(_statuses(activity, target)) for target in activity.targets]
    counted = {
        heard.PLANNED: lambda _: 1,
        heard.DONE: lambda on: sum(status_at(each, on) == DONE for each in statuses),
        heard.LEFT: lambda on: sum(status_at(each, on) not in (DONE, CANCELLED) for each in statuses),
    }
    name, dates = f"{activity.roadmap}/{activity.activity}", [mark.on for mark in activity.marks]
    return heard.tell_decisions(name, activity.decisions, dates, counted)


@lru_cache(maxsize=100_000)
def _worth(planned_on: str, ends: Ends, statuses: Statuses) -> tuple[tuple[str, str, int], ...]:
    """The (measure, date, amount) of one target; most targets of a plan share their history, so it is remembered."""
    dates = {planned_on}
    dates.update(on for on, _ in statuses)
    dates.update(since for since, _ in ends)
    dates.update(day_after(end) for _, end in ends if end is not None)

    existing = [date for date in dates if date >= planned_on]
    return tuple(
        (name, date, amount)
        for name in MEASURES
        for date, amount in steps(existing, partial(_holds, name, ends, statuses)).items()
    )


def _holds(name: str, ends: Ends, statuses: Statuses, on: str) -> int:
    """Whether a measure counts the target on a date: 1 or 0."""
    status, end = status_at(statuses, on), _end_at(ends, on)
    due = status != CANCELLED and end is not None and end < on
    match name:
        case "planned":
            return int(status != CANCELLED)
        case "done":
            return int(status == DONE)
        case "due":
            return int(due)
        case "on_time":
            return int(due and status == DONE and end is not None and status_at(statuses, end) == DONE)
    return int(due and status != DONE)


def status_at(statuses: Statuses, on: str) -> str:
    """The status on a date, of (date, status) pairs ordered by date."""
    current = PLANNED
    for date, status in statuses:
        if date > on:
            break
        current = status
    return current


def _end_at(ends: Ends, on: str) -> str | None:
    current = ends[0][1]
    for since, end in ends:
        if since > on:
            break
        current = end
    return current


def _statuses(activity: Activity, target: str) -> Iterator[tuple[str, str]]:
    return ((mark.on, mark.status) for mark in activity.marks if mark.organisation in ("", target))


def _timing(since: str, data: dict[str, Any], event_id: str) -> Timing:
    words = data["timing"]
    unbounded = words["kind"] in ("relative", "unbounded", "missing")
    return Timing(since, None if unbounded else words.get("end"), words, event_id, data.get("reason"))


def _inserted(ordered: tuple[Any, ...], item: Any, by: Any) -> list[Any]:
    """With ``item`` behind everything of its date."""
    items = list(ordered)
    insort(items, item, key=by)
    return items


def _since(timing: Timing) -> str:
    return timing.since


def _on(mark: Mark) -> str:
    return mark.on


MODELS = (
    Model("roadmaps", ("roadmap.adopted",), Roadmap, roadmap_keys, evolve_roadmap, lambda _: {}, version=2),
    Model(
        "activities",
        (
            "activity.planned",
            "activity.rescheduled",
            "activity.started",
            "activity.completed",
            "activity.partly_completed",
            "activity.not_held",
            "activity.cancelled",
            "decision.taken",
        ),
        Activity,
        activity_keys,
        evolve_activity,
        activity_measures,
        (*MEASURES.values(), heard.NAMED),
        version=3,
    ),
)


def _indicator(code: str, numerator: str, denominator: str, title: str, title_en: str, better: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(MEASURES[numerator], stock),),
        (Part(MEASURES[denominator], stock),),
        unit="activities",
        better=better,
        source="Дорожная карта: отметки о выполнении",
        dimensions=("roadmap",),
    )


INDICATORS = (
    _indicator("roadmap_done", "done", "planned", "Доля выполненных мероприятий", "Share of activities done", "more"),
    _indicator(
        "roadmap_on_time",
        "on_time",
        "due",
        "Доля мероприятий, выполненных в срок",
        "Share of due activities done by their end",
        "more",
    ),
    _indicator(
        "roadmap_overdue",
        "overdue",
        "planned",
        "Доля просроченных мероприятий",
        "Share of activities overdue",
        "less",
    ),
)
