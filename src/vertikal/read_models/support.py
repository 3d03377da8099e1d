"""Support of schools: help given.

Help counts twice: at each organisation that got it, and once at the organisation that says so. A school that got any
counts once in each period.
"""

from __future__ import annotations

import msgspec

from .cohorts import share
from .indicator import Indicator, Part, Selection, Unanswerable, flow
from .model import Cells, Event, Keys, Kind, Measure, Model
from .periods import EVER, Period, calendar_month, calendar_quarter, calendar_year, school_year

DIMENSIONS = ("kind", "level", "subject")
EVENTS = Measure("support_events", Kind.FLOW, DIMENSIONS)
HELD = Measure("support_held", Kind.FLOW, DIMENSIONS)
SUPPORTED = Measure("supported_schools", Kind.FLOW, ("period",), kept=("period",))
SOURCE = "Показатели эффективности программ поддержки ШНОР: методическая поддержка и сетевое взаимодействие"


class Support(msgspec.Struct, frozen=True):
    """Help as it was last reported under its code; ``holder`` is the organisation that the event is about."""

    support: str
    holder: str
    kind: str
    level: str
    organisations: tuple[str, ...]
    held_on: str
    times: int
    participants: int | None
    subject: str | None


def support_keys(event: Event) -> Keys:
    return (event["data"]["support"],)


def evolve_support(_: Support | None, event: Event) -> Support:
    data = event["data"]
    return Support(
        data["support"],
        event["subject"],
        data["kind"],
        data["level"],
        tuple(dict.fromkeys(data["organisations"])),
        data["held_on"],
        data.get("times", 1),
        data.get("participants"),
        data.get("subject"),
    )


def support_measures(support: Support) -> Cells:
    """So many times at each organisation, and one where it was held; what took place no times is worth nothing."""
    if not support.times:
        return {}
    dimensions = (support.kind, support.level, support.subject or "")
    cells: Cells = {(support.holder, HELD.name, dimensions, support.held_on): 1}
    for organisation in support.organisations:
        cells[organisation, EVENTS.name, dimensions, support.held_on] = support.times
    return cells


class Helped(msgspec.Struct, frozen=True):
    """How often an organisation got help on each date; a date on which nothing is left is not there."""

    organisation: str
    times: dict[str, int] = {}


def helped_keys(posting: Event) -> Keys:
    return (posting["organisation"],) if posting["organisation"] == posting["holder"] else ()


def evolve_helped(helped: Helped | None, posting: Event) -> Helped:
    helped = helped or Helped(posting["organisation"])
    date = posting["date"]
    changed = {**helped.times, date: helped.times.get(date, 0) + posting["amount"]}
    return Helped(helped.organisation, {on: times for on, times in changed.items() if times})


def helped_measures(helped: Helped) -> Cells:
    """One in each period, from the first day of help in it on; every period consists of whole months."""
    cells: Cells = {}
    seen: set[str] = set()
    for on in sorted(on for on, times in helped.times.items() if times > 0):
        if calendar_month(on) in seen:
            continue
        for period in (calendar_month(on), calendar_quarter(on), calendar_year(on), school_year(on), EVER):
            if period not in seen:
                cells[helped.organisation, SUPPORTED.name, (period,), on] = 1
                seen.add(period)
    return cells


def distinct_schools(period: Period, as_of: str) -> Selection:
    """Each school once: possible for the periods that it was counted for, not for a range of days."""
    if period.kind == "range":
        raise Unanswerable(
            f"школа учитывается один раз за месяц, квартал, календарный или учебный год, поэтому за период "
            f"«{period.label}» показатель не рассчитывается: укажите 2021-03, 2021-Q2, 2021, 2020/2021 или ever"
        )
    return Selection(None, as_of, lambda dimensions: dimensions["period"] == period.label)


MODELS = (
    Model("supports", ("support.provided",), Support, support_keys, evolve_support, support_measures, (EVENTS, HELD)),
    Model("supported", (EVENTS.name,), Helped, helped_keys, evolve_helped, helped_measures, (SUPPORTED,)),
)


def _events(code: str, measure: Measure, title: str, title_en: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(measure, flow),),
        (),
        unit="events",
        better="more",
        source=SOURCE,
        dimensions=DIMENSIONS,
    )


INDICATORS = (
    _events(
        "support_events",
        EVENTS,
        "Оказанная поддержка: организации × число раз",
        "Support given: organisations × times",
    ),
    _events("support_held", HELD, "Проведённые мероприятия поддержки", "Support events held"),
    share(
        "supported_schools",
        Part(SUPPORTED, distinct_schools),
        "Доля школ, получивших методическую помощь",
        "Share of schools that got support",
        source=SOURCE,
    ),
)
