"""What entities hear of each other, so that what one is worth may depend on what another holds.

An entity that others depend on posts what they need to know under their names (``NAMED``, ``SOUND``, ``GIVEN``); the
engine adds these postings up at the entities so named, which take the sums into account when they say what they are
worth. A retraction is heard like anything else: as the difference that it makes.

The measures are no figures of any indicator. They are flows, for a decision does not care where its organisation stands
in the tree.
"""

from __future__ import annotations

from .model import Kind, Measure, Sums

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
