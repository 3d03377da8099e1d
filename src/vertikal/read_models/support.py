"""Support of schools: help given, mentors, agreements with partners, entries in contests.

Help counts twice: at each organisation that got it, and once at the organisation that says so. A school that got any
counts once in each period. Mentorships and agreements are in force between dates; a school that has any counts once.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import Any

import msgspec

from .cohorts import SHNOR_SCHOOLS
from .indicator import Indicator, Part, Selection, Unanswerable, flow, members, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps
from .periods import EVER, Period, calendar_month, calendar_quarter, calendar_year, day_after, school_year

DIMENSIONS = ("kind", "level", "subject")
EVENTS = Measure("support_events", Kind.FLOW, DIMENSIONS)
HELD = Measure("support_held", Kind.FLOW, DIMENSIONS)
SUPPORTED = Measure("supported_schools", Kind.FLOW, ("period",), kept=("period",))
MENTORED = Measure("mentored_schools", Kind.STOCK)
NETWORKED = Measure("networked_schools", Kind.STOCK)
CONTEST_ENTRIES = Measure("contest_entries", Kind.FLOW, ("level",))


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


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """From ``on`` this mentor is there; None: nobody."""

    on: str
    mentor: str | None = None
    kind: str | None = None


class Mentored(msgspec.Struct, frozen=True):
    """The mentorships of a school, each with its assignments and releases by date."""

    school: str
    mentorships: dict[str, tuple[Turn, ...]] = {}


def mentored_keys(event: Event) -> Keys:
    return (_school(event),)


def evolve_mentored(mentored: Mentored | None, event: Event) -> Mentored:
    data, school = event["data"], _school(event)
    assigned = event["type"] == "mentor.assigned"
    turn = Turn(data["from"], data["mentor"], data["kind"]) if assigned else Turn(data["to"])
    known = mentored.mentorships if mentored else {}
    turns = list(known.get(data["mentorship"], ()))
    insort(turns, turn, key=lambda each: each.on)
    return Mentored(school, {**known, data["mentorship"]: tuple(turns)})


def mentored_measures(mentored: Mentored) -> Cells:
    """One while anybody is there, however many they are."""

    def counted(on: str) -> int:
        return int(any(_mentor(turns, on) is not None for turns in mentored.mentorships.values()))

    dates = [turn.on for turns in mentored.mentorships.values() for turn in turns]
    return {(mentored.school, MENTORED.name, (), on): n for on, n in steps(dates, counted).items()}


def mentorships(mentored: Mentored) -> Iterator[dict[str, Any]]:
    """Who was there when: ``{mentorship, school, mentor, kind, from, to}``; ``to`` is the first day out, or None."""
    for code, turns in sorted(mentored.mentorships.items()):
        begun = Turn("")
        for turn in {turn.on: turn for turn in turns}.values():  # of one date the later holds
            if (turn.mentor, turn.kind) != (begun.mentor, begun.kind):
                if begun.mentor is not None:
                    yield _spell(mentored.school, code, begun, turn.on)
                begun = turn
        if begun.mentor is not None:
            yield _spell(mentored.school, code, begun, None)


def _school(event: Event) -> str:
    """Whom a mentor is assigned to; a release leaves that to the log."""
    school: str = event["data"]["school"] if event["type"] == "mentor.assigned" else event["owner"]
    return school


def _mentor(turns: tuple[Turn, ...], on: str) -> str | None:
    return next((turn.mentor for turn in reversed(turns) if turn.on <= on), None)


def _spell(school: str, code: str, begun: Turn, to: str | None) -> dict[str, Any]:
    who = {"mentorship": code, "school": school, "mentor": begun.mentor, "kind": begun.kind}
    return {**who, "from": begun.on, "to": to}


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


def networked_keys(event: Event) -> Keys:
    return (event["data"]["school"],)


def evolve_networked(networked: Networked | None, event: Event) -> Networked:
    data = event["data"]
    known = networked.agreements if networked else {}
    terms = list(known.get(data["agreement"], ()))
    insort(terms, Terms(data["from"], data.get("to"), data["partner"], data.get("act")), key=lambda each: each.on)
    return Networked(data["school"], {**known, data["agreement"]: tuple(terms)})


def networked_measures(networked: Networked) -> Cells:
    """One while any agreement is in force, however many they are."""

    def counted(on: str) -> int:
        return int(any(_in_force(terms, on) is not None for terms in networked.agreements.values()))

    signed = [terms for each in networked.agreements.values() for terms in each]
    dates = [terms.on for terms in signed] + [day_after(terms.to) for terms in signed if terms.to is not None]
    return {(networked.school, NETWORKED.name, (), on): n for on, n in steps(dates, counted).items()}


def agreements(networked: Networked, on: str) -> Iterator[dict[str, Any]]:
    """The agreements in force on a date: ``{agreement, school, partner, from, to, act}``."""
    for code, signed in sorted(networked.agreements.items()):
        terms = _in_force(signed, on)
        if terms is not None:
            what = {"agreement": code, "school": networked.school, "partner": terms.partner}
            yield {**what, "from": terms.on, "to": terms.to, "act": terms.act}


def _in_force(signed: tuple[Terms, ...], on: str) -> Terms | None:
    latest = next((terms for terms in reversed(signed) if terms.on <= on), None)
    return latest if latest is not None and (latest.to is None or on <= latest.to) else None


class Entered(msgspec.Struct, frozen=True):
    """An entry in a contest as it was last reported under its code."""

    entry: str
    organisation: str
    contest: str
    level: str
    people: int
    on: str


def entered_keys(event: Event) -> Keys:
    return (event["data"]["entry"],)


def evolve_entered(_: Entered | None, event: Event) -> Entered:
    return Entered(**event["data"])


def entered_measures(entered: Entered) -> Cells:
    if not entered.people:
        return {}
    return {(entered.organisation, CONTEST_ENTRIES.name, (entered.level,), entered.on): entered.people}


MODELS = (
    Model("supports", ("support.provided",), Support, support_keys, evolve_support, support_measures, (EVENTS, HELD)),
    Model("supported", (EVENTS.name,), Helped, helped_keys, evolve_helped, helped_measures, (SUPPORTED,)),
    Model(
        "mentorships",
        ("mentor.assigned", "mentor.released"),
        Mentored,
        mentored_keys,
        evolve_mentored,
        mentored_measures,
        (MENTORED,),
    ),
    Model(
        "agreements",
        ("agreement.signed",),
        Networked,
        networked_keys,
        evolve_networked,
        networked_measures,
        (NETWORKED,),
    ),
    Model(
        "contests", ("contest.entered",), Entered, entered_keys, evolve_entered, entered_measures, (CONTEST_ENTRIES,)
    ),
)

_SOURCE = "Показатели эффективности программ поддержки ШНОР: методическая поддержка и сетевое взаимодействие"


def _events(code: str, measure: Measure, title: str, title_en: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (Part(measure, flow),),
        (),
        unit="events",
        better="more",
        source=_SOURCE,
        dimensions=DIMENSIONS,
    )


def _schools(code: str, numerator: Part, title: str, title_en: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (numerator,),
        (Part(SHNOR_SCHOOLS, members),),
        unit="schools",
        better="more",
        source=_SOURCE,
        of_members=True,
    )


INDICATORS = (
    _events(
        "support_events",
        EVENTS,
        "Оказанная поддержка: организации × число раз",
        "Support given: organisations × times",
    ),
    _events("support_held", HELD, "Проведённые мероприятия поддержки", "Support events held"),
    _schools(
        "supported_schools",
        Part(SUPPORTED, distinct_schools),
        "Доля школ, получивших методическую помощь",
        "Share of schools that got support",
    ),
    _schools(
        "mentored_schools",
        Part(MENTORED, stock),
        "Доля школ, за которыми закреплён куратор или наставник",
        "Share of schools with a mentor",
    ),
    _schools(
        "networked_schools",
        Part(NETWORKED, stock),
        "Доля школ с действующим договором о сотрудничестве",
        "Share of schools with an agreement in force",
    ),
    Indicator(
        "contest_entries",
        "Участники конкурсов, человек",
        "People who entered contests",
        (Part(CONTEST_ENTRIES, flow),),
        (),
        unit="people",
        better="more",
        source="Участие в конкурсах",
        dimensions=("level",),
        people=True,
    ),
)
