"""The append-only log: gapless, commit-ordered positions and idempotent appends.

A writer prepares everything first (``prepare``), then locks the head row (``lock``), writes, and commits. The lock is
held to the commit, so positions become visible in their order: a reader that follows the log sees every event exactly
once. Sequences do not give that: their numbers become visible out of order, and readers lose events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, func, select, update

from . import bulk, merkle, tree
from .canonical import canonical_of_contract
from .tables import events, head

Identity = tuple[str, str]
CHUNK = 500
POSITION_MAX = 2**63 - 1  # what a database can be asked for


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event ready to be written; ``stored`` are its canonical bytes. ``with_schema``: it came with a dataschema."""

    event: Mapping[str, Any]
    stored: bytes
    with_schema: bool

    @property
    def identity(self) -> Identity:
        return self.event["source"], self.event["id"]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: last position, time of its recording (RFC 3339, UTC), last change of the tree."""

    position: int
    recorded_at: str
    organisations: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event of the log."""

    position: int
    leaf: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = orjson.loads(self.leaf)["event"]
        return event


def prepare(event: Mapping[str, Any], dataschema: str) -> Prepared:
    """Canonical bytes of an event that keeps its contract; an absent ``dataschema`` is resolved for the log."""
    with_schema = "dataschema" in event
    resolved = event if with_schema else {**event, "dataschema": dataschema}
    return Prepared(resolved, canonical_of_contract(resolved), with_schema)


def said_alike(prepared: Prepared, other: Mapping[str, Any]) -> bool:
    """Whether another event says the same in the same bytes.

    A ``dataschema`` that was not sent is left out, and so is what is sealed: that is compared by its own key.
    """
    left_out = {"dataschema": None} if not prepared.with_schema else {}
    ours, theirs = (
        canonical_of_contract({**event, **left_out, "data": {**event["data"], "sealed": "sealed" in event["data"]}})
        for event in (prepared.event, other)
    )
    return ours == theirs


def lock(connection: Connection) -> Head:
    """The head, locked until the transaction ends: from here on this writer decides what comes next."""
    return Head(*connection.execute(select(*_HEAD).with_for_update()).one())


def read_head(connection: Connection) -> Head:
    return Head(*connection.execute(select(*_HEAD)).one())


def find(connection: Connection, identities: Iterable[Identity]) -> dict[Identity, Recorded]:
    """Those of the identities that the log already holds."""
    wanted = list(dict.fromkeys(identities))
    columns = (events.c.source, events.c.id, events.c.position, events.c.leaf)
    found: dict[Identity, Recorded] = {}
    for source in {source for source, _ in wanted}:
        for chunk in _chunks([id_ for other, id_ in wanted if other == source]):
            statement = select(*columns).where(events.c.source == source, events.c.id.in_(chunk))
            found |= {(s, i): Recorded(position, bytes(leaf)) for s, i, position, leaf in connection.execute(statement)}
    return found


def write(connection: Connection, at: Head, prepared: Sequence[Prepared], now: datetime) -> Head:
    """Write events behind the locked head ``at``; recorded times never decrease. The caller commits."""
    recorded_at = max(at.recorded_at, timestamp(now))
    tail = b',"recorded_at":"' + recorded_at.encode() + b'"}'
    return _append(connection, at, [(item.event, recorded_at, b'{"event":' + item.stored + tail) for item in prepared])


def write_again(connection: Connection, at: Head, leaves: Sequence[bytes]) -> Head:
    """Write leaves of a proven log as they are behind the locked head ``at``. The caller commits."""
    parsed = [(orjson.loads(leaf), leaf) for leaf in leaves]
    return _append(connection, at, [(said["event"], said["recorded_at"], leaf) for said, leaf in parsed])


def _append(connection: Connection, at: Head, said: Sequence[tuple[Mapping[str, Any], str, bytes]]) -> Head:
    """Rows, tree and head for (event, time of recording, leaf)."""
    if not said:
        return at
    hashes = [merkle.leaf_hash(leaf) for _, _, leaf in said]
    rows = [
        (position, event["source"], event["id"], event["type"], event["subject"], recorded_at, leaf, hash_)
        for position, ((event, recorded_at, leaf), hash_) in enumerate(zip(said, hashes, strict=True), at.position + 1)
    ]
    bulk.insert(connection, events, rows)
    tree.grow(connection, at.position, hashes)
    touched = [row[0] for row in rows if row[3].startswith(("organisation.", "event.retracted"))]
    moved = Head(at.position + len(rows), rows[-1][5], touched[-1] if touched else at.organisations)
    values = {"position": moved.position, "recorded_at": moved.recorded_at, "organisations": moved.organisations}
    connection.execute(update(head).values(values))
    return moved


def read(
    connection: Connection,
    after: int,
    limit: int,
    subjects: Sequence[str] | None = None,
    types: Sequence[str] | None = None,
    until: int = POSITION_MAX,
) -> list[Recorded]:
    """Up to ``limit`` events behind position ``after`` and up to ``until``, in order; optionally of some subjects or
    types only."""
    statement = select(events.c.position, events.c.leaf).where(events.c.position > after, events.c.position <= until)
    if subjects is not None:
        statement = statement.where(events.c.subject.in_(subjects))
    if types is not None:
        statement = statement.where(events.c.type.in_(types))
    rows = connection.execute(statement.order_by(events.c.position).limit(limit))
    return [Recorded(position, bytes(leaf)) for position, leaf in rows]


def hashes(connection: Connection, after: int, until: int) -> dict[int, bytes]:
    """The leaf hashes of the positions (after, until]."""
    within = select(events.c.position, events.c.hash).where(events.c.position > after, events.c.position <= until)
    return {position: bytes(hash_) for position, hash_ in connection.execute(within)}


def read_at(connection: Connection, positions: Iterable[int]) -> dict[int, Recorded]:
    """The events at these positions."""
    found: dict[int, Recorded] = {}
    for chunk in _chunks(sorted(set(positions))):
        statement = select(events.c.position, events.c.leaf).where(events.c.position.in_(chunk))
        found |= {position: Recorded(position, bytes(leaf)) for position, leaf in connection.execute(statement)}
    return found


def retracted_by(connection: Connection, retraction: Mapping[str, Any]) -> tuple[Recorded, bool]:
    """What a retraction concerns in the end, and whether that stands again: a retraction may itself be retracted."""
    event, stands = retraction, True
    while True:
        identity = (event["data"]["source"], event["data"]["id"])
        target = find(connection, [identity])[identity]
        event, stands = target.event, not stands
        if event["type"] != "event.retracted":
            return target, stands


def position_at(connection: Connection, time: str) -> int:
    """The last position recorded at or before an RFC 3339 UTC time; 0 before the first."""
    statement = (
        select(events.c.position)
        .where(events.c.recorded_at <= time)
        .order_by(events.c.recorded_at.desc(), events.c.position.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar() or 0


def recorded_at(connection: Connection, position: int) -> str | None:
    """When a position was recorded; None for 0, when nothing was known yet."""
    return connection.execute(select(events.c.recorded_at).where(events.c.position == position)).scalar()


def version(connection: Connection, subject: str, until: int = POSITION_MAX) -> int:
    """How many events of a subject the log holds up to a position: what ``expectedversion`` is compared with."""
    statement = select(func.count()).where(events.c.subject == subject, events.c.position <= until)
    return connection.execute(statement).scalar() or 0


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds: one width, so that text sorts as time."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_HEAD = (head.c.position, head.c.recorded_at, head.c.organisations)


def _chunks(values: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
