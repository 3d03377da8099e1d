"""Indicators as data: what is divided by what, how each part reads a period, and by what it can be broken down.

Adding one is an entry in ``INDICATORS``; its measures are posted by a read model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .assessments import BELOW_MINIMUM, GOOD_MARKS, MARKED, PARTICIPANTS
from .model import Measure
from .periods import Period
from .roadmaps import MEASURES as ROADMAP
from .staff import STAFF
from .teachers import REPORTED, TRAINED

Dimensions = Mapping[str, str]


class Unanswerable(ValueError):
    """The question has no answer by its meaning; the text says why, in Russian."""


@dataclass(frozen=True)
class Selection:
    """Which postings of a measure a period asks for: dates from … to (both included), and which accounts."""

    start: str | None
    end: str
    accepts: Callable[[Dimensions], bool] | None = None


Reading = Callable[[Period, str], Selection]


def stock(period: Period, as_of: str) -> Selection:
    """What stands at the end of the period, or at ``as_of`` if that is earlier."""
    return Selection(None, min(as_of, period.end))


def flow(period: Period, as_of: str) -> Selection:
    """What happened in the period up to ``as_of``."""
    return Selection(period.start, min(as_of, period.end))


def distinct(period: Period, as_of: str) -> Selection:
    """Each person once: possible per calendar year, per school year and ever."""
    if period.kind not in ("year", "school_year", "ever"):
        raise Unanswerable(
            f"человек учитывается один раз за календарный или учебный год, поэтому за период «{period.label}» "
            "показатель не рассчитывается: укажите 2021, 2020/2021 или ever"
        )
    return Selection(None, as_of, lambda dimensions: dimensions["period"] == period.label)


def reported(period: Period, as_of: str) -> Selection:
    """Reports that lie in the period wholly; they are dated by their end."""
    return Selection(period.start, min(as_of, period.end), lambda dimensions: dimensions["start"] >= period.start)


def results(period: Period, as_of: str) -> Selection:
    """A school year means the year of the procedure, any other period the day on which it was held."""
    if period.kind == "school_year":
        return Selection(None, as_of, lambda dimensions: dimensions["year"] == period.label)
    return flow(period, as_of)


@dataclass(frozen=True)
class Part:
    """A measure as one part of a sum; ``only`` fixes dimensions, ``origin`` labels where the amounts come from."""

    measure: Measure
    reading: Reading
    only: Dimensions = field(default_factory=dict)
    origin: str | None = None


@dataclass(frozen=True)
class Indicator:
    """``denominator`` empty: a count. ``dimensions``: what ``by=`` and filters take. ``people``: small cells hide."""

    code: str
    title: str
    title_en: str
    numerator: tuple[Part, ...]
    denominator: tuple[Part, ...]
    unit: str
    better: str
    source: str
    dimensions: tuple[str, ...] = ()
    people: bool = False
    levels: tuple[str, ...] = ("region", "municipality", "school")
    growth: str = "points"


def _trained(code: str, role: str, title: str, title_en: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (
            Part(TRAINED, distinct, {"role": role}, origin="people"),
            Part(REPORTED, reported, {"role": role}, origin="reported"),
        ),
        (Part(STAFF[f"{role}s"], stock),),
        unit="people",
        better="more",
        source="Показатели эффективности программ поддержки ШНОР: повышение квалификации",
        dimensions=("origin", "subject"),
        people=True,
    )


def _roadmap(code: str, numerator: str, denominator: str, title: str, title_en: str, better: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(ROADMAP[numerator], stock),),
        (Part(ROADMAP[denominator], stock),),
        unit="activities",
        better=better,
        source="Дорожная карта: отметки о выполнении",
        dimensions=("roadmap",),
    )


def _result(code: str, numerator: Measure, denominator: Measure, title: str, title_en: str, better: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(numerator, results),),
        (Part(denominator, results),),
        unit="participants",
        better=better,
        source="Результаты ВПР, ОГЭ, ЕГЭ и диагностик",
        dimensions=("procedure", "subject", "grade", "year"),
        people=True,
    )


INDICATORS = {
    indicator.code: indicator
    for indicator in (
        _roadmap("roadmap_done", "done", "planned", "Доля выполненных мероприятий", "Share of activities done", "more"),
        _roadmap(
            "roadmap_on_time",
            "on_time",
            "due",
            "Доля мероприятий, выполненных в срок",
            "Share of due activities done by their end",
            "more",
        ),
        _roadmap(
            "roadmap_overdue",
            "overdue",
            "planned",
            "Доля просроченных мероприятий",
            "Share of activities overdue",
            "less",
        ),
        _trained(
            "trained_teachers",
            "teacher",
            "Доля педагогов, прошедших повышение квалификации",
            "Share of teachers who finished a course",
        ),
        _trained(
            "trained_managers",
            "manager",
            "Доля руководителей, прошедших повышение квалификации",
            "Share of managers who finished a course",
        ),
        _result(
            "below_minimum",
            BELOW_MINIMUM,
            PARTICIPANTS,
            "Доля участников ниже минимального порога",
            "Share of participants below the minimum",
            "less",
        ),
        _result(
            "quality",
            GOOD_MARKS,
            MARKED,
            "Качество: доля отметок 4 и 5",
            "Quality: share of marks 4 and 5",
            "more",
        ),
    )
}
