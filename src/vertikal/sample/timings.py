"""Timings of activities as plans word them, normalised to a kind with a start and an end."""

from __future__ import annotations

from .dates import Month
from .facts import Data

NAMES = (
    "январь",
    "февраль",
    "март",
    "апрель",
    "май",
    "июнь",
    "июль",
    "август",
    "сентябрь",
    "октябрь",
    "ноябрь",
    "декабрь",
)
ROMAN = ("I", "II", "III", "IV")


def months(raw: str, first: Month, last: Month | None = None) -> Data:
    """One month or a range of months, both included."""
    kind = "month" if last is None or last == first else "month_range"
    return {"raw": raw, "kind": kind, "start": first.first, "end": (last or first).last}


def worded_months(first: Month, last: Month) -> Data:
    """The same with a wording of its own."""
    if first == last:
        raw = f"{NAMES[first.number - 1]} {first.year} г."
    elif first.year == last.year:
        raw = f"{NAMES[first.number - 1]} – {NAMES[last.number - 1]} {last.year} г."
    else:
        raw = f"{NAMES[first.number - 1]} {first.year} г. – {NAMES[last.number - 1]} {last.year} г."
    return months(raw.capitalize(), first, last)


def quarter(last: Month) -> Data:
    """The calendar quarter that ends with ``last``."""
    number = last.number // 3
    first = last.later(-2)
    return {"raw": f"{ROMAN[number - 1]} квартал {last.year} г.", "kind": "quarter"} | _from(first.first, last.last)


def half_year(last: Month) -> Data:
    """The calendar half-year in which ``last`` lies."""
    number, start, end = (1, "01-01", "06-30") if last.number <= 6 else (2, "07-01", "12-31")
    period = _from(f"{last.year}-{start}", f"{last.year}-{end}")
    return {"raw": f"{number} полугодие {last.year} г.", "kind": "half"} | period


def plan(period: Data, raw: str = "В течение года") -> Data:
    """«В течение года»: the plan's own period."""
    return {"raw": raw, "kind": "plan", **period}


def years(first: int, last: int) -> Data:
    raw = f"{first}-{last}" if first != last else f"{first} год"
    kind = "year_range" if first != last else "year"
    return {"raw": raw, "kind": kind} | _from(f"{first}-01-01", f"{last}-12-31")


def day(on: str) -> Data:
    return {"raw": _printed(on), "kind": "day"} | _from(on, on)


def deadline(until: str) -> Data:
    """«до …»: an end and no start."""
    return {"raw": f"до {_printed(until)}", "kind": "deadline", "end": until}


def monthly(period: Data) -> Data:
    return {"raw": "ежемесячно", "kind": "recurring", **period, "every": "P1M"}


def unbounded(raw: str = "постоянно") -> Data:
    return {"raw": raw, "kind": "unbounded"}


def relative(raw: str) -> Data:
    return {"raw": raw, "kind": "relative"}


def missing() -> Data:
    """The cell is empty, or the document has no such column."""
    return {"raw": "", "kind": "missing"}


def _from(start: str, end: str) -> Data:
    return {"start": start, "end": end}


def _printed(on: str) -> str:
    return ".".join(reversed(on.split("-")))
