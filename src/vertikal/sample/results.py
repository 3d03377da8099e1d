"""Results of ВПР, ОГЭ, ЕГЭ and diagnostics, submitted by the institute, with appeals, rechecks and withdrawals.

The results of a school, year and procedure are drawn from a seed of their own, so whoever cites them (an analysis, with
figures) draws them again and cites what stands in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple

from .dates import DAYS, Month, day_number, label
from .facts import INSTITUTE, Batch, Data, Fact, Sender, at
from .layout import REGION_SCHOOL, Layout
from .places import School
from .scale import SEED

SENDER = Sender(INSTITUTE, "institute")
SUBJECTS = (
    "russian",
    "math",
    "history",
    "biology",
    "geography",
    "english",
    "physics",
    "social",
    "chemistry",
    "informatics",
    "literature",
    "world",
)
CORE = (
    ("vpr", 5, "russian"),
    ("vpr", 5, "math"),
    ("oge", 9, "russian"),
    ("oge", 9, "math"),
    ("ege", 11, "russian"),
    ("ege", 11, "math"),
    ("vpr", 8, "russian"),
    ("vpr", 8, "math"),
    ("vpr", 6, "russian"),
    ("diagnostic", 7, "math"),
    ("vpr", 6, "math"),
    ("vpr", 4, "world"),
    ("vpr", 4, "russian"),
    ("vpr", 4, "math"),
    ("vpr", 7, "russian"),
    ("vpr", 7, "math"),
    ("diagnostic", 10, "russian"),
    ("vpr", 6, "biology"),
    ("vpr", 7, "physics"),
    ("vpr", 8, "chemistry"),
    ("oge", 9, "social"),
    ("oge", 9, "geography"),
    ("ege", 11, "social"),
    ("vpr", 5, "history"),
    ("vpr", 8, "geography"),
    ("oge", 9, "biology"),
    ("diagnostic", 8, "english"),
    ("ege", 11, "physics"),
    ("ege", 11, "biology"),
    ("oge", 9, "informatics"),
)
OTHERS = tuple(
    (procedure, grade, subject)
    for subject in SUBJECTS
    for procedure, grades in (("vpr", (5, 6, 7, 8)), ("diagnostic", (5, 6, 7, 8, 9, 10)), ("oge", (9,)), ("ege", (11,)))
    for grade in grades
)
COMBINATIONS = tuple(dict.fromkeys(CORE + OTHERS))
# procedure: (month of import, month of corrections, first day held, days over which it is held)
TERMS = {
    "diagnostic": (11, 12, "10-05", 20),
    "vpr": (6, 10, "03-15", 60),
    "oge": (7, 8, "05-24", 30),
    "ege": (7, 8, "05-31", 25),
}
LATE_MONTH = 9


class Score(NamedTuple):
    """How a class did; ``marks`` are absent where a procedure knows only the threshold."""

    participants: int
    below: int
    marks: tuple[int, int, int, int] | None


class Result(NamedTuple):
    """A result with what became of it: ``reason`` to correct it to ``now``, or to withdraw it (``now`` is None)."""

    grade: int
    subject: str
    held_on: str
    first: Score
    reason: str
    now: Score | None


@lru_cache
def _combinations(count: int, procedure: str) -> tuple[tuple[int, str], ...]:
    return tuple((grade, subject) for other, grade, subject in COMBINATIONS[:count] if other == procedure)


def results(school: School, procedure: str, year: int, count: int) -> Iterator[Result]:
    """The results of a school in a procedure of a school year, of the first ``count`` procedures that are held."""
    rng = Random(f"{SEED}/{school.code}/{procedure}/{year}")
    random = rng.random
    month, _, first, span = TERMS[procedure]
    start = day_number(f"{year if month == 11 else year + 1}-{first}")
    shift = school.twos * (1 - 0.09 * (year - 2020)) + rng.uniform(-0.05, 0.05)
    size = 8 + school.teachers % 20
    for grade, subject in _combinations(count, procedure):
        if (grade >= 10 and not school.secondary) or random() < 0.03:
            continue
        participants = 4 + int(size * (0.6 + 0.8 * random()))
        share = max(0.0, shift + (0.05 if subject == "math" else 0.0) + 0.16 * (random() - 0.5))
        score = _score(procedure, participants, share, random())
        reason, now = _fate(procedure, score, random())
        yield Result(grade, subject, DAYS[start + int(span * random())], score, reason, now)


def figures(school: School, year: int, count: int) -> tuple[int, int]:
    """(below the minimum, participants) of a school in a school year, with all corrections applied."""
    standing = [
        result.now if result.reason else result.first
        for procedure in TERMS
        for result in results(school, procedure, year, count)
    ]
    return sum(s.below for s in standing if s), sum(s.participants for s in standing if s)


def is_late(school: School, year: int) -> bool:
    """Whether the ВПР of a school arrive in September instead of June."""
    return (school.number * 7 + year) % 23 == 0


def batches(layout: Layout, month: Month) -> Iterator[Batch]:
    """What the institute submits this month: per municipality one batch, in runs of a minute each."""
    runs = [run for procedure in TERMS for run in _runs(procedure, month)]
    moment = at(month.day(10))
    groups: list[tuple[tuple[School, ...], int]] = [((REGION_SCHOOL,), 0)]
    groups += [(municipality.schools, municipality.number) for municipality in layout.municipalities]
    for schools, number in groups if runs else ():
        yield Batch(moment + timedelta(minutes=number), SENDER, _facts(schools, runs, month, layout.scale.results))


def _runs(procedure: str, month: Month) -> Iterator[tuple[str, int, str]]:
    """(procedure, school year, what is done) that fall into a month."""
    imports, corrections, _, _ = TERMS[procedure]
    year = month.year if imports == 11 else month.year - 1
    if year < 2020:
        return
    if month.number == imports:
        yield procedure, year, "import"
    if month.number == corrections:
        yield procedure, year, "correct"
    if procedure == "vpr" and month.number == LATE_MONTH:
        yield procedure, year, "late"


def _facts(schools: tuple[School, ...], runs: list[tuple[str, int, str]], month: Month, count: int) -> Iterator[Fact]:
    for procedure, year, what in runs:
        for school in schools:
            if school.until <= month.first:
                continue
            if what == "correct":
                yield from _corrected(school, procedure, year, month, count)
            elif procedure != "vpr" or is_late(school, year) == (what == "late"):
                yield from _imported(school, procedure, year, month, count)


def _imported(school: School, procedure: str, year: int, month: Month, count: int) -> Iterator[Fact]:
    code, day, name = school.code, month.day(8), label(year)
    for grade, subject, held_on, (participants, below, marks), _, _ in results(school, procedure, year, count):
        data: Data = {
            "school": code,
            "procedure": procedure,
            "subject": subject,
            "grade": grade,
            "year": name,
            "held_on": held_on,
            "participants": participants,
            "below_minimum": below,
        }
        if marks:
            data["marks"] = {"2": marks[0], "3": marks[1], "4": marks[2], "5": marks[3]}
        yield Fact("assessment.imported", code, day, data)


def _corrected(school: School, procedure: str, year: int, month: Month, count: int) -> Iterator[Fact]:
    for result in results(school, procedure, year, count):
        if not result.reason:
            continue
        data: Data = {"school": school.code, "procedure": procedure, "subject": result.subject}
        data |= {"grade": result.grade, "year": label(year), "reason": result.reason}
        if result.now is None:
            yield Fact("assessment.withdrawn", school.code, month.day(7), data)
            continue
        data |= {"participants": result.now.participants, "below_minimum": result.now.below}
        if result.now.marks:
            data["marks"] = dict(zip("2345", result.now.marks, strict=True))
        yield Fact("assessment.corrected", school.code, month.day(7), data)


def _score(procedure: str, participants: int, share: float, luck: float) -> Score:
    below = min(participants, int(participants * share + luck))
    if procedure == "ege":
        return Score(participants, below, None)
    rest = participants - below
    threes = int(rest * (0.4 + 0.2 * luck))
    fives = int((rest - threes) * (0.45 - 0.3 * luck))
    return Score(participants, below, (below, threes, rest - threes - fives, fives))


def _fate(procedure: str, score: Score, luck: float) -> tuple[str, Score | None]:
    """An appeal or a recheck moves one participant over the threshold; a few results are withdrawn as a whole."""
    if luck < 0.003:
        return "Нарушен порядок проведения", None
    if luck > 0.03 or not score.below:
        return "", score
    marks = score.marks and (score.marks[0] - 1, score.marks[1] + 1, score.marks[2], score.marks[3])
    reason = "appeal" if procedure in ("oge", "ege") else "recheck" if luck < 0.02 else "error"
    return reason, Score(score.participants, score.below - 1, marks)
