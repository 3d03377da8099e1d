"""``vertikal project --from kafka``: several processes project what the relay has published, each its partitions.

Kafka deals out the partitions; what becomes of them is decided in the database (``projections/parts.py``): the
figures move when all partitions are folded, in one transaction. So a message that comes twice, a partition that changes
hands and a process that is killed make some work twice, and no figure wrong. The log itself is in the database, too:
what Kafka has lost is read there.

Whoever has partition 0 leads: opens the windows, and settles them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from ...events import log
from ...events.database import reading, writing
from ...events.log import Recorded
from ...projections import parts
from ...projections.book import held
from ...projections.engine import CursorMoved
from ...projections.engine import Engine as Fold
from ...projections.parts import Missing, Settler, Stager, Standing, Window
from ...projections.tables import VOLUMES
from .. import projector
from ..projector import UNAVAILABLE
from ..settings import Kafka
from .broker import Follower
from .relay import join, marked, number
from .topics import LOG, Message, Unavailable

GROUP = "vertikal.projectors"
LEADING = 0
POLL_S, AGAIN_MAX_S = 0.05, 10.0
JOIN_S = 0.5  # the client begins anew when a join of the group ends between two polls: these must be few
BUFFERED = 4 * parts.WINDOW  # messages of a partition that wait in memory, at most
logger = structlog.get_logger()


class Partition:
    """What was read of a partition and is not settled yet. ``reached``: all its events up to there were read."""

    def __init__(self, settled: int) -> None:
        self.reached = 0
        self._settled = settled
        self._read: dict[int, dict[bytes, int]] = {}  # by position: what is said to stand there, with its offset
        self._marks: dict[int, int] = {}  # the offset of each watermark
        self._next: int | None = None

    def take(self, messages: Iterable[Message]) -> None:
        """Messages as they come; what is settled, or says no position, is dropped."""
        for each in messages:
            headers = dict(each.headers)
            self._next = each.offset + 1
            if "watermark" in headers:
                mark = marked(each.value)
                self.reached = max(self.reached, mark)
                self._marks.setdefault(mark, each.offset)
                continue
            position = number(headers.get("position"))
            if position > self._settled:
                leaf = join(each.value or b"", (headers.get("recorded_at") or b"").decode(errors="replace"))
                self._read.setdefault(position, {}).setdefault(leaf, each.offset)

    def __len__(self) -> int:
        return len(self._read)

    def within(self, window: Window) -> list[Recorded]:
        """Its events of a window."""
        within = [at for at in self._read if window.base < at <= window.until]
        return [Recorded(at, leaf) for at in within for leaf in self._read[at]]

    def settle(self, position: int) -> int | None:
        """Forget what is settled; the offset at which to go on reading, should somebody else do so."""
        self._settled = position
        self._read = {at: said for at, said in self._read.items() if at > position}
        self._marks = {at: offset for at, offset in self._marks.items() if at > position}
        left = [offset for said in self._read.values() for offset in said.values()]
        return min([*left, *self._marks.values()], default=self._next)


class Projecting:
    """One of the processes. ``topic`` and ``group`` are not the usual ones in tests only."""

    def __init__(self, engine: Engine, kafka: Kafka, topic: str = LOG, group: str = GROUP) -> None:
        self._engine = engine
        self._kafka = kafka
        self._topic = topic
        self._group = group
        self._stager = Stager()
        self._settler = Settler()
        self._partitions: dict[int, Partition] = {}
        self._position = -1

    def follow(self, stop: threading.Event, until: int | None = None) -> None:
        """Project until ``stop``, or until the figures hold a position; what is away is waited for.

        Raises ``OtherModels``.
        """
        wait = POLL_S
        while not stop.is_set():
            began = time.monotonic()
            try:
                projector.begin(self._engine)
                self.session(stop, until)
                return
            except (Unavailable, *UNAVAILABLE) as error:
                wait = POLL_S if time.monotonic() - began > AGAIN_MAX_S else min(wait * 2, AGAIN_MAX_S)
                logger.warning("broker or database unavailable, trying again", seconds=wait, error=str(error))
                stop.wait(wait)

    def session(self, stop: threading.Event, until: int | None = None) -> None:
        """One membership of the group, to the end. Raises ``Unavailable`` and what the database raises."""
        self._partitions, self._position = {}, -1
        self._forget()
        follower = Follower(self._kafka, self._topic, self._group)
        try:
            while not self._ended(stop, until):
                self._read(follower)
                if self._busy():
                    self._step(follower)
        finally:
            follower.close()

    def _ended(self, stop: threading.Event, until: int | None) -> bool:
        if until is None or stop.is_set():
            return stop.is_set()
        with reading(self._engine) as connection:
            return held(connection) >= until

    def _read(self, follower: Follower) -> None:
        for partition, messages in follower.poll(POLL_S if self._partitions else JOIN_S).items():
            self._partitions.setdefault(partition, Partition(self._position)).take(messages)
        self._partitions = {each: self._partitions.get(each, Partition(self._position)) for each in follower.assigned}
        follower.pause({at for at, each in self._partitions.items() if len(each) > BUFFERED})

    def _busy(self) -> bool:
        """Whether anything that was read is not settled yet."""
        return any(each.reached > self._position for each in self._partitions.values())

    def _step(self, follower: Follower) -> None:
        """Say what is at hand, fold what is asked for; whoever leads opens windows and settles them."""
        count = follower.count()
        try:
            with writing(self._engine) as connection:
                parts.announce(connection, {at: each.reached for at, each in self._partitions.items()})
            with writing(self._engine) as connection:
                if LEADING in self._partitions:
                    parts.open_window(connection, count)
                standing = parts.look(connection)
            self._settled(follower, standing)
            self._stage(standing)
            if LEADING in self._partitions:
                self._settle(count)
            if LEADING not in self._partitions or len(self._partitions) == count:
                projector.close_epochs(self._engine, VOLUMES[standing.volume])  # while the one who leads settles
        except CursorMoved:
            self._forget()
        except OperationalError:
            self._forget()
            raise

    def _settled(self, follower: Follower, standing: Standing) -> None:
        """Note how far the figures are; Kafka is told from where another process would go on."""
        if standing.position != self._position:
            self._position = standing.position
            offsets = {at: each.settle(self._position) for at, each in self._partitions.items()}
            follower.commit({at: offset for at, offset in offsets.items() if offset is not None})

    def _stage(self, standing: Standing) -> None:
        opened = standing.window
        if opened is None:
            return
        at_hand = [at for at, each in self._partitions.items() if each.reached >= opened.until]
        ours = [at for at in at_hand if standing.lacks(at)]
        if not ours:
            return
        with writing(self._engine) as connection:
            self._stager.stage(connection, opened, {at: self._partitions[at].within(opened) for at in ours})

    def _settle(self, count: int) -> None:
        try:
            with writing(self._engine) as connection:
                self._settler.settle(connection, count)
        except Missing as missing:
            logger.warning("Kafka has lost messages, reading the log of the database instead", missing=str(missing))
            self._fold_alone(missing.window)

    def _fold_alone(self, window: Window) -> None:
        """Project a window as a single projector does."""
        self._forget()
        fold = Fold()
        with writing(self._engine) as connection:
            parts.close_window(connection)
            fold.apply(connection, log.read(connection, window.base, window.until - window.base))

    def _forget(self) -> None:
        self._stager.forget()
        self._settler.forget()
