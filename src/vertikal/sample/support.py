"""Support of schools: visits and seminars, mentors, agreements, contests, competences, courses known as a number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from .dates import Month
from .facts import INSTITUTE, Batch, Data, Fact, Sender, at
from .layout import Layout
from .places import Municipality, School
from .scale import Scale

GROUP_KINDS = ("seminar", "webinar", "masterclass", "roundtable", "internship")
SUBJECTS = ("russian", "math", "physics", "biology", "history", "english")
MENTORS = ("curator", "mentor", "leader_school", "consultant")
CONTESTS = ("Учитель года", "Педагогический дебют", "Лучший урок", "Методическая находка")
DEFICITS = ("Критериальное оценивание", "Работа с текстом", "Задания повышенной сложности", "Учебный эксперимент")
HOLIDAYS = (7, 8)


def events(municipality: Municipality, month: Month, scale: Scale) -> Iterator[Fact]:
    """Group events for all schools of the cohort and visits to single ones, held in the days before the report."""
    members = municipality.members(month.year - (month.number < 9))
    if month.number in HOLIDAYS or not members or month < Month(2020, 10):
        return
    code, on = municipality.code, month.day(9)
    for number in range(1 + 2 // scale.support):
        kind = GROUP_KINDS[(month.number + number + municipality.number) % len(GROUP_KINDS)]
        data: Data = {"support": f"{code}-{month.label}-{number}", "kind": kind, "level": "municipality"}
        data |= {"organisations": [school.code for school in members], "held_on": month.day(4 + number)}
        data |= {"participants": 3 * len(members) + number, "subject": SUBJECTS[(month.number + number) % 6]}
        yield Fact("support.provided", code, month.day(4 + number), data)
    for school in members:
        if (school.number + month.number) % scale.support == 0:
            data = {"support": f"{school.code}-{month.label}", "level": "municipality", "organisations": [school.code]}
            data |= {"kind": "consultation" if school.number % 3 else "visit", "held_on": on}
            yield Fact("support.provided", code, on, data | {"times": 1 + (school.number + month.number) % 3})


def mentors(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """Assigned each October, released at the end of June; every sixth stays over the summer."""
    year = month.year - (month.number < 9)
    for school in municipality.members(year) if month.number in (10, 7) and month >= Month(2020, 10) else ():
        mentorship = f"{school.code}-mentor-{year}"
        if month.number == 10:
            kind = MENTORS[(school.number + year) % len(MENTORS)]
            data = {"mentorship": mentorship, "school": school.code, "mentor": f"mentor-{school.number * 7 % 997:03}"}
            yield Fact("mentor.assigned", school.code, month.day(5), data | {"kind": kind, "from": month.day(5)})
        elif school.number % 6:
            data = {"mentorship": mentorship, "to": f"{year + 1}-07-01"}
            yield Fact("mentor.released", municipality.code, month.day(2), data)


def agreements(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """Each February every second school of the cohort signs with a leading school; some without an end."""
    year = month.year - 1
    for school in municipality.members(year) if month.number == 2 else ():
        if (school.number + year) % 2 == 0:
            data = {"agreement": f"{school.code}-agreement-{year}", "school": school.code, "from": month.day(3)}
            data |= {"partner": f"Школа-лидер № {1 + school.number % 9}"}
            if school.number % 5:
                data["to"] = f"{month.year}-12-31"
            yield Fact("agreement.signed", school.code, month.day(4), data)


def contests(municipality: Municipality, month: Month) -> Iterator[Fact]:
    for school in municipality.schools:
        if not school.sends:
            yield from school_contests(school, month)


def school_contests(school: School, month: Month) -> Iterator[Fact]:
    """Autumn and spring contests that some of the schools enter."""
    if month.number not in (4, 11) or (school.number + month.year) % 3 == 0 or school.until <= month.first:
        return
    data: Data = {"entry": f"{school.code}-contest-{month.label}", "organisation": school.code}
    data |= {"contest": CONTESTS[(school.number + month.year) % len(CONTESTS)], "people": 1 + school.number % 3}
    data |= {"level": "municipality" if school.number % 4 else "region", "on": month.day(6)}
    yield Fact("contest.entered", school.code, month.day(7), data)


def competences(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """A diagnosis of the teachers of the cohort each December, in one of four kinds."""
    for school in municipality.members(month.year) if month.number == 12 else ():
        kind = ("subject", "method", "metasubject", "ict")[(school.number + month.year) % 4]
        data: Data = {"assessment": f"{school.code}-competence-{month.year}", "organisation": school.code, "kind": kind}
        data |= {"people": 5 + school.teachers // 2, "on": month.day(3)}
        if kind == "subject":
            data["subject"] = SUBJECTS[school.number % len(SUBJECTS)]
        if school.number % 2:
            data["deficits"] = [DEFICITS[school.number % 4], DEFICITS[(school.number + 1) % 4]]
        yield Fact("competence.assessed", school.code, month.day(8), data)


def courses_reported(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """People whose names a municipality does not know, each quarter."""
    if month.number % 3 or municipality.number % 2:
        return
    start = month.later(-3)
    for role, people in (("teacher", 4 + (municipality.number + month.number) % 9), ("manager", 1 + month.year % 3)):
        data: Data = {"report": f"{municipality.code}-{month.label}-{role}", "organisation": municipality.code}
        data |= {"role": role, "people": people, "period": {"start": start.first, "end": month.later(-1).last}}
        yield Fact("courses.reported", municipality.code, month.day(8), data)


def institute(layout: Layout, month: Month) -> Iterator[Batch]:
    """Webinars of the institute for the cohorts, one per three municipalities, and whom it counted at short courses."""
    if month.number in HOLIDAYS or month < Month(2020, 10):
        return
    groups = [layout.generated[start : start + 3] for start in range(0, len(layout.generated), 3)]
    yield Batch(at(month.day(10)) - timedelta(hours=1), Sender(INSTITUTE, "institute"), _webinars(groups, month))


def _webinars(groups: list[tuple[Municipality, ...]], month: Month) -> Iterator[Fact]:
    on = month.day(7)
    for number, group in enumerate(groups):
        schools = [school for municipality in group for school in municipality.members(month.year)]
        data: Data = {"support": f"obr-iro-{month.label}-{number}", "kind": "webinar", "level": "region"}
        data |= {"organisations": [school.code for school in schools], "held_on": on, "participants": 4 * len(schools)}
        yield Fact("support.provided", INSTITUTE, on, data)
