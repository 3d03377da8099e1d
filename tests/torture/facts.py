"""What is sent: streams of valid events, each decided by seed, stream and number alone: it can be sent again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.torture.plan import Plan
from vertikal.services.access import Party

Event = dict[str, Any]
Said = tuple[str, str, dict[str, Any]]  # type, subject, data

REGION = Party("obr", "region")
MUNICIPALITIES, SCHOOLS, ACTIVITIES = 4, 20, 5
GRADES, SUBJECTS, PROCEDURES = 11, ("math", "russian", "biology", "history"), ("vpr", "oge", "ege")
PERIOD = {"start": "2020-01-01", "end": "2023-12-31"}
SOURCE = "/torture/{}"


def setting() -> list[Event]:
    """The region on which everything happens, with a roadmap in each municipality."""
    said: list[Said] = [_registered("obr", "region", None)]
    for municipality in _municipalities():
        schools = _schools(municipality)
        said.append(_registered(municipality, "municipality", "obr"))
        said += [_registered(school, "school", municipality) for school in schools]
        roadmap = {"roadmap": f"rm-{municipality}", "owner": municipality, "title": "ДК", "period": PERIOD}
        said.append(("roadmap.adopted", municipality, roadmap))
        said += [_planned(municipality, schools, number) for number in range(ACTIVITIES)]
    return [_event("setting", number, *each) for number, each in enumerate(said)]


def party_of(plan: Plan, stream: str) -> Party:
    return REGION if stream == "reorganiser" else Party(_municipality_of(plan, stream), "municipality")


def event_of(plan: Plan, stream: str, number: int) -> Event:
    """The event of a stream with this number."""
    dice = plan.dice(stream, number)
    if stream == "reorganiser":
        turn, step = divmod(number, len(REORGANISATION))
        return _event(stream, number, *REORGANISATION[step](turn, dice))
    turn, step = divmod(number, len(CYCLE))
    municipality, made = _municipality_of(plan, stream), CYCLE[step]
    if isinstance(made, int):
        taken_back = {"source": SOURCE.format(stream), "id": f"{stream}-{number - made}", "reason": "ошибка ввода"}
        return _event(stream, number, "event.retracted", municipality, taken_back)
    unique = turn * len(plan.streams) + plan.streams.index(stream)
    return _event(stream, number, *made(municipality, unique, dice))


def unknown_place(event: Event) -> Event:
    """An event that the log must refuse: it names an organisation that nobody registered."""
    data = {"organisation": "nowhere", "on": "2021-09-01", "teachers": 1, "managers": 1}
    return {**event, "id": f"never-{event['id']}", "type": "staff.reported", "subject": "nowhere", "data": data}


def _staff(municipality: str, unique: int, dice: random.Random) -> Said:
    del unique
    school = dice.choice(_schools(municipality))
    data = {"organisation": school, "on": _date(dice), "teachers": dice.randint(5, 60), "managers": dice.randint(1, 5)}
    return "staff.reported", school, data


def _course(municipality: str, unique: int, dice: random.Random) -> Said:
    school = dice.choice(_schools(municipality))
    data = {"person": f"p-{unique}", "role": dice.choice(("teacher", "manager")), "organisation": school,
            "programme": "Программа", "provider": "iro", "hours": 72, "finished_on": _date(dice)}  # fmt: skip
    return "course.finished", school, data


def _result(municipality: str, unique: int, dice: random.Random) -> Said:
    """A result of a procedure: it may be imported once, and again when it was retracted."""
    rest, school = divmod(unique, SCHOOLS)
    rest, grade = divmod(rest, GRADES)
    rest, subject = divmod(rest, len(SUBJECTS))
    year, procedure = divmod(rest, len(PROCEDURES))
    participants = dice.randint(0, 30)
    key = {"school": _schools(municipality)[school], "procedure": PROCEDURES[procedure], "subject": SUBJECTS[subject],
           "grade": grade + 1, "year": f"{2005 + year}/{2006 + year}"}  # fmt: skip
    figures = {"participants": participants, "below_minimum": dice.randint(0, participants)}
    return "assessment.imported", str(key["school"]), {**key, "held_on": _date(dice), **figures}


def _mark(municipality: str, unique: int, dice: random.Random) -> Said:
    """A mark on an activity that others mark too: the figure hangs on who came last."""
    del unique
    school, on = dice.choice(_schools(municipality)), _date(dice)
    where = {"roadmap": f"rm-{municipality}", "activity": f"a{dice.randrange(ACTIVITIES)}", "organisation": school}
    type_, said = dice.choice((
        ("activity.completed", {"completed_on": on}),
        ("activity.started", {"on": on}),
        ("activity.not_held", {"on": on, "organised": True}),
    ))  # fmt: skip
    return type_, school, {**where, **said}


# A number retracts the event so many places before it: a result, that retraction itself, a mark.
CYCLE: tuple[Callable[[str, int, random.Random], Said] | int, ...] = (
    _staff, _course, _result, 1, _mark, _result, _course, _mark, _staff, 6, _mark, 7,
)  # fmt: skip


def _opened(turn: int, dice: random.Random) -> Said:
    return _registered(f"n{turn}", "school", dice.choice(_municipalities()))


def _staff_of_the_new(turn: int, dice: random.Random) -> Said:
    data = {"organisation": f"n{turn}", "on": _date(dice), "teachers": dice.randint(5, 60), "managers": 1}
    return "staff.reported", f"n{turn}", data


def _moved(turn: int, dice: random.Random) -> Said:
    data = {"code": f"n{turn}", "parent": dice.choice(_municipalities()), "valid_from": _date(dice)}
    return "organisation.moved", f"n{turn}", data


REORGANISATION: tuple[Callable[[int, random.Random], Said], ...] = (_opened, _staff_of_the_new, _moved)


def _registered(code: str, kind: str, parent: str | None) -> Said:
    data = {"code": code, "kind": kind, "name": code.upper(), "valid_from": "2004-09-01"}
    return "organisation.registered", code, data | ({"parent": parent} if parent else {})


def _planned(municipality: str, schools: list[str], number: int) -> Said:
    timing = {"raw": "до 1 мая", "kind": "deadline", "end": f"202{number % 4}-05-01"}
    data = {"roadmap": f"rm-{municipality}", "activity": f"a{number}", "number": str(number), "title": "М",
            "timing": timing, "responsible": [], "organisations": schools}  # fmt: skip
    return "activity.planned", municipality, data


def _event(stream: str, number: int, type_: str, subject: str, data: dict[str, Any]) -> Event:
    return {"specversion": "1.0", "id": f"{stream}-{number}", "source": SOURCE.format(stream), "type": type_,
            "subject": subject, "time": "2023-12-20T10:00:00+03:00", "data": data}  # fmt: skip


def _municipality_of(plan: Plan, stream: str) -> str:
    return _municipalities()[plan.streams.index(stream) % MUNICIPALITIES]


def _municipalities() -> list[str]:
    return [f"m{number}" for number in range(MUNICIPALITIES)]


def _schools(municipality: str) -> list[str]:
    return [f"{municipality}-s{number}" for number in range(SCHOOLS)]


def _date(dice: random.Random) -> str:
    return f"{dice.randint(2020, 2023)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
