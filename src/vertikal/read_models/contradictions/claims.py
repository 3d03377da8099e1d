"""What contradicts a claim: the schools of a cohort, the marks and plans of a road map, or that nothing supports it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..claims import Claim
from ..roadmaps import CANCELLED, DONE, Activity
from .activities import marks_of, plan_of, standing, start_at, statuses, wholly_done
from .found import Contradiction, Origin, short

ALL_DONE = "roadmap_done"


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
        done = [each for each in standing(stated.activities, claim.on) if wholly_done(each, claim.on)]
        counts["done"] = len(done)
        origins += [_done_marks(activity, claim.on) for activity in done]
        words.append(f"полностью выполнено мероприятий: {len(done)}")
    if claim.counted is not None and counts and claim.counted not in counts.values():
        text = f"указано {claim.counted}, а на {claim.on} {', '.join(words)}"
        yield stated.found("counted_listed", text, {"counted": claim.counted, **counts}, *origins)


def _unsupported(stated: Stated) -> Iterator[Contradiction]:
    if stated.supported_by == 0:
        text = f"утверждение не подтверждено событиями: «{short(stated.claim.text)}»"
        yield stated.found("claim_without_events", text, {"supported_by": 0})


def _claimed_ahead(stated: Stated) -> Iterator[Contradiction]:
    """All is said to be done while some of it had not begun by the plan, and has no done mark either."""
    claim = stated.claim
    if stated.activities is None or claim.about.get("indicator", ALL_DONE) != ALL_DONE:
        return
    planned = list(standing(stated.activities, claim.on))
    if claim.counted is not None and claim.counted < len(planned):
        return
    ahead, origins = 0, list[Origin]()
    for activity in planned:
        waiting = [status for status in statuses(activity, claim.on) if status not in (DONE, CANCELLED)]
        if waiting and (start_at(activity, claim.on) or "") > claim.on:
            ahead += len(waiting)
            origins.append(plan_of(activity))
    if ahead:
        figures: dict[str, int | str] = {"activities": len(planned), "ahead": ahead}
        figures |= {"counted": claim.counted} if claim.counted is not None else {}
        text = f"на {claim.on} всё названо выполненным, а срок ещё не начался, исполнителей: {ahead}"
        yield stated.found("plan_called_done", text, figures, *origins)


def _done_marks(activity: Activity, on: str) -> Origin:
    return marks_of(activity, [mark for mark in activity.marks if mark.status == DONE and mark.on <= on])
