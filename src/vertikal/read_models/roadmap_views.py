"""Road maps as they are shown on a date: activities in their order, the state of each target, and what is asked for.

A view is made of what the read models hold. Who may see it, and when an organisation ended, its caller says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .bodies import Named, key, named
from .expectations import is_share, met
from .roadmaps import CANCELLED, DONE, PLANNED, STATUSES, Activity, Mark, Timing

Ended = Callable[[str], str | None]  # the day from which an organisation is no more
View = dict[str, Any]


@dataclass(frozen=True)
class Filter:
    """What is asked of targets (status, overdue, within) and of their activities (body, section); None: anything.

    ``within`` says whether an organisation is among those asked about, ``body`` is a name as ``bodies`` tells it, and
    an empty ``section`` means activities that stand in none.
    """

    status: str | None = None
    overdue: bool | None = None
    body: str | None = None
    section: str | None = None
    within: Callable[[str], bool] | None = None

    @property
    def narrows(self) -> bool:
        """Whether it asks for anything besides the organisations."""
        return any(each is not None for each in (self.status, self.overdue, self.body, self.section))


def views(activities: Iterable[Activity], as_of: str, ended: Ended = lambda _: None) -> list[View]:
    """All that exist on a date, in the order of the plan: by their codes within sections, as these come first.

    Codes carry the ordinal of the plan's row, so the numbers in them are compared as numbers: 2 before 10.
    """
    by_code = sorted(activities, key=lambda each: _ordinal(each.activity))
    shown = [found for each in by_code if (found := view(each, as_of, ended)) is not None]
    sections = list(dict.fromkeys(each["section"] for each in shown))
    return sorted(shown, key=lambda each: sections.index(each["section"]))


def view(activity: Activity, as_of: str, ended: Ended = lambda _: None) -> View | None:
    """The activity as of a date, in the shape of ``/v1/roadmaps/{id}``; None before its plan."""
    if activity.plan is None or activity.planned_on > as_of:
        return None
    plan, marks = activity.plan, [mark for mark in activity.marks if mark.on <= as_of]
    timings = [timing for timing in activity.timings if timing.since <= as_of] or [activity.timings[0]]
    targets = [_target_view(activity, target, marks, timings[-1].end, as_of, ended) for target in activity.targets]
    results = [mark.result for mark in marks if mark.result]
    return {
        "activity": activity.activity,
        "number": plan["number"],
        "title": plan["title"],
        "section": plan.get("section"),
        "timing": timings[-1].words,
        "timings": [_timing_view(timing) for timing in timings],
        "responsible": plan["responsible"],
        "bodies": [_body_view(each) for each in named(plan["responsible"])],
        "expected": plan.get("expected"),
        "result": results[-1] if results else None,
        "met": met(plan.get("expected"), [each["result"] for each in targets if each["status"] == DONE]),
        "rescheduled": len(timings) > 1,
        "targets": targets,
    }


def _body_view(each: Named) -> View:
    return {"body": each.body, "raw": each.raw, "kind": each.kind, "confidence": each.confidence}


def _timing_view(timing: Timing) -> View:
    return {"since": timing.since, "timing": timing.words, "reason": timing.reason, "event_id": timing.event_id}


def _target_view(activity: Activity, target: str, marks: list[Mark], end: str | None, as_of: str, ended: Ended) -> View:
    """The state of a target; one whose organisation is no more is never overdue."""
    past, closed = end is not None and end < as_of, ended(target)
    gone = closed is not None and closed <= as_of
    mark = next((mark for mark in reversed(marks) if mark.organisation in ("", target)), None)
    status = mark.status if mark else ("no_mark" if past else PLANNED)
    return {
        "organisation": target,
        "status": status,
        "overdue": past and not gone and status not in (DONE, CANCELLED),
        "on": mark.on if mark else None,
        "event_id": mark.event_id if mark else None,
        "organised": {"not_held": True, "not_organised": False}.get(status),
        "result": mark.result if mark else None,
        "met": _met_alone(activity, mark.result) if mark and status == DONE else None,
        "done": mark.done if mark else None,
        "missing": mark.missing if mark else None,
        "reason": mark.reason if mark else None,
        "evidence": (mark.evidence if mark else None) or [],
        "closed_from": closed if gone else None,
    }


def _met_alone(activity: Activity, result: View | None) -> bool | None:
    """Whether one target met what was expected: a share for itself, a count only where it has no one beside it."""
    expected = activity.plan.get("expected") if activity.plan else None
    if expected is None or (len(activity.targets) > 1 and not is_share(expected)):
        return None
    return met(expected, [result])


def chosen(found: Iterable[View], asked: Filter) -> list[View]:
    """The activities that a filter asks for, each with those of its targets that it asks for; the rest stays."""
    about = (each for each in found if _is_about(each, asked))
    kept = ({**each, "targets": [one for one in each["targets"] if _is_asked(one, asked)]} for each in about)
    return [each for each in kept if each["targets"]]


def _is_about(activity: View, asked: Filter) -> bool:
    return (asked.section is None or key(activity["section"] or "") == key(asked.section)) and (
        asked.body is None or key(asked.body) in (key(each["body"]) for each in activity["bodies"])
    )


def _is_asked(target: View, asked: Filter) -> bool:
    return (
        asked.status in (None, target["status"])
        and asked.overdue in (None, target["overdue"])
        and (asked.within is None or asked.within(target["organisation"]))
    )


def counts(found: Iterable[View]) -> dict[str, int]:
    """How many targets stand in each status, and how many are overdue, but for organisations that are no more."""
    targets = [target for each in found for target in each["targets"] if target["closed_from"] is None]
    statuses = Counter(target["status"] for target in targets)
    overdue = sum(target["overdue"] for target in targets)
    return {"total": len(targets), **{status: statuses[status] for status in STATUSES}, "overdue": overdue}


def _ordinal(code: str) -> tuple[list[str | int], str]:
    """A code as it is sorted: its digits as numbers."""
    parts = re.split(r"([0-9]+)", code)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], code
