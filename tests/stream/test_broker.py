"""The Kafka of the tests is the real one, of the pinned version and bytes."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from tests import broker as brokers
from tests.broker import Broker


def test_a_message_acknowledged_is_there_after_the_broker_was_killed_and_started_again(own_broker: Broker) -> None:
    topic = f"t-{uuid4().hex}"
    with KafkaAdminClient(bootstrap_servers=own_broker.servers) as admin:
        admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
    with KafkaProducer(bootstrap_servers=own_broker.servers) as producer:
        producer.send(topic, b"sent").get(timeout=20)
    own_broker.stop(signal.SIGKILL)
    own_broker.start()
    assert read(own_broker, topic) == [b"sent"]


def test_a_broker_formatted_anew_has_lost_its_data(own_broker: Broker) -> None:
    """The control of the above."""
    with KafkaAdminClient(bootstrap_servers=own_broker.servers) as admin:
        admin.create_topics({"lost": {"num_partitions": 1}}, wait_for_metadata=True)
    own_broker.stop(signal.SIGKILL)
    own_broker.format()
    own_broker.start()
    with KafkaAdminClient(bootstrap_servers=own_broker.servers) as admin:
        assert admin.list_topics() == []


def test_a_jar_with_other_bytes_and_a_missing_one_are_named(tmp_path: Path) -> None:
    copy = shutil.copytree(brokers.obtain(), tmp_path / "jars")
    assert brokers.wrong(copy) == []
    changed, gone, *_ = sorted(copy.iterdir())
    changed.write_bytes(b"")
    gone.unlink()
    assert brokers.wrong(copy) == [changed.name, gone.name]


def test_without_java_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(brokers.NotObtained, match="Java 17 or newer and Maven"), brokers.kafka():
        pass


def test_the_jars_are_of_the_version_that_the_pom_pins() -> None:
    named = re.findall(r"kafka-clients-(.+)\.jar", (brokers.SOURCE / "SHA256SUMS").read_text())
    assert named == [brokers.version()]


def test_the_image_in_compose_is_of_the_version_that_the_pom_pins() -> None:
    compose = (brokers.SOURCE.parent / "compose.yaml").read_text()
    assert re.findall(r"image: apache/kafka:(\S+)", compose) == [brokers.version()]


def read(broker: Broker, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(
        topic, bootstrap_servers=broker.servers, auto_offset_reset="earliest", consumer_timeout_ms=5_000
    )
    found = []
    for message in consumer:
        found.append(message.value)
        break
    consumer.close()
    return found
