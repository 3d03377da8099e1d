"""TLS and passwords: every client of ours speaks them to a real Kafka, and what is wrong is said in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from tests.broker import PASSWORD, USER, Broker, kafka
from tests.conftest import Vertikal
from tests.stream.senders import Stream, messages
from tests.stream.test_relay import Published, complete
from tests.terminal import Terminal
from vertikal.events.database import connect
from vertikal.services.settings import BadSetting, Kafka, read_settings
from vertikal.services.stream import topics
from vertikal.services.stream.projecting import Projecting

PROTOCOLS = {"SASL_PLAINTEXT": "SCRAM-SHA-512", "SSL": None, "SASL_SSL": "PLAIN"}
TOPICS = (topics.INBOX, topics.REFUSED, topics.LOG)


@pytest.fixture(scope="module")
def secured() -> Iterator[Broker]:
    with kafka(*PROTOCOLS) as running:
        yield running


def environment(broker: Broker, protocol: str, **more: str) -> dict[str, str]:
    """What an operator sets to reach one of the secured ports."""
    given = {"KAFKA": f"127.0.0.1:{broker.secured[protocol]}", "KAFKA_SECURITY": protocol}
    if protocol.endswith("SSL"):
        given["KAFKA_CA"] = str(broker.ca)
    if mechanism := PROTOCOLS[protocol]:
        given |= {"KAFKA_MECHANISM": mechanism, "KAFKA_USER": USER, "KAFKA_PASSWORD": PASSWORD}
    return {f"VERTIKAL_{name}": value for name, value in {**given, **more}.items()}


def settings(broker: Broker, protocol: str, **more: str) -> Kafka:
    found = read_settings(environment(broker, protocol, **more)).kafka
    assert found is not None
    return found


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_client_of_ours_works_over_a_secured_port(
    vertical: Vertikal, secured: Broker, protocol: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    from_file = {"KAFKA_PASSWORD": str(file)} if PROTOCOLS[protocol] else {}
    given = environment(secured, protocol, **from_file)
    assert Terminal(vertical.settings.database_url, **given).json("kafka", "init", "--partitions", "2")["made"]
    spoken = settings(secured, protocol)
    stream = Stream(vertical, secured.servers, topics.INBOX, topics.REFUSED, spoken, made=True)
    stream.send(stream.staff("e1"), b"{")
    assert stream.take(2)["accepted"] == 1
    assert [each.value for each in messages(secured.servers, topics.REFUSED)] == [b"{"]
    published = Published(vertical, secured.servers, spoken=spoken)
    with published.relaying():
        published.until(head := stream.log()[-1].position)
    complete(published, head)
    engine = connect(stream.url, "projector")
    Projecting(engine, spoken, published.topic, published.topic).follow(threading.Event(), head)
    assert vertical.figure("trained_teachers", "s1", as_of="2020-09-01")[1] == 20
    stream.close()
    with KafkaAdminClient(bootstrap_servers=secured.servers) as admin:
        admin.delete_topics(list(TOPICS))


def test_a_wrong_password_is_said_so_in_a_sentence(secured: Broker) -> None:
    said = refused(environment(secured, "SASL_PLAINTEXT", KAFKA_PASSWORD="another"))
    assert f"error: VERTIKAL_KAFKA_PASSWORD: Kafka does not admit {USER}: " in said


def test_a_certificate_of_an_unknown_authority_is_said_so_in_a_sentence(secured: Broker) -> None:
    given = environment(secured, "SSL")
    del given["VERTIKAL_KAFKA_CA"]
    assert "error: VERTIKAL_KAFKA_CA: Kafka is not to be trusted: unable to get local issuer" in refused(given)


def test_a_mechanism_that_kafka_does_not_speak_is_said_so_in_a_sentence(secured: Broker) -> None:
    said = refused(environment(secured, "SASL_SSL", KAFKA_MECHANISM="SCRAM-SHA-256"))
    assert "error: VERTIKAL_KAFKA_MECHANISM: Kafka does not know SCRAM-SHA-256: " in said


@pytest.mark.parametrize("name", ["KAFKA_CA", "KAFKA_PASSWORD"])
def test_a_file_that_is_not_there_is_named(secured: Broker, name: str) -> None:
    said = refused(environment(secured, "SASL_SSL", **{name: "/nowhere/file"}))
    assert f"error: VERTIKAL_{name}: " in said
    assert ("/nowhere/file" in said) == (name == "KAFKA_CA")  # what looks like a file may be the password itself


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"SECURITY": "TLS"}, "VERTIKAL_KAFKA_SECURITY"),
        ({"SECURITY": "SASL_SSL"}, "VERTIKAL_KAFKA_USER"),
        ({"SECURITY": "SASL_SSL", "USER": "u"}, "VERTIKAL_KAFKA_USER"),
        ({"USER": "u", "PASSWORD": "p"}, "VERTIKAL_KAFKA_SECURITY"),
        ({"SECURITY": "SSL", "USER": "u"}, "VERTIKAL_KAFKA_SECURITY"),
        ({"MECHANISM": "PLAIN"}, "VERTIKAL_KAFKA_SECURITY"),
        ({"CA": "/etc/ca.pem"}, "VERTIKAL_KAFKA_CA"),
        ({"SECURITY": "SASL_SSL", "USER": "u", "PASSWORD": "p", "MECHANISM": "GSSAPI"}, "VERTIKAL_KAFKA_MECHANISM"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(more: dict[str, str], named: str) -> None:
    given = {f"VERTIKAL_KAFKA_{name}": value for name, value in more.items()}
    with pytest.raises(BadSetting, match=named):
        read_settings({"VERTIKAL_KAFKA": "kafka:9092", **given})


def test_the_password_is_not_shown() -> None:
    more = {"SECURITY": "SASL_SSL", "USER": "u", "PASSWORD": "secret"}
    given = {f"VERTIKAL_KAFKA_{name}": value for name, value in more.items()}
    assert "secret" not in repr(read_settings({"VERTIKAL_KAFKA": "kafka:9092", **given}))


def refused(given: dict[str, str]) -> str:
    """What a command says that ends with the code of a wrong setting; as a process, with all that its client logs."""
    command = [sys.executable, "-m", "vertikal", "kafka", "init"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **given})
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr
