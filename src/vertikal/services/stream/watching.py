"""How far Kafka's intake, relay and projectors are: for ``vertikal kafka status`` and ``/metrics``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from ...events import log
from ...projections import parts
from .offsets import rows
from .tables import refused_messages, relay
from .topics import Range

COUNTS = ("received", "accepted", "duplicates", "refused", "conflicts", "fenced", "lost")


def status(connection: Connection, there: Mapping[int, Range] | None = None) -> dict[str, Any]:
    """What the database knows. ``there``: what the broker says of the inbox now, else its ends were last seen then."""
    partitions = [_partition(row, there) for row in rows(connection)]
    known = {each["partition"] for each in partitions}
    unclaimed = [_unclaimed(number, found) for number, found in (there or {}).items() if number not in known]
    head = log.read_head(connection).position
    row = connection.execute(select(relay.c.position, relay.c.relayed_at, relay.c.holder)).first()
    position, relayed_at, holder = (0, None, None) if row is None else row
    opened = select(func.count()).where(refused_messages.c.settled_at.is_(None))
    return {
        "inbox": [*partitions, *unclaimed],
        "refused_open": connection.execute(opened).scalar(),
        "relay": {
            "position": position,
            "relayed_at": relayed_at,
            "holder": holder,
            "head": head,
            "lag": head - position,
        },
        "log": [{"partition": part, "reached": at, "lag": head - at} for part, at in parts.read(connection)],
    }


def _partition(row: dict[str, Any], there: Mapping[int, Range] | None) -> dict[str, Any]:
    found = (there or {}).get(row["partition"])
    end, seen_at = (row["end"], row["seen_at"]) if found is None else (found.end, None)
    kept = {name: row[name] for name in ("partition", "next", "holder", "claimed_at", "stopped", *COUNTS)}
    return {"partition": row["partition"], **kept, "end": end, "lag": max(0, end - row["next"]), "seen_at": seen_at}


def _unclaimed(partition: int, found: Range) -> dict[str, Any]:
    nobody = {"holder": None, "claimed_at": None, "stopped": None, "seen_at": None}
    counts = dict.fromkeys(COUNTS, 0)
    return {"partition": partition, "next": 0, **nobody, **counts, "end": found.end, "lag": found.end}
