"""``vertikal kafka`` as an operator and a sender use it, and ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from kafka.admin import KafkaAdminClient

from tests.broker import Broker
from tests.conftest import MASTER, Vertikal
from tests.stream.senders import Stream
from tests.stream.test_intake import claimed
from tests.terminal import Terminal
from vertikal.events.database import writing
from vertikal.services.stream import topics
from vertikal.services.stream.offsets import Claim, stop

TOPICS = [topics.INBOX, topics.REFUSED, topics.LOG]


@pytest.fixture
def usual(vertical: Vertikal, broker: Broker) -> Iterator[Stream]:
    """A Vertikal with the usual topics, made by its command."""
    made = commands(vertical, broker).json("kafka", "init", "--partitions", "2")
    assert made == {"made": TOPICS}
    stream = Stream(vertical, broker.servers, topics.INBOX, topics.REFUSED, made=True)
    yield stream
    stream.close()
    with KafkaAdminClient(bootstrap_servers=broker.servers) as admin:
        admin.delete_topics(TOPICS)


def commands(vertical: Vertikal, broker: Broker | Stream) -> Terminal:
    settings = {"VERTIKAL_KAFKA": broker.servers, "VERTIKAL_MASTER_KEY": MASTER.text()}
    return Terminal(vertical.settings.database_url, **settings)


def test_init_makes_topics_once(usual: Stream) -> None:
    assert commands(usual.vertikal, usual).json("kafka", "init") == {"made": []}


def test_refused_messages_are_listed_and_taken_when_the_reason_is_gone(usual: Stream) -> None:
    """The organisation was not registered yet; after it is, the message is submitted again as its sender's."""
    vertikal, terminal = usual.vertikal, commands(usual.vertikal, usual)
    usual.number, usual.key = usual.sender("gorodets", "municipality")
    data = {"organisation": "s7", "on": "2020-09-01", "teachers": 20, "managers": 1}
    usual.send(vertikal.event("staff.reported", "s7", data, id="e7", source="/schools/s1"), b"{")
    usual.take(2)
    items = terminal.json("kafka", "refused")["items"]
    assert [(each["event"], each["organisation"]) for each in items] == [("e7", "gorodets"), (None, "gorodets")]
    assert "e7" in terminal.run("kafka", "refused").stdout
    number = str(items[0]["id"])
    again = terminal.json("kafka", "refused", "--resubmit", number, code=1)
    assert again["rejected"] == 1
    vertikal.register("s7", "school", "gorodets")
    again = terminal.json("kafka", "refused", "--all", code=4)
    assert (again["accepted"], again["rejected"]) == (1, 1)
    assert [each["event"] for each in terminal.json("kafka", "refused")["items"]] == [None]
    assert len(terminal.json("kafka", "refused", "--settled")["items"]) == 2
    assert usual.ids() == ["e7"]


def test_an_unsigned_message_is_submitted_again_only_for_whom_the_operator_names(usual: Stream) -> None:
    terminal = commands(usual.vertikal, usual)
    usual.send(usual.staff("e1"), sign=False)
    usual.take(1)
    assert "отправитель" in str(terminal.json("kafka", "refused", "--all", code=1))
    named = ("--organisation", "s1", "--role", "school")
    assert terminal.json("kafka", "refused", "--all", *named)["accepted"] == 1


def test_status_says_how_far_each_partition_is_and_what_stopped_it(usual: Stream) -> None:
    terminal = commands(usual.vertikal, usual)
    usual.send(usual.staff("e1"), b"{")
    before = terminal.json("kafka", "status")
    assert [(each["partition"], each["lag"], each["holder"]) for each in before["inbox"]] == [
        (0, 2, None),
        (1, 0, None),
    ]
    usual.take(2)
    after = terminal.json("kafka", "status")
    assert [(each["next"], each["lag"], each["received"]) for each in after["inbox"]] == [(2, 0, 2), (0, 0, 0)]
    assert (after["refused_open"], after["relay"]["lag"]) == (1, after["relay"]["head"])
    claim = stopped(usual)
    assert terminal.json("kafka", "status", code=1)["inbox"][0]["stopped"] == "конец"
    assert "конец" in terminal.run("kafka", "status", code=1).stdout
    assert terminal.json("kafka", "resume", "0") == {"partition": claim.partition, "from": 0, "lost": 0}
    terminal.run("kafka", "status")
    terminal.run("kafka", "resume", "0", code=1)


def test_a_partition_read_again_from_its_beginning_adds_nothing(usual: Stream) -> None:
    usual.send(usual.staff("e1"))
    usual.take(1)
    stopped(usual)
    commands(usual.vertikal, usual).run("kafka", "resume", "0")
    assert usual.take(2)["duplicates"] == 1
    assert usual.ids() == ["e1"]


def test_the_key_of_a_token_signs_until_the_token_is_revoked(usual: Stream) -> None:
    terminal = commands(usual.vertikal, usual)
    assert terminal.json("kafka", "key", str(usual.number)) == {"number": usual.number, "key": usual.key.hex()}
    terminal.run("token", "revoke", str(usual.number))
    terminal.run("kafka", "key", str(usual.number), code=1)


def test_metrics_show_lag_counters_and_the_last_position_relayed(client: FlaskClient, stream: Stream) -> None:
    stream.send(stream.staff("e1"), b"{")
    stream.take(2)
    text = client.get("/metrics").text
    head = client.get("/readyz").json["head"]  # type: ignore[index]
    for line in (
        f"vertikal_head {float(head)}",
        'vertikal_kafka_inbox_lag{partition="0"} 0.0',
        'vertikal_kafka_inbox_received_total{partition="0"} 2.0',
        'vertikal_kafka_inbox_refused_total{partition="0"} 1.0',
        'vertikal_kafka_inbox_fenced_total{partition="0"} 0.0',
        'vertikal_kafka_inbox_stopped{partition="0"} 0.0',
        "vertikal_kafka_refused_open 1.0",
        "vertikal_kafka_relay_position 0.0",
        f"vertikal_kafka_relay_lag {float(head)}",
    ):
        assert line in text.splitlines(), line


@pytest.mark.parametrize("given", ["", "nowhere", "a:1,b"])
def test_without_a_usable_setting_the_command_names_it(terminal: Terminal, given: str) -> None:
    assert "VERTIKAL_KAFKA" in terminal.run("kafka", "init", code=2, VERTIKAL_KAFKA=given).stderr


def test_a_broker_that_is_away_ends_the_command_with_75(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vertikal.services.stream.broker.CONNECT_MAX_MS", 500)
    terminal.run("kafka", "init", code=75, VERTIKAL_KAFKA="127.0.0.1:1")


def stopped(stream: Stream) -> Claim:
    """The claim of partition 0, which an alarm has stopped."""
    claim = claimed(stream)
    with writing(stream.vertikal.engine) as connection:
        stop(connection, claim, "конец")
    return claim
