"""Intakes as processes of their own, killed and frozen: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import signal
import time

import orjson

from tests.stream.processes import SESSION_MS, process
from tests.stream.senders import Stream

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
    stream.check()
