"""Deliveries: written before they are sent, tried again with growing pauses, kept as a log.

A subscription has at most one delivery under way: what changes meanwhile goes into the next, so a receiver hears of
changes in their order, and one that is away for days is not flooded. What the receiver is taken to know (``told``)
moves only when a delivery has arrived; what was given up is told again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from ...events.log import timestamp
from . import addresses
from .changes import Change, Item, after, difference, message
from .subscriptions import WEBHOOK, cancel
from .tables import deliveries, subscriptions

PAUSE_S, PAUSE_MAX_S = 60, 6 * 3_600
GIVE_UP_AFTER = timedelta(days=5)
GONE = 410
DELIVERED, GIVEN_UP, UNDER_WAY = "delivered", "given_up", "under_way"


@dataclass(frozen=True)
class Delivery:
    """One attempt at a delivery; ``secret`` is wrapped, ``attempts`` counts this one."""

    id: str
    subscription: int
    channel: str
    address: str
    secret: bytes | None = field(repr=False)
    body: bytes = field(repr=False)
    made_at: datetime
    attempts: int


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: the status of HTTP or SMTP if there was one, and what went wrong if anything did."""

    status: int | None
    error: str | None = None


def pause(attempts: int) -> timedelta:
    """How long after the beginning of so many attempts the next one is due.

    >>> [int(pause(number).total_seconds()) for number in (1, 2, 3, 9, 10, 1_000)]
    [60, 120, 240, 15360, 21600, 21600]
    """
    return timedelta(seconds=min(PAUSE_S * 2 ** min(attempts - 1, 30), PAUSE_MAX_S))


def write(
    connection: Connection, subscription: int, items: list[Item], as_of: str, known_at: int, now: datetime
) -> str | None:
    """Write a delivery of what ``items`` change, due at once; its id, None where there is nothing to tell.

    The subscription stays locked to the commit: of two who find the same change, one writes it.
    """
    columns = (subscriptions.c.organisation, subscriptions.c.told, subscriptions.c.cancelled_at)
    statement = select(*columns).where(subscriptions.c.id == subscription).with_for_update()
    organisation, told, cancelled_at = connection.execute(statement).one()
    change = difference(orjson.loads(told), items)
    if cancelled_at is not None or not change or _is_under_way(connection, subscription):
        return None
    id_ = str(uuid4())
    body = message(id_, organisation, as_of, known_at, change)
    values = {
        "id": id_,
        "subscription": subscription,
        **{side: _ids(getattr(change, side)) for side in ("appeared", "ended")},
        "digest": hashlib.sha256(body.encode()).hexdigest(),
        "body": body,
        "made_at": timestamp(now),
        "attempts": 0,
        "next_attempt_at": timestamp(now),
    }
    connection.execute(insert(deliveries).values(values))
    return id_


def due(connection: Connection, now: datetime) -> list[str]:
    """The deliveries whose time has come, of subscriptions in force."""
    statement = select(deliveries.c.id).join_from(deliveries, subscriptions, _WHOSE)
    statement = statement.where(deliveries.c.next_attempt_at <= timestamp(now), subscriptions.c.cancelled_at.is_(None))
    return list(connection.execute(statement.order_by(deliveries.c.next_attempt_at)).scalars())


def begin(connection: Connection, id_: str, now: datetime) -> Delivery | None:
    """Begin an attempt and commit before it is sent; None where another process was faster.

    From here on the delivery is due again after its pause, whatever becomes of this process: killed before it could
    note the outcome, it is sent again under the same id.
    """
    statement = select(*_OF_DELIVERY).join_from(deliveries, subscriptions, _WHOSE).where(deliveries.c.id == id_)
    row = connection.execute(statement).one()
    attempts = row.attempts + 1
    begun = update(deliveries).where(deliveries.c.id == id_, deliveries.c.attempts == row.attempts)
    begun = begun.where(deliveries.c.next_attempt_at <= timestamp(now))
    moved = begun.values(attempts=attempts, next_attempt_at=timestamp(now + pause(attempts)))
    if connection.execute(moved).rowcount != 1:
        return None
    secret = None if row.secret is None else bytes(row.secret)
    made_at = datetime.fromisoformat(row.made_at)
    return Delivery(id_, row.subscription, row.channel, row.address, secret, row.body.encode(), made_at, attempts)


def end(connection: Connection, delivery: Delivery, outcome: Outcome, now: datetime) -> str:
    """Note what came of an attempt; whether the delivery is delivered, given up or still under way."""
    if outcome.error is None:
        over = {"delivered_at": timestamp(now), "next_attempt_at": None, "body": None}
        if _note(connection, delivery, deliveries.c.delivered_at.is_(None), outcome, **over):
            _tell(connection, delivery)
        return DELIVERED
    gone = outcome.status == GONE and delivery.channel == WEBHOOK
    if gone or now + pause(delivery.attempts) > delivery.made_at + GIVE_UP_AFTER:
        _note(connection, delivery, UNFINISHED, outcome, next_attempt_at=None, body=None)
        if gone:
            cancel(connection, delivery.subscription, now)
        return GIVEN_UP
    _note(connection, delivery, UNFINISHED, outcome)
    return UNDER_WAY


def log(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The last deliveries, newest first, without what was said in them."""
    statement = select(*_OF_LOG).join_from(deliveries, subscriptions, _WHOSE)
    rows = connection.execute(statement.order_by(deliveries.c.made_at.desc(), deliveries.c.id).limit(limit))
    return [_logged(row) for row in rows]


def _logged(row: Row[Any]) -> dict[str, Any]:
    told = {str(name): value for name, value in row._mapping.items()} | {"address": addresses.shown(row.address)}
    sides = {side: orjson.loads(told[side]) for side in ("appeared", "ended")}
    over = GIVEN_UP if row.delivered_at is None else DELIVERED
    return {**told, **sides, "state": UNDER_WAY if row.next_attempt_at is not None else over}


def _note(
    connection: Connection, delivery: Delivery, only: ColumnElement[bool], outcome: Outcome, **values: str | None
) -> bool:
    """Whether there was anything to note: another process, or a cancellation, may have ended the delivery before."""
    noted = {"last_status": outcome.status, "last_error": outcome.error, **values}
    statement = update(deliveries).where(deliveries.c.id == delivery.id, only)
    return connection.execute(statement.values(noted)).rowcount == 1


def _tell(connection: Connection, delivery: Delivery) -> None:
    """The receiver knows now what the delivery said."""
    said = orjson.loads(delivery.body)
    whose = subscriptions.c.id == delivery.subscription
    told = connection.execute(select(subscriptions.c.told).where(whose).with_for_update()).scalar_one()
    known = after(orjson.loads(told), Change(said["appeared"], said["ended"]))
    values = {"told": orjson.dumps(known).decode(), "known_at": said["known_at"]}
    connection.execute(update(subscriptions).where(whose).values(values))


def _is_under_way(connection: Connection, subscription: int) -> bool:
    one = select(deliveries.c.id).where(deliveries.c.subscription == subscription, UNFINISHED).limit(1)
    return connection.execute(one).first() is not None


def _ids(items: list[Item]) -> str:
    return orjson.dumps([each["proposal"] for each in items]).decode()


UNFINISHED = deliveries.c.next_attempt_at.is_not(None)
_WHOSE = deliveries.c.subscription == subscriptions.c.id
_OF_DELIVERY = (
    deliveries.c.subscription,
    subscriptions.c.channel,
    subscriptions.c.address,
    subscriptions.c.secret,
    deliveries.c.body,
    deliveries.c.made_at,
    deliveries.c.attempts,
)
_OF_LOG = (
    deliveries.c.id,
    deliveries.c.subscription,
    subscriptions.c.organisation,
    subscriptions.c.channel,
    subscriptions.c.address,
    *(deliveries.c[name] for name in ("made_at", "appeared", "ended", "digest", "attempts", "next_attempt_at")),
    *(deliveries.c[name] for name in ("delivered_at", "last_status", "last_error")),
)
