"""Staff: the latest report on or before a date, per organisation.

A municipality's own report counts only while no school below it has reported. That is a read model over postings
(``cover``): it folds what an organisation reported itself and how many below it have reported, and is worth the own
report wherever that number is nought. Positions follow the same rule with the same report: a school that reports its
staff without them makes the municipality's own give way, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from .indicator import Indicator, Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps

POSITIONS = ("positions", "positions_filled")
REPORTED = ("teachers", "managers", *POSITIONS)
STAFF = {name: Measure(f"staff_{name}", Kind.STOCK) for name in REPORTED}
OWN = {name: Measure(f"own_{name}", Kind.STOCK) for name in REPORTED}
REPORTING = Measure("staff_reporting", Kind.STOCK)
THOUSANDTHS = 1000  # positions come as decimals of at most three places, so thousandths hold them to the letter


class Report(msgspec.Struct, frozen=True, array_like=True):
    """Positions are in thousandths; nought on both sides where the report does not say both."""

    on: str
    teachers: int
    managers: int
    positions: int = 0
    positions_filled: int = 0


class Staff(msgspec.Struct, frozen=True):
    """The reports of one organisation, by date; a later report of the same date replaces the earlier."""

    organisation: str
    reports: tuple[Report, ...] = ()


def keys(event: Event) -> Keys:
    return (event["data"]["organisation"],)


def evolve(staff: Staff | None, event: Event) -> Staff:
    data = event["data"]
    report = Report(data["on"], data["teachers"], data["managers"], *_positions(data))
    others = [each for each in staff.reports if each.on != report.on] if staff else []
    return Staff(data["organisation"], tuple(sorted([*others, report], key=lambda each: each.on)))


def measures(staff: Staff) -> Cells:
    """What the organisation itself reported, and that it has reported; ``cover`` makes the figures of these."""
    cells: Cells = {(staff.organisation, REPORTING.name, (), staff.reports[0].on): 1}
    for name in REPORTED:
        amounts = {report.on: getattr(report, name) for report in staff.reports}
        for date, amount in steps(amounts, amounts.__getitem__).items():
            cells[staff.organisation, OWN[name].name, (), date] = amount
    return cells


def _positions(data: Mapping[str, Any]) -> tuple[int, ...]:
    """In thousandths, as ``POSITIONS`` names them. One side alone makes no share, so it is left out as well."""
    said = [data[name] for name in POSITIONS if name in data]
    return tuple(int(Decimal(text) * THOUSANDTHS) for text in said) if len(said) == len(POSITIONS) else (0, 0)


class Cover(msgspec.Struct, frozen=True):
    """What one organisation reported itself, by measure and date, and how many below it began to report when."""

    organisation: str
    own: dict[str, dict[str, int]] = {}
    below: dict[str, int] = {}


COVERED = (REPORTING.name, *(measure.name for measure in OWN.values()))


def cover_keys(posting: Event) -> Keys:
    """A posting concerns the organisation that holds it: its own amounts, and the reports of those below."""
    own = posting["organisation"] == posting["holder"]
    return (posting["holder"],) if own != (posting["measure"] == REPORTING.name) else ()


def evolve_cover(cover: Cover | None, posting: Event) -> Cover:
    cover = cover or Cover(posting["holder"])
    measure, date, amount = posting["measure"], posting["date"], posting["amount"]
    if measure == REPORTING.name:
        return Cover(cover.organisation, cover.own, _added(cover.below, date, amount))
    own = {**cover.own, measure: _added(cover.own.get(measure, {}), date, amount)}
    return Cover(cover.organisation, own, cover.below)


def cover_measures(cover: Cover) -> Cells:
    cells: Cells = {}
    for name in REPORTED:
        own = cover.own.get(OWN[name].name, {})
        counted = steps([*own, *cover.below], partial(_uncovered, own, cover.below))
        for date, amount in counted.items():
            cells[cover.organisation, STAFF[name].name, (), date] = amount
    return cells


def _uncovered(own: dict[str, int], below: dict[str, int], date: str) -> int:
    return 0 if _until(below, date) else _until(own, date)


def _until(amounts: dict[str, int], date: str) -> int:
    return sum(amount for on, amount in amounts.items() if on <= date)


def _added(amounts: dict[str, int], date: str, amount: int) -> dict[str, int]:
    return {on: total for on, total in {**amounts, date: amounts.get(date, 0) + amount}.items() if total}


MODELS = (
    Model("staff", ("staff.reported",), Staff, keys, evolve, measures, (REPORTING, *OWN.values()), version=2),
    Model("staff_cover", COVERED, Cover, cover_keys, evolve_cover, cover_measures, tuple(STAFF.values()), version=2),
)
INDICATORS = (
    Indicator(
        "staffing",
        "Укомплектованность: доля занятых ставок",
        "Share of positions filled",
        (Part(STAFF["positions_filled"], stock),),
        (Part(STAFF["positions"], stock),),
        unit="positions",
        better="more",
        source="Сведения о кадрах: ставки по штатному расписанию и занятые",
        scale=THOUSANDTHS,
    ),
)
