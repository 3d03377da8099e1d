"""How far each partition was taken: kept in the database, written in the transaction of the events it tells of.

Whoever is given a partition claims it and thereby raises its epoch. A consumer that was replaced meanwhile, however
long it slept, finds another epoch when it writes, and its whole transaction is taken back.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from ...events.database import inserting
from ...events.log import timestamp
from ..intake import ACCEPTED, CONFLICT, DUPLICATE, REJECTED
from ..refusals import Refusal
from .tables import offsets
from .topics import Message, Range

COUNTED = {ACCEPTED: "accepted", DUPLICATE: "duplicates", REJECTED: "refused", CONFLICT: "conflicts"}


class Fenced(Exception):
    """Another consumer has claimed the partition since."""


@dataclass(frozen=True)
class Claim:
    """A partition taken over. ``next``: the offset to go on at. ``stopped``: why it is not to be read."""

    topic: str
    partition: int
    topic_id: str
    epoch: int
    next: int
    leader_epoch: int
    stopped: str | None


def holder() -> str:
    """This process, as other people find it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(connection: Connection, topic: str, partition: int, there: Range, now: datetime) -> Claim:
    """Take a partition over from whoever had it. A new one begins at offset 0: what it has lost already is an alarm."""
    _begin(connection, topic, partition, there, now)
    row = _locked(connection, topic, partition) or {}
    epoch, stopped = row["epoch"] + 1, row["stopped"] or lost(row, there)
    seen = {"holder": holder(), "claimed_at": timestamp(now), "end": there.end, "seen_at": timestamp(now)}
    connection.execute(update(offsets).where(*_this(topic, partition)).values(epoch=epoch, stopped=stopped, **seen))
    return Claim(topic, partition, row["topic_id"], epoch, row["next"], row["leader_epoch"], stopped)


def lost(row: Mapping[str, Any], there: Range) -> str | None:
    """Why reading cannot go on where it stood, if it cannot."""
    if row["topic_id"] != there.topic_id:
        return f"the topic was made anew: it is {there.topic_id}, what was read is {row['topic_id']}"
    if row["next"] < there.begin:
        return f"offsets {row['next']} to {there.begin - 1} were removed before they were read"
    if row["next"] > there.end:
        return f"the partition ends at {there.end}, but {row['next']} is next: the broker has lost what was read"
    return None


def advance(connection: Connection, claim: Claim, last: Message, statuses: Counter[str], now: datetime) -> None:
    """Everything up to ``last`` is taken, with these outcomes. Raises ``Fenced``: then nothing may be committed."""
    counted = {column: offsets.c[column] + statuses[status] for status, column in COUNTED.items()}
    values = {
        "next": last.offset + 1,
        "leader_epoch": last.leader_epoch,
        "received": offsets.c.received + statuses.total(),
        "seen_at": timestamp(now),
    }
    ours = (offsets.c.epoch == claim.epoch, offsets.c.next == claim.next)
    statement = update(offsets).where(*_this(claim.topic, claim.partition), *ours)
    if connection.execute(statement.values(**values, **counted)).rowcount != 1:
        raise Fenced(f"{claim.topic}/{claim.partition}: claimed again since epoch {claim.epoch}")


def note_fenced(connection: Connection, topic: str, partition: int) -> None:
    connection.execute(update(offsets).where(*_this(topic, partition)).values(fenced=offsets.c.fenced + 1))


def stop(connection: Connection, claim: Claim, reason: str) -> None:
    """Raise the alarm for a partition, unless it is another's by now."""
    statement = update(offsets).where(*_this(claim.topic, claim.partition), offsets.c.epoch == claim.epoch)
    connection.execute(statement.values(stopped=reason))


def look(connection: Connection, claim: Claim, end: int | None, now: datetime) -> bool:
    """Note the end of a partition; whether it is stopped no more, because an operator acted."""
    values = {"seen_at": timestamp(now), **({} if end is None else {"end": end})}
    connection.execute(update(offsets).where(*_this(claim.topic, claim.partition)).values(**values))
    row = _locked(connection, claim.topic, claim.partition)
    return claim.stopped is not None and row is not None and row["stopped"] is None


def resume(connection: Connection, topic: str, partition: int, there: Range) -> dict[str, int]:
    """Have a stopped partition read again from the first offset there is; what the log holds counts as duplicates.

    Concedes what went unread, and says how many offsets that were. Raises ``Refusal``.
    """
    row = _locked(connection, topic, partition)
    if row is None or row["stopped"] is None:
        raise Refusal(404, f"раздел {partition} не остановлен")
    unread = max(0, there.begin - row["next"]) if row["topic_id"] == there.topic_id else 0
    begin: dict[str, Any] = {"topic_id": there.topic_id, "next": there.begin, "leader_epoch": -1, "stopped": None}
    counted = {"lost": offsets.c.lost + unread, "epoch": offsets.c.epoch + 1}
    connection.execute(update(offsets).where(*_this(topic, partition)).values(**begin, **counted))
    return {"partition": partition, "from": there.begin, "lost": unread}


def rows(connection: Connection) -> list[dict[str, Any]]:
    """Every partition, as the database knows it."""
    statement = select(offsets).order_by(offsets.c.topic, offsets.c.partition)
    return [dict(row) for row in connection.execute(statement).mappings()]


def _begin(connection: Connection, topic: str, partition: int, there: Range, now: datetime) -> None:
    """Make the row of a partition that has none, whoever else does so at the same time."""
    none = dict.fromkeys(("next", "epoch", "received", *COUNTED.values(), "fenced", "lost"), 0)
    this = {"topic": topic, "partition": partition, "topic_id": there.topic_id, "leader_epoch": -1, "holder": holder()}
    at = {"claimed_at": timestamp(now), "end": there.end, "seen_at": timestamp(now)}
    connection.execute(inserting(connection, offsets).values(**this, **none, **at).on_conflict_do_nothing())


def _locked(connection: Connection, topic: str, partition: int) -> dict[str, Any] | None:
    """The row of a partition, locked."""
    found = connection.execute(select(offsets).where(*_this(topic, partition)).with_for_update()).mappings().first()
    return None if found is None else dict(found)


def _this(topic: str, partition: int) -> tuple[Any, Any]:
    return offsets.c.topic == topic, offsets.c.partition == partition
