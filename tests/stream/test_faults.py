"""What goes wrong around the intake, and what must hold afterwards (``Stream.check``); kills are in test_kill.py."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from tests.broker import Broker
from tests.conftest import Vertikal, going_on, region, settings_of
from tests.postgresql import Server, postgresql_server
from tests.stream.senders import Stream, following, wait
from tests.stream.test_relay import Published, complete
from tests.test_parts import held
from vertikal.contracts.catalogue import CATALOGUE, Catalogue
from vertikal.contracts.fields import Code, Count, Date, Record
from vertikal.events.database import connect, writing
from vertikal.services.settings import Kafka
from vertikal.services.stream import offsets, refused
from vertikal.services.stream.broker import Inbox, ranges
from vertikal.services.stream.projecting import Projecting

AWAY_S = 10.0

# The sender


def test_events_sent_twice_and_in_any_order_give_the_same_figures(stream: Stream) -> None:
    days = {f"e{day}": stream.staff(f"e{day}", day, on=f"2020-09-{day:02}") for day in range(1, 31)}
    sent = [*days.values(), *days.values()]
    random.Random(7).shuffle(sent)
    for number, event in enumerate(sent):
        stream.send(event, partition=number % 2)
    counts = stream.take(60)
    assert (counts["accepted"], counts["duplicates"]) == (30, 30)
    stream.check()
    assert teachers(stream, "2020-09-15") == 15


def test_a_retraction_ahead_of_its_event_is_refused_and_taken_when_it_is_submitted_again(stream: Stream) -> None:
    event = stream.staff("e1", 20)
    what = {"source": event["source"], "id": event["id"], "reason": "ошибка"}
    stream.send(stream.vertikal.event("event.retracted", "s1", what, source="/schools/s1", id="r1"), event)
    counts = stream.take(2)
    assert (counts["accepted"], counts["refused"]) == (1, 1)
    stream.check()
    assert teachers(stream) == 20
    vertikal = stream.vertikal
    outcome = refused.resubmit(vertikal.intake, vertikal.engine, stream.kept()[0]["id"], None, vertikal.clock)
    assert (outcome.status, stream.ids()) == ("accepted", ["e1", "r1"])


class Staff1(Record):
    """What senders said before ``teachers`` and ``managers`` were told apart."""

    organisation = Code()
    on = Date()
    people = Count()


@pytest.fixture
def two_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue of a release in which the contract of staff reports has become the second of its type."""
    now = CATALOGUE.newest["staff.reported"]
    before = replace(now, schema=Staff1)
    after = replace(now, version=2, upcast=lambda data: {**told_apart(data), "managers": 1})
    others = [contract for contract in CATALOGUE.contracts if contract.type != now.type]
    monkeypatch.setattr(CATALOGUE, "__dict__", Catalogue([*others, before, after]).__dict__)


def told_apart(data: dict[str, Any]) -> dict[str, Any]:
    return {**{name: data[name] for name in ("organisation", "on")}, "teachers": data["people"] - 1}


@pytest.mark.usefixtures("two_versions")
def test_two_versions_of_a_contract_in_one_partition_come_to_the_same_figures(stream: Stream) -> None:
    """A school sends the old form, another the new one; the old one without its ``dataschema`` is refused."""
    old, new = stream, Stream(stream.vertikal, stream.servers, stream.inbox, stream.refused, made=True)
    new.number, new.key = new.sender("s2", "school")
    for number in range(10):
        old.send(staff(old, "s1", f"old{number}", 1, {"people": 21 + number}))
        new.send(staff(new, "s2", f"new{number}", 2, {"teachers": 30 + number, "managers": 1}))
    unsaid = staff(old, "s1", "unsaid", 1, {"people": 21})
    del unsaid["dataschema"]
    old.send(unsaid)
    counts = stream.take(21)
    assert (counts["accepted"], counts["refused"]) == (20, 1)
    assert {"data.people", "data.teachers", "data.managers"} <= stream.kept()[0]["reasons"].keys()
    old.check()
    new.check()
    assert (teachers(old), teachers(old, of="s2"), teachers(old, of="gorodets")) == (29, 39, 68)
    new.close()


@pytest.mark.usefixtures("two_versions")
def test_without_the_upcast_old_events_would_count_for_nothing(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the above."""
    monkeypatch.setattr(Catalogue, "upcast", lambda _, event: event)
    stream.send(staff(stream, "s1", "old", 1, {"people": 21}))
    stream.take(1)
    with pytest.raises((KeyError, AssertionError)):
        stream.check()


# The broker


def test_a_broker_away_for_ten_seconds_is_waited_for_while_a_sender_goes_on(
    vertical: Vertikal, own_broker: Broker
) -> None:
    """By the intake, the relay and a projector, which come to the same end."""
    stream, published = Stream(vertical, own_broker.servers), Published(vertical, own_broker.servers)
    projecting = Projecting(connect(stream.url, "projector"), Kafka(own_broker.servers), published.topic)
    with stream.taking(), published.relaying(), following(projecting.follow):
        with following(Sending(stream).follow):
            stream.until(10)
            own_broker.stop()
            time.sleep(AWAY_S)
            before = stream.counts()["received"]
            own_broker.start()
            stream.until(before + 20)
        stream.until(stream.confirmed)
        head = stream.log()[-1].position
        published.until(head)
        wait(lambda: held(vertical) == head)
    complete(published, head)
    stream.check()
    stream.close()


def test_a_broker_that_lost_its_data_stops_the_partition_though_new_messages_fill_it(
    vertical: Vertikal, own_broker: Broker
) -> None:
    """Offsets begin at 0 again: without a look at the topic's id, new messages would be skipped."""
    stream = Stream(vertical, own_broker.servers)
    stream.send(stream.staff("e1"), stream.staff("e2"))
    stream.take(2)
    own_broker.stop(signal.SIGKILL)
    own_broker.format()
    own_broker.start()
    again = Stream(vertical, own_broker.servers, stream.inbox, stream.refused)
    again.send(*(again.staff(f"f{number}", number) for number in range(4)))
    with again.taking():
        wait(lambda: stopped(again))
        assert again.ids() == ["e1", "e2"]
        assert "the topic was made anew" in str(stopped(again))
        resume(again)
        again.until(6)
    assert again.ids() == ["e1", "e2", "f0", "f1", "f2", "f3"]
    stream.check()
    again.check()
    stream.close()
    again.close()


def test_a_log_cut_back_and_filled_again_stops_the_partition(vertical: Vertikal, own_broker: Broker) -> None:
    """No offset tells: there are more messages than were read. The epoch of their leader does (KIP-320)."""
    with five_taken(vertical, own_broker) as stream:
        cut_back(stream, own_broker)
        with stream.taking():
            wait(lambda: stopped(stream))
            assert stream.ids() == ["e0", "e1", "e2", "e3", "e4"]
            assert "its log was cut back" in str(stopped(stream))
            resume(stream)
            stream.until(5 + 7)
        counts = stream.counts()
        assert (counts["accepted"], counts["duplicates"]) == (9, 3)
        stream.check()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_log_cut_back_under_an_intake_at_work_stops_the_partition(vertical: Vertikal, own_broker: Broker) -> None:
    with five_taken(vertical, own_broker) as stream, stream.taking():
        wait(lambda: stream.rows()[0]["epoch"] == 2)
        cut_back(stream, own_broker)
        wait(lambda: stopped(stream))
        assert stream.ids() == ["e0", "e1", "e2", "e3", "e4"]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_without_the_leader_epoch_messages_behind_a_cut_would_be_skipped(
    vertical: Vertikal, own_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the above."""
    begin_at = Inbox.begin_at
    monkeypatch.setattr(Inbox, "begin_at", lambda self, partition, offset, _: begin_at(self, partition, offset, -1))
    with five_taken(vertical, own_broker) as stream:
        cut_back(stream, own_broker)
        stream.take(7)
        assert stream.ids() == ["e0", "e1", "e2", "e3", "e4", "f2", "f3"]
        with pytest.raises(AssertionError):
            stream.check()


# The database


@dataclass
class Restarted:
    """A Vertikal on a PostgreSQL of its own, to be stopped and started."""

    server: Server
    vertikal: Vertikal


@pytest.fixture
def restarted() -> Iterator[Restarted]:
    with postgresql_server() as server:
        region(server.url)
        engine = connect(server.url)
        yield Restarted(server, going_on(Vertikal(engine, settings_of(server.url))))
        engine.dispose()


def test_a_database_stopped_at_any_instant_and_started_again_has_lost_nothing_and_nothing_twice(
    restarted: Restarted, broker: Broker
) -> None:
    """SIGQUIT: the server ends in the middle of whatever intake and relay are at, and recovers when it starts."""
    stream, published = Stream(restarted.vertikal, broker.servers), Published(restarted.vertikal, broker.servers)
    with stream.taking(), published.relaying():
        with following(Sending(stream).follow):
            for pause in (0.0, 0.7, 2.0):
                stream.until(stream.counts()["received"] + 20)
                restarted.server.stop_immediately()
                time.sleep(pause)
                restarted.server.start()
            stream.until(stream.counts()["received"] + 20)
        stream.until(stream.confirmed)
        head = stream.log()[-1].position
        published.until(head)
    stream.check()
    complete(published, head)
    stream.close()


@dataclass
class Sending:
    """A sender at work: an event at a time, each in the next partition, one of ten twice."""

    stream: Stream

    def follow(self, stop: threading.Event) -> None:
        number = 0
        while not stop.wait(0.02):
            event = self.stream.staff(f"e{number}", number % 50, on=f"2020-09-{number % 30 + 1:02}")
            self.stream.send(*[event] * (2 if number % 10 == 0 else 1), partition=number % 2)
            number += 1


@contextmanager
def five_taken(vertikal: Vertikal, broker: Broker) -> Iterator[Stream]:
    """A partition of five messages, all of them taken."""
    stream = Stream(vertikal, broker.servers)
    for number in range(5):
        stream.send(stream.staff(f"e{number}", number))
    stream.take(5)
    yield stream
    stream.close()


def cut_back(stream: Stream, broker: Broker) -> None:
    """The broker loses the last two of five messages, and another sender sends four."""
    broker.stop(signal.SIGKILL)
    cut(broker.folder / "data" / f"{stream.inbox}-0", 3)
    broker.start()
    stream.producer.close(timeout=0)
    stream.producer = KafkaProducer(bootstrap_servers=stream.servers)
    stream.send(*(stream.staff(f"f{number}", number) for number in range(4)))
    assert ranges(stream.kafka, stream.inbox)[0].end == 7


def cut(partition: Path, offset: int) -> None:
    """Cut the log of a partition as a leader does that never had what follows; batches begin with offset and length."""
    file = partition / f"{0:020}.log"
    content, at = file.read_bytes(), 0
    while int.from_bytes(content[at : at + 8]) < offset:
        at += 12 + int.from_bytes(content[at + 8 : at + 12])
    file.write_bytes(content[:at])


def staff(stream: Stream, school: str, id_: str, version: int, counted: dict[str, int]) -> dict[str, Any]:
    data = {"organisation": school, "on": "2020-09-01", **counted}
    more = {"source": f"/schools/{school}", "id": id_, "dataschema": f"/contracts/staff.reported/{version}"}
    return stream.vertikal.event("staff.reported", school, data, **more)


def teachers(stream: Stream, as_of: str = "2020-09-01", of: str = "s1") -> int | None:
    """How many there are by the figures: whom to train, that is."""
    return stream.vertikal.figure("trained_teachers", of, as_of=as_of)[1]


def resume(stream: Stream) -> None:
    there = ranges(stream.kafka, stream.inbox)[0]
    with writing(stream.vertikal.engine) as connection:
        offsets.resume(connection, stream.inbox, 0, there)


def stopped(stream: Stream) -> str | None:
    return next((row["stopped"] for row in stream.rows() if row["partition"] == 0), None)
