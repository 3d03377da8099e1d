"""The organisations of the region: municipalities and schools as everything else in the sample sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

PEOPLE_MAX = 400
FOREVER = "9999-12-31"


@dataclass(frozen=True)
class School:
    """A school; ``number`` is unique in the region and keeps the pseudonyms of its staff apart.

    ``twos``: share of participants below the minimum that its results are drawn around. ``sends``: submits its own
    events instead of leaving that to the municipality. ``until``: nothing is known of it from that day on.
    """

    code: str
    name: str
    number: int
    teachers: int
    managers: int
    secondary: bool = True
    low: bool = False
    twos: float = 0.12
    activity: float = 1.0
    sends: bool = False
    until: str = FOREVER

    def manager(self, place: int) -> str:
        """The pseudonym of one of the managers."""
        return f"p-{self.number * PEOPLE_MAX + place % self.managers:05x}"

    def teacher(self, place: int) -> str:
        """The pseudonym of one of the teachers."""
        return f"p-{self.number * PEOPLE_MAX + self.managers + place % self.teachers:05x}"


@dataclass(frozen=True)
class Municipality:
    """A municipality; ``staff`` are (teachers, managers) where it reports them itself and its schools do not.

    ``documented``: one of the five systems, whose plans and courses follow its own documents.
    """

    code: str
    name: str
    number: int
    schools: tuple[School, ...]
    staff: tuple[int, int] | None = None
    documented: bool = False
    centres: tuple[tuple[str, str], ...] = field(default=())

    @property
    def day(self) -> int:
        """The day of the month on which it submits."""
        return 12 + self.number % 16

    def members(self, year: int) -> tuple[School, ...]:
        """The schools in its cohort of schools with low results in the school year that begins in ``year``."""
        return tuple(school for school in self.schools if school.low and not (year >= 2022 and leaves_cohort(school)))


def leaves_cohort(school: School) -> bool:
    """Whether a school with low results is excluded by an act in 2022."""
    return school.number % 4 == 0


def schools(first: int, rows: Iterable[tuple[str, str, int, int, bool]]) -> tuple[School, ...]:
    """Schools of a documented system, all of low results: (code, name, teachers, managers, secondary)."""
    return tuple(
        School(code, name, number, teachers, managers, secondary, low=True, twos=0.24 + number % 5 * 0.04)
        for number, (code, name, teachers, managers, secondary) in enumerate(rows, first)
    )
