"""What of a management cycle is sound as of a date, and which of its links are broken.

Worked out from all that was said: goals; indicators of a goal that is set, and their methods; monitoring of adopted
indicators; analysis; recommendations on a finding of it that cites a figure; decisions on a recommendation, with an
activity; measures, the activities that decisions name; effectiveness of these. A link whose support was taken back, or
was never there, is broken, and so is all that rests on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cycle_states import COMPONENTS, Cycle, Said, activities_of, adopted, recorded_until

SHORTENED = frozenset({"decision.taken", "effectiveness.assessed"})  # measures come with the decisions


@dataclass(frozen=True)
class Broken:
    """A link that holds no longer, or never did: the component, the code of the link, and why, in Russian."""

    kind: str
    code: str
    reason: str


class Chain:
    """What of a cycle is sound as of a date.

    What its events do not tell, others do: ``stands`` says of an activity (road map/activity) whether it is planned,
    ``given`` of a recommendation of another cycle whether it was given to this one's organisation, and is sound.
    """

    def __init__(
        self,
        cycle: Cycle,
        as_of: str,
        stands: Callable[[str], bool],
        given: Callable[[str], bool],
    ) -> None:
        self._cycle, self._as_of, self._stands, self._given = cycle, as_of, stands, given
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
        cites: dict[str, bool] = {}  # whether a finding rests on figures; said again, the latest holds
        for code, said in self._latest("analysis.published", "analysis").items():
            if said.data["findings"]:
                self.links["analysis"][code] = said
            else:
                self._break("analysis", code, "в анализе нет выводов")
        for said in self._cycle.until("analysis.published", self._as_of):
            cites.update((finding["finding"], bool(finding["figures"])) for finding in said.data["findings"])
        for code, said in self._latest("recommendation.issued", "recommendation").items():
            finding = said.data["finding"]
            if cites.get(finding):
                self.links["recommendations"][code] = said
            elif finding in cites:
                self._break("recommendations", code, f"вывод «{finding}» не опирается на показатели")
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
        sound = self.links["recommendations"]
        unsound = [each for each in recommendations if each not in sound and not self._given(each)]
        for each in unsound:
            reason = f"рекомендация «{each}» не дана этой организации, отозвана или не обоснована"
            self._break("decisions", code, reason)
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
