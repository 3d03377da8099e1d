"""What a municipal system does with Kafka, and what the tests look at afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from sqlalchemy import select

from tests.conftest import MASTER, Vertikal
from tests.ledgers import posted
from tests.refold import refold
from vertikal.events import log
from vertikal.events.database import connect, reading
from vertikal.services import projector
from vertikal.services.intake import Intake
from vertikal.services.settings import Kafka
from vertikal.services.stream import offsets, signing
from vertikal.services.stream.intake import Taker
from vertikal.services.stream.tables import refused_messages

Headers = list[tuple[str, bytes]]
CONTENT_TYPE = ("content-type", b"application/cloudevents+json")
PATIENCE_S = 40.0
PARTITIONS = 2


@contextmanager
def following(follow: Callable[[threading.Event], None]) -> Iterator[None]:
    """Something at work on a thread, until it is told to stop; it must then end."""
    stop = threading.Event()
    thread = threading.Thread(target=follow, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@dataclass
class Stream:
    """A Vertikal with its topics; ``key`` signs for school s1."""

    vertikal: Vertikal
    servers: str
    inbox: str = field(default_factory=lambda: f"inbox-{uuid4().hex}")
    refused: str = field(default_factory=lambda: f"refused-{uuid4().hex}")
    spoken: Kafka | None = None  # how the intake speaks to Kafka, if not as the sender does
    made: bool = False  # whether the topics are there already
    confirmed: int = 0  # how many messages Kafka has confirmed
    acknowledged: set[str] = field(default_factory=set)  # the ids of their events

    def __post_init__(self) -> None:
        if not self.made:
            make_topics(self.servers, self.inbox, self.refused)
        self.number, self.key = self.sender("s1", "school")
        given = {"max_request_size": 9 << 20, "reconnect_backoff_max_ms": 2_000}
        self.producer = KafkaProducer(bootstrap_servers=self.servers, **given)

    def close(self) -> None:
        self.producer.close()

    @property
    def url(self) -> str:
        return self.vertikal.settings.database_url

    @property
    def kafka(self) -> Kafka:
        return self.spoken or Kafka(self.servers)

    def sender(self, organisation: str, role: str) -> tuple[int, bytes]:
        """A new token's number and signing key."""
        self.vertikal.token(organisation, role)
        with reading(self.vertikal.engine) as connection:
            number = connection.exec_driver_sql("SELECT max(id) FROM tokens").scalar_one()
            key = signing.key_of(connection, MASTER, number)
        assert key is not None
        return number, key

    def staff(self, id_: str, teachers: int = 20, on: str = "2020-09-01", **more: Any) -> dict[str, Any]:
        """A staff report of s1."""
        data = {"organisation": "s1", "on": on, "teachers": teachers, "managers": 1}
        return self.vertikal.event("staff.reported", "s1", data, id=id_, source="/schools/s1", **more)

    def send(self, *events: Any, partition: int = 0, headers: Headers | None = None, sign: bool = True) -> None:
        """Events (or raw values), as signed structured messages unless ``headers`` say otherwise.

        Returns when Kafka has confirmed them.
        """
        sent = []
        for event in events:
            value = event if isinstance(event, bytes) or event is None else orjson.dumps(event)
            given = [CONTENT_TYPE] if headers is None else headers
            if sign:
                given = [*given, signing.sign(self.number, self.key, given, value or b"")]
            sent.append((event, self.producer.send(self.inbox, value, b"s1", given, partition)))
        for event, confirmed in sent:
            confirmed.get(timeout=PATIENCE_S)
            self.confirmed += 1
            if isinstance(event, dict) and "id" in event:
                self.acknowledged.add(event["id"])

    def taker(self) -> Taker:
        """An intake with connections of its own, as a process has them."""
        vertikal = self.vertikal
        engine = connect(vertikal.settings.database_url, "ingest")
        intake = Intake(engine, vertikal.clock, vertikal.settings.timezone)
        return Taker(engine, intake, MASTER, vertikal.clock, self.kafka, (self.inbox, self.refused), self.inbox)

    @contextmanager
    def taking(self) -> Iterator[None]:
        """An intake at work, on a thread."""
        with following(self.taker().follow):
            yield

    def take(self, received: int) -> dict[str, int]:
        """Have an intake take until it has received so many messages in all; the counts."""
        with self.taking():
            self.until(received)
        return self.counts()

    def until(self, received: int) -> None:
        """Wait until so many messages were received in all."""
        wait(lambda: self.counts()["received"] >= received)

    def rows(self) -> list[dict[str, Any]]:
        with reading(self.vertikal.engine) as connection:
            return offsets.rows(connection)

    def counts(self) -> dict[str, int]:
        """Over all partitions."""
        names = ("received", "accepted", "duplicates", "refused", "conflicts", "fenced", "lost")
        found = self.rows()
        return {name: sum(row[name] for row in found) for name in names}

    def kept(self) -> list[dict[str, Any]]:
        """The refused messages as the database keeps them."""
        with reading(self.vertikal.engine) as connection:
            rows = connection.execute(select(refused_messages).order_by(refused_messages.c.id)).mappings()
            return [{**row, "reasons": orjson.loads(row["reasons"])} for row in rows]

    def ids(self) -> list[str]:
        """The ids of what the schools have in the log, in its order."""
        return [each.event["id"] for each in self.log() if each.event["source"].startswith("/schools/")]

    def log(self) -> list[log.Recorded]:
        with reading(self.vertikal.engine) as connection:
            return log.read(connection, 0, 100_000)

    def check(self) -> None:
        """What holds after any fault: nothing lost, nothing twice, and figures that a refold of the log gives, too."""
        counts, ids, kept = self.counts(), self.ids(), self.kept()
        assert counts["received"] == sum(counts[name] for name in ("accepted", "duplicates", "refused", "conflicts"))
        assert counts["accepted"] == len(ids) == len(set(ids))
        assert counts["refused"] + counts["conflicts"] == len(kept)
        assert self.acknowledged <= {*ids, *(row["event"] for row in kept)}
        projector.catch_up(self.vertikal.engine)
        recorded = self.log()
        head = recorded[-1].position
        assert posted(self.vertikal.engine, head) == refold(recorded, head)


def make_topics(servers: str, *topics: str, partitions: int = PARTITIONS, **configs: str) -> None:
    made = {"num_partitions": partitions, "configs": {"max.message.bytes": str(9 << 20), **configs}}
    with KafkaAdminClient(bootstrap_servers=servers) as admin:
        admin.create_topics(dict.fromkeys(topics, made), wait_for_metadata=True)


def messages(servers: str, topic: str, partitions: Sequence[int] = range(PARTITIONS)) -> list[Any]:
    """Everything that a topic holds now, by partition and in order."""
    consumer = KafkaConsumer(bootstrap_servers=servers, max_partition_fetch_bytes=9 << 20)
    found = []
    for at in (TopicPartition(topic, number) for number in partitions):
        end = consumer.end_offsets([at])[at]
        consumer.assign([at])
        consumer.seek_to_beginning(at)
        while consumer.position(at) < end:
            found += [record for records in consumer.poll(timeout_ms=1_000).values() for record in records]
    consumer.close()
    return found


def wait(there: Callable[[], Any]) -> None:
    """Return when ``there`` is so. Fails after some patience."""
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)
