"""Trained people: distinct per calendar year, per school year and ever; people reported as a number stand apart.

A person counts once per year, at the organisation of the latest course finished up to the day one asks about; the roles
teacher and manager count apart. People whose competences were assessed are a number per assessment, and are added.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .indicator import Indicator, Part, distinct, flow, reported, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, add
from .periods import EVER, calendar_year, school_year
from .staff import STAFF

TRAINED = Measure("trained", Kind.FLOW, ("role", "period", "subject"), kept=("role", "period"))
REPORTED = Measure("trained_reported", Kind.FLOW, ("role", "start", "subject"), kept=("role", "start"))
ASSESSED = Measure("competence_assessed", Kind.FLOW, ("kind", "subject"))


class Course(msgspec.Struct, frozen=True, array_like=True):
    finished_on: str
    organisation: str
    subject: str


class Person(msgspec.Struct, frozen=True):
    """The courses of one person in one role, by date; of one day, in the order of the log."""

    role: str
    courses: tuple[Course, ...] = ()


def person_keys(event: Event) -> Keys:
    return (f"{event['data']['role']}/{event['data']['person']}",)


def evolve_person(person: Person | None, event: Event) -> Person:
    data = event["data"]
    person = person or Person(data["role"])
    course = Course(data["finished_on"], data["organisation"], data.get("subject", ""))
    return Person(person.role, tuple(sorted([*person.courses, course], key=lambda each: each.finished_on)))


def person_measures(person: Person) -> Cells:
    """Worth one in each period that a course ends in; a later course takes the one along."""
    cells: Cells = {}
    latest: dict[str, Course] = {}
    for course in person.courses:
        for period in (calendar_year(course.finished_on), school_year(course.finished_on), EVER):
            before = latest.get(period)
            if before is not None:
                dimensions = (person.role, period, before.subject)
                add(cells, (before.organisation, TRAINED.name, dimensions, course.finished_on), -1)
            dimensions = (person.role, period, course.subject)
            add(cells, (course.organisation, TRAINED.name, dimensions, course.finished_on), 1)
            latest[period] = course
    return cells


class Report(msgspec.Struct, frozen=True):
    """The last report under one code: the same code again replaces the first."""

    organisation: str
    role: str
    people: int
    start: str
    end: str
    subject: str


def report_keys(event: Event) -> Keys:
    return (event["data"]["report"],)


def evolve_report(_: Report | None, event: Event) -> Report:
    data = event["data"]
    period = data["period"]
    return Report(
        data["organisation"], data["role"], data["people"], period["start"], period["end"], data.get("subject", "")
    )


def report_measures(report: Report) -> Cells:
    dimensions = (report.role, report.start, report.subject)
    return {(report.organisation, REPORTED.name, dimensions, report.end): report.people} if report.people else {}


class Competences(msgspec.Struct, frozen=True):
    """The last assessment under one code: the same code again replaces the first. Whose it was is left to the log."""

    assessment: str
    organisation: str
    kind: str
    subject: str
    people: int
    on: str
    deficits: tuple[str, ...] = ()


def competences_keys(event: Event) -> Keys:
    return (event["data"]["assessment"],)


def evolve_competences(_: Competences | None, event: Event) -> Competences:
    data = event["data"]
    what = (data["assessment"], data["organisation"], data["kind"], data.get("subject", ""))
    return Competences(*what, data["people"], data["on"], tuple(data.get("deficits", ())))


def competences_measures(found: Competences) -> Cells:
    """How many people, where they work, on the day of the assessment."""
    dimensions = (found.kind, found.subject)
    return {(found.organisation, ASSESSED.name, dimensions, found.on): found.people} if found.people else {}


def competences_view(found: Competences, as_of: str) -> dict[str, Any] | None:
    """An assessment in the shape of ``/v1/competences``; None before its day."""
    return None if found.on > as_of else {**msgspec.structs.asdict(found), "subject": found.subject or None}


MODELS = (
    Model("people", ("course.finished",), Person, person_keys, evolve_person, person_measures, (TRAINED,)),
    Model("course_reports", ("courses.reported",), Report, report_keys, evolve_report, report_measures, (REPORTED,)),
    Model(
        "competences",
        ("competence.assessed",),
        Competences,
        competences_keys,
        evolve_competences,
        competences_measures,
        (ASSESSED,),
    ),
)


def _trained(code: str, role: str, title: str, title_en: str) -> Indicator:
    return Indicator(
        code,
        title,
        title_en,
        (
            Part(TRAINED, distinct, {"role": (role,)}, origin="people"),
            Part(REPORTED, reported, {"role": (role,)}, origin="reported"),
        ),
        (Part(STAFF[f"{role}s"], stock),),
        unit="people",
        better="more",
        source="Показатели эффективности программ поддержки ШНОР: повышение квалификации",
        dimensions=("origin", "subject"),
        people=True,
    )


INDICATORS = (
    _trained(
        "trained_teachers",
        "teacher",
        "Доля педагогов, прошедших повышение квалификации",
        "Share of teachers who finished a course",
    ),
    _trained(
        "trained_managers",
        "manager",
        "Доля руководителей, прошедших повышение квалификации",
        "Share of managers who finished a course",
    ),
    Indicator(
        "competence_assessed",
        "Число работников, чьи компетенции оценены",
        "People whose competences were assessed",
        (Part(ASSESSED, flow),),
        (),
        unit="people",
        better="more",
        source="Диагностика профессиональных компетенций",
        dimensions=("kind", "subject"),
        people=True,
    ),
)
