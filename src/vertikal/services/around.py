"""What stands around a cycle: the activities that its decisions name, and the recommendations of other cycles."""

from __future__ import annotations

from collections.abc import Iterable

from ..projections import entities
from ..projections.book import Opened
from ..read_models.chains import Chain
from ..read_models.cycle_states import Cycle, activities_of
from ..read_models.recommendations import Recommendation


class Around:
    """Read once for some cycles: what their decisions name, as of a date and as known at a position.

    The figures say the same of it: there the cycles have heard what is looked up here.
    """

    def __init__(self, ledger: Opened, cycles: Iterable[Cycle], as_of: str, known_at: int) -> None:
        self._as_of = as_of
        decisions = [said for cycle in cycles for said in cycle.until("decision.taken", as_of)]
        activities = {code for said in decisions for code in activities_of(said)}
        recommendations = {code for said in decisions for code in said.data["recommendations"]}
        found = entities.some(ledger, "activities", activities, known_at)
        self._planned = {code for code, activity in found.items() if activity.plan is not None}
        issued = entities.some(ledger, "recommendations", recommendations, known_at).values()
        carried: list[Recommendation] = [each for each in issued if each.carried_to]
        self._issuing = entities.some(ledger, "cycles", {each.cycle for each in carried}, known_at)
        self._given = {
            (cycle, each.recommendation) for each in carried if self._sound(each) for cycle in each.carried_to
        }

    def chain(self, cycle: Cycle) -> Chain:
        """What of one of the cycles is sound."""
        given = (code for of, code in self._given if of == cycle.cycle)
        return Chain(cycle, self._as_of, self._planned.__contains__, frozenset(given).__contains__)

    def _sound(self, recommendation: Recommendation) -> bool:
        """Whether it stands in the cycle in which it was issued, which no other cycle has a say in."""
        issuing: Cycle | None = self._issuing.get(recommendation.cycle)
        if issuing is None or issuing.opened is None or recommendation.on > self._as_of:
            return False
        own = Chain(issuing, self._as_of, lambda _: False, lambda _: False)
        return recommendation.recommendation in own.links["recommendations"]
