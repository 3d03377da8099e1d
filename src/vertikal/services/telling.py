"""Events told to people: who did what, when it was true, when it was recorded, and whether it was taken back since."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ..contracts.catalogue import CATALOGUE
from ..contracts.words import phrase
from ..events import log, registry
from ..events.log import Identity, Recorded
from ..events.registry import Retraction
from ..projections.organisations import Tree
from .replay import Entry

RETRACTION = "event.retracted"
# What moves the cursor of a terminal, ends a line, or turns the direction of writing.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Told:
    """An event in words. ``actor`` is who did it in the sending system, else that system; ``mark`` may be empty."""

    entry: Entry
    organisation: str
    actor: str
    what: str
    mark: str

    def line(self) -> str:
        """One line of text; control characters, which free texts may hold, are shown and not obeyed."""
        entry = self.entry
        whose = f"{self.organisation} ({entry.event['subject']})"
        mark = f"[{self.mark}]" if self.mark else ""
        when = (str(entry.position), f"записано {entry.recorded_at}", f"факт {entry.date}")
        return shown(" · ".join(filter(None, (*when, whose, f"{self.actor}: {self.what}", mark))))


def tell(connection: Connection, entries: Sequence[Entry], tree: Tree, known_at: int) -> Iterator[Told]:
    """The events in words, with what was taken back as known at a position."""
    concerned = {entry.about[0] if entry.about else entry.position for entry in entries}
    last = registry.last_words(connection, concerned, known_at)
    taken = log.find(connection, (_target(entry.event) for entry in entries if entry.about))
    own = registry.retractions_at(connection, (entry.position for entry in entries if entry.about))
    for entry in entries:
        event = entry.event
        node = tree.nodes.get(event["subject"])
        what = say(event)
        if entry.about:
            what += _taken(taken[_target(event)], own[entry.position])
        mark = _mark(own.get(entry.position), last.get(entry.about[0] if entry.about else entry.position))
        name = node.name(entry.date) if node else event["subject"]
        yield Told(entry, name, event.get("actor") or event["source"], what, mark)


def say(event: Mapping[str, Any]) -> str:
    """What the event says, as a verb phrase."""
    return phrase(event["type"], CATALOGUE.upcast(event)["data"])


def shown(text: str) -> str:
    """Text that a terminal can be given."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _target(retraction: Mapping[str, Any]) -> Identity:
    return retraction["data"]["source"], retraction["data"]["id"]


def _taken(target: Recorded, own: Retraction) -> str:
    """What a retraction takes back; of a retraction, also which event stands again by that."""
    found = f" — позиция {target.position}: {say(target.event)}"
    if target.event["type"] != RETRACTION:
        return found
    return found + f"; событие {own.target} {'снова действует' if own.stands else 'снова отозвано'}"


def _mark(own: Retraction | None, last: Retraction | None) -> str:
    """What has become of an event, by the last word on it; of a retraction, only what is no longer as it left it."""
    if last is None or (own is not None and own.stands == last.stands):
        return ""
    if own is None:
        return "" if last.stands else f"отозвано: позиция {last.by}"
    return f"событие {own.target} {'снова действует' if last.stands else 'снова отозвано'}: позиция {last.by}"
