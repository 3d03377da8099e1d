"""The intake from a real Kafka, on both databases: the same door as HTTP, nothing lost, nothing twice."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from tests.stream.senders import CONTENT_TYPE, Headers, Stream, messages, wait
from vertikal.events.database import writing
from vertikal.services.stream import intake as intakes
from vertikal.services.stream import offsets, signing
from vertikal.services.stream.broker import _message, ranges
from vertikal.services.stream.offsets import Fenced
from vertikal.services.stream.topics import Message

BINARY: Headers = [
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_id", b"b1"),
    ("ce_source", b"/schools/s1"),
    ("ce_type", b"staff.reported"),
    ("ce_subject", b"s1"),
    ("ce_time", b"2020-09-01T10:00:00+03:00"),
]
STAFF = {"organisation": "s1", "on": "2020-09-01", "teachers": 20, "managers": 1}


def test_what_was_sent_is_taken_once_and_in_order_and_counted(stream: Stream) -> None:
    """Accepted, duplicate, conflict and refused events: the four make up all that was received."""
    stream.send(*(stream.staff(f"e{number}", number) for number in range(1, 31)))
    stream.send(stream.staff("e1", 1), stream.staff("e2", 99), stream.staff("e31", on="2020-13-01"), b"{")
    counts = stream.take(34)
    assert counts == {
        "received": 34,
        "accepted": 30,
        "duplicates": 1,
        "conflicts": 1,
        "refused": 2,
        "fenced": 0,
        "lost": 0,
    }
    assert stream.ids() == [f"e{number}" for number in range(1, 31)]


def test_binary_messages_carry_their_attributes_in_headers(stream: Stream) -> None:
    stream.send(STAFF, headers=BINARY)
    assert stream.take(1)["accepted"] == 1
    assert stream.ids() == ["b1"]


def test_an_intake_goes_on_where_the_one_before_it_ended(stream: Stream) -> None:
    stream.send(stream.staff("e1"))
    stream.take(1)
    stream.send(stream.staff("e2"), partition=1)
    stream.send(stream.staff("e3"))
    counts = stream.take(3)
    assert (counts["received"], counts["accepted"]) == (3, 3)


# Who sent it


@pytest.mark.parametrize("change", ["unsigned", "content", "key", "attribute", "revoked", "unreadable"])
def test_a_message_that_nobody_signed_is_refused(stream: Stream, change: str) -> None:
    value = orjson.dumps(STAFF)
    header, signature = signing.sign(stream.number, stream.key, BINARY, value)
    headers = [*BINARY, (header, signature)]
    if change == "unsigned":
        headers = BINARY
    elif change == "content":
        value = value.replace(b"20,", b"21,")
    elif change == "key":
        headers = [*BINARY, signing.sign(stream.number, b"k" * 32, BINARY, value)]
    elif change == "attribute":
        headers = [(name, b"b2" if name == "ce_id" else content) for name, content in headers]
    elif change == "revoked":
        with writing(stream.vertikal.engine) as connection:
            connection.exec_driver_sql("UPDATE tokens SET revoked_at = 'now'")
    elif change == "unreadable":
        headers = [*BINARY, (header, b"1:?")]
    stream.send(value, headers=headers, sign=False)
    assert stream.take(1)["refused"] == 1
    assert list(stream.kept()[0]["reasons"]) == [signing.HEADER]


def test_a_signature_speaks_for_its_own_subtree_only(stream: Stream) -> None:
    data = {"organisation": "s2", "on": "2020-09-01", "teachers": 20, "managers": 1}
    stream.send(stream.vertikal.event("staff.reported", "s2", data, source="/schools/s1"))
    assert stream.take(1)["refused"] == 1
    assert "data.organisation" in stream.kept()[0]["reasons"]


def test_an_auditor_sends_nothing(stream: Stream) -> None:
    stream.number, stream.key = stream.sender("obr", "auditor")
    stream.send(stream.staff("e1"))
    assert stream.take(1)["refused"] == 1


# What is refused


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (b'{"specversion": "1.0", "id": "e1"', "не является JSON"),
        (b'{"x": "' + b"a" * 5_000_000 + b'"}', "data"),
        ('{"actor": "Иванова"}'.encode("cp1251"), "UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "вложенность"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "вложенность"),
        (orjson.dumps({f"x{number}": number for number in range(100_000)}), "и ещё полей с ошибками"),
        (None, "null"),
        (b"", "пусто"),
        (b"[]", "одно событие"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
    ids=[
        "truncated",
        "5 MB",
        "not UTF-8",
        "deep",
        "deeper than allowed",
        "many errors",
        "null",
        "empty",
        "batch",
        "BOM",
    ],
)
def test_a_poison_message_is_kept_whole_published_and_gets_in_nobodys_way(
    stream: Stream, value: bytes | None, word: str
) -> None:
    stream.send(stream.staff("e1"), value, stream.staff("e2"))
    assert stream.take(3)["refused"] == 1
    assert stream.ids() == ["e1", "e2"]
    kept = stream.kept()
    assert [(row["offset"], row["value"], row["status"]) for row in kept] == [(1, value, "rejected")]
    assert word in str(kept[0]["reasons"])
    published = messages(stream.servers, stream.refused)
    assert [(each.key, each.value) for each in published] == [(b"s1", value)]
    assert orjson.loads(dict(published[0].headers)["refused-reasons"]) == kept[0]["reasons"]
    assert dict(published[0].headers)["refused-offset"] == b"1"
    stream.check()


def test_a_message_too_large_to_be_published_is_kept_whole_and_gets_in_nobodys_way(stream: Stream) -> None:
    """Twenty megabytes that compression made small enough for Kafka: those behind it are published all the same."""
    value = b" " * (20 << 20)
    producer = KafkaProducer(bootstrap_servers=stream.servers, max_request_size=30 << 20, compression_type="gzip")
    producer.send(stream.inbox, value, b"s1", [CONTENT_TYPE], 0).get(10)
    producer.close()
    stream.send(b"{")
    assert stream.take(2)["refused"] == 2
    assert [row["value"] for row in stream.kept()] == [value, b"{"]
    large, small = messages(stream.servers, stream.refused)
    assert (large.key, large.value, dict(large.headers)["refused-cut"]) == (b"s1", None, b"size")
    assert small.value == b"{"


@pytest.mark.parametrize("form", ["structured", "binary", "truncated", "batch"])
def test_personal_data_is_refused_and_kept_nowhere_in_the_clear(stream: Stream, form: str) -> None:
    data = {"person": "p-1", "role": "teacher", "organisation": "s1", "programme": "П", "provider": "iro", "hours": 72,
            "finished_on": "2020-12-18", "personal": {"full_name": "Анна Примерова"}}  # fmt: skip
    event = stream.vertikal.event("course.finished", "s1", data, source="/schools/s1")
    if form == "binary":
        stream.send(data, headers=[(name, b"course.finished" if name == "ce_type" else has) for name, has in BINARY])
    elif form == "truncated":
        stream.send(orjson.dumps(event)[:-1])
    else:
        stream.send([event] if form == "batch" else event)
    assert stream.take(1)["refused"] == 1
    assert form in ("truncated", "batch") or list(stream.kept()[0]["reasons"]) == ["data.personal"]
    found = [stream.kept()[0]["value"], messages(stream.servers, stream.refused)[0].value]
    assert not [each for each in found if "Примерова".encode() in each or "Примерова" in each.decode()]


def test_what_was_kept_but_not_published_is_published_by_the_next_intake(stream: Stream) -> None:
    stream.send(b"{")
    claim = claimed(stream)
    stream.taker().take(claim, [message(stream, claim.next)])
    assert messages(stream.servers, stream.refused) == []
    stream.send(stream.staff("e1"))
    stream.take(2)
    wait(lambda: len(messages(stream.servers, stream.refused)) == 1)


# Offsets


def test_the_offset_and_the_events_before_it_are_committed_together_or_not_at_all(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.send(stream.staff("e1"))
    claim = claimed(stream)
    advance = offsets.advance

    def fail(*given: Any) -> None:
        advance(*given)
        raise RuntimeError

    monkeypatch.setattr(offsets, "advance", fail)
    with pytest.raises(RuntimeError):
        stream.taker().take(claim, [message(stream, 0)])
    assert (stream.ids(), stream.rows()[0]["next"], stream.counts()["received"]) == ([], 0, 0)


def test_a_consumer_that_was_replaced_writes_nothing(stream: Stream) -> None:
    stream.send(stream.staff("e1"), b"{")
    sleeper, before = stream.taker(), claimed(stream)
    claimed(stream)
    with pytest.raises(Fenced):
        sleeper.take(before, [message(stream, 0), message(stream, 1)])
    assert (stream.ids(), stream.kept(), stream.counts()["received"]) == ([], [], 0)


def test_without_the_epoch_a_replaced_consumer_would_count_messages_again(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the above: what it sends is a duplicate at best, and refused messages are kept twice."""
    stream.send(stream.staff("e1"), b"{")
    sleeper, before = stream.taker(), claimed(stream)
    both = [message(stream, 0), message(stream, 1)]
    stream.taker().take(claimed(stream), both)
    advance = offsets.advance

    def unfenced(connection: Any, claim: offsets.Claim, *more: Any) -> None:
        now = next(row for row in offsets.rows(connection) if row["partition"] == claim.partition)
        advance(connection, replace(claim, epoch=now["epoch"], next=now["next"]), *more)

    monkeypatch.setattr(offsets, "advance", unfenced)
    sleeper.take(before, both)
    assert (stream.counts()["received"], len(stream.kept())) == (4, 2)


def test_a_partition_that_has_lost_what_comes_next_stops_with_an_alarm(stream: Stream) -> None:
    stream.send(*(stream.staff(f"e{number}", number) for number in range(1, 6)))
    delete_before(stream, 3)
    with stream.taking():
        wait(lambda: stopped(stream))
    assert "removed before they were read" in str(stopped(stream))
    assert (stream.ids(), stream.counts()["received"]) == ([], 0)


def test_a_stopped_partition_goes_on_when_an_operator_concedes_what_is_gone(stream: Stream) -> None:
    stream.send(*(stream.staff(f"e{number}", number) for number in range(1, 6)))
    delete_before(stream, 3)
    with stream.taking():
        wait(lambda: stopped(stream))
        with writing(stream.vertikal.engine) as connection:
            there = ranges(stream.kafka, stream.inbox)[0]
            assert offsets.resume(connection, stream.inbox, 0, there) == {"partition": 0, "from": 3, "lost": 3}
        wait(lambda: stream.counts()["received"] == 2)
    assert stream.ids() == ["e4", "e5"]
    assert stream.counts()["lost"] == 3


def test_the_other_partitions_go_on_while_one_is_stopped(stream: Stream) -> None:
    stream.send(*(stream.staff(f"e{number}", number) for number in range(1, 6)))
    delete_before(stream, 3)
    stream.send(stream.staff("f1"), partition=1)
    with stream.taking():
        wait(lambda: stopped(stream) and stream.counts()["received"] == 1)
    assert stream.ids() == ["f1"]


def test_a_message_that_breaks_the_intake_stops_its_partition_and_is_not_skipped(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = intakes._parts

    def fail(found: Any) -> Any:
        if any(each.id == "e2" for each in found):
            raise ValueError("неудобное событие")
        return parts(found)

    monkeypatch.setattr(intakes, "_parts", fail)
    stream.send(stream.staff("e1"), stream.staff("e2"), stream.staff("e3"))
    with stream.taking():
        wait(lambda: stopped(stream))
    assert (stream.ids(), stream.rows()[0]["next"]) == (["e1"], 1)
    assert "offset 1: ValueError: неудобное событие" in str(stopped(stream))


def test_two_intakes_share_the_partitions_and_take_each_message_once(stream: Stream) -> None:
    with stream.taking(), stream.taking():
        for number in range(60):
            stream.send(stream.staff(f"e{number}", number), partition=number % 2)
        wait(lambda: stream.counts()["received"] >= 60)
    counts = stream.counts()
    assert (counts["received"], counts["accepted"]) == (60, 60)


def test_an_intake_stops_when_it_is_told_to(stream: Stream) -> None:
    stop = threading.Event()
    stop.set()
    stream.taker().follow(stop)


def claimed(stream: Stream, partition: int = 0) -> offsets.Claim:
    there = ranges(stream.kafka, stream.inbox)[partition]
    with writing(stream.vertikal.engine) as connection:
        return offsets.claim(connection, stream.inbox, partition, there, stream.vertikal.clock())


def message(stream: Stream, offset: int) -> Message:
    return next(_message(each) for each in messages(stream.servers, stream.inbox, [0]) if each.offset == offset)


def delete_before(stream: Stream, offset: int) -> None:
    """Have Kafka remove the messages of partition 0 before an offset, as retention does."""
    with KafkaAdminClient(bootstrap_servers=stream.servers) as admin:
        admin.delete_records({TopicPartition(stream.inbox, 0): offset})


def stopped(stream: Stream) -> str | None:
    return next((row["stopped"] for row in stream.rows() if row["partition"] == 0), None)
