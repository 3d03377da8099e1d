"""What the sample is made of: facts, the batches in which they become known, and who sends them.

A part of the sample says facts; numbering them and giving them an envelope is left to ``Outbox``, so that the ids of a
sender rise in the order of recording.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

Data = dict[str, Any]
Event = dict[str, Any]

REGION = "obr"
INSTITUTE = "obr-iro"
SOURCES = {
    "admin": "/regions/",
    "region": "/regions/",
    "municipality": "/municipalities/",
    "institute": "/institutes/",
    "school": "/schools/",
}


class Sender(NamedTuple):
    """Who submits: an organisation in a role."""

    organisation: str
    role: str

    @property
    def source(self) -> str:
        """The address of the sending system; one per organisation."""
        return SOURCES[self.role] + self.organisation


class Fact(NamedTuple):
    """One thing said: ``day`` is the local date on which it was said, ``id`` is given only where others refer to it."""

    type: str
    subject: str
    day: str
    data: Data
    id: str = ""
    cause: str = ""


@dataclass(frozen=True)
class Batch:
    """Facts that one sender submits at one moment; ``facts`` may be a generator and is read once."""

    at: datetime
    sender: Sender
    facts: Iterable[Fact]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with the simulated time of its recording (UTC) and its sender."""

    at: datetime
    sender: Sender
    event: Event


class Outbox:
    """Where one organisation sends from: gives its facts a source, a running number and an envelope."""

    def __init__(self, sender: Sender) -> None:
        self._source = sender.source
        self._code = sender.organisation
        self._sent = 0

    def event(self, fact: Fact) -> Event:
        """The CloudEvent of a fact; office hours vary with the running number, nothing else does."""
        type_, subject, day, data, id_, cause = fact
        self._sent = sent = self._sent + 1
        event: Event = {
            "specversion": "1.0",
            "id": id_ or f"{self._code}-{sent:06}",
            "source": self._source,
            "type": type_,
            "time": f"{day}T{9 + sent % 9:02}:{sent * 7 % 60:02}:00+03:00",
            "subject": subject,
            "dataschema": f"/contracts/{type_}/1",
            "data": data,
        }
        if cause:
            event["causationid"] = cause
        return event


def municipality(code: str) -> Sender:
    return Sender(code, "municipality")


def at(day: str, hour: int = 6, minute: int = 0) -> datetime:
    """A moment of recording (UTC); what is recorded then was said on an earlier day."""
    year, month, number = (int(part) for part in day.split("-"))
    return datetime(year, month, number, hour, minute, tzinfo=UTC)
