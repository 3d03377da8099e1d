"""Several projectors over a real Kafka, on both databases: the figures of one, whoever is killed or frozen."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from kafka import KafkaProducer
from sqlalchemy import update

from tests.broker import Broker
from tests.conftest import Vertikal, made, settings_of
from tests.postgresql import postgresql_server
from tests.readers import head
from tests.stream.processes import process
from tests.stream.senders import following, messages, wait
from tests.stream.test_relay import PARTITIONS, Published
from tests.terminal import Terminal
from tests.test_parts import compare_with_one_projector, held
from vertikal.events import log
from vertikal.events.database import connect, reading, writing
from vertikal.projections import parts
from vertikal.projections.parts import Window
from vertikal.sample import region
from vertikal.services import demo, projector
from vertikal.services.settings import Kafka
from vertikal.services.stream import relay as relays
from vertikal.services.stream.projecting import Partition, Projecting
from vertikal.services.stream.relay import Relay
from vertikal.services.stream.tables import relay
from vertikal.services.stream.topics import Headers, Message


@dataclass
class Shared(Published):
    """A Vertikal whose log is relayed, and projected by several."""

    def projecting(self) -> Projecting:
        return Projecting(connect(self.url, "projector"), Kafka(self.servers), self.topic, self.topic)

    @contextmanager
    def working(self, projectors: int) -> Iterator[None]:
        """A relay and so many projectors, on threads."""
        with ExitStack() as stack:
            stack.enter_context(following(self.relay().follow))
            for _ in range(projectors):
                stack.enter_context(following(self.projecting().follow))
            yield

    def process(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        return process("project", self.url, self.servers, self.topic)

    def projected(self, position: int) -> None:
        wait(lambda: held(self.vertikal) >= position)

    def send(self, value: bytes, sent: Headers, partition: int = 0) -> None:
        """A message that did not come from the relay."""
        producer = KafkaProducer(bootstrap_servers=self.servers)
        producer.send(self.topic, value, None, list(sent), partition)
        producer.close()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches and windows in a few hundred events."""
    monkeypatch.setattr(relays, "BATCH", 50)
    monkeypatch.setattr(parts, "WINDOW", 120)


@pytest.fixture
def shared(store: Vertikal, broker: Broker) -> Shared:
    return Shared(store, broker.servers)


def fill(vertical: Vertikal, count: int = 400) -> int:
    """The beginning of the sample region, not projected: schools, people, plans, results; the last position."""
    demo.record(vertical.engine, vertical.settings, islice(region("small"), count), lambda _: None)
    return head(vertical)


def test_several_projectors_come_to_the_figures_of_one(shared: Shared) -> None:
    """Over the whole sample region: schools move, merge and close, events are corrected and taken back."""
    last = fill(shared.vertikal, 10_000)
    with shared.working(2):
        shared.projected(last)
    compare_with_one_projector(shared.vertikal)


def test_what_comes_later_is_projected_as_it_comes(shared: Shared) -> None:
    fill(shared.vertikal, 100)
    with shared.working(2):
        for count in (150, 151, 200):
            more = islice(region("small"), head(shared.vertikal), count)
            demo.record(shared.vertikal.engine, shared.vertikal.settings, more, lambda _: None)
            shared.projected(count)
    compare_with_one_projector(shared.vertikal)


def test_whoever_is_killed_nothing_is_lost_and_nothing_counted_twice(shared: Shared) -> None:
    """Three times the process that leads, or another, is killed in the middle, and a new one takes its place."""
    last = fill(shared.vertikal, 1_200)
    with following(shared.relay().follow), ExitStack() as stack:
        running = [stack.enter_context(shared.process()) for _ in range(2)]
        for number in range(3):
            shared.projected(last * (number + 1) // 5)
            running[number % 2].kill()
            running[number % 2] = stack.enter_context(shared.process())
        shared.projected(last)
    compare_with_one_projector(shared.vertikal)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)  # SQLite waits for whoever sleeps over a write
def test_a_process_that_slept_past_its_session_does_no_harm_when_it_wakes(shared: Shared) -> None:
    last = fill(shared.vertikal, 1_500)
    with following(shared.relay().follow), ExitStack() as stack:
        running = [stack.enter_context(shared.process()) for _ in range(2)]
        for number, each in enumerate(running):
            shared.projected(last * (number + 1) // 4)
            each.send_signal(signal.SIGSTOP)
            shared.projected(min(held(shared.vertikal) + 200, last))
            each.send_signal(signal.SIGCONT)
        shared.projected(last)
    compare_with_one_projector(shared.vertikal)


def test_a_database_stopped_at_any_instant_and_started_again_has_the_same_figures(broker: Broker) -> None:
    """What was staged is not in the log of the database: it is gone when that recovers, and is made again."""
    with postgresql_server() as server:
        made(server.url)
        engine = connect(server.url)
        shared = Shared(Vertikal(engine, settings_of(server.url)), broker.servers)
        last = fill(shared.vertikal, 2_000)
        with shared.working(2):
            for number in range(3):
                shared.projected(last * (number + 1) // 5)
                server.stop_immediately()
                server.start()
            shared.projected(last)
        compare_with_one_projector(shared.vertikal)
        engine.dispose()


def test_what_is_published_twice_is_counted_once(shared: Shared) -> None:
    last = fill(shared.vertikal)
    with following(shared.relay().follow):
        shared.until(last)
    with writing(shared.vertikal.engine) as connection:
        connection.execute(update(relay).values(position=0))
    with shared.working(2):
        shared.projected(last)
        shared.until(last)
    compare_with_one_projector(shared.vertikal)


def test_what_kafka_has_lost_is_read_from_the_log(shared: Shared) -> None:
    """The relay passes over six hundred events, as if their messages had been removed unread."""
    last = fill(shared.vertikal, 1_000)
    with writing(shared.vertikal.engine) as connection:
        relays.begin(connection, shared.vertikal.clock())
        connection.execute(update(relay).values(position=600))
    with shared.working(2):
        shared.projected(last)
    compare_with_one_projector(shared.vertikal)


def test_what_did_not_come_from_the_log_is_not_projected(shared: Shared) -> None:
    """A result with other numbers at the position of an event, and a watermark behind the end of the log."""
    last = fill(shared.vertikal, 1_000)
    with reading(shared.vertikal.engine) as connection:
        true = next(each for each in log.read(connection, 0, last) if each.event["type"] == "assessment.imported")
    partition = partition_of(shared, true.position)
    value, recorded_at = relays.split(true.leaf)
    forged = value.replace(b'"participants":', b'"participants":1')
    shared.send(forged, relays.headers(true.position, recorded_at), partition)
    shared.send(forged, relays.headers(last + 1, recorded_at))
    for header in (("position", b"x"), ("position", b"7"), ("position", b"9" * 5_000), ("recorded_at", b"\xff")):
        shared.send(b"junk", (header,))
    for mark in (2**70, int("9" * 4_000)):
        shared.send(relays.watermark(mark), relays.WATERMARK)
    for partition in range(PARTITIONS):
        shared.send(relays.watermark(last + 1_000), relays.WATERMARK, partition)
    with shared.working(2):
        shared.projected(last)
    compare_with_one_projector(shared.vertikal)


def partition_of(shared: Shared, position: int) -> int:
    """Where the relay puts an event; it then begins anew, with a topic that is empty."""
    with following(shared.relay().follow):
        shared.until(head(shared.vertikal))
    published = messages(shared.servers, shared.topic, range(PARTITIONS))
    found = next(each for each in published if dict(each.headers).get("position") == str(position).encode())
    with writing(shared.vertikal.engine) as connection:
        connection.execute(update(relay).values(position=0))
    shared.topic = f"log-{uuid4().hex}"
    shared.__post_init__()
    partition: int = found.partition
    return partition


def test_a_topic_made_anew_is_read_though_nothing_new_is_published(shared: Shared) -> None:
    """The relay says at its start up to where everything was sent; what is not there is read from the log."""
    last = fill(shared.vertikal)
    with following(shared.relay().follow):
        shared.until(last)
    shared.topic = f"log-{uuid4().hex}"
    shared.__post_init__()
    with shared.working(2):
        shared.projected(last)
    compare_with_one_projector(shared.vertikal)


# What is read of a partition


def test_what_is_settled_is_not_kept() -> None:
    partition = Partition(settled=5)
    partition.take([event_at(4, 0), event_at(5, 1), event_at(6, 2)])
    assert len(partition) == 1
    partition.settle(6)
    assert len(partition) == 0


def test_nothing_is_said_of_where_to_go_on_before_anything_was_read() -> None:
    assert Partition(settled=5).settle(5) is None


def test_another_process_goes_on_at_the_first_event_that_is_not_settled() -> None:
    partition = Partition(settled=0)
    partition.take([event_at(1, 0), event_at(2, 1), event_at(3, 2), mark_at(3, 3)])
    assert [partition.settle(position) for position in (1, 3)] == [1, 4]


def test_another_process_reads_again_the_watermark_behind_what_is_settled() -> None:
    partition = Partition(settled=0)
    partition.take([event_at(1, 0), mark_at(9, 1)])
    assert [partition.settle(position) for position in (5, 9)] == [1, 2]


def test_what_is_said_twice_of_a_position_is_kept_until_it_is_compared_with_the_log() -> None:
    partition = Partition(settled=0)
    partition.take([event_at(1, 0, b"false"), event_at(1, 1, b"true"), event_at(1, 2, b"true")])
    assert [relays.split(each.leaf)[0] for each in partition.within(Window("a", 0, 9))] == [b"false", b"true"]


def event_at(position: int, offset: int, value: bytes = b"{}") -> Message:
    sent = relays.headers(position, "2020-09-01T09:00:00.000000Z")
    return Message("log", 0, offset, -1, -1, b"gorodets", value, sent)


def mark_at(position: int, offset: int) -> Message:
    return Message("log", 0, offset, -1, -1, None, relays.watermark(position), relays.WATERMARK)


# Beside others


def test_when_another_projector_reads_the_database_meanwhile_both_go_on(shared: Shared) -> None:
    last = fill(shared.vertikal, 1_000)
    with shared.working(2), following(partial(projector.follow, shared.vertikal.engine)):
        shared.projected(last)
    compare_with_one_projector(shared.vertikal)


def test_the_command_projects_what_the_log_holds_and_ends(
    vertical: Vertikal, own_broker: Broker, terminal: Terminal, client: FlaskClient
) -> None:
    terminal.run("kafka", "init", VERTIKAL_KAFKA=own_broker.servers)
    vertical.submit(vertical.event("staff.reported", "s1", {"organisation": "s1", "on": "2020-09-01", "teachers": 20,
                                                            "managers": 1}))  # fmt: skip
    with following(Relay(vertical.engine, vertical.clock, Kafka(own_broker.servers)).follow):
        said = terminal.json("project", "--from", "kafka", "--once", VERTIKAL_KAFKA=own_broker.servers)
    assert said == {"applied": 1}
    assert held(vertical) == head(vertical)
    partitions = terminal.json("kafka", "status", VERTIKAL_KAFKA=own_broker.servers)["log"]
    assert partitions == [{"partition": number, "reached": head(vertical), "lag": 0} for number in range(6)]
    assert 'vertikal_kafka_log_lag{partition="5"} 0.0' in client.get("/metrics").text.splitlines()


def test_without_a_kafka_the_command_says_which_setting_is_missing(vertical: Vertikal, terminal: Terminal) -> None:
    assert "VERTIKAL_KAFKA is not set" in terminal.run("project", "--from", "kafka", code=2).stderr
    assert held(vertical) == head(vertical)
