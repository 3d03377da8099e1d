"""Signs of biased marking: where a school's shares lie far from those of its region in the same subject and grade.

A sign is a reason to look, no proof. Schools are compared with the region, never with each other, and nothing here
knows teachers.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from .versions import Version

Truth = bool | None
UNAVAILABLE = {
    "boundary_peaks": "нет данных: в результатах нет распределения первичных баллов, пики на границах отметок не видны",
    "hard_items": "нет данных: в результатах нет выполнения отдельных заданий, сложные и простые не сравнить",
}


@dataclass(frozen=True)
class Parameters:
    """How far is far, as a difference of shares: 0.10 is ten points. ``least``: of fewer, shares are not shown."""

    low_under: Decimal = Decimal("0.10")
    good_above: Decimal = Decimal("0.20")
    least: int = 10


VERSIONS: tuple[Version[Parameters], ...] = (
    Version(1, Parameters(), "Сравнение долей отметок школы с долями региона по тому же предмету и классу"),
)


class Shares(NamedTuple):
    """Shares below the minimum and of marks 4 and 5; None where there is no data."""

    low: Fraction | None
    good: Fraction | None


def signs(school: Shares, region: Shares, parameters: Parameters) -> dict[str, Truth]:
    """Each sign: seen, not seen, or None where it cannot be told."""
    return {
        "low_far_under": _far(region.low, school.low, parameters.low_under),
        "good_far_above": _far(school.good, region.good, parameters.good_above),
        **dict.fromkeys(UNAVAILABLE, None),
    }


def share(part: int, whole: int, least: int) -> Fraction | None:
    """A share of at least so many; of fewer it tells of single pupils, and nothing of marking."""
    return Fraction(part, whole) if whole >= max(least, 1) else None


def _far(greater: Fraction | None, lesser: Fraction | None, distance: Decimal) -> Truth:
    if greater is None or lesser is None:
        return None
    return greater - lesser >= Fraction(distance)
