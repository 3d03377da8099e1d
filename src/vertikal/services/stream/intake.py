"""``vertikal kafka intake``: takes events from ``vertikal.inbox`` through the same door as HTTP.

A batch of one partition is one transaction: its events, what is refused of it, and the offset behind it. Whatever ends
this process, at any instant, the next one goes on where the database says, with nothing lost and nothing twice.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ...events.database import reading, writing
from ...events.sealing import MasterKey
from ..access import Party
from ..intake import CONFLICT, REJECTED, Answer, Intake, Outcome
from ..projector import UNAVAILABLE
from ..settings import Kafka
from . import offsets, refused
from .broker import Inbox, Outlet, ranges
from .messages import Read, read
from .offsets import Claim, Fenced
from .signing import Senders
from .topics import GROUP, INBOX, REFUSED, LogLost, Message, Unavailable

POLL_S, LOOK_S = 0.5, 2.0  # the client begins anew when a join of the group ends between two polls
AGAIN_MIN_S, AGAIN_MAX_S = 0.2, 10.0
logger = structlog.get_logger()


class Taker:
    """Takes messages into one database. ``master`` gives the keys that senders sign with."""

    def __init__(
        self,
        engine: Engine,
        intake: Intake,
        master: MasterKey,
        clock: Callable[[], datetime],
        kafka: Kafka,
        topics: tuple[str, str] = (INBOX, REFUSED),
        group: str = GROUP,
    ) -> None:
        self._engine = engine
        self._intake = intake
        self._master = master
        self._clock = clock
        self._kafka = kafka
        self._topic, self._refused_topic = topics
        self._group = group
        self._claims: dict[int, Claim] = {}
        self._looked = 0.0

    def follow(self, stop: threading.Event) -> None:
        """Take what comes, until ``stop``. A broker or a database that is away is waited for."""
        wait = AGAIN_MIN_S
        while not stop.is_set():
            began = time.monotonic()
            try:
                self.session(stop)
            except Fenced as fenced:
                logger.warning("replaced by another consumer, joining again", claim=str(fenced))
                stop.wait(AGAIN_MIN_S)
            except (Unavailable, *UNAVAILABLE) as error:
                wait = AGAIN_MIN_S if time.monotonic() - began > AGAIN_MAX_S else min(wait * 2, AGAIN_MAX_S)
                logger.warning("broker or database unavailable, trying again", seconds=wait, error=str(error))
                stop.wait(wait)

    def session(self, stop: threading.Event) -> None:
        """One membership of the group. Raises ``Fenced``, ``Unavailable`` and what the database raises."""
        inbox = Inbox(self._kafka, self._topic, self._group)
        outlet = Outlet(self._kafka)
        self._claims.clear()
        try:
            while not stop.is_set():
                self._step(inbox, outlet)
        finally:
            inbox.close()
            outlet.close()

    def _step(self, inbox: Inbox, outlet: Outlet) -> None:
        try:
            batches = inbox.poll(POLL_S)
        except LogLost as loss:
            for partition, reason in loss.partitions.items():
                self._stop(inbox, partition, reason)
            return
        for partition, messages in batches.items():
            if partition not in inbox.fresh and partition in self._claims:
                self._take(inbox, outlet, partition, messages)
        if inbox.fresh:
            self._claim(inbox)
        if time.monotonic() - self._looked > LOOK_S:
            self._look(inbox, outlet)

    def _claim(self, inbox: Inbox) -> None:
        """Take over what was assigned, and read on from where the database says."""
        there = ranges(self._kafka, self._topic)
        for partition in sorted(inbox.fresh & there.keys()):
            with writing(self._engine) as connection:
                claim = offsets.claim(connection, self._topic, partition, there[partition], self._clock())
            self._claims[partition] = claim
            if claim.stopped:
                self._alarm(inbox, claim)
                continue
            inbox.begin_at(partition, claim.next, claim.leader_epoch)
            logger.info("taking", topic=self._topic, partition=partition, offset=claim.next, epoch=claim.epoch)

    def _take(self, inbox: Inbox, outlet: Outlet, partition: int, messages: Sequence[Message]) -> None:
        """Take a batch, and publish what is refused of it. What cannot even be refused stops the partition."""
        claim = self._claims[partition]
        if inbox.topic_id() != claim.topic_id:
            self._stop(inbox, partition, f"the topic was made anew: it is {inbox.topic_id()}, not {claim.topic_id}")
            return
        try:
            statuses = self.take(claim, messages)
        except (SQLAlchemyError, Unavailable):
            raise
        except Fenced:
            with writing(self._engine) as connection:
                offsets.note_fenced(connection, self._topic, partition)
            raise
        except Exception as error:
            logger.exception("a message could not be taken", partition=partition, offset=messages[0].offset)
            if len(messages) == 1:
                self._stop(inbox, partition, f"offset {messages[0].offset}: {type(error).__name__}: {error}")
                return
            for message in messages:
                if self._claims[partition].stopped is None:
                    self._take(inbox, outlet, partition, [message])
            return
        if statuses[REJECTED] or statuses[CONFLICT]:
            self._publish(outlet, partition)

    def take(self, claim: Claim, messages: Sequence[Message]) -> Counter[str]:
        """Take a batch of a claimed partition as a whole; how many outcomes of each kind. Raises ``Fenced``."""
        with reading(self._engine) as connection:
            found = read(messages, Senders(connection, self._master))
        statuses: Counter[str] = Counter()

        def along(connection: Connection, answers: list[Answer]) -> None:
            now = self._clock()
            settled = list(zip(found, _outcomes(found, answers), strict=True))
            statuses.update(outcome.status for _, outcome in settled)
            refused.keep(connection, [each for each in settled if each[1].status in (REJECTED, CONFLICT)], now)
            offsets.advance(connection, claim, messages[-1], statuses, now)

        self._intake.submit_along(_parts(found), along)
        self._claims[claim.partition] = replace(
            claim, next=messages[-1].offset + 1, leader_epoch=messages[-1].leader_epoch
        )
        return statuses

    def _stop(self, inbox: Inbox, partition: int, reason: str) -> None:
        claim = self._claims.get(partition)
        if claim is None:
            return
        with writing(self._engine) as connection:
            offsets.stop(connection, claim, reason)
        self._claims[partition] = replace(claim, stopped=reason)
        self._alarm(inbox, self._claims[partition])

    def _alarm(self, inbox: Inbox, claim: Claim) -> None:
        inbox.stop(claim.partition)
        what_to_do = f"nothing more is taken of it until `vertikal kafka resume {claim.partition}`"
        logger.error("partition stopped", partition=claim.partition, reason=claim.stopped, what_to_do=what_to_do)

    def _publish(self, outlet: Outlet, partition: int) -> None:
        """Send what is refused to its topic. A failure keeps nothing from being taken: it is tried again."""
        try:
            refused.publish(self._engine, outlet, self._topic, partition, self._refused_topic)
        except Unavailable as error:
            logger.warning("refused messages are kept, but not published yet", partition=partition, error=str(error))

    def _look(self, inbox: Inbox, outlet: Outlet) -> None:
        """Note how far the partitions go; go on with those that were resumed, and with what is not published yet."""
        self._looked = time.monotonic()
        for partition in inbox.assigned & self._claims.keys():
            with writing(self._engine) as connection:
                if offsets.look(connection, self._claims[partition], inbox.end(partition), self._clock()):
                    inbox.fresh.add(partition)
            self._publish(outlet, partition)


def _parts(found: Sequence[Read]) -> list[tuple[Party, list[Any]]]:
    """The events that may be submitted, in order, by runs of one sender."""
    submitted = [each for each in found if not each.errors and each.party is not None]
    return [
        (party, [each.event for each in run]) for party, run in groupby(submitted, lambda each: each.party) if party
    ]


def _outcomes(found: Sequence[Read], answers: Sequence[Answer]) -> Iterator[Outcome]:
    """What became of each message: refused as it stands, or what the intake answered."""
    answered = (outcome for answer in answers for outcome in answer.results)
    for each in found:
        yield Outcome(each.id, REJECTED, errors=each.errors) if each.errors else next(answered)
