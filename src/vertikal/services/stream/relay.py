"""``vertikal kafka relay``: publishes the log to ``vertikal.log``, in order per municipality, at least once.

A message is the event as a structured CloudEvent in the bytes that the log holds; its headers carry ``position`` and
``recorded_at``, so that a reader can rebuild the leaf and prove it. Its key is the municipality. Behind each batch a
*watermark* goes to every partition: all events up to that position whose partition this is were sent before it.

The position is moved only behind what Kafka has acknowledged: a relay killed at any instant leaves no gap, and the next
one sends some events again. A reader drops positions that it has seen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, select, update

from ...events import log
from ...events.database import inserting, reading, writing
from ...events.log import Recorded, timestamp
from ...projections.organisations import Tree, read_tree
from ..projector import UNAVAILABLE
from ..settings import Kafka
from .broker import Outlet
from .election import elected
from .messages import STRUCTURED
from .offsets import Fenced, holder
from .tables import relay
from .topics import LOG, Headers, Unavailable

BATCH = 2_000
POLL_S, WAIT_S, AGAIN_MAX_S = 0.1, 1.0, 10.0
BEFORE, AFTER = b'{"event":', b',"recorded_at":"'
TIME_LENGTH = len("2020-09-01T09:00:00.000000Z")
logger = structlog.get_logger()


class Relay:
    """Publishes the log of one database. ``topic`` is not the usual one in tests only."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], kafka: Kafka, topic: str = LOG) -> None:
        self._engine = engine
        self._clock = clock
        self._kafka = kafka
        self._topic = topic
        self._tree: Tree | None = None

    def follow(self, stop: threading.Event) -> None:
        """Publish what comes while this relay is the elected one, until ``stop``; others wait for their turn."""
        wait = WAIT_S
        while not stop.is_set():
            try:
                with elected(self._engine) as ours:
                    if ours:
                        wait = WAIT_S
                        self.session(stop)
            except Fenced:
                logger.warning("another relay was elected")
            except (Unavailable, *UNAVAILABLE) as error:
                wait = min(wait * 2, AGAIN_MAX_S)
                logger.warning("broker or database unavailable, trying again", seconds=wait, error=str(error))
            stop.wait(wait)

    def session(self, stop: threading.Event) -> None:
        """Publish from where it was left off. Raises ``Fenced``, ``Unavailable`` and what the database raises."""
        outlet, self._tree = Outlet(self._kafka), None
        try:
            with writing(self._engine) as connection:
                position, epoch = begin(connection, self._clock())
            logger.info("relaying", topic=self._topic, after=position, epoch=epoch)
            if position:  # for readers of a topic that was made anew
                self._mark(outlet, position)
            while not stop.is_set():
                sent = self.send(outlet, position)
                if sent == position:
                    stop.wait(POLL_S)
                    continue
                with writing(self._engine) as connection:
                    move(connection, position, sent, epoch, self._clock())
                position = sent
        finally:
            outlet.close()

    def send(self, outlet: Outlet, after: int) -> int:
        """Send the next events and a watermark behind them; the last position that Kafka has acknowledged."""
        with reading(self._engine) as connection:
            events = log.read(connection, after, BATCH)
            keys = [self._key(connection, each) for each in events]
        if not events:
            return after
        for each, key in zip(events, keys, strict=True):
            value, recorded_at = split(each.leaf)
            outlet.send(self._topic, value, key.encode(), headers(each.position, recorded_at))
        position = events[-1].position
        self._mark(outlet, position)
        return position

    def _mark(self, outlet: Outlet, position: int) -> None:
        """Send a watermark to every partition, and wait until Kafka has all that was sent."""
        partitions = outlet.partitions(self._topic)
        if not partitions:
            raise Unavailable(f"there is no topic {self._topic}: run `vertikal kafka init`")
        for partition in partitions:
            outlet.send(self._topic, watermark(position), None, WATERMARK, partition)
        outlet.flush()

    def _key(self, connection: Connection, recorded: Recorded) -> str:
        """Whose event it is: the municipality above its subject on the day of recording, as known at its position.

        A school directly below a region, and what is said of a region, go by the topmost organisation.
        """
        event, (_, recorded_at) = recorded.event, split(recorded.leaf)
        tree = self._tree_after(connection, recorded.position, event)
        path = tree.path(event["subject"], recorded_at[:10])
        found = (code for code in path if code in tree.nodes and tree.nodes[code].kind == "municipality")
        return next(found, path[0])

    def _tree_after(self, connection: Connection, position: int, event: dict[str, Any]) -> Tree:
        """The tree as known at a position, made from the one before it where that is at hand."""
        tree = self._tree
        if tree is None or _concerns_the_tree(connection, event):
            tree = read_tree(connection, position)
        elif event["type"].startswith("organisation."):
            tree = tree.after(event["type"], event["data"])
        self._tree = tree
        return tree


def _concerns_the_tree(connection: Connection, event: Mapping[str, Any]) -> bool:
    if event["type"] != "event.retracted":
        return False
    target, _ = log.retracted_by(connection, event)
    return bool(target.event["type"].startswith("organisation."))


WATERMARK: Headers = (("watermark", b"1"),)


def headers(position: int, recorded_at: str) -> Headers:
    return (
        ("content-type", STRUCTURED.encode()),
        ("position", str(position).encode()),
        ("recorded_at", recorded_at.encode()),
    )


def watermark(position: int) -> bytes:
    """The value of a watermark: every partition has been sent its events up to here."""
    return b'{"watermark":%d}' % position


def marked(value: bytes | None) -> int:
    """The position of a watermark, from its value; 0 where it is none."""
    return number((value or b"").removeprefix(b'{"watermark":').removesuffix(b"}"))


def number(header: bytes | None) -> int:
    """The position that a header holds; 0 where it holds none."""
    if header is None or not header.isdigit() or len(header) > len(str(log.POSITION_MAX)):
        return 0
    return found if (found := int(header)) <= log.POSITION_MAX else 0


def split(leaf: bytes) -> tuple[bytes, str]:
    """The event's own bytes in a leaf, and its time of recording."""
    end = len(leaf) - len(AFTER) - TIME_LENGTH - 2
    return leaf[len(BEFORE) : end], leaf[-TIME_LENGTH - 2 : -2].decode()


def join(value: bytes, recorded_at: str) -> bytes:
    """The leaf again, from what was published."""
    return BEFORE + value + AFTER + recorded_at.encode() + b'"}'


def begin(connection: Connection, now: datetime) -> tuple[int, int]:
    """Where to go on behind, and this relay's epoch: from now on no relay before it may move the position."""
    new = {"one": 1, "position": 0, "epoch": 0, "holder": holder(), "relayed_at": timestamp(now)}
    connection.execute(inserting(connection, relay).values(**new).on_conflict_do_nothing())
    connection.execute(update(relay).values(epoch=relay.c.epoch + 1, holder=holder()))
    position, epoch = connection.execute(select(relay.c.position, relay.c.epoch)).one()
    return position, epoch


def move(connection: Connection, before: int, position: int, epoch: int, now: datetime) -> None:
    """Note what Kafka has acknowledged. Raises ``Fenced``."""
    ours = (relay.c.position == before, relay.c.epoch == epoch)
    moved = connection.execute(update(relay).where(*ours).values(position=position, relayed_at=timestamp(now)))
    if moved.rowcount != 1:
        raise Fenced
