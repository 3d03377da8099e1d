"""Reporting: what was expected by a day, and whether it came.

An expectation counts from the day on which it is due, once for each organisation that it lists. It is met by a fact of
its type with the organisation as subject, dated in its period; in time, if the ``time`` of such a fact is not after the
due day. An expectation is known by its source, code and type: said again, it replaces what it said of an organisation.
One who is left out is still expected; who should not be is taken out by a retraction.

Facts are kept of all types but those that are many and single acts (``UNTRACKED``), or about the log and its tree: what
is expected of such a type is listed and is no part of any figure.
"""

from __future__ import annotations

import msgspec

from ..contracts.catalogue import CATALOGUE
from .indicator import Indicator, Part, flow
from .model import Cells, Event, Keys, Kind, Measure, Model, add

EXPECTATION = "reporting.expected"
UNTRACKED = ("course.finished", "assessment.corrected", "assessment.withdrawn", "event.retracted", "person.forgotten")
FAMILIES = ("activity.", "organisation.", "reporting.")
TRACKED = tuple(type_ for type_ in CATALOGUE.newest if type_ not in UNTRACKED and not type_.startswith(FAMILIES))
EXPECTED, RECEIVED, TIMELY = (
    Measure(f"reports_{name}", Kind.FLOW, ("type",)) for name in ("expected", "received", "timely")
)


class Due(msgspec.Struct, frozen=True, array_like=True):
    """The period that a report is about, and the last day on which it is in time."""

    start: str
    end: str
    due: str


class Expectation(msgspec.Struct, frozen=True):
    """What is expected under one code of one source, by organisation."""

    source: str
    expectation: str
    type: str
    of: dict[str, Due] = {}


class Reports(msgspec.Struct, frozen=True):
    """What came of one type from one organisation, and what was expected of it.

    ``facts``: the first local date of ``time`` by the date of the fact; ``expected``: by source and code.
    ``organisation`` is empty while nothing came: an expectation is said of many.
    """

    type: str
    organisation: str = ""
    facts: dict[str, str] = {}
    expected: dict[str, Due] = {}


def expectation_keys(event: Event) -> Keys:
    return (f"{_identity(event)} {event['data']['type']}",)


def evolve_expectation(before: Expectation | None, event: Event) -> Expectation:
    data = event["data"]
    said = dict.fromkeys(data["organisations"], _due(event))
    return Expectation(event["source"], data["expectation"], data["type"], {**(before.of if before else {}), **said})


def expectation_measures(expectation: Expectation) -> Cells:
    if expectation.type not in TRACKED:
        return {}
    return {(code, EXPECTED.name, (expectation.type,), due.due): 1 for code, due in expectation.of.items()}


def keys(event: Event) -> Keys:
    if event["type"] != EXPECTATION:
        return (key(event["type"], event["subject"]),)
    data = event["data"]
    listed = dict.fromkeys(data["organisations"]) if data["type"] in TRACKED else ()
    return tuple(key(data["type"], code) for code in listed)


def key(type_: str, organisation: str) -> str:
    """The entity of a type and an organisation."""
    return f"{type_}/{organisation}"


def evolve(reports: Reports | None, event: Event) -> Reports:
    type_ = event["type"]
    if type_ == EXPECTATION:
        before = reports or Reports(event["data"]["type"])
        expected = {**before.expected, _identity(event): _due(event)}
        return Reports(before.type, before.organisation, before.facts, expected)
    before = reports or Reports(type_)
    on, told = CATALOGUE.newest[type_].fact_date(event), event["time"][:10]
    facts = {**before.facts, on: min(told, before.facts.get(on, told))}
    return Reports(type_, event["subject"], facts, before.expected)


def measures(reports: Reports) -> Cells:
    """What came of what was expected, on the day on which it was due."""
    cells: Cells = {}
    if not reports.facts:
        return cells
    for due in reports.expected.values():
        if received(reports, due):
            add(cells, (reports.organisation, RECEIVED.name, (reports.type,), due.due), 1)
        if timely(reports, due):
            add(cells, (reports.organisation, TIMELY.name, (reports.type,), due.due), 1)
    return cells


def received(reports: Reports | None, due: Due) -> bool:
    return reports is not None and any(due.start <= on <= due.end for on in reports.facts)


def timely(reports: Reports | None, due: Due) -> bool:
    return reports is not None and any(
        due.start <= on <= due.end and told <= due.due for on, told in reports.facts.items()
    )


def _identity(event: Event) -> str:
    return f"{event['source']} {event['data']['expectation']}"


def _due(event: Event) -> Due:
    data = event["data"]
    return Due(data["period"]["start"], data["period"]["end"], data["due"])


MODELS = (
    Model(
        "expectations",
        (EXPECTATION,),
        Expectation,
        expectation_keys,
        evolve_expectation,
        expectation_measures,
        (EXPECTED,),
        version=2,
    ),
    Model("reports", (EXPECTATION, *TRACKED), Reports, keys, evolve, measures, (RECEIVED, TIMELY), version=2),
)


def _indicator(code: str, numerator: Measure, title: str, title_en: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(numerator, flow),),
        (Part(EXPECTED, flow),),
        unit="reports",
        better="more",
        source="Ожидаемая отчётность и полученные сведения",
        dimensions=("type",),
    )


INDICATORS = (
    _indicator(
        "reporting_completeness", RECEIVED, "Полнота отчётности", "Share of expected reports that were received"
    ),
    _indicator(
        "reporting_timeliness",
        TIMELY,
        "Своевременность отчётности",
        "Share of expected reports that were received in time",
    ),
)
