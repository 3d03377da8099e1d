"""Periods as people write them: ``2021``, ``2021-03``, ``2021-Q2``, ``2020/2021``, ``2021-01-01..2021-05-31``."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

EVER = "ever"
SCHOOL_YEAR_BEGINS = "09-01"
_FIRST, _LAST = "0001-01-01", "9999-12-31"
_YEAR = r"((?:19|20|21)[0-9]{2})"


@dataclass(frozen=True)
class Period:
    """From ``start`` to ``end``, both included; ``label`` is what was asked for."""

    label: str
    start: str
    end: str
    kind: str

    def previous(self) -> Period | None:
        """The period of the same kind before this one; a free range has one of the same length in days."""
        try:
            return self._previous()
        except (ValueError, OverflowError):
            return None  # before the first year that a period can have

    def _previous(self) -> Period | None:
        if self.kind == EVER:
            return None
        last = date.fromisoformat(self.start) - timedelta(days=1)
        match self.kind:
            case "year":
                return parse(f"{last.year}")
            case "school_year":
                return parse(school_year(last.isoformat()))
            case "month":
                return parse(f"{last.year}-{last.month:02}")
            case "quarter":
                return parse(f"{last.year}-Q{(last.month + 2) // 3}")
        length = date.fromisoformat(self.end) - date.fromisoformat(self.start)
        return parse(f"{last - length}..{last}")


def parse(text: str | None) -> Period:
    """The period a text names; absent means ever. Raises ``ValueError`` in Russian."""
    if text is None or text == EVER:
        return Period(EVER, _FIRST, _LAST, EVER)
    if found := re.fullmatch(_YEAR, text):
        return Period(text, f"{text}-01-01", f"{text}-12-31", "year")
    if found := re.fullmatch(_YEAR + "/" + _YEAR, text):
        first, second = int(found[1]), int(found[2])
        if second == first + 1:
            return Period(text, f"{first}-{SCHOOL_YEAR_BEGINS}", f"{second}-08-31", "school_year")
    if found := re.fullmatch(_YEAR + "-(0[1-9]|1[0-2])", text):
        return Period(text, f"{text}-01", _month_end(int(found[1]), int(found[2])), "month")
    if found := re.fullmatch(_YEAR + "-Q([1-4])", text):
        year, quarter = int(found[1]), int(found[2])
        return Period(text, f"{year}-{quarter * 3 - 2:02}-01", _month_end(year, quarter * 3), "quarter")
    if found := re.fullmatch(r"([0-9-]{10})\.\.([0-9-]{10})", text):
        start, end = parse_date(found[1]), parse_date(found[2])
        if start <= end:
            return Period(text, start, end, "range")
    raise ValueError(
        f"период «{text[:60]}» не распознан: ожидается 2021, 2021-03, 2021-Q2, 2020/2021 или 2021-01-01..2021-05-31"
    )


def between(start: str, end: str) -> Period:
    """The period from one day to another, by its name where it is a calendar or a school year."""
    named = (parse(calendar_year(start)), parse(school_year(start)))
    return next((each for each in named if (each.start, each.end) == (start, end)), parse(f"{start}..{end}"))


def parse_date(text: str) -> str:
    """A calendar date as text. Raises ``ValueError`` in Russian."""
    try:
        if re.fullmatch(r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise ValueError(f"дата «{text[:60]}» не распознана: ожидается ГГГГ-ММ-ДД")


def last_day(text: str) -> str | None:
    """The last day of the date or the period that a text names; None where it names neither."""
    for read in (parse_date, lambda period: parse(period).end):
        try:
            return read(text)
        except ValueError:
            continue
    return None


@lru_cache(maxsize=20_000)
def calendar_year(on: str) -> str:
    return on[:4]


def calendar_month(on: str) -> str:
    return on[:7]


def calendar_quarter(on: str) -> str:
    return f"{on[:4]}-Q{(int(on[5:7]) + 2) // 3}"


@lru_cache(maxsize=20_000)
def school_year(on: str) -> str:
    year = int(on[:4])
    return f"{year}/{year + 1}" if on[5:] >= SCHOOL_YEAR_BEGINS else f"{year - 1}/{year}"


def day_after(on: str) -> str:
    return (date.fromisoformat(on) + timedelta(days=1)).isoformat()


def _month_end(year: int, month: int) -> str:
    return f"{year}-{month:02}-{monthrange(year, month)[1]:02}"
