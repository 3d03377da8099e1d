"""Proposals about road maps: what is overdue, what is due soon, what was done and fell short of what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...projections import roadmaps
from ...read_models.contradictions.found import Origin
from ...read_models.periods import day_after
from ...read_models.roadmap_views import View
from ...read_models.roadmaps import CANCELLED, DONE, Roadmap
from ...rules.proposals import Proposal
from .look import Look, moved, shown

READ_AT_ONCE = 100
POSTPONED_DAYS = 30  # how far ahead a drafted rescheduling moves a deadline
MARKS = ("activity.completed", "activity.not_held")
ANSWERED = ("not_held", "not_organised")  # negative results: still overdue, and nothing is left to ask
OWNERS = ("activity.rescheduled", "activity.cancelled")


def find(look: Look) -> Iterator[Proposal]:
    """Of every activity that has a target in the subtree."""
    heads = [each for each in roadmaps.adopted(look.ledger, look.as_of, look.known_at) if look.concerns(each.owner)]
    for start in range(0, len(heads), READ_AT_ONCE):
        part = heads[start : start + READ_AT_ONCE]
        codes = [each.roadmap for each in part]
        of = roadmaps.activities(look.ledger, codes, look.as_of, look.known_at)
        for head in part:
            for activity in of[head.roadmap]:
                yield from _of_activity(look, head, activity)


@dataclass(frozen=True)
class _Task:
    """An activity of a road map at one of its targets."""

    roadmap: Roadmap
    activity: View
    target: View

    @property
    def end(self) -> str | None:
        """The end of the timing in force; None where nothing can become overdue."""
        timing = self.activity["timing"]
        return None if timing["kind"] in ("relative", "unbounded", "missing") else timing.get("end")

    @property
    def in_force(self) -> View:
        """The timing in force, with the day since when it is."""
        timing: View = self.activity["timings"][-1]
        return timing

    @property
    def told(self) -> str:
        return f"«{shown(self.activity['title'])}», срок {self.end}, {STATUS[self.target['status']]}"

    @property
    def events(self) -> tuple[str, ...]:
        """The event that set the deadline, and the latest mark."""
        return tuple(filter(None, (self.in_force["event_id"], self.target["event_id"])))


def _of_activity(look: Look, head: Roadmap, activity: View) -> Iterator[Proposal]:
    soon = moved(look.as_of, look.parameters("activity_due").days)
    if activity["met"] is False and len(activity["targets"]) > 1 and look.stands(head.owner):
        yield _together_below_target(look, head, activity)
    for target in activity["targets"]:
        task = _Task(head, activity, target)
        if not look.stands(target["organisation"]):
            continue
        if target["overdue"] and target["status"] not in ANSWERED:
            yield _overdue(look, task)
        elif task.end is not None and look.as_of <= task.end <= soon and target["status"] not in (DONE, CANCELLED):
            yield _due(look, task)
        if target["met"] is False:
            yield _below_target(look, task)


def _overdue(look: Look, task: _Task) -> Proposal:
    end, status = str(task.end), task.target["status"]
    since = max(day_after(end), task.in_force["since"])
    days = look.days(since) + 1
    text, figures = f"просрочено на {days} дн.: {task.told}", {"end": end, "status": status, "days": days}
    owned = task.target["organisation"] == task.roadmap.owner
    draft = _rescheduled(look, task) if owned else None
    return _proposal(look, "activity_overdue", task, since, text, (end,), figures, draft)


def _due(look: Look, task: _Task) -> Proposal:
    end = str(task.end)
    left = -look.days(end)
    since = max(moved(end, -look.parameters("activity_due").days), task.in_force["since"])
    figures = {"end": end, "status": task.target["status"], "days": left}
    return _proposal(look, "activity_due", task, since, f"до срока {left} дн.: {task.told}", (end,), figures)


def _below_target(look: Look, task: _Task) -> Proposal:
    expected, result = task.activity["expected"], task.target["result"]
    sides = [str(result.get(each)) for each in ("value", "numerator", "denominator")]
    text = (
        f"сделано, но результат ниже ожидаемого: «{shown(task.activity['title'])}»: {shown(result['text'])}; "
        f"ожидалось: {shown(expected['text'])}"
    )
    evidence = (str(expected.get("value")), *sides)
    figures = {"expected": expected, "result": result}
    return _proposal(look, "target_missed", task, task.target["on"], text, evidence, figures)


def _together_below_target(look: Look, head: Roadmap, activity: View) -> Proposal:
    """Of several targets, whose results fall short together."""
    expected, results = activity["expected"], [each["result"] for each in activity["targets"] if each["result"]]
    since = max(each["on"] for each in activity["targets"] if each["result"])
    told = "; ".join(shown(each["text"], 40) for each in results[:5])
    return Proposal(
        "target_missed",
        head.owner,
        {"roadmap": head.roadmap, "activity": activity["activity"]},
        since,
        look.urgency("target_missed", since),
        f"вместе сделано меньше ожидаемого: «{shown(activity['title'])}»: {told}; ожидалось: {shown(expected['text'])}",
        (str(expected.get("value")), *(str(each.get("value")) for each in results)),
        {"expected": expected, "results": results},
        settles=("activity.completed", "activity.rescheduled"),
        origins=(Origin("activities", f"{head.roadmap}/{activity['activity']}"),),
    )


def _proposal(
    look: Look,
    rule: str,
    task: _Task,
    since: str,
    text: str,
    evidence: tuple[str, ...],
    figures: View,
    draft: View | None = None,
) -> Proposal:
    roadmap, activity, code = task.roadmap.roadmap, task.activity["activity"], task.target["organisation"]
    return Proposal(
        rule,
        code,
        {"roadmap": roadmap, "activity": activity},
        since,
        look.urgency(rule, since),
        text,
        evidence,
        figures,
        draft,
        (*MARKS, *(OWNERS if code == task.roadmap.owner else ())),
        (Origin("activities", f"{roadmap}/{activity}", ids=task.events),),
    )


def _rescheduled(look: Look, task: _Task) -> View:
    """The owner of a road map may move a deadline; others can only say what became of it."""
    end = moved(look.as_of, POSTPONED_DAYS)
    timing = {"raw": f"до {end[8:]}.{end[5:7]}.{end[:4]}", "kind": "deadline", "end": end}
    data = {"roadmap": task.roadmap.roadmap, "activity": task.activity["activity"], "timing": timing}
    return {"type": "activity.rescheduled", "subject": task.roadmap.owner, "data": data}


STATUS = {
    "planned": "отметки нет",
    "no_mark": "отметки нет",
    "started": "начато",
    "partly": "выполнено частично",
    "not_held": "не проведено",
    "not_organised": "не организовано",
    "done": "выполнено",
    "cancelled": "отменено",
}
