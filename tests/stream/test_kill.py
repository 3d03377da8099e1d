"""Intakes as processes of their own, killed and frozen: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import signal
import time

import orjson

from tests.broker import Broker
from tests.conftest import Vertikal
from tests.stream.processes import SESSION_MS, process
from tests.stream.senders import Stream, wait

COUNT = 300


def test_killed_at_any_instant_intakes_lose_nothing_and_count_nothing_twice(stream: Stream) -> None:
    send(stream)
    kills = 0
    while stream.counts()["received"] < COUNT:
        with process("take", stream.url, stream.servers, stream.inbox, stream.refused) as running:
            stream.until(min(COUNT, stream.counts()["received"] + 1))
            time.sleep(0.01 * (kills % 5))
            running.send_signal(signal.SIGKILL)
            kills += 1
    assert kills > 1
    check(stream)


def test_an_intake_frozen_past_its_session_and_woken_is_fenced_off(stream: Stream) -> None:
    topics = (stream.inbox, stream.refused)
    with process("take", stream.url, stream.servers, *topics) as sleeper:
        stream.send(stream.staff("first"))
        stream.until(1)
        sleeper.send_signal(signal.SIGSTOP)
        with process("take", stream.url, stream.servers, *topics):
            send(stream)
            stream.until(COUNT + 1)
            sleeper.send_signal(signal.SIGCONT)
            stream.send(stream.staff("last"))
            stream.until(COUNT + 2)
            time.sleep(SESSION_MS / 1_000)
    check(stream, COUNT + 2)


def test_a_broker_stopped_and_started_again_is_waited_for(vertical: Vertikal, own_broker: Broker) -> None:
    stream = Stream(vertical, own_broker.servers)
    stream.send(stream.staff("e1"))
    with stream.taking():
        stream.until(1)
        own_broker.stop()
        time.sleep(3.0)
        own_broker.start()
        stream.send(stream.staff("e2"))
        stream.until(2)
    assert stream.ids() == ["e1", "e2"]
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
        wait(lambda: [row for row in again.rows() if row["partition"] == 0 and row["stopped"]])
    assert again.ids() == ["e1", "e2"]
    assert "the topic was made anew" in again.rows()[0]["stopped"]
    stream.close()
    again.close()


def send(stream: Stream) -> None:
    """A refused message among twenty."""
    for number in range(COUNT):
        value = b"{" if number % 20 == 0 else orjson.dumps(stream.staff(f"e{number}", number))
        stream.send(value, partition=number % 2)


def check(stream: Stream, count: int = COUNT) -> None:
    counts = stream.counts()
    refused = COUNT // 20
    assert counts["received"] == count
    assert (counts["accepted"], counts["refused"], counts["duplicates"]) == (count - refused, refused, 0)
    assert len(set(stream.ids())) == len(stream.ids()) == count - refused
    assert len(stream.kept()) == refused
