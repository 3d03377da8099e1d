"""Subscriptions: made, listed and cancelled by administrators, on the command line only.

Vertikal calls the addresses that stand here, so whoever may add one can have it call anything that it can reach.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ...events.log import timestamp
from ...events.sealing import MasterKey
from . import addresses, signing
from .tables import deliveries, subscriptions

WEBHOOK, EMAIL = "webhook", "email"


def subscribe_webhook(
    connection: Connection, organisation: str, url: str, master: MasterKey, now: datetime
) -> tuple[int, str]:
    """The number of a new subscription, and its secret, which is shown this once. Raises ``ValueError`` in Russian."""
    address, secret = addresses.webhook(url), signing.new_secret()
    wrapped = signing.wrap(master, address, secret)
    return _add(connection, organisation, WEBHOOK, address, wrapped, now), signing.shown(secret)


def subscribe_email(connection: Connection, organisation: str, address: str, now: datetime) -> int:
    """The number of a new subscription. Raises ``ValueError`` in Russian."""
    return _add(connection, organisation, EMAIL, addresses.email(address), None, now)


def listed(connection: Connection) -> list[dict[str, Any]]:
    """All subscriptions, without what is secret of them."""
    names = ("id", "organisation", "channel", "address", "created_at", "cancelled_at")
    rows = connection.execute(select(*(subscriptions.c[name] for name in names)).order_by(subscriptions.c.id))
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**each, "address": addresses.shown(each["address"])} for each in found]


def cancel(connection: Connection, number: int, now: datetime) -> bool:
    """Whether there was such a subscription in force; nothing more is sent to it."""
    under_way = (deliveries.c.subscription == number, deliveries.c.next_attempt_at.is_not(None))
    connection.execute(update(deliveries).where(*under_way).values(next_attempt_at=None, body=None))
    in_force = (subscriptions.c.id == number, subscriptions.c.cancelled_at.is_(None))
    return connection.execute(update(subscriptions).where(*in_force).values(cancelled_at=timestamp(now))).rowcount == 1


def _add(
    connection: Connection, organisation: str, channel: str, address: str, secret: bytes | None, now: datetime
) -> int:
    values = {"organisation": organisation, "channel": channel, "address": address, "secret": secret}
    added = insert(subscriptions).values(**values, told="[]", known_at=0, created_at=timestamp(now))
    return int(connection.execute(added.returning(subscriptions.c.id)).scalar_one())
