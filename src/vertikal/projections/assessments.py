"""Results of procedures: one entity per school, procedure, subject, grade and school year.

A corrected result replaces the imported one on the date of the original; a withdrawn one is worth nothing.
"""

from __future__ import annotations

import msgspec

from ..contracts.assessments import KEY
from .model import Cells, Event, Kind, Measure, Model

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


def key(event: Event) -> str:
    return next(code for code, _ in KEY.codes(event["data"]))


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
        key,
        evolve,
        measures,
        (PARTICIPANTS, BELOW_MINIMUM, MARKED, GOOD_MARKS),
    ),
)
