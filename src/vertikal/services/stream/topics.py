"""What is said with Kafka, whichever client speaks: topics, messages, and what may go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INBOX, REFUSED, LOG = "vertikal.inbox", "vertikal.refused", "vertikal.log"
GROUP = "vertikal"
MESSAGE_MAX_BYTES = 8 << 20  # what a request over HTTP may hold
Headers = Sequence[tuple[str, bytes | None]]


class Unavailable(Exception):
    """The broker cannot be reached, or cannot do now what is asked."""


class LogLost(Exception):
    """Partitions no longer hold the offset that is next; ``partitions`` says what Kafka said of each."""

    def __init__(self, partitions: Mapping[int, str]) -> None:
        super().__init__(str(dict(partitions)))
        self.partitions = partitions


@dataclass(frozen=True, slots=True)
class Message:
    """A message as Kafka keeps it. ``sent_at``: milliseconds since 1970, -1 where it has none."""

    topic: str
    partition: int
    offset: int
    leader_epoch: int
    sent_at: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Range:
    """What a partition holds: offsets from ``begin`` up to, not including, ``end``; the id of its topic."""

    topic_id: str
    begin: int
    end: int
