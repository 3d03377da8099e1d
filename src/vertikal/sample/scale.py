"""How large a sample is: few or many schools, people, results and plans."""

from __future__ import annotations

from dataclasses import dataclass

SEED = 20200803


@dataclass(frozen=True)
class Scale:
    """What differs between the sizes.

    ``schools`` are those of the generated municipalities, ``teachers`` the mean of a school, ``courses`` per school and
    year, ``results`` per school and school year. ``planning``: how many of a hundred schools follow a plan of their own
    beside those with low results; ``school_rows`` and ``municipal_rows``: the rows of plans. ``support``: every how
    many months a school is visited.
    """

    municipalities: int
    schools: int
    teachers: int
    courses: float
    results: int
    planning: int
    school_rows: int
    municipal_rows: int
    support: int


SCALES = {
    "small": Scale(3, 18, 30, 18.0, 9, 0, 6, 8, 4),
    "region": Scale(25, 564, 45, 47.0, 28, 0, 15, 16, 1),
    "large": Scale(25, 1464, 135, 205.0, 118, 70, 34, 24, 1),
}
