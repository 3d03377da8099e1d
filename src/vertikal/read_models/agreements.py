"""Agreements of schools with partners, each in force between two dates."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import Any

import msgspec

from .cohorts import share
from .indicator import Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps
from .periods import day_after
from .support import SOURCE

NETWORKED = Measure("networked_schools", Kind.STOCK)


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """An agreement as signed: in force from ``on`` to ``to``, both included; without ``to``, from then on."""

    on: str
    to: str | None
    partner: str
    act: str | None = None


class Networked(msgspec.Struct, frozen=True):
    """The agreements of a school, each with its terms by date: those of the latest date hold."""

    school: str
    agreements: dict[str, tuple[Terms, ...]] = {}


def keys(event: Event) -> Keys:
    return (event["data"]["school"],)


def evolve(networked: Networked | None, event: Event) -> Networked:
    data = event["data"]
    known = networked.agreements if networked else {}
    terms = list(known.get(data["agreement"], ()))
    insort(terms, Terms(data["from"], data.get("to"), data["partner"], data.get("act")), key=lambda each: each.on)
    return Networked(data["school"], {**known, data["agreement"]: tuple(terms)})


def measures(networked: Networked) -> Cells:
    """One while any agreement is in force, however many they are."""

    def counted(on: str) -> int:
        return int(any(_holding(terms, on) is not None for terms in networked.agreements.values()))

    signed = [terms for each in networked.agreements.values() for terms in each]
    dates = [terms.on for terms in signed] + [day_after(terms.to) for terms in signed if terms.to is not None]
    return {(networked.school, NETWORKED.name, (), on): n for on, n in steps(dates, counted).items()}


def in_force(networked: Networked, on: str) -> Iterator[dict[str, Any]]:
    """The agreements in force on a date: ``{agreement, school, partner, from, to, act}``."""
    for code, signed in sorted(networked.agreements.items()):
        terms = _holding(signed, on)
        if terms is not None:
            what = {"agreement": code, "school": networked.school, "partner": terms.partner}
            yield {**what, "from": terms.on, "to": terms.to, "act": terms.act}


def _holding(signed: tuple[Terms, ...], on: str) -> Terms | None:
    latest = next((terms for terms in reversed(signed) if terms.on <= on), None)
    return latest if latest is not None and (latest.to is None or on <= latest.to) else None


MODELS = (Model("agreements", ("agreement.signed",), Networked, keys, evolve, measures, (NETWORKED,)),)
INDICATORS = (
    share(
        "networked_schools",
        Part(NETWORKED, stock),
        "Доля школ с действующим договором о сотрудничестве",
        "Share of schools with an agreement in force",
        source=SOURCE,
    ),
)
