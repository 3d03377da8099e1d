"""Cohorts of schools: who belongs when, and on what grounds.

A school belongs from the day of an inclusion up to, not including, the day of an exclusion; what is later by date
holds, and of one date the later in the log. Cohorts are independent of each other; the period of one bounds nothing.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from .indicator import Indicator, Part, members
from .model import Cells, Event, Keys, Kind, Measure, Model, steps

MEMBERS = Measure("cohort_members", Kind.STOCK, ("cohort", "kind"))
SHNOR_SCHOOLS = Measure("shnor_schools", Kind.STOCK)
SHNOR = "shnor"
KINDS = ("shnor", "shnsu", "500plus", "model", "other")


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """From ``on`` the school belongs, or does not; ``basis`` are the grounds."""

    on: str
    belongs: bool
    basis: str | None = None


class Cohort(msgspec.Struct, frozen=True):
    """A cohort with all inclusions and exclusions of each school, by date; ``kind`` is None while none is defined."""

    cohort: str
    kind: str | None = None
    title: str = ""
    owner: str = ""
    period: dict[str, str] = {}
    turns: dict[str, tuple[Turn, ...]] = {}


def keys(event: Event) -> Keys:
    return (event["data"]["cohort"],)


def evolve(cohort: Cohort | None, event: Event) -> Cohort:
    data = event["data"]
    cohort = cohort or Cohort(data["cohort"])
    if event["type"] == "cohort.defined":
        return Cohort(data["cohort"], data["kind"], data["title"], data["owner"], data["period"], cohort.turns)
    belongs = event["type"] == "school.included"
    turns = list(cohort.turns.get(data["school"], ()))
    insort(turns, Turn(data["from" if belongs else "to"], belongs, data.get("basis")), key=lambda turn: turn.on)
    return msgspec.structs.replace(cohort, turns={**cohort.turns, data["school"]: tuple(turns)})


def measures(cohort: Cohort) -> Cells:
    """One for each school while it belongs; nothing where the cohort itself was taken back."""
    if cohort.kind is None:
        return {}
    return {
        (school, MEMBERS.name, (cohort.cohort, cohort.kind), date): amount
        for school, turns in cohort.turns.items()
        for date, amount in steps([turn.on for turn in turns], partial(_counted, turns)).items()
    }


def spells(cohort: Cohort) -> Iterator[dict[str, Any]]:
    """The times of membership, school by school: ``{school, from, to, basis}``; the last may have no end (``to``)."""
    for school, turns in sorted(cohort.turns.items()):
        for begun, ended in _spells(turns):
            yield {"school": school, "from": begun.on, "to": ended, "basis": begun.basis}


def _belongs(turns: tuple[Turn, ...], on: str) -> bool:
    return next((turn.belongs for turn in reversed(turns) if turn.on <= on), False)


def _counted(turns: tuple[Turn, ...], on: str) -> int:
    return int(_belongs(turns, on))


def _spells(turns: tuple[Turn, ...]) -> Iterator[tuple[Turn, str | None]]:
    begun: Turn | None = None
    for on in dict.fromkeys(turn.on for turn in turns):
        turn = next(turn for turn in reversed(turns) if turn.on == on)  # of one date the later holds
        if turn.belongs and begun is None:
            begun = turn
        elif not turn.belongs and begun is not None:
            yield begun, on
            begun = None
    if begun is not None:
        yield begun, None


class Low(msgspec.Struct, frozen=True):
    """In how many cohorts of schools with low results a school is, as differences by date."""

    school: str
    cohorts: dict[str, int] = {}


def low_keys(posting: Event) -> Keys:
    at_itself = posting["organisation"] == posting["holder"]
    return (posting["organisation"],) if at_itself and posting["dimensions"][1] == SHNOR else ()


def evolve_low(low: Low | None, posting: Event) -> Low:
    low = low or Low(posting["organisation"])
    date = posting["date"]
    changed = {**low.cohorts, date: low.cohorts.get(date, 0) + posting["amount"]}
    return Low(low.school, {on: amount for on, amount in changed.items() if amount})


def low_measures(low: Low) -> Cells:
    """One while the school is in any, however many they are."""
    counted = steps(low.cohorts, lambda date: int(sum(n for on, n in low.cohorts.items() if on <= date) > 0))
    return {(low.school, SHNOR_SCHOOLS.name, (), date): amount for date, amount in counted.items()}


def share(code: str, numerator: Part, title: str, title_en: str, *, source: str) -> Indicator:
    """The share of the schools with low results of which something is so, or of those of the cohort one asks for."""
    return Indicator(
        code,
        title,
        title_en,
        (numerator,),
        (Part(SHNOR_SCHOOLS, members),),
        unit="schools",
        better="more",
        source=source,
        of_members=True,
    )


MODELS = (
    Model(
        "cohorts", ("cohort.defined", "school.included", "school.excluded"), Cohort, keys, evolve, measures, (MEMBERS,)
    ),
    Model("shnor_schools", (MEMBERS.name,), Low, low_keys, evolve_low, low_measures, (SHNOR_SCHOOLS,)),
)
INDICATORS: tuple[Indicator, ...] = ()
