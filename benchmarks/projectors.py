"""Projectors over Kafka: two against one, and against the projector that reads the database. On PostgreSQL.

Each begins with empty figures and a log that is published already; what a process needs to begin does not count: it
waits for a few events first, which come with the organisations.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice

from sqlalchemy import Engine, select
from tests.broker import kafka

from benchmarks.logs import Logs, analyse
from benchmarks.results import Result, median
from vertikal.events import log
from vertikal.events.database import connect, reading
from vertikal.projections import book, comparing
from vertikal.sample import region
from vertikal.services import demo, store
from vertikal.services.settings import Kafka, read_settings
from vertikal.services.stream.broker import make_topics
from vertikal.services.stream.tables import relay

EVENTS, PARTITIONS, ROUNDS = 60_000, 6, 3
LOOK_S = 0.02
FROM_KAFKA = ("project", "--from", "kafka")
CONTESTANTS: dict[str, list[tuple[str, ...]]] = {
    "database": [("project",)],
    "one": [FROM_KAFKA],
    "two": [FROM_KAFKA, FROM_KAFKA],
}


def measure(name: str, logs: Logs, _: str) -> list[Result]:
    """The rates, medians of the rounds. The digests must be the same, or the measurement is refused."""
    if name != "PostgreSQL":
        return []
    rates: dict[str, list[float]] = {what: [] for what in CONTESTANTS}
    digests = set()
    for what, commands in [*CONTESTANTS.items()] * ROUNDS:
        with kafka() as broker:
            make_topics(Kafka(broker.servers), PARTITIONS, 1)
            engine = _filled(logs)
            _publish(engine, broker.servers)
            rates[what].append(_project(engine, broker.servers, commands))
            with reading(engine) as connection:
                digests.add(comparing.digest(connection, book.live(connection)))
            engine.dispose()
    if len(digests) != 1:
        raise SystemExit("the figures differ: nothing was measured")
    database, one, two = (median(rates[what]) for what in CONTESTANTS)
    title = f"projection of {EVENTS:,} events from Kafka"
    return [
        Result(f"{title}: two projectors, against one", name, two, "events/s", one, two / one),
        Result(f"{title}: two projectors, against one that reads the database", name, two, "events/s", database,
               two / database),
        Result(f"{title}: one, against one that reads the database", name, one, "events/s", database, one / database),
    ]  # fmt: skip


def _filled(logs: Logs) -> Engine:
    engine = connect(logs.fresh())
    store.create(engine)
    demo.record(engine, read_settings({}), islice(region("region"), EVENTS), lambda _: None)
    analyse(engine)
    return engine


def _publish(engine: Engine, servers: str) -> None:
    with _running(engine, servers, "kafka", "relay"):
        while _number(engine) < _head(engine):
            time.sleep(LOOK_S)


def _project(engine: Engine, servers: str, commands: list[tuple[str, ...]]) -> float:
    """Events a second, from the first that were seen in the figures to the last."""
    with ExitStack() as stack:
        for command in commands:
            stack.enter_context(_running(engine, servers, *command))
        while not (begun := _held(engine)):
            time.sleep(LOOK_S)
        start = time.perf_counter()
        while _held(engine) < _head(engine):
            time.sleep(LOOK_S)
        return (_head(engine) - begun) / (time.perf_counter() - start)


@contextmanager
def _running(engine: Engine, servers: str, *command: str) -> Iterator[None]:
    ours = {"VERTIKAL_DATABASE_URL": engine.url.render_as_string(hide_password=False), "VERTIKAL_KAFKA": servers}
    process = subprocess.Popen([sys.executable, "-m", "vertikal", *command], env={**os.environ, **ours})
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _held(engine: Engine) -> int:
    with reading(engine) as connection:
        return book.held(connection)


def _head(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.read_head(connection).position


def _number(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(relay.c.position)).scalar() or 0
