"""Proposals about management cycles: broken links, targets that were missed, recommendations that wait."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from ...projections import entities
from ...read_models import cycle_states, periods, recommendations
from ...read_models.chains import Broken
from ...read_models.contradictions.found import Origin
from ...read_models.cycle_states import Cycle, Said
from ...read_models.recommendations import Recommendation
from ...rules.proposals import Proposal
from .. import cycles
from ..around import Around
from ..values import Value
from .look import Look, shown

COMPONENTS = {
    "indicators": ("показатель", ("goal.set", "indicator.adopted")),
    "methods": ("метод сбора", ("indicator.adopted",)),
    "monitoring": ("мониторинг", ("indicator.adopted",)),
    "analysis": ("анализ", ("analysis.published",)),
    "recommendations": ("рекомендация", ("analysis.published", "recommendation.issued")),
    "measures": ("мероприятие", ("activity.planned", "decision.taken")),
    "decisions": ("решение", ("recommendation.issued", "decision.taken")),
    "effectiveness": ("оценка эффективности", ("decision.taken", "effectiveness.assessed")),
}
OWN_MEASURE = "cycle_completeness"  # an analysis about it changes it
ESCALATED = 30  # how much more urgent it is one level up


def of_cycles(look: Look) -> Iterator[Proposal]:
    """Broken links and missed targets of cycles that are open on the date."""
    found: list[Cycle] = entities.states(look.ledger, "cycles", "", look.known_at)
    ours = [each for each in found if each.is_open(look.as_of) and look.stands(str(each.organisation))]
    around = Around(look.ledger, ours, look.as_of, look.known_at)
    for cycle in ours:
        for broken in around.chain(cycle).broken:
            yield _broken(look, cycle, broken)
        for adopted in cycle_states.adopted(cycle, look.as_of):
            yield from _missed(look, cycle, adopted)


def of_recommendations(look: Look) -> Iterator[Proposal]:
    """Recommendations that wait for an answer or a decision."""
    issued: list[Recommendation] = entities.states(look.ledger, "recommendations", "", look.known_at)
    for each in issued:
        view = recommendations.view(each, look.as_of)
        if view is not None:
            yield from _unanswered(look, view)
            yield from _undecided(look, view)


def _broken(look: Look, cycle: Cycle, broken: Broken) -> Proposal:
    what, settles = COMPONENTS[broken.kind]
    spoken, direction = _spoken(look, cycle, broken.code), _opening(cycle)["direction"]
    since = max(said.on for said in spoken)
    return Proposal(
        "chain_broken",
        str(cycle.organisation),
        {"cycle": cycle.cycle, "component": broken.kind, "code": broken.code},
        since,
        look.urgency("chain_broken", since),
        f"разрыв в цикле «{shown(direction)}»: {what} «{broken.code}»: {broken.reason}",
        figures={"reason": broken.reason},
        settles=settles,
        origins=(Origin("cycles", cycle.cycle, ids=tuple(said.event_id for said in spoken)),),
    )


def _spoken(look: Look, cycle: Cycle, code: str) -> list[Said]:
    """The events that speak of the link; where none names it, the opening of the cycle."""
    told = [said for each in cycle.said.values() for said in each]
    found = [said for said in told if code in said.data.values() or code in _activities(said)]
    found += cycle.monitored.get(code, ())
    return [said for said in found if said.on <= look.as_of] or [said for said in (cycle.opened,) if said]


def _activities(said: Said) -> list[str]:
    return list(cycle_states.activities_of(said)) if "activities" in said.data else []


def _opening(cycle: Cycle) -> dict[str, Any]:
    return cycle.opened.data if cycle.opened else {}


def _missed(look: Look, cycle: Cycle, adopted: Said) -> Iterator[Proposal]:
    """A target whose term has passed, judged as of the end of that."""
    target, code = adopted.data.get("target"), adopted.data["indicator"]
    if target is None:
        return
    ended = periods.last_day(target["by"]) or _opening(cycle)["period"]["end"]
    if ended >= look.as_of:
        return
    indicator = cycles.indicator(look.ledger, cycle, adopted, ended, look.known_at)
    if indicator["met"] is not False:
        return
    sides, since = (str(indicator["numerator"]), str(indicator["denominator"])), periods.day_after(ended)
    text = f"показатель «{code}»: {indicator['value'] or sides[0]} при плане {target['comparator']} {target['value']}"
    yield Proposal(
        "target_missed",
        str(cycle.organisation),
        {"cycle": cycle.cycle, "indicator": code, "goal": adopted.data["goal"]},
        since,
        look.urgency("target_missed", since),
        f"{text}, срок {ended}",
        (*sides, target["comparator"], str(target["value"])),
        {name: indicator[name] for name in ("numerator", "denominator", "value", "target")},
        None if code == OWN_MEASURE else _finding(look, cycle, indicator, ended, text),
        ("analysis.published", "indicator.adopted"),
        (Origin("cycles", cycle.cycle, types=("indicator.adopted",)),),
    )


def _finding(look: Look, cycle: Cycle, indicator: dict[str, Any], ended: str, text: str) -> dict[str, Any]:
    """An analysis with one finding, on the figure that missed its target."""
    named = f"{indicator['goal']}/{indicator['indicator']}/{look.known_at}"
    code = f"missed-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
    period = periods.between(**_opening(cycle)["period"]).label
    sides = (indicator["numerator"], indicator["denominator"])
    value = Value(indicator["indicator"], str(cycle.organisation), period, ended, look.known_at, *sides)
    findings = [{"finding": code, "text": f"Плановое значение не достигнуто: {text}", "figures": [value.cited()]}]
    data = {"cycle": cycle.cycle, "analysis": code, "findings": findings}
    return {"type": "analysis.published", "subject": cycle.organisation, "data": data}


def _unanswered(look: Look, view: dict[str, Any]) -> Iterator[Proposal]:
    for code in view["unanswered"]:
        answer = {"recommendation": view["recommendation"], "organisation": code, "answer": "accepted"}
        draft = {"type": "recommendation.answered", "subject": code, "data": answer}
        settles = ("recommendation.answered",)
        yield from _waiting(look, "recommendation_unanswered", view, code, view["on"], "нет ответа", draft, settles)


def _undecided(look: Look, view: dict[str, Any]) -> Iterator[Proposal]:
    """What was accepted and has no decision: neither of whoever accepted it nor of whoever issued it."""
    decided = {each["organisation"] for each in view["decisions"]}
    for answer in view["answers"]:
        code = answer["organisation"]
        if answer["answer"] == "accepted" and decided.isdisjoint((code, view["organisation"])):
            since, settles = max(answer["on"], view["on"]), ("decision.taken",)
            yield from _waiting(look, "recommendation_undecided", view, code, since, "нет решения", None, settles)


def _waiting(
    look: Look,
    rule: str,
    view: dict[str, Any],
    addressee: str,
    since: str,
    what: str,
    draft: dict[str, Any] | None,
    settles: tuple[str, ...],
) -> Iterator[Proposal]:
    """With the addressee at first; one level up when the term of the answer has passed or, without one, some days."""
    due = view["due"] if rule == "recommendation_unanswered" else None
    late = look.days(since) >= look.parameters(rule).days if due is None else due < look.as_of
    with_whom = look.above(addressee) if late else addressee
    if not (look.exists(addressee) and look.stands(with_whom)):
        return
    waited = look.days(since)
    name = "" if with_whom == addressee else f" от {shown(look.name(addressee))}"
    yield Proposal(
        rule,
        with_whom,
        {"recommendation": view["recommendation"], "cycle": view["cycle"], "organisation": addressee},
        since,
        look.urgency(rule, since, ESCALATED if late else 0),
        f"по рекомендации «{shown(view['text'])}» {what}{name} {waited} дн.",
        (view["on"],),
        {"days": waited, "due": due, "escalated": late},
        draft if with_whom == addressee else None,
        settles,
        (
            Origin("recommendations", view["recommendation"], types=("recommendation.issued",)),
            Origin("recommendations", view["recommendation"], subjects=(addressee,)),
        ),
    )
