"""Proposals about management cycles: broken links, targets that were missed, recommendations that wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...projections import entities
from ...read_models import periods, recommendations
from ...read_models.contradictions.found import Origin
from ...read_models.cycle_states import Cycle
from ...read_models.recommendations import Recommendation
from ...rules.proposals import Proposal
from .. import cycles
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
ESCALATED = 30  # how much more urgent it is one level up


def of_cycles(look: Look) -> Iterator[Proposal]:
    """Broken links and missed targets of cycles that are open on the date."""
    found: list[Cycle] = entities.states(look.ledger, "cycles", "", look.known_at)
    ours = [each for each in found if each.organisation is not None and look.stands(each.organisation)]
    for brief in cycles.briefs(look.ledger, ours, look.as_of, look.known_at):
        if brief["open"]:
            yield from _of_cycle(look, cycles.detail(look.ledger, brief["cycle"], look.as_of, look.known_at))


def of_recommendations(look: Look) -> Iterator[Proposal]:
    """Recommendations that wait for an answer or a decision."""
    issued: list[Recommendation] = entities.states(look.ledger, "recommendations", "", look.known_at)
    for each in issued:
        view = recommendations.view(each, look.as_of)
        if view is not None:
            yield from _unanswered(look, view)
            yield from _undecided(look, view)


def _of_cycle(look: Look, cycle: dict[str, Any]) -> Iterator[Proposal]:
    for broken in cycle["broken"]:
        yield _broken(look, cycle, broken)
    for indicator in cycle["indicators"]:
        ended = _ended(indicator["target"], cycle["period"])
        if indicator["met"] is False and ended < look.as_of:
            yield _missed(look, cycle, indicator, ended)


def _broken(look: Look, cycle: dict[str, Any], broken: dict[str, str]) -> Proposal:
    what, settles = COMPONENTS[broken["kind"]]
    since = cycle["opened_on"]
    return Proposal(
        "chain_broken",
        cycle["organisation"],
        {"cycle": cycle["cycle"], "component": broken["kind"], "code": broken["code"]},
        since,
        look.urgency("chain_broken", since),
        f"разрыв в цикле «{shown(cycle['direction'])}»: {what} «{broken['code']}»: {broken['reason']}",
        (broken["reason"],),
        {"completeness": cycle["completeness"]},
        settles=settles,
        origins=(Origin("cycles", cycle["cycle"], types=settles),),
    )


def _ended(target: dict[str, Any] | None, period: dict[str, str]) -> str:
    """The last day of the time in which a target is to be met; where it is told in words, that of the cycle."""
    by = str(target["by"]) if target else ""
    try:
        return periods.parse_date(by)
    except ValueError:
        pass
    try:
        return periods.parse(by).end
    except ValueError:
        return period["end"]


def _missed(look: Look, cycle: dict[str, Any], indicator: dict[str, Any], ended: str) -> Proposal:
    target, code = indicator["target"], indicator["indicator"]
    sides = (str(indicator["numerator"]), str(indicator["denominator"]))
    since = periods.day_after(ended)
    text = f"показатель «{code}»: {indicator['value'] or sides[0]} при плане {target['comparator']} {target['value']}"
    return Proposal(
        "target_missed",
        cycle["organisation"],
        {"cycle": cycle["cycle"], "indicator": code, "goal": indicator["goal"]},
        since,
        look.urgency("target_missed", since),
        f"{text}, срок {ended}",
        (*sides, target["comparator"], str(target["value"])),
        {name: indicator[name] for name in ("numerator", "denominator", "value", "target")},
        _found(look, cycle, indicator, text),
        ("analysis.published", "indicator.adopted"),
        (Origin("cycles", cycle["cycle"], types=("indicator.adopted",)),),
    )


def _found(look: Look, cycle: dict[str, Any], indicator: dict[str, Any], text: str) -> dict[str, Any]:
    """An analysis with one finding, on the figure that missed its target; of a count the denominator is given as 1."""
    denominator = indicator["denominator"]
    code = f"{indicator['indicator'][:40]}-{look.known_at}"
    figure = {
        "indicator": indicator["indicator"],
        "organisation": cycle["organisation"],
        "period": periods.between(**cycle["period"]).label,
        "as_of": look.as_of,
        "known_at": look.known_at,
        "numerator": indicator["numerator"],
        "denominator": 1 if denominator is None else denominator,
    }
    findings = [{"finding": code, "text": f"Плановое значение не достигнуто: {text}", "figures": [figure]}]
    data = {"cycle": cycle["cycle"], "analysis": code, "findings": findings}
    return {"type": "analysis.published", "subject": cycle["organisation"], "data": data}


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
    """With the addressee at first; after so many days one level up as well, and not with the addressee alone."""
    due = view["due"]
    late = look.days(since) >= look.parameters(rule).days or (due is not None and due < look.as_of)
    with_whom = look.above(addressee) if late else addressee
    if not look.stands(with_whom):
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
        (since, due, with_whom),
        {"days": waited, "due": due, "escalated": late},
        draft,
        settles,
        (Origin("recommendations", view["recommendation"]),),
    )
