"""An intake, a relay and a projector as processes of their own, for tests to kill and to freeze."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from tests.conftest import MASTER
from vertikal.events import database
from vertikal.events.database import connect
from vertikal.events.sealing import MasterKey
from vertikal.projections import parts
from vertikal.services.intake import Intake
from vertikal.services.settings import Kafka, now, read_settings
from vertikal.services.stream import broker, intake, projecting, relay

SESSION_MS, BATCH, WINDOW, FROZEN_MAX_S = 2_000, 20, 120, 2


@contextmanager
def process(kind: str, url: str, servers: str, *topics: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of them at work, killed at the end if it still is."""
    given = orjson.dumps({"url": url, "servers": servers, "topics": topics, "master": MASTER.text()})
    running = subprocess.Popen([sys.executable, "-m", "tests.stream.processes", kind, given.decode()])
    try:
        yield running
    finally:
        running.send_signal(signal.SIGCONT)
        running.kill()
        running.wait()


def take(url: str, servers: str, topics: list[str], master: str) -> None:
    """An intake in small batches, whose sessions end soon."""
    broker.SESSION_TIMEOUT_MS, broker.BATCH = SESSION_MS, BATCH
    engine, settings = connect(url), read_settings({"VERTIKAL_DATABASE_URL": url})
    door = Intake(engine, now, settings.timezone)
    inbox, refused = topics
    taker = intake.Taker(engine, door, MasterKey.parse(master), now, Kafka(servers), (inbox, refused), inbox)
    taker.follow(threading.Event())


def publish(url: str, servers: str, topics: list[str], master: str) -> None:
    """A relay in small batches."""
    relay.BATCH = BATCH
    relay.Relay(connect(url), now, Kafka(servers), topics[0]).follow(threading.Event())


def project(url: str, servers: str, topics: list[str], master: str) -> None:
    """A projector in small windows, whose sessions end soon."""
    broker.SESSION_TIMEOUT_MS, parts.WINDOW, database.IDLE_MAX_S = SESSION_MS, WINDOW, FROZEN_MAX_S
    projecting.Projecting(connect(url, "projector"), Kafka(servers), topics[0], topics[0]).follow(threading.Event())


if __name__ == "__main__":
    {"take": take, "publish": publish, "project": project}[sys.argv[1]](**orjson.loads(sys.argv[2]))
