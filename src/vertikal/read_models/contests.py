"""Entries in contests: as many people as an entry says, on its date."""

from __future__ import annotations

import msgspec

from .indicator import Indicator, Part, flow
from .model import Cells, Event, Keys, Kind, Measure, Model

CONTEST_ENTRIES = Measure("contest_entries", Kind.FLOW, ("level",))


class Entered(msgspec.Struct, frozen=True):
    """An entry in a contest as it was last reported under its code."""

    entry: str
    organisation: str
    contest: str
    level: str
    people: int
    on: str


def keys(event: Event) -> Keys:
    return (event["data"]["entry"],)


def evolve(_: Entered | None, event: Event) -> Entered:
    return Entered(**event["data"])


def measures(entered: Entered) -> Cells:
    if not entered.people:
        return {}
    return {(entered.organisation, CONTEST_ENTRIES.name, (entered.level,), entered.on): entered.people}


MODELS = (Model("contests", ("contest.entered",), Entered, keys, evolve, measures, (CONTEST_ENTRIES,)),)
INDICATORS = (
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
