"""Contradictions: what claims, plans, marks and names say against each other.

Nothing of this is stored. Each rule is a function of states as known at a position; it says what it found, its figures,
and where the events behind it stand. A contradiction is shown, never resolved: that is for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import periods
from .claims import Ahead, Claim
from .names import RULE, proposal_of
from .roadmaps import CANCELLED, DONE, Activity, Mark, Roadmap, status_at

VERSIONS = {
    "before_order": 1,
    "claim_without_events": 1,
    "counted_listed": 1,
    "percent_without_denominator": 1,
    "plan_called_done": 1,
    "two_names": 1,
}
"""The rules by kind. Who changes what a rule finds counts its version up."""

SHARES = ("%", "доля", "процент")
TEXT_MAX = 120
ALL_DONE = "roadmap_done"
NAMES = "organisations"  # what named them stands in the registry of the log, not in an entity


@dataclass(frozen=True)
class Origin:
    """Events behind a contradiction: those of an entity, narrowed to ids, or to types (and subjects)."""

    model: str
    key: str
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def holds(self, event: Mapping[str, Any]) -> bool:
        return (
            (not self.ids or event["id"] in self.ids)
            and (not self.types or event["type"] in self.types)
            and (not self.subjects or event["subject"] in self.subjects)
        )


@dataclass(frozen=True)
class Contradiction:
    """What a rule found. ``key`` is unique within its kind; ``proposal`` is where a person is to decide."""

    kind: str
    key: str
    organisation: str
    about: dict[str, Any]
    text: str
    figures: dict[str, int | str]
    origins: tuple[Origin, ...] = ()
    confidence: str | None = None
    proposal: str | None = None
    decided: str | None = None

    @property
    def sorts_as(self) -> str:
        return f"{self.kind}/{self.key}"


@dataclass(frozen=True)
class Stated:
    """A claim as it stands, with what it is held against: None where it does not speak of that, or it is not known.

    ``key``: of the entity that holds it; ``members``: the schools of its cohort on its date; ``activities``: of its
    road map.
    """

    claim: Claim
    key: str
    supported_by: int = 0
    members: tuple[str, ...] | None = None
    activities: tuple[Activity, ...] | None = None

    @property
    def about(self) -> dict[str, str]:
        return {"claim": self.claim.claim, **self.claim.about}

    @property
    def sorts_as(self) -> str:
        return f"{self.claim.organisation}/{self.claim.claim}/{self.key}"

    @property
    def origin(self) -> Origin:
        return Origin("claims", self.key, ids=(self.claim.event_id,))

    def found(self, kind: str, text: str, figures: dict[str, int | str], *origins: Origin) -> Contradiction:
        organisation = self.claim.organisation
        return Contradiction(kind, self.sorts_as, organisation, self.about, text, figures, (self.origin, *origins))


# Claims


def of_claim(stated: Stated) -> Iterator[Contradiction]:
    """All that contradicts one claim."""
    yield from _counted_listed(stated)
    yield from _unsupported(stated)
    yield from _claimed_ahead(stated)


def _counted_listed(stated: Stated) -> Iterator[Contradiction]:
    """A count that is neither that of the schools listed nor that of the activities wholly done.

    A claim that names an indicator counts what that counts: neither schools nor, but for ``roadmap_done``, activities.
    """
    claim, counts, origins, words = stated.claim, dict[str, int](), list[Origin](), list[str]()
    if stated.members is not None and "indicator" not in claim.about:
        cohort = claim.about["cohort"]
        counts["members"] = len(stated.members)
        listed = ("school.included",) if stated.members else ("cohort.defined",)
        origins.append(Origin("cohorts", cohort, types=listed, subjects=stated.members))
        words.append(f"в группе «{cohort}» школ: {len(stated.members)}")
    if stated.activities is not None and claim.about.get("indicator", ALL_DONE) == ALL_DONE:
        done = [each for each in _standing(stated.activities, claim.on) if _wholly_done(each, claim.on)]
        counts["done"] = len(done)
        origins += [_done_marks(activity, claim.on) for activity in done]
        words.append(f"полностью выполнено мероприятий: {len(done)}")
    if claim.counted is not None and counts and claim.counted not in counts.values():
        text = f"указано {claim.counted}, а на {claim.on} {', '.join(words)}"
        yield stated.found("counted_listed", text, {"counted": claim.counted, **counts}, *origins)


def _unsupported(stated: Stated) -> Iterator[Contradiction]:
    if stated.supported_by == 0:
        text = f"утверждение не подтверждено событиями: «{_short(stated.claim.text)}»"
        yield stated.found("claim_without_events", text, {"supported_by": 0})


def _claimed_ahead(stated: Stated) -> Iterator[Contradiction]:
    """All is said to be done while some of it had not begun by the plan, and has no done mark either."""
    claim = stated.claim
    if stated.activities is None or claim.about.get("indicator", ALL_DONE) != ALL_DONE:
        return
    standing = list(_standing(stated.activities, claim.on))
    if claim.counted is not None and claim.counted < len(standing):
        return
    ahead, origins = 0, list[Origin]()
    for activity in standing:
        waiting = [status for status in _statuses(activity, claim.on) if status not in (DONE, CANCELLED)]
        if waiting and (_start_at(activity, claim.on) or "") > claim.on:
            ahead += len(waiting)
            origins.append(_plan(activity))
    if ahead:
        figures: dict[str, int | str] = {"activities": len(standing), "ahead": ahead}
        figures |= {"counted": claim.counted} if claim.counted is not None else {}
        text = f"на {claim.on} всё названо выполненным, а срок ещё не начался, исполнителей: {ahead}"
        yield stated.found("plan_called_done", text, figures, *origins)


def _wholly_done(activity: Activity, on: str) -> bool:
    return all(status == DONE for status in _statuses(activity, on))


def _statuses(activity: Activity, on: str) -> list[str]:
    """The status of each target on a date: that of its latest mark."""
    marks = [(mark.on, mark.organisation, mark.status) for mark in activity.marks]
    return [
        status_at(tuple((date, status) for date, of, status in marks if of in ("", target)), on)
        for target in activity.targets
    ]


def _done_marks(activity: Activity, on: str) -> Origin:
    ids = tuple(mark.event_id for mark in activity.marks if mark.status == DONE and mark.on <= on)
    return Origin("activities", _key(activity), ids=ids)


# Names


def two_names(parent: str, names: Mapping[str, str], confidence: str) -> Contradiction:
    """Two organisations under one parent that may be one; the parent decides."""
    first, second = sorted(names)
    text = f"похожие названия, возможно, одной организации: «{_short(names[first])}» и «{_short(names[second])}»"
    about = {"organisations": [first, second], "names": [names[first], names[second]]}
    origins = tuple(Origin(NAMES, code) for code in (first, second))
    of = proposal_of(first, second)
    return Contradiction(RULE, f"{parent}/{first}/{second}", parent, about, text, {}, origins, confidence, proposal=of)


# Road maps


def before_order(roadmap: Roadmap, activities: Iterable[Activity], as_of: str) -> Iterator[Contradiction]:
    """What was planned for, or marked, before the act that adopts the road map."""
    if roadmap.act is None:
        return
    ordered = roadmap.act["date"]
    adopted = Origin("roadmaps", roadmap.roadmap)
    for activity in _standing(activities, as_of):
        timing = _planned(activity)["timing"]
        ends = _first_end(timing)
        if ends is not None and ends < ordered:
            start = timing["start"]
            text = f"мероприятие запланировано с {start}, а приказ издан {ordered}: «{_title(activity)}»"
            figures: dict[str, int | str] = {"ordered": ordered, "planned": start}
            yield _of_activity("before_order", roadmap.owner, activity, "", text, figures, adopted, _plan(activity))
        for organisation, marks in _by_target(activity, roadmap.owner, as_of):
            early = [mark for mark in marks if mark.on < ordered]
            if early:
                text = f"отметка от {early[0].on}, а приказ издан {ordered}: «{_title(activity)}»"
                figures = {"ordered": ordered, "marked": early[0].on}
                told = _marks(activity, early)
                yield _of_activity("before_order", organisation, activity, "marks", text, figures, adopted, told)


def without_denominator(roadmap: Roadmap, activities: Iterable[Activity], as_of: str) -> Iterator[Contradiction]:
    """Shares of nobody knows what: expected of an activity, or reported as its result."""
    kind = "percent_without_denominator"
    for activity in _standing(activities, as_of):
        expected = _planned(activity).get("expected")
        if expected and _is_bare_share(expected):
            text = f"ожидаемый результат — доля без знаменателя: «{_short(expected['text'])}»"
            figures = _share(expected)
            yield _of_activity(kind, roadmap.owner, activity, "expected", text, figures, _plan(activity))
        for organisation, marks in _by_target(activity, roadmap.owner, as_of):
            bare = [mark for mark in marks if mark.result and _is_bare_share(mark.result)]
            if bare and bare[-1].result:
                text = f"результат — доля без знаменателя: «{_short(bare[-1].result['text'])}»"
                figures = _share(bare[-1].result)
                yield _of_activity(kind, organisation, activity, "result", text, figures, _marks(activity, bare))


def done_ahead(
    roadmap: Roadmap, activities: Iterable[Activity], told_ahead: Iterable[Ahead], as_of: str
) -> Iterator[Contradiction]:
    """Done marks dated before the start of the timing then in force, or after the day on which they were told.

    The latter is seen from the day on which it was told, the former from the date of the mark.
    """
    told = {(each.activity, each.event_id): each.told for each in told_ahead}
    for activity in _standing(activities, as_of):
        for number, mark in enumerate(activity.marks):
            found = _ahead(activity, mark, told.get((activity.activity, mark.event_id)), as_of)
            if found is not None:
                text, figures = found
                behind = _plan(activity), _marks(activity, [mark])
                organisation, what = mark.organisation or roadmap.owner, f"{number:04}"
                yield _of_activity("plan_called_done", organisation, activity, what, text, figures, *behind)


def _ahead(activity: Activity, mark: Mark, told: str | None, as_of: str) -> tuple[str, dict[str, int | str]] | None:
    start = _start_at(activity, mark.on)
    if mark.status != DONE:
        return None
    if told is not None and told <= as_of:
        text = f"выполнение датировано {mark.on}, а сообщено раньше, {told}: «{_title(activity)}»"
        return text, {"completed": mark.on, "told": told}
    if start is not None and mark.on < start and mark.on <= as_of:
        text = f"выполнено {mark.on}, а по плану начало {start}: «{_title(activity)}»"
        return text, {"completed": mark.on, "start": start}
    return None


def _standing(activities: Iterable[Activity], as_of: str) -> Iterator[Activity]:
    return (each for each in activities if each.plan is not None and each.planned_on <= as_of)


def _planned(activity: Activity) -> dict[str, Any]:
    """What the plan says of an activity that stands."""
    return activity.plan or {}


def _by_target(activity: Activity, owner: str, as_of: str) -> Iterator[tuple[str, list[Mark]]]:
    """The marks up to a date by the organisation they are of; those that hold for all targets are the owner's."""
    found: dict[str, list[Mark]] = {}
    for mark in activity.marks:
        if mark.on <= as_of:
            found.setdefault(mark.organisation or owner, []).append(mark)
    yield from sorted(found.items())


def _of_activity(
    kind: str, organisation: str, activity: Activity, what: str, text: str, figures: dict[str, int | str], *of: Origin
) -> Contradiction:
    about = {"roadmap": activity.roadmap, "activity": activity.activity}
    key = f"{activity.roadmap}/{activity.activity}/{organisation}/{what}"
    return Contradiction(kind, key, organisation, about, text, figures, of)


def _first_end(timing: Mapping[str, Any]) -> str | None:
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


def _start_at(activity: Activity, on: str) -> str | None:
    """When the timing begins that was in force on a date."""
    timings = [timing for timing in activity.timings if timing.since <= on] or [activity.timings[0]]
    start: str | None = timings[-1].words.get("start")
    return start


def _is_bare_share(amount: Mapping[str, Any]) -> bool:
    return amount.get("unit", "").strip().lower().startswith(SHARES) and "denominator" not in amount


def _share(amount: Mapping[str, Any]) -> dict[str, int | str]:
    return {name: amount[name] for name in ("value", "unit", "numerator") if name in amount}


def _plan(activity: Activity) -> Origin:
    return Origin("activities", _key(activity), types=("activity.planned", "activity.rescheduled"))


def _marks(activity: Activity, marks: Sequence[Mark]) -> Origin:
    return Origin("activities", _key(activity), ids=tuple(mark.event_id for mark in marks))


def _key(activity: Activity) -> str:
    return f"{activity.roadmap}/{activity.activity}"


def _title(activity: Activity) -> str:
    return _short(_planned(activity)["title"])


def _short(text: str) -> str:
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
