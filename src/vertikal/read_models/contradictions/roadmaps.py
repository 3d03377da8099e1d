"""What in a road map contradicts itself: its order, its plan and its marks; and shares of nobody knows what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..claims import Ahead
from ..roadmaps import DONE, Activity, Mark, Roadmap
from .activities import first_end, marks_by_target, marks_of, plan_of, planned, standing, start_at
from .found import Contradiction, Origin, short

SHARES = ("%", "доля", "процент")


def of_roadmap(
    roadmap: Roadmap, activities: Sequence[Activity], told_ahead: Iterable[Ahead], as_of: str
) -> Iterator[Contradiction]:
    """All that contradicts the plan of a road map, or the marks on it; ``told_ahead``: marks told before their day."""
    yield from _before_order(roadmap, activities, as_of)
    yield from _without_denominator(roadmap, activities, as_of)
    yield from _done_ahead(roadmap, activities, told_ahead, as_of)


def _before_order(roadmap: Roadmap, activities: Iterable[Activity], as_of: str) -> Iterator[Contradiction]:
    """What was planned for, or marked, before the act that adopts the road map."""
    if roadmap.act is None:
        return
    ordered = roadmap.act["date"]
    adopted = Origin("roadmaps", roadmap.roadmap)
    for activity in standing(activities, as_of):
        timing = planned(activity)["timing"]
        ends = first_end(timing)
        if ends is not None and ends < ordered:
            start = timing["start"]
            text = f"мероприятие запланировано с {start}, а приказ издан {ordered}: «{_title(activity)}»"
            figures: dict[str, int | str] = {"ordered": ordered, "planned": start}
            yield _of_activity("before_order", roadmap.owner, activity, "", text, figures, adopted, plan_of(activity))
        for organisation, marks in marks_by_target(activity, roadmap.owner, as_of):
            early = [mark for mark in marks if mark.on < ordered]
            if early:
                text = f"отметка от {early[0].on}, а приказ издан {ordered}: «{_title(activity)}»"
                figures = {"ordered": ordered, "marked": early[0].on}
                told = marks_of(activity, early)
                yield _of_activity("before_order", organisation, activity, "marks", text, figures, adopted, told)


def _without_denominator(roadmap: Roadmap, activities: Iterable[Activity], as_of: str) -> Iterator[Contradiction]:
    """Shares of nobody knows what: expected of an activity, or reported as its result."""
    kind = "percent_without_denominator"
    for activity in standing(activities, as_of):
        expected = planned(activity).get("expected")
        if expected and _is_bare_share(expected):
            text = f"ожидаемый результат — доля без знаменателя: «{short(expected['text'])}»"
            figures = _share(expected)
            yield _of_activity(kind, roadmap.owner, activity, "expected", text, figures, plan_of(activity))
        for organisation, marks in marks_by_target(activity, roadmap.owner, as_of):
            bare = [mark for mark in marks if mark.result and _is_bare_share(mark.result)]
            if bare and bare[-1].result:
                text = f"результат — доля без знаменателя: «{short(bare[-1].result['text'])}»"
                figures = _share(bare[-1].result)
                yield _of_activity(kind, organisation, activity, "result", text, figures, marks_of(activity, bare))


def _done_ahead(
    roadmap: Roadmap, activities: Iterable[Activity], told_ahead: Iterable[Ahead], as_of: str
) -> Iterator[Contradiction]:
    """Done marks dated before the start of the timing then in force, or after the day on which they were told.

    The latter is seen from the day on which it was told, the former from the date of the mark.
    """
    told = {(each.activity, each.event_id): each.told for each in told_ahead}
    for activity in standing(activities, as_of):
        for number, mark in enumerate(activity.marks):
            found = _ahead(activity, mark, told.get((activity.activity, mark.event_id)), as_of)
            if found is not None:
                text, figures = found
                behind = plan_of(activity), marks_of(activity, [mark])
                organisation, what = mark.organisation or roadmap.owner, f"{number:04}"
                yield _of_activity("plan_called_done", organisation, activity, what, text, figures, *behind)


def _ahead(activity: Activity, mark: Mark, told: str | None, as_of: str) -> tuple[str, dict[str, int | str]] | None:
    start = start_at(activity, mark.on)
    if mark.status != DONE:
        return None
    if told is not None and told <= as_of:
        text = f"выполнение датировано {mark.on}, а сообщено раньше, {told}: «{_title(activity)}»"
        return text, {"completed": mark.on, "told": told}
    if start is not None and mark.on < start and mark.on <= as_of:
        text = f"выполнено {mark.on}, а по плану начало {start}: «{_title(activity)}»"
        return text, {"completed": mark.on, "start": start}
    return None


def _of_activity(
    kind: str, organisation: str, activity: Activity, what: str, text: str, figures: dict[str, int | str], *of: Origin
) -> Contradiction:
    about = {"roadmap": activity.roadmap, "activity": activity.activity}
    key = f"{activity.roadmap}/{activity.activity}/{organisation}/{what}"
    return Contradiction(kind, key, organisation, about, text, figures, of)


def _is_bare_share(amount: Mapping[str, Any]) -> bool:
    return amount.get("unit", "").strip().lower().startswith(SHARES) and "denominator" not in amount


def _share(amount: Mapping[str, Any]) -> dict[str, int | str]:
    return {name: amount[name] for name in ("value", "unit", "numerator") if name in amount}


def _title(activity: Activity) -> str:
    return short(planned(activity)["title"])
