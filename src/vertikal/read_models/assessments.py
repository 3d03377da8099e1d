"""Results of procedures: one entity per school, procedure, subject, grade and school year.

A corrected result replaces the imported one on the date of the original; a withdrawn one is worth nothing.
"""

from __future__ import annotations

import msgspec

from ..contracts.assessments import KEY
from .indicator import Indicator, Part, results
from .model import Cells, Event, Keys, Kind, Measure, Model

DIMENSIONS = ("procedure", "subject", "grade", "year")
KEPT = ("year",)
PARTICIPANTS = Measure("participants", Kind.FLOW, DIMENSIONS, KEPT)
BELOW_MINIMUM = Measure("below_minimum", Kind.FLOW, DIMENSIONS, KEPT)
MARKED = Measure("marked", Kind.FLOW, DIMENSIONS, KEPT)
GOOD_MARKS = Measure("good_marks", Kind.FLOW, DIMENSIONS, KEPT)


class Result(msgspec.Struct, frozen=True):
    """The scores that stand; ``date`` is None while no import does, ``marked`` where no marks came with the scores."""

    school: str
    dimensions: tuple[str, str, str, str]
    date: str | None
    participants: int = 0
    below_minimum: int = 0
    marked: int | None = None
    good_marks: int = 0


def keys(event: Event) -> Keys:
    return tuple(code for code, _ in KEY.codes(event["data"]))


def evolve(result: Result | None, event: Event) -> Result:
    data = event["data"]
    date = result.date if result else None
    if event["type"] == "assessment.imported":
        date = data.get("held_on", event["time"][:10])
    dimensions = (data["procedure"], data["subject"], str(data["grade"]), data["year"])
    if event["type"] == "assessment.withdrawn":
        return Result(data["school"], dimensions, date)
    marks = data.get("marks")
    return Result(
        data["school"],
        dimensions,
        date,
        data["participants"],
        data["below_minimum"],
        None if marks is None else data["participants"],
        marks.get("4", 0) + marks.get("5", 0) if marks else 0,
    )


def measures(result: Result) -> Cells:
    if result.date is None:
        return {}
    amounts = {
        PARTICIPANTS: result.participants,
        BELOW_MINIMUM: result.below_minimum,
        MARKED: result.marked or 0,
        GOOD_MARKS: result.good_marks,
    }
    return {
        (result.school, measure.name, result.dimensions, result.date): amount
        for measure, amount in amounts.items()
        if amount
    }


MODELS = (
    Model(
        "results",
        ("assessment.imported", "assessment.corrected", "assessment.withdrawn"),
        Result,
        keys,
        evolve,
        measures,
        (PARTICIPANTS, BELOW_MINIMUM, MARKED, GOOD_MARKS),
    ),
)


def _indicator(
    code: str, numerator: Measure, denominator: Measure, title: str, title_en: str, better: str
) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(numerator, results),),
        (Part(denominator, results),),
        unit="participants",
        better=better,
        source="Результаты ВПР, ОГЭ, ЕГЭ и диагностик",
        dimensions=DIMENSIONS,
        people=True,
    )


INDICATORS = (
    _indicator(
        "below_minimum",
        BELOW_MINIMUM,
        PARTICIPANTS,
        "Доля участников ниже минимального порога",
        "Share of participants below the minimum",
        "less",
    ),
    _indicator(
        "quality",
        GOOD_MARKS,
        MARKED,
        "Качество: доля отметок 4 и 5",
        "Quality: share of marks 4 and 5",
        "more",
    ),
)
