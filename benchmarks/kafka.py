"""Kafka: intake and relay beside bare clients, and how long an event takes from its sender to the figures.

Intake, relay, projector and what they are compared with are processes of their own, with a broker on the same machine.
What a process needs to begin and to join its group does not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka.admin import KafkaAdminClient
from sqlalchemy import ColumnElement, Engine, delete, func, select
from tests.broker import kafka

from benchmarks import inbox
from benchmarks.inbox import BARE, BEFORE, MASTER, MESSAGES, RATE, SECONDS
from benchmarks.logs import Logs
from benchmarks.results import Result, median, percentile
from vertikal.events import log
from vertikal.events.database import reading, writing
from vertikal.events.tables import events
from vertikal.projections.book import held
from vertikal.services import projector
from vertikal.services.settings import Kafka
from vertikal.services.stream.broker import make_topics
from vertikal.services.stream.tables import offsets, relay

PARTITIONS, ROUNDS = 6, 3
LOOK_S, GLANCE_S, SETTLE_S = 0.01, 0.05, 3.0  # who looks often takes time from those that are measured
RATIO_MIN, P99_MAX_MS, RATE_MIN = 0.5, 2_000.0, 0.98
Times = list[tuple[float, ...]]  # seconds of each side, by round


def measure(name: str, logs: Logs, _: str) -> list[Result]:
    """Each side of intake and relay in turn, the medians compared; then the latencies, with a broker of their own."""
    with _broker() as servers:
        inbox.preload(servers)
        taken: Times = [_take(logs, servers) for _ in range(ROUNDS)]
        sent = _publish(logs, servers)
    with _broker() as servers:
        latencies, rate = _follow(logs.fresh(), servers)
    return [*_intake(name, taken), *_relay(name, sent), *_latency(name, latencies, rate)]


@contextmanager
def _broker() -> Iterator[str]:
    with kafka() as broker:
        make_topics(Kafka(broker.servers), PARTITIONS, 1)
        with KafkaAdminClient(bootstrap_servers=broker.servers) as admin:
            admin.create_topics({BARE: {"num_partitions": PARTITIONS}}, wait_for_metadata=True)
        yield broker.servers


@contextmanager
def _running(url: str, servers: str, *command: str) -> Iterator[None]:
    """A command of ours at work."""
    ours = {"VERTIKAL_DATABASE_URL": url, "VERTIKAL_KAFKA": servers, "VERTIKAL_MASTER_KEY": MASTER.text()}
    process = subprocess.Popen([sys.executable, "-m", "vertikal", *command], env={**os.environ, **ours})
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _take(logs: Logs, servers: str) -> tuple[float, ...]:
    """Seconds of the intake, of a bare consumer, and of the door alone for the same messages."""
    url, other = logs.fresh(), logs.fresh()
    engine = inbox.filled(url)
    inbox.filled(other).dispose()
    with _running(url, servers, "kafka", "intake"):
        begun = _when(engine, lambda: _received(engine) >= 0)
        taken = _when(engine, lambda: _received(engine) == MESSAGES) - begun
    assert _head(engine) == BEFORE + MESSAGES, "some messages were refused"
    return taken, inbox.apart("consume", servers), inbox.apart("submit", other)


def _publish(logs: Logs, servers: str) -> Times:
    """Seconds of the relay and of a bare producer for the same messages."""
    url = logs.fresh()
    engine = inbox.filled(url)
    inbox.apart("submit", url)
    times: Times = []
    for _ in range(ROUNDS):
        with writing(engine) as connection:
            connection.execute(delete(relay))
        with _running(url, servers, "kafka", "relay"):
            begun = _when(engine, lambda: _relayed(engine) >= 0)
            taken = _when(engine, lambda: _relayed(engine) == BEFORE + MESSAGES) - begun
        times.append((taken, inbox.apart("produce", servers)))
    return times


def _follow(url: str, servers: str) -> tuple[list[float], float]:
    """From each event's way to Kafka until the ledger was seen to hold it, in ms; the rate that was reached."""
    engine = inbox.filled(url)
    projector.catch_up(engine)
    with _running(url, servers, "kafka", "intake"), _running(url, servers, "project"):
        _when(engine, lambda: _received(engine) >= 0)
        time.sleep(SETTLE_S)
        sender = inbox.begin("send", servers)
        seen = list(_watch(engine))
        told = json.loads(sender.communicate()[0])
    moments = {(source, id_): moment for source, id_, moment in told}
    position, source, id_ = events.c.position, events.c.source, events.c.id
    with reading(engine) as connection:
        rows = connection.execute(select(position, source, id_).where(position > BEFORE)).all()
    taken = [seen[bisect_left(seen, (at, 0.0))][1] - moments[tuple(identity)] for at, *identity in rows]
    return [each * 1_000 for each in taken], len(told) / (told[-1][2] - told[0][2])


def _watch(engine: Engine) -> Iterator[tuple[int, float]]:
    """What the figures held and when that was seen, whenever it is something new, until they hold all that is sent."""
    before = position = BEFORE
    while position < BEFORE + RATE * SECONDS:
        with reading(engine) as connection:
            position = held(connection)
        if position != before:
            yield position, time.monotonic()
        before = position
        time.sleep(LOOK_S)


def _when(engine: Engine, there: Callable[[], bool]) -> float:
    """When it came to that."""
    while not there():
        time.sleep(GLANCE_S)
    return time.perf_counter()


def _head(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.read_head(connection).position


def _received(engine: Engine) -> int:
    """How many messages the intake has taken; -1 before it has claimed a partition."""
    return _number(engine, func.sum(offsets.c.received))


def _relayed(engine: Engine) -> int:
    """How far the relay is; -1 before it has begun."""
    return _number(engine, func.max(relay.c.position))


def _number(engine: Engine, column: ColumnElement[Any]) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(func.coalesce(column, -1))).scalar_one())


def _intake(name: str, taken: Times) -> list[Result]:
    ours, bare, door = (MESSAGES / median([each[side] for each in taken]) for side in range(3))
    title, detail = f"Kafka: intake of {MESSAGES:,} messages", {"seconds": taken}
    return [
        Result(f"{title}: share of a bare consumer", name, ours, "events/s", bare, ours / bare,
               f"ratio ≥ {RATIO_MIN}", ours / bare >= RATIO_MIN, detail=detail),
        Result(f"{title}: share of the door without Kafka", name, ours, "events/s", door, ours / door),
    ]  # fmt: skip


def _relay(name: str, sent: Times) -> list[Result]:
    ours, bare = ((BEFORE + MESSAGES) / median([each[side] for each in sent]) for side in range(2))
    title, detail = f"Kafka: relay of {BEFORE + MESSAGES:,} events", {"seconds": sent}
    return [
        Result(f"{title}: share of a bare producer", name, ours, "events/s", bare, ours / bare,
               f"ratio ≥ {RATIO_MIN}", ours / bare >= RATIO_MIN, detail=detail),
    ]  # fmt: skip


def _latency(name: str, taken: list[float], rate: float) -> list[Result]:
    title = f"Kafka: sent to visible at {RATE} events/s"
    p50, p95, p99 = (percentile(taken, share) for share in (0.5, 0.95, 0.99))
    kept = rate >= RATE * RATE_MIN
    return [
        Result(f"{title}: rate that was reached", name, rate, "events/s", None, None, f"≥ {RATE * RATE_MIN:.0f}", kept),
        Result(f"{title}: p50", name, p50, "ms", detail={"samples": len(taken), "max": max(taken)}),
        Result(f"{title}: p95", name, p95, "ms"),
        Result(f"{title}: p99", name, p99, "ms", None, None, f"< {P99_MAX_MS:,.0f} ms", p99 < P99_MAX_MS and kept),
    ]
