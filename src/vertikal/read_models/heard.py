"""What entities hear of each other, so that what one is worth may depend on what another holds.

An entity that others depend on posts what they need to know under their names (``NAMED``, ``SOUND``, ``GIVEN``); the
engine adds these postings up at the entities so named, which take the sums into account when they say what they are
worth. A retraction is heard like anything else: as the difference that it makes.

The measures are no figures of any indicator. They are flows, for a decision does not care where its organisation stands
in the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from .model import Cells, Kind, Measure, Sums, steps

_NAMED, _RECOMMENDED = ("cycle", "decision", "activity", "what"), ("cycle", "recommendation")
NAMED = Measure("named_activities", Kind.FLOW, _NAMED, kept=_NAMED)
SOUND = Measure("sound_recommendations", Kind.FLOW, _RECOMMENDED, kept=_RECOMMENDED)
GIVEN = Measure("given_recommendations", Kind.FLOW, _RECOMMENDED, kept=_RECOMMENDED)

PLANNED, DONE, LEFT = "planned", "done", "left"  # what of a named activity: that it is, its targets done and not done


def total(heard: Sums, topic: str, on: str) -> int:
    """What was heard under a topic, up to a date."""
    return sum(amount for date, amount in heard.get(topic, {}).items() if date <= on)


def dates(heard: Sums) -> set[str]:
    """The dates on which anything heard becomes true."""
    return {date for amounts in heard.values() for date in amounts}


class Naming(msgspec.Struct, frozen=True, array_like=True):
    """A decision that names an activity, and whose decision it is."""

    on: str
    organisation: str
    cycle: str
    decision: str


def tell_decisions(
    activity: str, decisions: Iterable[Naming], dates: Iterable[str], counted: Mapping[str, Callable[[str], int]]
) -> Cells:
    """Tell each decision what is counted of an activity that it names, from then on; ``dates``: when that may change.

    A decision that was taken again hears it once, from the first time that it named the activity.
    """
    first: dict[tuple[str, str], Naming] = {}
    for naming in sorted(decisions, key=lambda each: each.on):
        first.setdefault((naming.cycle, naming.decision), naming)
    changing = list(dates)
    return {
        (naming.organisation, NAMED.name, (cycle, decision, activity, what), on): amount
        for (cycle, decision), naming in first.items()
        for what, count in counted.items()
        for on, amount in steps([naming.on, *(on for on in changing if on > naming.on)], count).items()
    }
