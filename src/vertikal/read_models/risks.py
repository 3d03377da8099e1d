"""The risk profile of a school: the latest assessment of each factor on or before a date.

Factors of the list in force (``factors``) go by their codes, however they were called; others stand as they were sent.
"""

from __future__ import annotations

from bisect import insort
from functools import partial
from typing import Any

import msgspec

from ..contracts.cohorts import SIGNIFICANCES
from . import factors
from .indicator import Indicator, Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps

ACTIVATED = Measure("risk_factors", Kind.STOCK, ("significance",))


class Assessment(msgspec.Struct, frozen=True, array_like=True):
    """``activated``: the factor is being worked on; an assessment that does not say so means that it is not."""

    on: str
    significance: str
    activated: bool
    event_id: str


class Profile(msgspec.Struct, frozen=True):
    """All assessments of a school by factor, by date; of one date, in the order of the log."""

    school: str
    factors: dict[str, tuple[Assessment, ...]] = {}


def keys(event: Event) -> Keys:
    return (event["data"]["school"],)


def evolve(profile: Profile | None, event: Event) -> Profile:
    data = event["data"]
    profile = profile or Profile(data["school"])
    listed = factors.find(data["factor"], data["on"])
    code = listed.code if listed else data["factor"]
    assessments = list(profile.factors.get(code, ()))
    assessment = Assessment(data["on"], data["significance"], data.get("activated", False), event["id"])
    insort(assessments, assessment, key=lambda each: each.on)
    return Profile(profile.school, {**profile.factors, code: tuple(assessments)})


def measures(profile: Profile) -> Cells:
    """How many factors are activated, by significance."""
    dates = [each.on for assessments in profile.factors.values() for each in assessments]
    return {
        (profile.school, ACTIVATED.name, (significance,), date): amount
        for significance in SIGNIFICANCES
        for date, amount in steps(dates, partial(_activated, profile, significance)).items()
    }


def view(profile: Profile, as_of: str) -> list[dict[str, Any]]:
    """The factors as of a date, in the shape of ``/v1/risks``; ``known``: the list of its date has the factor."""
    found = []
    for code, each in sorted(_standing(profile, as_of).items()):
        listed = factors.find(code, each.on)
        named = {"factor": code, "title": listed.title if listed else code, "known": listed is not None}
        found.append({**named, **msgspec.structs.asdict(each)})
    return found


def _standing(profile: Profile, on: str) -> dict[str, Assessment]:
    """The latest assessment of each factor."""
    until = ((code, [each for each in of if each.on <= on]) for code, of in profile.factors.items())
    return {code: assessments[-1] for code, assessments in until if assessments}


def _activated(profile: Profile, significance: str, on: str) -> int:
    return sum(each.activated and each.significance == significance for each in _standing(profile, on).values())


MODELS = (Model("risks", ("risk.assessed",), Profile, keys, evolve, measures, (ACTIVATED,)),)
INDICATORS = (
    Indicator(
        "risk_factors",
        "Число активированных факторов риска",
        "Activated risk factors of schools",
        (Part(ACTIVATED, stock),),
        (),
        unit="factors",
        better="less",
        source="Рисковые профили школ",
        dimensions=("significance",),
    ),
)
