"""What is put before an organisation for a decision: the rules, and a proposal as a value with an identity.

A proposal is never stored. It follows from what the read models hold, so that a replay, a rebuild or a restart finds
the same ones again; what people made of it is an event that names its identity. That is derived from the rule, from
whom it stands with, from what it is about and from the figures that raised it: when those change, it is another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .versions import Version

URGENCY_MAX = 99
DAYS_OF_A_STEP, STEPS_MAX = 7, 19


@dataclass(frozen=True)
class Parameters:
    """``urgency``: of the first day, 0 to 99; ``days``: how many pass before the rule speaks, or goes one level up."""

    urgency: int
    days: int = 0


@dataclass(frozen=True)
class Rule:
    title: str
    versions: tuple[Version[Parameters], ...]


def _rule(title: str, source: str, urgency: int, days: int = 0) -> Rule:
    return Rule(title, (Version(1, Parameters(urgency, days), source),))


RULES: Mapping[str, Rule] = {
    "threshold_crossed": _rule(
        "Школа отвечает правилу ШНОР и не включена в группу",
        "Правило ШНОР; в группу школа входит и из неё выходит актом, не одним правилом",
        80,
    ),
    "activity_overdue": _rule("Мероприятие просрочено", "Дорожная карта: срок и отметка о выполнении", 60),
    "activity_due": _rule("Срок мероприятия близок", "Дорожная карта: срок исполнения", 20, days=14),
    "target_missed": _rule(
        "Плановое значение не достигнуто", "Показатели цикла и ожидаемые результаты мероприятий", 50
    ),
    "report_silent": _rule(
        "Ожидаемого отчёта нет; через указанное число дней — уровнем выше", "Сроки отчётности", 55, days=30
    ),
    "recommendation_unanswered": _rule(
        "На рекомендацию нет ответа; через указанное число дней — уровнем выше", "Адресные рекомендации", 40, days=30
    ),
    "recommendation_undecided": _rule(
        "По принятой рекомендации нет решения; через указанное число дней — уровнем выше",
        "Адресные рекомендации и управленческие решения",
        40,
        days=30,
    ),
    "claim_unsupported": _rule(
        "Утверждение отчёта не подтверждено событиями", "Отчёты, отметки о выполнении, оценки эффективности", 30
    ),
    "chain_broken": _rule("Разорвана связь управленческого цикла", "Девять компонентов управленческого цикла", 45),
    "two_names": _rule("Две организации, возможно, одна", "Названия организаций; объединяет человек, не машина", 10),
}


def in_force(rule: str) -> Version[Parameters]:
    """The version of a rule that speaks now: the last."""
    return RULES[rule].versions[-1]


@dataclass(frozen=True)
class Proposal:
    """Something that awaits ``organisation`` since a day.

    ``evidence`` are the figures that raised it. ``draft`` is the event that would follow from it, as type, subject and
    data; None where only people can say what happened: ``settles`` are the types of events that would settle it.
    ``origins`` lead to the events behind it, in the words of the read models. ``urgency``: 0 to 99;
    ``role`` is the kind of the organisation.
    """

    rule: str
    organisation: str
    about: Mapping[str, Any]
    since: str
    urgency: int
    text: str
    evidence: tuple[Any, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    draft: Mapping[str, Any] | None = None
    settles: tuple[str, ...] = ()
    origins: tuple[Any, ...] = ()
    code: str | None = None
    role: str = ""

    @property
    def version(self) -> int:
        return in_force(self.rule).version

    @property
    def proposal(self) -> str:
        """Its identity: the same for the same rule, organisation, subject and figures; not of the rule's version."""
        if self.code is not None:
            return self.code
        what = [self.rule, self.organisation, sorted(self.about.items()), self.evidence]
        text = json.dumps(what, ensure_ascii=False, separators=(",", ":"), default=str)
        return f"{self.rule}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"

    @property
    def cursor(self) -> str:
        """Its place in the order, as text: the most urgent first, of those the one that has waited longest."""
        return f"{URGENCY_MAX - self.urgency:02}/{self.since}/{self.organisation}/{self.proposal}"


def urgency(rule: str, waited_days: int, more: int = 0) -> int:
    """Of a proposal that has waited so long: one more for each week, 19 at most; 99 in all."""
    waited = min(STEPS_MAX, max(0, waited_days) // DAYS_OF_A_STEP)
    return min(URGENCY_MAX, in_force(rule).parameters.urgency + more + waited)
