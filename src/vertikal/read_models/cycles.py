"""Management cycles: what is kept of each (``cycle_states``), and what its components are worth (``chains``)."""

from __future__ import annotations

from bisect import insort
from functools import partial

from .chains import Chain
from .cycle_states import COMPONENTS, Cycle, Said, said_on
from .indicator import Indicator, Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps

COMPLETE = Measure("cycle_components", Kind.STOCK)
EXPECTED = Measure("cycle_expected", Kind.STOCK)
NEVER = "9999-12-31"


def keys(event: Event) -> Keys:
    """A closing concerns the next cycle, too: that is how it knows what it carries on."""
    data = event["data"]
    following = (data["next"],) if event["type"] == "cycle.closed" and "next" in data else ()
    return tuple(dict.fromkeys((data["cycle"], *following)))


def evolve(cycle: Cycle | None, event: Event) -> Cycle:
    type_, data, cycle = event["type"], event["data"], cycle or Cycle()
    if type_ == "monitoring.recorded":
        said = Said(data["on"], event["id"], data)
        recorded = _inserted(cycle.monitored.get(data["indicator"], ()), said)
        return Cycle(data["cycle"], cycle.said, {**cycle.monitored, data["indicator"]: recorded})
    code = cycle.cycle if type_ == "cycle.closed" else data["cycle"]  # a closing may be that of the cycle before
    said = Said(event["time"][:10], event["id"], data)
    return Cycle(code, {**cycle.said, type_: _inserted(cycle.said.get(type_, ()), said)}, cycle.monitored)


def measures(cycle: Cycle) -> Cells:
    """At the organisation of the cycle, from its opening up to, not including, its closing."""
    opened = cycle.opened
    if opened is None:
        return {}
    begins, ends = opened.on, min((said.on for said in cycle.closings(NEVER)), default=NEVER)
    told = {said.on for each in cycle.said.values() for said in each}
    told |= {recorded[0].on for recorded in cycle.monitored.values()}  # one record makes it a component, as many do
    dates = {begins, ends, *(on for on in told if begins < on < ends)} if begins < ends else set()
    worth = {COMPLETE: partial(_complete, cycle, ends), EXPECTED: partial(_expected, ends)}
    return {
        (opened.data["organisation"], measure.name, (), date): amount
        for measure, value in worth.items()
        for date, amount in steps(dates - {NEVER}, value).items()
    }


def _complete(cycle: Cycle, ends: str, on: str) -> int:
    return Chain(cycle, on).complete if on < ends else 0


def _expected(ends: str, on: str) -> int:
    return len(COMPONENTS) if on < ends else 0


def _inserted(ordered: tuple[Said, ...], said: Said) -> tuple[Said, ...]:
    items = list(ordered)
    insort(items, said, key=said_on)
    return tuple(items)


MODELS = (
    Model(
        "cycles",
        (
            "cycle.opened",
            "cycle.closed",
            "goal.set",
            "indicator.adopted",
            "monitoring.recorded",
            "analysis.published",
            "recommendation.issued",
            "decision.taken",
            "effectiveness.assessed",
        ),
        Cycle,
        keys,
        evolve,
        measures,
        (COMPLETE, EXPECTED),
        version=2,
    ),
)
INDICATORS = (
    Indicator(
        "cycle_completeness",
        "Полнота управленческих циклов",
        "Completeness of management cycles",
        (Part(COMPLETE, stock),),
        (Part(EXPECTED, stock),),
        unit="components",
        better="more",
        source=(
            "Методология региональных систем управления качеством образования: цели, показатели, методы сбора, "
            "мониторинг, анализ, адресные рекомендации, меры, управленческие решения, анализ эффективности мер"
        ),
    ),
)
