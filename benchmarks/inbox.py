"""What stands beside the intake and the relay, each in a process of its own: bare clients, a sender, the door.

A process tells what it measured as JSON. Messages are events of the ``region`` sample behind its first ``BEFORE``,
which every database holds from the beginning; each is keyed by its sender and signed with that sender's token.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import count, islice
from typing import Any
from uuid import uuid4

import orjson
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer
from sqlalchemy import Engine, insert

from vertikal.events.database import connect, writing
from vertikal.events.sealing import MasterKey
from vertikal.sample import Recorded, region
from vertikal.services import access, demo, store
from vertikal.services.access import Party
from vertikal.services.intake import BATCH_MAX, Intake
from vertikal.services.settings import Kafka, now, read_settings
from vertikal.services.stream import broker, signing
from vertikal.services.stream.topics import INBOX, LOG

BEFORE, MESSAGES = 10_000, 50_000
RATE, SECONDS = 500, 30
MASTER = MasterKey(bytes(32))
BARE = "bare"
LEFT_OUT = ("analysis.published", "recommendation.issued", "decision.taken")
Sent = tuple[bytes, bytes, list[tuple[str, bytes]]]  # key, value, headers


def sample(messages: int) -> list[Recorded]:
    """What is sent. Three events are left out: one cites figures, which takes a projector, and two build on it."""
    rest = islice(region("region"), BEFORE, None)
    return list(islice((each for each in rest if each.event["type"] not in LEFT_OUT), messages))


def filled(url: str) -> Engine:
    """A database with the first events of the sample, and the tokens of those who send what comes then."""
    engine = connect(url)
    store.create(engine)
    demo.record(engine, read_settings({}), islice(region("region"), BEFORE), lambda _: None)
    at = datetime(2020, 8, 1).isoformat()
    rows = [{"hash": _hash(who), "organisation": who[0], "role": who[1], "created_at": at} for who in _senders()]
    with writing(engine) as connection:
        connection.execute(insert(access.tokens), rows)
    return engine


def signed(events: list[Recorded]) -> Iterator[Sent]:
    """The messages of events."""
    keys = {who: (number, signing.key(MASTER, _hash(who))) for number, who in enumerate(_senders(), 1)}
    for each in events:
        value, kind = orjson.dumps(each.event), ("content-type", b"application/cloudevents+json")
        signature = signing.sign(*keys[each.sender], [kind], value)
        yield each.sender[0].encode(), value, [kind, signature]


def begin(*command: str) -> subprocess.Popen[bytes]:
    """A process of this module; it tells what it measured on its output."""
    return subprocess.Popen([sys.executable, "-m", "benchmarks.inbox", *command], stdout=subprocess.PIPE)


def apart(*command: str) -> float:
    """The seconds that another process measured."""
    running = begin(*command)
    told, _ = running.communicate()
    assert running.returncode == 0, command
    return float(told)


def preload(servers: str) -> None:
    """Everything into the inbox."""
    producer = KafkaProducer(bootstrap_servers=servers, linger_ms=5, batch_size=256 << 10)
    for key, value, headers in signed(sample(MESSAGES)):
        producer.send(INBOX, value, key, headers)
    producer.flush()
    producer.close()


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """When a consumer was given its partitions."""

    at = 0.0

    def on_partitions_assigned(self, _: object) -> None:
        self.at = time.perf_counter()

    def on_partitions_revoked(self, _: object) -> None: ...


def consume(servers: str) -> float:
    """Seconds in which a bare consumer with the intake's settings polls all of the inbox, from its assignment on."""
    assigned, left = _Assigned(), MESSAGES
    consumer = broker._join(Kafka(servers), INBOX, uuid4().hex, reset="earliest", listener=assigned)
    while left:
        left -= sum(map(len, consumer.poll(timeout_ms=500, max_records=broker.BATCH).values()))
    taken = time.perf_counter() - assigned.at
    consumer.close()
    return taken


def submit(url: str) -> float:
    """Seconds in which the door takes the same from JSON arrays, as over HTTP: full batches of one sender each."""
    intake = Intake(connect(url, "ingest"), now, read_settings({}).timezone)
    bodies = list(_bodies())
    begun = time.perf_counter()
    for sender, body in bodies:
        answer = intake.submit(sender, orjson.loads(body))
        assert not answer.refused, answer
    return time.perf_counter() - begun


def produce(servers: str) -> float:
    """Seconds in which a bare producer with the relay's settings publishes what the relay published first."""
    producer = broker.Outlet(Kafka(servers))._producer
    messages = _published(servers)
    producer.partitions_for(BARE)
    begun = time.perf_counter()
    for key, value, headers in messages:
        producer.send(BARE, value, key, headers)
    producer.flush()
    taken = time.perf_counter() - begun
    producer.close()
    return taken


def send(servers: str) -> list[tuple[str, str, float]]:
    """Send what is due at ``RATE`` a second: source, id, and when it was handed to the client."""
    producer = KafkaProducer(bootstrap_servers=servers)
    events = sample(RATE * SECONDS)
    messages, told = list(signed(events)), []
    producer.partitions_for(INBOX)
    begun = time.monotonic()
    for number, each, (key, value, headers) in zip(count(), events, messages, strict=False):
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        told.append((each.event["source"], each.event["id"], time.monotonic()))
        producer.send(INBOX, value, key, headers)
    producer.flush()
    producer.close()
    return told


def _published(servers: str) -> list[Sent]:
    """The first copy of the log's events, without watermarks."""
    consumer = KafkaConsumer(LOG, bootstrap_servers=servers, auto_offset_reset="earliest")
    found: list[Sent] = []
    while len(found) < BEFORE + MESSAGES:
        records = [each for records in consumer.poll(timeout_ms=500).values() for each in records]
        found += [(each.key, each.value, each.headers) for each in records if each.key is not None]
    consumer.close()
    return found[: BEFORE + MESSAGES]


def _bodies() -> Iterator[tuple[Party, bytes]]:
    """Per sender in order, as soon as there is a full batch; then what is left."""
    waiting: dict[tuple[str, str], list[Any]] = {}
    for each in sample(MESSAGES):
        batch = waiting.setdefault(each.sender, [])
        batch.append(each.event)
        if len(batch) == BATCH_MAX:
            yield Party(*each.sender), orjson.dumps(waiting.pop(each.sender))
    for sender, batch in waiting.items():
        yield Party(*sender), orjson.dumps(batch)


@cache
def _senders() -> list[tuple[str, str]]:
    return sorted({each.sender for each in sample(MESSAGES)})


def _hash(sender: tuple[str, str]) -> str:
    return hashlib.sha256("/".join(sender).encode()).hexdigest()


if __name__ == "__main__":
    work = {"consume": consume, "submit": submit, "produce": produce, "send": send}
    print(json.dumps(work[sys.argv[1]](sys.argv[2])))
