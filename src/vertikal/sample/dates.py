"""The calendar of the sample: months of recording, school years, and days as numbers for the hot loops."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

_FIRST = date(2019, 1, 1).toordinal()
DAYS = tuple(date.fromordinal(number).isoformat() for number in range(_FIRST, date(2025, 1, 1).toordinal()))


class Month(NamedTuple):
    """A calendar month; months order by time."""

    year: int
    number: int

    @property
    def label(self) -> str:
        return f"{self.year}{self.number:02}"

    @property
    def first(self) -> str:
        return self.day(1)

    @property
    def last(self) -> str:
        following = self.later(1)
        return date.fromordinal(date(following.year, following.number, 1).toordinal() - 1).isoformat()

    def day(self, number: int) -> str:
        return f"{self.year}-{self.number:02}-{number:02}"

    def later(self, months: int) -> Month:
        """The month so many months later (earlier, if negative)."""
        years, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(years, number + 1)

    def since(self, other: Month) -> int:
        """How many months lie between ``other`` and this one."""
        return (self.year - other.year) * 12 + self.number - other.number


MONTHS = tuple(Month(2020, 8).later(number) for number in range(41))


def day_number(day: str) -> int:
    """The index of an ISO date in ``DAYS``."""
    return date.fromisoformat(day).toordinal() - _FIRST


def label(year: int) -> str:
    """The school year that begins in September of ``year``."""
    return f"{year}/{year + 1}"


def september(year: int) -> Month:
    return Month(year, 9)


def school_year(year: int) -> dict[str, str]:
    """The period of the school year that begins in September of ``year``."""
    return {"start": f"{year}-09-01", "end": f"{year + 1}-08-31"}
