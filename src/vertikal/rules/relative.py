"""Units against the best of them: the best is 100, the others are their part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .versions import Version

DIRECTIONS = ("more", "less")


@dataclass(frozen=True)
class Parameters:
    """What the best is worth."""

    best: int = 100


VERSIONS: tuple[Version[Parameters], ...] = (
    Version(1, Parameters(), "Значение относительно лучшего: лучшее принимается за 100"),
)


def best(values: Mapping[str, Fraction | None], better: str) -> Fraction | None:
    """The best value; None where nobody has any."""
    known = [value for value in values.values() if value is not None]
    return (max if better == "more" else min)(known, default=None)


def scores(values: Mapping[str, Fraction | None], better: str, parameters: Parameters) -> dict[str, Fraction | None]:
    """``value / best`` where more is better, ``best / value`` where less is; None where a unit has no data.

    Equal to the best is 100, also where the best is 0. Against a best of 0 in "less is better" all others are 0.
    """
    top = best(values, better)
    return {
        unit: None if value is None or top is None else parameters.best * _part(value, top, better)
        for unit, value in values.items()
    }


def _part(value: Fraction, top: Fraction, better: str) -> Fraction:
    if value == top:
        return Fraction(1)
    return value / top if better == "more" else top / value
