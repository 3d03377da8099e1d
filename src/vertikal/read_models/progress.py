"""Progress of schools: whether the share of participants below the minimum fell since the school year before.

A school is compared in a year where it has participants in that year and in the one before. It improved where moreover
its share fell, as fractions: an equal share did not. All procedures but diagnostics are pooled; in ``gia`` only ОГЭ and
ЕГЭ in mathematics and Russian. On each day only results dated up to it count.

Stocks: on each day a school counts where it then stands. As flows, a result under a new parent might take away there
what was posted under the old one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import cycle

import msgspec

from .assessments import GIA, dated
from .indicator import Indicator, Part, compared
from .model import Cells, Event, Keys, Kind, Measure, Model

# How those who send results spell the two subjects that every graduate takes; whoever adds a spelling counts the
# version of the model up.
GIA_SUBJECTS = {
    "math": ("math", "mathematics", "математика", "математика базовая", "математика профильная",
             "математика (базовая)", "математика (профильная)", "математика базового уровня",
             "математика профильного уровня", "математика (базовый уровень)", "математика (профильный уровень)"),
    "russian": ("russian", "русский", "русский язык"),
}  # fmt: skip
SPELLINGS = frozenset(spelling for spellings in GIA_SUBJECTS.values() for spelling in spellings)

YEAR = ("year",)
COMPARED = Measure("compared_schools", Kind.STOCK, YEAR, YEAR)
IMPROVED = Measure("improved_schools", Kind.STOCK, YEAR, YEAR)
COMPARED_GIA = Measure("compared_gia", Kind.STOCK, YEAR, YEAR)
IMPROVED_GIA = Measure("improved_gia", Kind.STOCK, YEAR, YEAR)

Score = tuple[str | None, int, int]  # date (None while no import stands), participants, below the minimum
NO_SCORE: Score = (None, 0, 0)


class Pool(msgspec.Struct, frozen=True, array_like=True):
    """Sums of the scores of a school year up to each of their dates, and how they compare with the year before.

    ``since``: compared from then on; ``turns``: the dates on which it begins, ceases, begins again … to be improved.
    """

    dates: tuple[str, ...] = ()
    participants: tuple[int, ...] = ()
    below: tuple[int, ...] = ()
    since: str | None = None
    turns: tuple[str, ...] = ()


class Year(msgspec.Struct, frozen=True, array_like=True):
    """The scores of a school in a school year, by procedure, grade and subject."""

    scores: dict[str, Score] = {}
    overall: Pool = Pool()
    gia: Pool = Pool()


NO_YEAR = Year()


class Progress(msgspec.Struct, frozen=True):
    """One school, by school year; sums and comparisons are kept beside the scores, as an event changes few of them."""

    school: str
    years: dict[str, Year] = {}


def keys(event: Event) -> Keys:
    data = event["data"]
    return (data["school"],) if data["procedure"] != "diagnostic" else ()


def evolve(progress: Progress | None, event: Event) -> Progress:
    """With the score that an event gives, corrects or withdraws; what it touches is compared anew."""
    data = event["data"]
    name, procedure, subject = data["year"], data["procedure"], data["subject"]
    years = dict(progress.years) if progress else {}
    before, year, after = years.get(_preceding(name), NO_YEAR), years.get(name, NO_YEAR), years.get(_following(name))
    key = f"{procedure}/{data['grade']}/{subject}"
    was = year.scores.get(key, NO_SCORE)
    counted = (0, 0) if event["type"] == "assessment.withdrawn" else (data["participants"], data["below_minimum"])
    score = (dated(event, was[0]), *counted)
    overall, gia = _compared(_exchanged(year.overall, was, score), before.overall), year.gia
    touched = procedure in GIA and _is_of_all(subject)
    if touched:
        gia = _compared(_exchanged(gia, was, score), before.gia)
    years[name] = Year({**year.scores, key: score}, overall, gia)
    if after is not None:
        later = _compared(after.gia, gia) if touched else after.gia
        years[_following(name)] = Year(after.scores, _compared(after.overall, overall), later)
    return Progress(data["school"], years)


def measures(progress: Progress) -> Cells:
    cells: Cells = {}
    for name, year in progress.years.items():
        overall, gia = year.overall, year.gia
        cells.update(_worth(progress.school, name, overall.since, overall.turns, gia.since, gia.turns))
    return cells


@lru_cache(maxsize=20_000)
def _worth(
    school: str, year: str, since: str | None, turns: tuple[str, ...], gia_since: str | None, gia_turns: tuple[str, ...]
) -> Cells:
    """What a year is worth; an event changes one or two years of a school, so that of the others is remembered."""
    cells: Cells = {}
    for compared_, improved, begun, turned in (
        (COMPARED.name, IMPROVED.name, since, turns),
        (COMPARED_GIA.name, IMPROVED_GIA.name, gia_since, gia_turns),
    ):
        if begun is not None:
            cells[school, compared_, (year,), begun] = 1
        for date, amount in zip(turned, cycle((1, -1)), strict=False):
            cells[school, improved, (year,), date] = amount
    return cells


def _exchanged(pool: Pool, before: Score, after: Score) -> Pool:
    """The sums with one score in the place of another; those without a date count nothing."""
    if before[0] is not None and before[0] == after[0]:
        return _added(pool, before[0], after[1] - before[1], after[2] - before[2])
    if before[0] is not None:
        pool = _added(pool, before[0], -before[1], -before[2])
    return pool if after[0] is None else _added(pool, after[0], after[1], after[2])


def _added(pool: Pool, date: str, participants: int, below: int) -> Pool:
    """The sums from a date on with so many more. How they compare is to be said anew."""
    dates, sums, lows = pool.dates, pool.participants, pool.below
    at = after = bisect_left(dates, date)
    if at < len(dates) and dates[at] == date:
        after += 1
    else:
        dates = (*dates[:at], date, *dates[at:])
    on = (sums[after - 1], lows[after - 1]) if after else (0, 0)
    return Pool(
        dates,
        (*sums[:at], on[0] + participants, *[each + participants for each in sums[after:]]),
        (*lows[:at], on[1] + below, *[each + below for each in lows[after:]]),
    )


def _compared(now: Pool, before: Pool) -> Pool:
    """The sums of a year, compared with those of the year before."""
    dates, sums, lows = now.dates, now.participants, now.below
    if not (sums and sums[-1] and before.participants and before.participants[-1]):
        return Pool(dates, sums, lows)
    since = max(_first(now), _first(before))
    if before.dates[-1] <= dates[0]:  # the ordinary case: the year before is over
        participants, below = before.participants[-1], before.below[-1]
        fell = bytes([low * participants < below * all_ for low, all_ in zip(lows, sums, strict=True)])
        return Pool(dates, sums, lows, since, _turns(dates, fell))
    days = tuple(sorted({*dates, *before.dates}))
    pairs = zip(_on(now, days), _on(before, days), strict=True)
    fell = bytes([low * participants < below * all_ for (all_, low), (participants, below) in pairs])
    return Pool(dates, sums, lows, since, _turns(days, fell))


def _first(pool: Pool) -> str:
    """The first date with participants."""
    return pool.dates[bisect_right(pool.participants, 0)]


def _on(pool: Pool, days: tuple[str, ...]) -> list[tuple[int, int]]:
    """The sums on each of more days than their own."""
    known = dict(zip(pool.dates, zip(pool.participants, pool.below, strict=True), strict=True))
    last = (0, 0)
    return [last := known.get(day, last) for day in days]


def _turns(dates: tuple[str, ...], fell: bytes) -> tuple[str, ...]:
    """The dates on which a flag turns; before the first it is down."""
    found, at, sought = [], 0, 1
    while (at := fell.find(sought, at)) >= 0:
        found.append(dates[at])
        sought = 1 - sought
    return tuple(found)


@lru_cache(maxsize=1_000)
def _preceding(year: str) -> str:
    return f"{int(year[:4]) - 1}/{year[:4]}"


@lru_cache(maxsize=1_000)
def _following(year: str) -> str:
    return f"{year[5:]}/{int(year[5:]) + 1}"


@lru_cache(maxsize=10_000)
def _is_of_all(subject: str) -> bool:
    """Whether it is one of the subjects that every graduate takes."""
    return " ".join(subject.casefold().split()) in SPELLINGS


MODELS = (
    Model(
        "progress",
        ("assessment.imported", "assessment.corrected", "assessment.withdrawn"),
        Progress,
        keys,
        evolve,
        measures,
        (COMPARED, IMPROVED, COMPARED_GIA, IMPROVED_GIA),
    ),
)


def _indicator(code: str, numerator: Measure, denominator: Measure, title: str, title_en: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(numerator, compared),),
        (Part(denominator, compared),),
        unit="schools",
        better="more",
        source="Показатели эффективности программ поддержки ШНОР: динамика результатов",
        of_members=True,
    )


INDICATORS = (
    _indicator(
        "schools_improved",
        IMPROVED,
        COMPARED,
        "Доля школ, в которых снизилась доля участников ниже минимального порога",
        "Share of schools whose share of participants below the minimum fell",
    ),
    _indicator(
        "schools_positive_gia",
        IMPROVED_GIA,
        COMPARED_GIA,
        "Доля школ с положительной динамикой ГИА по русскому языку и математике",
        "Share of schools with a positive trend in Russian and mathematics at the state final examination",
    ),
)
