"""Versions of a rule: its parameters, where they come from, and the school years that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

P = TypeVar("P")


@dataclass(frozen=True)
class Version(Generic[P]):
    """For the school years from ``first`` to ``last``, both included; None: no bound."""

    version: int
    parameters: P
    source: str
    first: str | None = None
    last: str | None = None

    def covers(self, year: str) -> bool:
        return (self.first is None or self.first <= year) and (self.last is None or year <= self.last)


def in_force(versions: Sequence[Version[P]], year: str) -> Version[P] | None:
    """The version for a school year, of several the last in the list; None where the rule has none."""
    return next((each for each in reversed(versions) if each.covers(year)), None)


def years_to(year: str, count: int) -> tuple[str, ...]:
    """So many school years in a row, the last of them ``year``.

    >>> years_to("2021/2022", 2)
    ('2020/2021', '2021/2022')
    """
    first = int(year[:4])
    return tuple(f"{start}/{start + 1}" for start in range(first - count + 1, first + 1))
