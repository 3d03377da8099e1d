"""All that was said of a management cycle, as it is kept: nothing of it is judged here, see ``chains``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

COMPONENTS = (
    "goals",
    "indicators",
    "methods",
    "monitoring",
    "analysis",
    "recommendations",
    "measures",
    "decisions",
    "effectiveness",
)


class Said(msgspec.Struct, frozen=True, array_like=True):
    """What one event said, true from ``on``."""

    on: str
    event_id: str
    data: dict[str, Any]


class Cycle(msgspec.Struct, frozen=True):
    """All that was said of a cycle: by type, monitoring by indicator; each by date and, of one date, as in the log.

    ``cycle`` is empty while only other cycles have named it as their next.
    """

    cycle: str = ""
    said: dict[str, tuple[Said, ...]] = {}
    monitored: dict[str, tuple[Said, ...]] = {}

    @property
    def opened(self) -> Said | None:
        """The opening in force; None where it was taken back."""
        openings = self.said.get("cycle.opened")
        return openings[-1] if openings else None

    @property
    def organisation(self) -> str | None:
        """Whose cycle it is."""
        return str(self.opened.data["organisation"]) if self.opened else None

    def until(self, type_: str, as_of: str) -> list[Said]:
        """What was said in events of a type up to a date."""
        return [said for said in self.said.get(type_, ()) if said.on <= as_of]

    def closings(self, as_of: str) -> list[Said]:
        """Its own closings up to a date; the first of them ends it, the last says what follows."""
        return [said for said in self.until("cycle.closed", as_of) if said.data["cycle"] == self.cycle]

    def is_open(self, as_of: str) -> bool:
        """Whether it is opened by a date, and not closed."""
        return self.opened is not None and self.opened.on <= as_of and not self.closings(as_of)

    def previous(self, as_of: str) -> str | None:
        """The cycle that was closed with this one as its next."""
        named = [said.data["cycle"] for said in self.until("cycle.closed", as_of) if said.data["cycle"] != self.cycle]
        return named[-1] if named else None


def adopted(cycle: Cycle, as_of: str) -> list[Said]:
    """The indicators adopted by a date, each once for every goal that it serves."""
    said = cycle.until("indicator.adopted", as_of)
    return list({(each.data["goal"], each.data["indicator"]): each for each in said}.values())


def recorded_until(cycle: Cycle, indicator: str, as_of: str) -> tuple[Said, ...]:
    """What was recorded of an indicator up to a date."""
    recorded = cycle.monitored.get(indicator, ())
    return recorded[: bisect_right(recorded, as_of, key=said_on)]


def values(
    cycle: Cycle, indicator: str, as_of: str, organisation: str, below: Callable[[str], bool] = lambda _: True
) -> list[Said]:
    """The records that make the value of an indicator for an organisation, the latest of each that is ``below`` it.

    Where the organisation itself has recorded, that is the value, and those below are parts of it.
    """
    latest = {said.data["organisation"]: said for said in recorded_until(cycle, indicator, as_of)}
    own = latest.get(organisation)
    return [own] if own else [said for code, said in latest.items() if below(code)]


def activities_of(said: Said) -> Iterator[str]:
    """The activities that a decision or an assessment names, as the road maps' read models know them."""
    for each in said.data["activities"]:
        yield f"{each['roadmap']}/{each['activity']}"


def said_on(said: Said) -> str:
    return said.on
