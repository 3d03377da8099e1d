"""Management cycles: which of the nine components stand, each on what it rests, and what they are worth.

A cycle keeps all that was said of it. What of that is sound is worked out for a date: goals; indicators of a goal that
is set, and their methods; monitoring of adopted indicators; analysis; recommendations on a finding of it; decisions on
a recommendation, with an activity; measures, the activities that decisions name; effectiveness of these. A link whose
support was taken back is broken, and so is all that rests on it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from .indicator import Indicator, Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps

COMPONENTS = (
    "goals",
    "indicators",
    "methods",
    "monitoring",
    "analysis",
    "recommendations",
    "measures",
    "decisions",
    "effectiveness",
)
COMPLETE = Measure("cycle_components", Kind.STOCK)
EXPECTED = Measure("cycle_expected", Kind.STOCK)
SHORTENED = frozenset({"decision.taken", "effectiveness.assessed"})  # measures come with the decisions
NEVER = "9999-12-31"


class Said(msgspec.Struct, frozen=True, array_like=True):
    """What one event said, true from ``on``."""

    on: str
    event_id: str
    data: dict[str, Any]


class Cycle(msgspec.Struct, frozen=True):
    """All that was said of a cycle: by type, monitoring by indicator; each by date and, of one date, as in the log.

    ``cycle`` is empty while only other cycles have named it as their next.
    """

    cycle: str = ""
    said: dict[str, tuple[Said, ...]] = {}
    monitored: dict[str, tuple[Said, ...]] = {}

    @property
    def opened(self) -> Said | None:
        """The opening in force; None where it was taken back."""
        openings = self.said.get("cycle.opened")
        return openings[-1] if openings else None

    @property
    def organisation(self) -> str | None:
        """Whose cycle it is."""
        return str(self.opened.data["organisation"]) if self.opened else None

    def until(self, type_: str, as_of: str) -> list[Said]:
        """What was said in events of a type up to a date."""
        return [said for said in self.said.get(type_, ()) if said.on <= as_of]

    def closings(self, as_of: str) -> list[Said]:
        """Its own closings up to a date; the first of them ends it, the last says what follows."""
        return [said for said in self.until("cycle.closed", as_of) if said.data["cycle"] == self.cycle]

    def previous(self, as_of: str) -> str | None:
        """The cycle that was closed with this one as its next."""
        named = [said.data["cycle"] for said in self.until("cycle.closed", as_of) if said.data["cycle"] != self.cycle]
        return named[-1] if named else None


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


@dataclass(frozen=True)
class Broken:
    """A link that holds no longer, or never did: the component, the code of the link, and why, in Russian."""

    kind: str
    code: str
    reason: str


class Chain:
    """What of a cycle is sound as of a date.

    ``stands`` says of an activity (road map/activity) whether it is planned. The cycle itself cannot know that, and
    takes all for planned that a decision names.
    """

    def __init__(self, cycle: Cycle, as_of: str, stands: Callable[[str], bool] = lambda _: True) -> None:
        self._cycle, self._as_of, self._stands = cycle, as_of, stands
        self.links: dict[str, dict[str, Said]] = {component: {} for component in COMPONENTS}
        self.broken: list[Broken] = []
        self._indicators()
        self._monitoring()
        self._recommendations()
        self._decisions()
        self._effectiveness()

    @property
    def complete(self) -> int:
        """How many components have a sound link."""
        return sum(1 for sound in self.links.values() if sound)

    @property
    def kind(self) -> str:
        """``incomplete``: decisions, their measures and effectiveness alone, without any of the components before."""
        if self.complete == len(COMPONENTS):
            return "full"
        told = {type_ for type_ in self._cycle.said if self._cycle.until(type_, self._as_of)}
        monitored = any(recorded[0].on <= self._as_of for recorded in self._cycle.monitored.values())
        told -= {"cycle.opened", "cycle.closed"}
        return "incomplete" if told and told <= SHORTENED and not monitored else "partial"

    def _indicators(self) -> None:
        self.links["goals"] = {said.data["goal"]: said for said in self._cycle.until("goal.set", self._as_of)}
        for said in adopted(self._cycle, self._as_of):
            code, goal = said.data["indicator"], said.data["goal"]
            if goal not in self.links["goals"]:
                self._break("indicators", code, f"цель «{goal}» не поставлена или отозвана")
                continue
            self.links["indicators"][code] = said
            if said.data["method"].strip():
                self.links["methods"][code] = said
            else:
                self._break("methods", code, "метод сбора не указан")

    def _monitoring(self) -> None:
        for code in sorted(self._cycle.monitored):
            recorded = recorded_until(self._cycle, code, self._as_of)
            if recorded and code in self.links["indicators"]:
                self.links["monitoring"][code] = recorded[-1]
            elif recorded:
                self._break("monitoring", code, f"показатель «{code}» не принят, отозван или не связан с целью")

    def _recommendations(self) -> None:
        findings: set[str] = set()
        for code, said in self._latest("analysis.published", "analysis").items():
            if said.data["findings"]:
                self.links["analysis"][code] = said
            else:
                self._break("analysis", code, "в анализе нет выводов")
        for said in self._cycle.until("analysis.published", self._as_of):
            findings.update(finding["finding"] for finding in said.data["findings"])
        for code, said in self._latest("recommendation.issued", "recommendation").items():
            finding = said.data["finding"]
            if finding in findings:
                self.links["recommendations"][code] = said
            else:
                self._break("recommendations", code, f"вывод «{finding}» не опубликован или отозван вместе с анализом")

    def _decisions(self) -> None:
        named: dict[str, str] = {}  # activities that stand, by the decision that names them
        for code, said in self._latest("decision.taken", "decision").items():
            activities = list(activities_of(said))
            standing = [activity for activity in activities if self._stands(activity)]
            for activity in activities:
                if activity not in standing:
                    self._break("measures", activity, "мероприятие не запланировано или отозвано")
            founded = self._founded(code, said.data["recommendations"])
            if founded and standing:
                self.links["decisions"][code] = said
                self.links["measures"] |= dict.fromkeys(standing, said)
            elif founded:
                self._break("decisions", code, "нет действующего мероприятия")
            named |= dict.fromkeys(standing, code)
        for activity, code in named.items():
            if activity not in self.links["measures"]:
                self._break("measures", activity, f"решение «{code}» не обосновано рекомендацией")

    def _founded(self, code: str, recommendations: list[str]) -> bool:
        """Whether a decision has a sound recommendation; each that is not is a broken link."""
        unsound = [each for each in recommendations if each not in self.links["recommendations"]]
        for each in unsound:
            self._break("decisions", code, f"рекомендация «{each}» в этом цикле не дана, отозвана или не обоснована")
        if not recommendations:
            self._break("decisions", code, "не указана рекомендация")
        return len(unsound) < len(recommendations)

    def _effectiveness(self) -> None:
        for code, said in self._latest("effectiveness.assessed", "effectiveness").items():
            activities = list(activities_of(said))
            for activity in activities:
                if activity in self.links["measures"]:
                    self.links["effectiveness"][code] = said
                else:
                    reason = f"мероприятие «{activity}» не назначено действующим решением"
                    self._break("effectiveness", code, reason)
            if not activities:
                self._break("effectiveness", code, "не указано мероприятие")

    def _latest(self, type_: str, code: str) -> dict[str, Said]:
        """By code; what was said again replaces what was said first."""
        return {said.data[code]: said for said in self._cycle.until(type_, self._as_of)}

    def _break(self, kind: str, code: str, reason: str) -> None:
        self.broken.append(Broken(kind, code, reason))


def adopted(cycle: Cycle, as_of: str) -> list[Said]:
    """The indicators adopted by a date, each once for every goal that it serves."""
    said = cycle.until("indicator.adopted", as_of)
    return list({(each.data["goal"], each.data["indicator"]): each for each in said}.values())


def recorded_until(cycle: Cycle, indicator: str, as_of: str) -> tuple[Said, ...]:
    """What was recorded of an indicator up to a date."""
    recorded = cycle.monitored.get(indicator, ())
    return recorded[: bisect_right(recorded, as_of, key=_on)]


def values(cycle: Cycle, indicator: str, as_of: str) -> list[Said]:
    """The records that make the value of an indicator, the latest of each organisation.

    Where the organisation of the cycle itself has recorded, that is the value, and those below are parts of it.
    """
    latest = {said.data["organisation"]: said for said in recorded_until(cycle, indicator, as_of)}
    own = latest.get(cycle.organisation or "")
    return [own] if own else list(latest.values())


def activities_of(said: Said) -> Iterator[str]:
    """The activities that a decision or an assessment names, as the road maps' read models know them."""
    for each in said.data["activities"]:
        yield f"{each['roadmap']}/{each['activity']}"


def _inserted(ordered: tuple[Said, ...], said: Said) -> tuple[Said, ...]:
    items = list(ordered)
    insort(items, said, key=_on)
    return tuple(items)


def _on(said: Said) -> str:
    return said.on


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
