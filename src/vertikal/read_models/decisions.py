"""Decisions: which of them are executed, all their activities being done.

A decision is executed from the day on which every activity that it names is planned and has no target left to do. What
was cancelled is left out, but one target at least is done: a decision without activities, or all of whose activities
were cancelled, has changed nothing yet.
"""

from __future__ import annotations

from bisect import insort
from functools import partial

import msgspec

from . import heard
from .cycle_states import Said, activities_of
from .indicator import Indicator, Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, Sums, steps

TAKEN = Measure("decisions_taken", Kind.STOCK)
EXECUTED = Measure("decisions_executed", Kind.STOCK)


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """The decision as it was taken on a date, and whose it is."""

    on: str
    organisation: str
    activities: tuple[str, ...]


class Decision(msgspec.Struct, frozen=True):
    """How a decision was taken, by date; taken again, it replaces what it was before."""

    taken: tuple[Taken, ...]


def keys(event: Event) -> Keys:
    return (f"{event['data']['cycle']}/{event['data']['decision']}",)


def evolve(decision: Decision | None, event: Event) -> Decision:
    on = event["time"][:10]
    named = tuple(dict.fromkeys(activities_of(Said(on, event["id"], event["data"]))))
    taken = list(decision.taken if decision else ())
    insort(taken, Taken(on, event["owner"], named), key=lambda each: each.on)
    return Decision(tuple(taken))


def hearing(_: str, values: tuple[str, ...]) -> tuple[str, str]:
    """What becomes of its activities."""
    cycle, decision, activity, what = values
    return f"{cycle}/{decision}", f"{what} {activity}"


def measures(decision: Decision, sums: Sums) -> Cells:
    """At the organisation whose decision it is, from the day on which it was first taken."""
    organisation, since = decision.taken[-1].organisation, decision.taken[0].on
    dates = {taken.on for taken in decision.taken} | {on for on in heard.dates(sums) if on > since}
    cells: Cells = {(organisation, TAKEN.name, (), since): 1}
    for on, amount in steps(dates, partial(_executed, decision, sums)).items():
        cells[organisation, EXECUTED.name, (), on] = amount
    return cells


def _executed(decision: Decision, sums: Sums, on: str) -> int:
    """1 or 0."""
    named = [taken for taken in decision.taken if taken.on <= on][-1].activities
    planned, done, left = (
        [heard.total(sums, f"{what} {activity}", on) for activity in named]
        for what in (heard.PLANNED, heard.DONE, heard.LEFT)
    )
    return int(all(planned) and any(done) and not any(left))


MODELS = (
    Model(
        "decisions",
        ("decision.taken",),
        Decision,
        keys,
        evolve,
        measures,
        (TAKEN, EXECUTED),
        hears=(heard.NAMED,),
        hearing=hearing,
    ),
)
INDICATORS = (
    Indicator(
        "decisions_executed",
        "Доля исполненных управленческих решений",
        "Share of decisions executed",
        (Part(EXECUTED, stock),),
        (Part(TAKEN, stock),),
        unit="decisions",
        better="more",
        source=(
            "Методология региональных систем управления качеством образования: управленческие решения и меры; "
            "отметки о выполнении мероприятий, названных в решениях"
        ),
    ),
)
