"""Results of procedures: one entity per school, procedure, subject, grade and school year.

A corrected result replaces the imported one on the date of the original; a withdrawn one is worth nothing.
"""

from __future__ import annotations

import msgspec

from ..contracts.assessments import KEY
from .indicator import Indicator, Part, results
from .model import Cells, Event, Keys, Kind, Measure, Model

GIA = ("oge", "ege")  # the state final examination
MARKS = ("2", "3", "4", "5")
GOOD = ("4", "5")
DIMENSIONS = ("procedure", "subject", "grade", "year")
KEPT = ("year",)
PARTICIPANTS = Measure("participants", Kind.FLOW, DIMENSIONS, KEPT)
BELOW_MINIMUM = Measure("below_minimum", Kind.FLOW, DIMENSIONS, KEPT)
PASSED = Measure("passed", Kind.FLOW, DIMENSIONS, KEPT)
MARKED = Measure("marks", Kind.FLOW, (*DIMENSIONS, "mark"), (*KEPT, "mark"))


class Result(msgspec.Struct, frozen=True):
    """The scores that stand; ``date`` is None while no import does, ``marks`` (2 to 5) where none came with them."""

    school: str
    dimensions: tuple[str, str, str, str]
    date: str | None
    participants: int = 0
    below_minimum: int = 0
    marks: tuple[int, int, int, int] | None = None


def keys(event: Event) -> Keys:
    return tuple(code for code, _ in KEY.codes(event["data"]))


def dated(event: Event, before: str | None) -> str | None:
    """The date of a result after an event: that of its import, which corrections and withdrawals keep."""
    if event["type"] != "assessment.imported":
        return before
    date: str = event["data"].get("held_on", event["time"][:10])
    return date


def evolve(result: Result | None, event: Event) -> Result:
    data = event["data"]
    date = dated(event, result.date if result else None)
    dimensions = (data["procedure"], data["subject"], str(data["grade"]), data["year"])
    if event["type"] == "assessment.withdrawn":
        return Result(data["school"], dimensions, date)
    marks = data.get("marks")
    given = None if marks is None else (marks.get("2", 0), marks.get("3", 0), marks.get("4", 0), marks.get("5", 0))
    return Result(data["school"], dimensions, date, data["participants"], data["below_minimum"], given)


def measures(result: Result) -> Cells:
    """Participants, of them those below the minimum, and marks: as many as participants, where they are known.

    Who passed is posted for the final examination alone, where it is asked: results are many, and so are postings.
    """
    if result.date is None:
        return {}
    amounts = {PARTICIPANTS.name: result.participants, BELOW_MINIMUM.name: result.below_minimum}
    if result.dimensions[0] in GIA:
        amounts[PASSED.name] = result.participants - result.below_minimum
    cells: Cells = {
        (result.school, measure, result.dimensions, result.date): amount
        for measure, amount in amounts.items()
        if amount
    }
    for mark, amount in zip(MARKS, result.marks or (), strict=False):
        if amount:
            cells[result.school, MARKED.name, (*result.dimensions, mark), result.date] = amount
    return cells


MODELS = (
    Model(
        "results",
        ("assessment.imported", "assessment.corrected", "assessment.withdrawn"),
        Result,
        keys,
        evolve,
        measures,
        (PARTICIPANTS, BELOW_MINIMUM, PASSED, MARKED),
        version=2,
    ),
)


def _indicator(
    code: str, numerator: Part, denominator: Part, title: str, title_en: str, better: str, *, rest_hides: bool = False
) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (numerator,),
        (denominator,),
        unit="participants",
        better=better,
        source="Результаты ВПР, ОГЭ, ЕГЭ и диагностик",
        dimensions=DIMENSIONS,
        people=True,
        rest_hides=rest_hides,
    )


INDICATORS = (
    _indicator(
        "below_minimum",
        Part(BELOW_MINIMUM, results),
        Part(PARTICIPANTS, results),
        "Доля участников ниже минимального порога",
        "Share of participants below the minimum",
        "less",
    ),
    _indicator(
        "quality",
        Part(MARKED, results, {"mark": GOOD}),
        Part(MARKED, results),
        "Качество: доля отметок 4 и 5",
        "Quality: share of marks 4 and 5",
        "more",
    ),
    _indicator(
        "passed_gia",
        Part(PASSED, results, {"procedure": GIA}),
        Part(PARTICIPANTS, results, {"procedure": GIA}),
        "Доля выпускников, преодолевших минимальный порог ГИА",
        "Share of graduates above the minimum of the state final examination",
        "more",
        rest_hides=True,
    ),
)
