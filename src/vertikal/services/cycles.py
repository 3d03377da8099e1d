"""The management cycle as it is shown: its components, broken links and indicators, and what it carries on."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from ..projections import entities, figures
from ..projections.book import Opened
from ..read_models import INDICATORS, cycle_states, periods
from ..read_models.chains import Chain
from ..read_models.cycle_states import COMPONENTS, Cycle, Said
from . import findings, monitoring, queries
from .access import Sight
from .around import Around
from .refusals import Refusal

MEETS: dict[str, Callable[[Any, Any], bool]] = {">=": operator.ge, "<=": operator.le, "=": operator.eq}
UNANSWERABLE = (404, 422)  # the organisation was not known then; the period has no meaning for the indicator
Value = tuple[dict[str, Any], Fraction | None]  # as shown, and what a target is held against


def opened(ledger: Opened, code: str, known_at: int) -> tuple[Cycle, Said]:
    """A cycle and its opening. Raises a 404 where none is known."""
    cycle: Cycle | None = entities.state(ledger, "cycles", code, known_at)
    if cycle is None or cycle.opened is None:
        raise Refusal(404, f"управленческий цикл «{code[:64]}» не найден")
    return cycle, cycle.opened


def briefs(ledger: Opened, cycles: Iterable[Cycle], as_of: str, known_at: int) -> Iterator[dict[str, Any]]:
    """Cycles in the shape of ``/v1/cycles``, of those that are opened by a date."""
    begun = [each for each in cycles if each.opened is not None and each.opened.on <= as_of]
    around = Around(ledger, begun, as_of, known_at)
    return (_head(each, each.opened, around.chain(each), as_of) for each in begun if each.opened is not None)


def detail(
    ledger: Opened, code: str, as_of: str, known_at: int, sight: findings.Seen = lambda _: Sight.ALL
) -> dict[str, Any]:
    """A cycle in the shape of ``/v1/cycles/{id}``. Raises a 404.

    ``sight``: how much the reader sees of an organisation, for figures that findings cite may be of any.
    """
    cycle, opening = opened(ledger, code, known_at)
    chain = Around(ledger, [cycle], as_of, known_at).chain(cycle)
    closings = cycle.closings(as_of)
    return {
        **_head(cycle, opening, chain, as_of),
        "next": closings[-1].data.get("next") if closings else None,
        "previous": _previous(ledger, cycle, as_of, known_at),
        "components": [
            {"component": component, "complete": bool(chain.links[component]), "evidence": _evidence(chain, component)}
            for component in COMPONENTS
        ],
        "broken": [asdict(each) for each in chain.broken],
        "findings": findings.of_cycle(ledger, cycle, as_of, known_at, sight),
        "indicators": [indicator(ledger, cycle, said, as_of, known_at) for said in cycle_states.adopted(cycle, as_of)],
    }


def _head(cycle: Cycle, opening: Said, chain: Chain, as_of: str) -> dict[str, Any]:
    closed_on = min((said.on for said in cycle.closings(as_of)), default=None)
    return {
        "cycle": cycle.cycle,
        **{name: opening.data[name] for name in ("organisation", "direction", "period")},
        "opened_on": opening.on,
        "closed_on": closed_on,
        "open": cycle.is_open(as_of),
        "kind": chain.kind,
        "completeness": {"numerator": chain.complete, "denominator": len(COMPONENTS)},
    }


def _evidence(chain: Chain, component: str) -> list[dict[str, str]]:
    links = sorted(chain.links[component].items())
    return [{"code": code, "on": said.on, "event_id": said.event_id} for code, said in links]


def _previous(ledger: Opened, cycle: Cycle, as_of: str, known_at: int) -> dict[str, Any] | None:
    """The cycle before this one, and what came of it."""
    code = cycle.previous(as_of)
    if code is None:
        return None
    before: Cycle | None = entities.state(ledger, "cycles", code, known_at)
    if before is None or before.organisation is None or before.organisation != cycle.organisation:
        return {"cycle": code, "effectiveness": None}
    chain = Around(ledger, [before], as_of, known_at).chain(before)
    return {"cycle": code, "effectiveness": _last_assessed(chain, before, as_of)}


def _last_assessed(chain: Chain, cycle: Cycle, as_of: str) -> dict[str, Any] | None:
    """The last assessment of effectiveness, and whether it holds; others than its own organisation do not see it."""
    assessed = cycle.until("effectiveness.assessed", as_of)
    if not assessed:
        return None
    last = assessed[-1]
    told = {name: last.data[name] for name in ("effectiveness", "outcome", "text")}
    return {**told, "on": last.on, "sound": last in chain.links["effectiveness"].values()}


def indicator(ledger: Opened, cycle: Cycle, adopted: Said, as_of: str, known_at: int) -> dict[str, Any]:
    """An adopted indicator with its value: the ledger's where the catalogue has it, else that of monitoring."""
    code, target = adopted.data["indicator"], adopted.data.get("target")
    shown, value = _of_ledger(ledger, cycle, code, as_of, known_at) or _of_monitoring(cycle, code, as_of)
    met = None if target is None or value is None else MEETS[target["comparator"]](value, Fraction(target["value"]))
    named = {"indicator": code, "goal": adopted.data["goal"], "method": adopted.data["method"], "target": target}
    return {**named, "met": met, **shown}


def _of_ledger(ledger: Opened, cycle: Cycle, code: str, as_of: str, known_at: int) -> Value | None:
    """The figure of the cycle's organisation and period; None where it is none of ours to answer."""
    if code not in INDICATORS or cycle.opened is None:
        return None
    period = periods.between(**cycle.opened.data["period"]).label
    given = {"organisation": cycle.organisation, "period": period, "as_of": as_of, "known_at": str(known_at)}
    try:
        question = queries.ask(ledger, code, given, as_of)
    except Refusal as refusal:
        if refusal.status not in UNANSWERABLE:
            raise
        return None
    figure, indicator = figures.figure(ledger, question), question.indicator
    whole = indicator.scale if figure.denominator is None else figure.denominator
    shown = {**queries.amounts(indicator, figure), "origin": "ledger"}
    return shown, Fraction(figure.numerator, whole) if whole else None


def _of_monitoring(cycle: Cycle, code: str, as_of: str) -> Value:
    """What was recorded up to a date, and not behind the cycle's own period."""
    opening = cycle.opened
    on = min(as_of, opening.data["period"]["end"]) if opening else as_of
    sides = monitoring.value(cycle, code, on, cycle.organisation or "")
    if sides is None:
        return {**monitoring.NO_DATA, "origin": None}, None
    numerator, denominator = map(Fraction, sides)
    shown = {**monitoring.shown(*sides), "origin": "monitoring"}
    return shown, numerator / denominator if denominator else None
