"""Notices at work: look what changed, write it down, send what is due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import structlog
from sqlalchemy import Connection, Engine, func, select

from ...events.database import reading, writing
from ...events.sealing import MasterKey
from ...projections.book import Book, Opened
from ..projector import UNAVAILABLE
from . import deliveries, mail, webhook
from .changes import Item, difference
from .deliveries import DELIVERED, GIVEN_UP, UNDER_WAY, Delivery, Outcome
from .mail import Mail
from .subscriptions import EMAIL
from .tables import deliveries as deliveries_table
from .tables import subscriptions

Awaiting = Callable[[Opened, str, str, int], list[Item]]

DIGEST_FROM = time(7)  # no letters at midnight, when the day begins for figures
SENDERS = 8
LOOK_EVERY_S = 5.0
logger = structlog.get_logger()


@dataclass(frozen=True)
class Changed:
    """A subscription to be told, and what now waits in its inbox."""

    subscription: int
    items: list[Item]
    as_of: str
    known_at: int


class Notices:
    """Tells subscribers what changed in their inboxes; ``awaiting`` asks an inbox."""

    def __init__(
        self,
        engine: Engine,
        awaiting: Awaiting,
        clock: Callable[[], datetime],
        timezone: ZoneInfo,
        master: MasterKey | None,
        mail_server: Mail | None,
    ) -> None:
        self._engine = engine
        self._inboxes = _Inboxes(awaiting)
        self._clock = clock
        self._timezone = timezone
        self._master = master
        self._mail = mail_server
        self._book = Book()

    def step(self, *, digests_now: bool = False) -> dict[str, int]:
        """Look, write and send once: how many deliveries were made, arrived, failed and were given up."""
        made = self.look(digests_now=digests_now)
        states = self.send()
        counts = {state: states.count(state) for state in (DELIVERED, UNDER_WAY, GIVEN_UP)}
        return {"made": made, "delivered": counts[DELIVERED], "failed": counts[UNDER_WAY], "given_up": counts[GIVEN_UP]}

    def look(self, *, digests_now: bool = False) -> int:
        """Write a delivery for every subscription whose inbox has changed; how many. Nothing is sent yet."""
        now = self._clock()
        with reading(self._engine) as connection:
            changes = self._changes(connection, now, digests_now=digests_now)
        made = 0
        for change in changes:
            with writing(self._engine) as connection:
                told = (change.items, change.as_of, change.known_at)
                made += deliveries.write(connection, change.subscription, *told, now) is not None
        return made

    def send(self) -> list[str]:
        """Send what is due, several at a time, so that nobody waits for a slow receiver; what came of each."""
        with reading(self._engine) as connection:
            due = deliveries.due(connection, self._clock())
        with ThreadPoolExecutor(SENDERS, "notices") as pool:
            return [state for state in pool.map(self._attempt, due) if state is not None]

    def follow(self, stop: threading.Event) -> None:
        """Look and send until ``stop``; a database that is away is waited for."""
        wait = LOOK_EVERY_S
        while not stop.is_set():
            try:
                self.step()
                wait = LOOK_EVERY_S
            except UNAVAILABLE as error:
                wait = min(wait * 2, 60.0)
                logger.warning("database unavailable, trying again", seconds=wait, error=str(error))
            stop.wait(wait)

    def _changes(self, connection: Connection, now: datetime, *, digests_now: bool) -> list[Changed]:
        ledger, local = self._book.open(connection), now.astimezone(self._timezone)
        as_of, found = local.date().isoformat(), []
        for each in connection.execute(_FREE):
            if each.channel == EMAIL and not (digests_now or self._is_time(each.made_at, local)):
                continue
            if each.known_at > ledger.position:  # figures that are being made anew: what is missing has not ended
                continue
            items = self._inboxes.ask(ledger, each.organisation, as_of)
            if difference(orjson.loads(each.told), items):
                found.append(Changed(each.id, items, as_of, ledger.position))
        return found

    def _is_time(self, last_made_at: str | None, local: datetime) -> bool:
        """Whether a letter may be written: one a day, and not at night."""
        last = last_made_at and datetime.fromisoformat(last_made_at).astimezone(self._timezone)
        return local.time() >= DIGEST_FROM and not (last and last.date() >= local.date())

    def _attempt(self, id_: str) -> str | None:
        with writing(self._engine) as connection:
            delivery = deliveries.begin(connection, id_, self._clock())
        if delivery is None:
            return None
        outcome = self._send(delivery)
        with writing(self._engine) as connection:
            state = deliveries.end(connection, delivery, outcome, self._clock())
        _log(delivery, outcome, state)
        return state

    def _send(self, delivery: Delivery) -> Outcome:
        if delivery.channel == EMAIL:
            return mail.send(delivery, self._mail)
        return webhook.send(delivery, self._master, self._clock())


class _Inboxes:
    """Inboxes as they were last asked: the same question of the same figures has the same answer."""

    def __init__(self, awaiting: Awaiting) -> None:
        self._awaiting = awaiting
        self._moment: tuple[Any, ...] = ()
        self._answers: dict[str, list[Item]] = {}

    def ask(self, ledger: Opened, organisation: str, as_of: str) -> list[Item]:
        moment = (ledger.volume.name, ledger.position, as_of)
        if moment != self._moment:
            self._moment, self._answers = moment, {}
        if organisation not in self._answers:
            self._answers[organisation] = self._awaiting(ledger, organisation, as_of, ledger.position)
        return self._answers[organisation]


def _log(delivery: Delivery, outcome: Outcome, state: str) -> None:
    """One line without the address, which may be a person's."""
    told = {"delivery": delivery.id, "subscription": delivery.subscription, "attempt": delivery.attempts}
    write = logger.info if state == DELIVERED else logger.warning
    write(f"notice {state.replace('_', ' ')}", **told, status=outcome.status, error=outcome.error)


_UNDER_WAY = select(deliveries_table.c.subscription).where(deliveries.UNFINISHED)
_LAST = (
    select(func.max(deliveries_table.c.made_at))
    .where(deliveries_table.c.subscription == subscriptions.c.id)
    .scalar_subquery()
)
_FREE = (
    select(*(subscriptions.c[name] for name in ("id", "organisation", "channel", "told", "known_at")))
    .add_columns(_LAST.label("made_at"))
    .where(subscriptions.c.cancelled_at.is_(None), subscriptions.c.id.not_in(_UNDER_WAY))
    .order_by(subscriptions.c.id)
)
