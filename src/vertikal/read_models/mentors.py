"""Mentors of schools: who is assigned to which school, from when and until when."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from typing import Any

import msgspec

from .cohorts import share
from .indicator import Part, stock
from .model import Cells, Event, Keys, Kind, Measure, Model, steps
from .support import SOURCE

MENTORED = Measure("mentored_schools", Kind.STOCK)


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """From ``on`` this mentor is there; None: nobody."""

    on: str
    mentor: str | None = None
    kind: str | None = None


class Mentored(msgspec.Struct, frozen=True):
    """The mentorships of a school, each with its assignments and releases by date."""

    school: str
    mentorships: dict[str, tuple[Turn, ...]] = {}


def keys(event: Event) -> Keys:
    return (_school(event),)


def evolve(mentored: Mentored | None, event: Event) -> Mentored:
    data, school = event["data"], _school(event)
    assigned = event["type"] == "mentor.assigned"
    turn = Turn(data["from"], data["mentor"], data["kind"]) if assigned else Turn(data["to"])
    known = mentored.mentorships if mentored else {}
    turns = list(known.get(data["mentorship"], ()))
    insort(turns, turn, key=lambda each: each.on)
    return Mentored(school, {**known, data["mentorship"]: tuple(turns)})


def measures(mentored: Mentored) -> Cells:
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


MODELS = (Model("mentorships", ("mentor.assigned", "mentor.released"), Mentored, keys, evolve, measures, (MENTORED,)),)
INDICATORS = (
    share(
        "mentored_schools",
        Part(MENTORED, stock),
        "Доля школ, за которыми закреплён куратор или наставник",
        "Share of schools with a mentor",
        source=SOURCE,
    ),
)
