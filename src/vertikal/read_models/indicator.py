"""What an indicator is: what is divided by what, how each part reads a period, and by what it can be broken down.

Indicators are data. Adding one is an entry in ``INDICATORS`` of the module whose read model posts its measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .model import Measure
from .periods import Period

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


def members(_: Period, as_of: str) -> Selection:
    """Who belongs at ``as_of``, whatever the period."""
    return Selection(None, as_of)


def reported(period: Period, as_of: str) -> Selection:
    """Reports that lie in the period wholly; they are dated by their end."""
    return Selection(period.start, min(as_of, period.end), lambda dimensions: dimensions["start"] >= period.start)


def results(period: Period, as_of: str) -> Selection:
    """A school year means the year of the procedure, any other period the day on which it was held."""
    if period.kind == "school_year":
        return Selection(None, as_of, lambda dimensions: dimensions["year"] == period.label)
    return flow(period, as_of)


def compared(period: Period, as_of: str) -> Selection:
    """A school year beside the one before it; a calendar year means the school year that ends in it."""
    match period.kind:
        case "school_year":
            year = period.label
        case "year":
            year = f"{int(period.label) - 1}/{period.label}"
        case _:
            raise Unanswerable(
                f"школа сравнивается с собой по учебным годам, поэтому за период «{period.label}» показатель не "
                "рассчитывается: укажите 2020/2021 или 2021 (учебный год, который заканчивается в 2021 году)"
            )
    return Selection(None, as_of, lambda dimensions: dimensions["year"] == year)


@dataclass(frozen=True)
class Part:
    """A measure as one part of a sum; ``only``: the values that count, ``origin``: where the amounts come from."""

    measure: Measure
    reading: Reading
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: str | None = None


@dataclass(frozen=True)
class Indicator:
    """``denominator`` empty: a count. ``dimensions``: what ``by=`` and filters take. ``people``: small cells hide.

    ``of_members``: it counts schools of a cohort, of any ``shnor`` one unless another is asked for; a denominator of
    all ``shnor`` schools is then one of all schools of the one asked for. ``rest_hides``: few who are not counted hide
    it as well. ``scale``: amounts are held as so many parts of one.
    """

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
    of_members: bool = False
    scale: int = 1
    rest_hides: bool = False

    @property
    def growth(self) -> str:
        """What growth is: the difference of two shares, or of two counts."""
        return "points" if self.denominator else "difference"

    @property
    def of_participants(self) -> bool:
        """Whether it is a share of participants, which tells the less the fewer they are."""
        return self.unit == "participants"
