"""The draft of an analysis: what the figures of a cycle say, each finding with the figures that it rests on.

A machine only collects; what follows from it is for people. Findings come in the order of their kinds: targets missed,
largest changes, worst and best units, contradictions. What has no data makes no finding, nor does a share of so few
participants that it tells next to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from ..projections.book import Opened
from ..projections.contradictions import Reading
from ..read_models import INDICATORS, periods
from ..read_models.periods import Period
from . import cycles, numbering
from .values import Asking, Value, percent, points

MISSED, CHANGE, UNITS, CONTRADICTIONS = "missed_target", "change", "units", "contradictions"
FINDINGS_MAX, MISSED_MAX, CHANGES_MAX = 12, 5, 3
COMPARED = {">=": "не меньше", "<=": "не больше", "=": "ровно"}
BY_KIND = {"region": "municipality", "municipality": "school"}
BY_TITLES = {"municipality": "по муниципалитетам", "school": "по школам"}
FOUND = {
    "before_order": "мероприятие раньше приказа",
    "claim_without_events": "утверждение без подтверждающих событий",
    "counted_listed": "число в отчёте не равно числу в списке",
    "percent_without_denominator": "процент без знаменателя",
    "plan_called_done": "план назван выполненным",
    "two_names": "похожие названия организаций",
}
Data = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """A finding and why it was found; ``weight`` says how large it is beside others of its kind."""

    kind: str
    text: str
    values: tuple[Value, ...] = ()
    weight: tuple[bool, Fraction] = (True, Fraction(0))


def draft(ledger: Opened, code: str, as_of: str, known_at: int, today: str) -> Data:
    """``{analysis, kinds}``: the data of an ``analysis.published`` that can be published as it is, and why each finding
    was found, by its code. For readers who see the organisation of the cycle wholly. Raises a 404.
    """
    cycle, opening = cycles.opened(ledger, code, known_at)
    organisation, period = opening.data["organisation"], periods.between(**opening.data["period"])
    drafting = _Drafting(Asking(ledger, as_of, known_at), organisation, period, today)
    adopted = cycles.detail(ledger, code, as_of, known_at)["indicators"]
    codes = list(dict.fromkeys(each["indicator"] for each in adopted if each["indicator"] in INDICATORS))
    found = drafting.findings(adopted, codes if adopted else list(INDICATORS))
    findings = [{"text": each.text, "figures": [value.cited() for value in each.values]} for each in found]
    data: Data = {"cycle": cycle.cycle, "findings": findings}
    data = numbering.numbered(ledger.connection, "analysis.published", "analysis", organisation, data)
    kinds = {finding["finding"]: each.kind for finding, each in zip(data["findings"], found, strict=True)}
    return {"analysis": {name: data[name] for name in ("cycle", "analysis", "findings")}, "kinds": kinds}


class _Drafting:
    """Looks for findings about an organisation in a period."""

    def __init__(self, asking: Asking, organisation: str, period: Period, today: str) -> None:
        self._asking = asking
        self._organisation, self._period, self._today = organisation, period, today
        self._tree = asking.ledger.tree(asking.known_at)

    def findings(self, adopted: Sequence[Data], codes: Sequence[str]) -> list[Found]:
        """The findings in their order, the largest of each kind first; ``codes``: the indicators to compare."""
        missed = [self._missed(each) for each in adopted if each["met"] is False]
        changes = _largest(each for code in codes if (each := self._change(code)))
        units = _largest(each for code in codes if (each := self._units(code)))
        contradictions = list(self._contradictions())
        first = [*missed[:MISSED_MAX], *changes[:CHANGES_MAX]]
        return [*first, *units[: FINDINGS_MAX - len(first) - len(contradictions)], *contradictions]

    def _missed(self, adopted: Data) -> Found:
        """An adopted indicator that has not met its target. The own ones of a cycle have no period in the ledger."""
        code, target = adopted["indicator"], adopted["target"]
        period = self._period.label if adopted["origin"] == "ledger" else periods.EVER
        asked = (code, self._organisation, period, self._asking.as_of, self._asking.known_at)
        value = Value(*asked, adopted["numerator"], adopted["denominator"])
        wanted = Fraction(target["value"])
        plan = f"{COMPARED[target['comparator']]} {target['value'] if value.counts else percent(wanted)}"
        missed = "не выполнен" if _is_due(target["by"], self._asking.as_of) else "пока не выполнен"
        return Found(MISSED, f"{_title(code)}: {value.told()}; план ({plan}, срок {target['by']}) {missed}", (value,))

    def _change(self, code: str) -> Found | None:
        """What an indicator was at the same time of the period before; a running period has no whole one beside it."""
        before, as_of = self._period.previous(), self._asking.as_of
        if before is None:
            return None
        then = as_of if self._period.end <= as_of else _earlier(as_of, self._period, before)
        was = self._asking.value(code, self._organisation, before.label, then)
        now = self._asking.value(code, self._organisation, self._period.label)
        if was is None or now is None or not (was.telling and now.telling):
            return None
        first, last = Fraction(was.exact or 0), Fraction(now.exact or 0)
        if first == last:
            return None
        size = abs(last - first) / (first if now.counts else 1)
        amount = f"на {abs(last - first)}" if now.counts else f"на {points(last - first)}"
        spans = f"за {before.label} — {was.told()}, за {self._period.label} — {now.told()}"
        text = f"{_title(code)}: {spans}; {_direction(code, last - first)} {amount}"
        return Found(CHANGE, text, (was, now), (not now.counts, size))

    def _units(self, code: str) -> Found | None:
        """The worst and the best unit of an indicator; of schools that are counted themselves, none is either."""
        node = self._tree.nodes.get(self._organisation)
        by = BY_KIND.get(node.kind if node else "")
        if by is None or (by == "school" and INDICATORS[code].of_members):
            return None
        rows = self._asking.rows(code, self._organisation, self._period.label, by)
        rows = [each for each in rows if each.telling and self._is_ours(each.organisation)]
        order = sorted({each.exact or Fraction(0) for each in rows}, reverse=INDICATORS[code].better == "less")
        if len(order) < 2:
            return None
        ends = [[each for each in rows if each.exact == value] for value in (order[0], order[-1])]
        worst, best = (self._asking.value(code, end[0].organisation, self._period.label) for end in ends)
        if worst is None or best is None or worst.exact is None or best.exact is None:
            return None
        told = [self._told(value, len(end)) for value, end in zip((worst, best), ends, strict=True)]
        text = f"{_title(code)} {BY_TITLES[by]}: хуже всего — {told[0]}, лучше всего — {told[1]}"
        return Found(UNITS, text, (worst, best), (not best.counts, abs(best.exact - worst.exact)))

    def _contradictions(self) -> Iterator[Found]:
        """How many of each kind; there is no figure of that, so no recommendation can rest on it."""
        asking = self._asking
        reading = Reading(asking.ledger, self._organisation, asking.as_of, asking.known_at, self._today)
        counted = Counter(each.kind for each in reading.find())
        if counted:
            told = "; ".join(f"{FOUND[kind]} — {number}" for kind, number in sorted(counted.items()))
            yield Found(CONTRADICTIONS, f"Противоречия в данных: {told}. Показателей для этого вывода нет")

    def _is_ours(self, code: str) -> bool:
        """Whether a unit still belongs here: what the owner of the cycle cannot see, it cannot cite."""
        ledger = self._asking.ledger
        return ledger.tree(ledger.position).within(code, self._organisation, self._today)

    def _told(self, value: Value, alike: int) -> str:
        node = self._tree.nodes.get(value.organisation)
        name = node.name(self._asking.as_of) if node else value.organisation
        return f"{name}: {value.told()}" + (f" (и ещё {alike - 1} с тем же значением)" if alike > 1 else "")


def _largest(found: Iterator[Found]) -> list[Found]:
    """Shares before counts, whose sizes are no shares; of equal ones the first stays first."""
    return sorted(found, key=lambda each: each.weight, reverse=True)


def _title(code: str) -> str:
    return INDICATORS[code].title if code in INDICATORS else f"Показатель «{code}»"


def _direction(code: str, difference: Fraction) -> str:
    match INDICATORS[code].better:
        case "more" | "less" as better:
            return "улучшение" if (difference > 0) == (better == "more") else "ухудшение"
    return "изменение"


def _is_due(by: str, as_of: str) -> bool:
    """Whether the term of a target has come; one that names no date has."""
    last = periods.last_day(by)
    return last is None or last <= as_of


def _earlier(as_of: str, period: Period, before: Period) -> str:
    """The day that lies in the period before as ``as_of`` does in this one, and no later than its end."""
    passed = date.fromisoformat(as_of) - date.fromisoformat(period.start)
    return min(date.fromisoformat(before.start) + max(passed, timedelta()), date.fromisoformat(before.end)).isoformat()
