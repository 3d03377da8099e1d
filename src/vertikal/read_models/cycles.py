"""Management cycles: what is kept of each (``cycle_states``), and what its components are worth (``chains``).

A cycle hears of the activities that its decisions name whether they are planned, and of the recommendations of others
whether they were given to it; it tells its own recommendations whether they are sound.
"""

from __future__ import annotations

from bisect import insort

from . import heard
from .chains import Chain
from .cycle_states import COMPONENTS, Cycle, Said, said_on
from .indicator import Indicator, Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, Sums, steps

COMPLETE = Measure("cycle_components", Kind.STOCK)
EXPECTED = Measure("cycle_expected", Kind.STOCK)
NEVER = "9999-12-31"
GIVEN = "given"


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


def hearing(measure: str, values: tuple[str, ...]) -> tuple[str, str] | None:
    """Which of the activities are planned, and which recommendations of other cycles are given."""
    if measure == heard.GIVEN.name:
        cycle, recommendation = values
        return cycle, f"{GIVEN} {recommendation}"
    cycle, _, activity, what = values
    return (cycle, f"{heard.PLANNED} {activity}") if what == heard.PLANNED else None


def chain(cycle: Cycle, sums: Sums, on: str) -> Chain:
    """What is sound on a date, by what the cycle heard."""
    return Chain(
        cycle,
        on,
        lambda activity: heard.total(sums, f"{heard.PLANNED} {activity}", on) > 0,
        lambda recommendation: heard.total(sums, f"{GIVEN} {recommendation}", on) > 0,
    )


def measures(cycle: Cycle, sums: Sums) -> Cells:
    """At the organisation of the cycle, from its opening up to, not including, its closing.

    What its recommendations hear does not end with it.
    """
    opened = cycle.opened
    if opened is None:
        return {}
    begins, ends = opened.on, min((said.on for said in cycle.closings(NEVER)), default=NEVER)
    told = {said.on for each in cycle.said.values() for said in each}
    told |= {recorded[0].on for recorded in cycle.monitored.values()}  # one record makes it a component, as many do
    chains = {on: chain(cycle, sums, on) for on in told | heard.dates(sums)}
    dates = {begins, ends, *(on for on in chains if begins < on < ends)} if begins < ends else set()
    complete = steps(dates - {NEVER}, lambda on: chains[on].complete if on < ends else 0)
    expected = steps(dates - {NEVER}, lambda on: len(COMPONENTS) if on < ends else 0)
    worth: list[tuple[Measure, tuple[str, ...], dict[str, int]]] = [(COMPLETE, (), complete), (EXPECTED, (), expected)]
    worth += [(heard.SOUND, (cycle.cycle, code), _sound(code, chains)) for code in _recommended(chains)]
    return {
        (opened.data["organisation"], measure.name, values, on): amount
        for measure, values, changes in worth
        for on, amount in changes.items()
    }


def _recommended(chains: dict[str, Chain]) -> set[str]:
    """The recommendations that are sound on any date."""
    return {code for each in chains.values() for code in each.links["recommendations"]}


def _sound(recommendation: str, chains: dict[str, Chain]) -> dict[str, int]:
    return steps(chains, lambda on: int(recommendation in chains[on].links["recommendations"]))


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
        (COMPLETE, EXPECTED, heard.SOUND),
        version=3,
        hears=(heard.NAMED, heard.GIVEN),
        hearing=hearing,
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
