"""Kafka itself: the only module that knows its client.

Failures of the broker are ``Unavailable``: it is asked again. ``LogLost`` is the one that no repetition heals. Whatever
connects raises ``BadSetting``, too, where Kafka does not admit us or is not to be trusted.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailedError,
    TopicAlreadyExistsError,
    UnsupportedSaslMechanismError,
)
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from ..settings import BadSetting, Kafka
from .topics import GROUP, INBOX, LOG, MESSAGE_MAX_BYTES, REFUSED, Headers, LogLost, Message, Range, Unavailable

# A refused message goes out with its reasons, an event of the log with its position: both need room beside the value.
TOPIC_MAX_BYTES = MESSAGE_MAX_BYTES + (1 << 20)
SESSION_TIMEOUT_MS = 10_000  # how long a partition stands still when its consumer was killed, or lost the broker
BATCH, FOLLOWED = 1_000, 5_000
CONNECT_MAX_MS = 10_000
RECONNECT_MAX_MS = 2_000  # the client's own 30 seconds would come on top of every failure of the broker
FLUSH_MAX_S = 60.0


class Inbox(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python ships no types
    """One member of the consumer group. Nothing of a partition is read before ``begin_at`` says where.

    ``fresh``: partitions that were assigned, but not begun yet. Kafka's own offsets and resets are not used.
    """

    def __init__(self, kafka: Kafka, topic: str = INBOX, group: str = GROUP) -> None:
        self.topic = topic
        self.fresh: set[int] = set()
        self._consumer = _join(kafka, topic, group, reset="none", listener=self)

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Called by the client inside ``poll``, where nothing may wait: reading begins later, by ``begin_at``."""
        for each in assigned:
            self._consumer.pause(each)
            self._consumer.seek(each, 0)  # a placeholder: without one the client would ask Kafka for an offset
            self.fresh.add(each.partition)

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self.fresh -= {each.partition for each in revoked}

    @property
    def assigned(self) -> set[int]:
        return {each.partition for each in self._consumer.assignment()}

    def begin_at(self, partition: int, offset: int, leader_epoch: int) -> None:
        """Read a partition from an offset on; the epoch tells Kafka which history that offset is of (KIP-320)."""
        at = TopicPartition(self.topic, partition)
        self._consumer._subscription.seek(at, OffsetAndMetadata(offset, "", leader_epoch))  # no public way
        self._consumer.resume(at)
        self.fresh.discard(partition)

    def stop(self, partition: int) -> None:
        """Read no more of a partition, though it stays assigned."""
        self._consumer.pause(TopicPartition(self.topic, partition))
        self.fresh.discard(partition)

    def poll(self, seconds: float) -> dict[int, list[Message]]:
        """What came, by partition, each in order. Raises ``LogLost`` and ``Unavailable``."""
        try:
            found = self._consumer.poll(timeout_ms=int(seconds * 1_000), max_records=BATCH)
        except OffsetOutOfRangeError as error:
            raise LogLost(
                {at.partition: f"there is no offset {offset}" for at, offset in error.args[0].items()}
            ) from error
        except LogTruncationError as error:
            partitions = {at.partition: "its log was cut back" for at in error.divergent_offsets}
            raise LogLost(partitions) from error
        except KafkaError as error:
            raise Unavailable(str(error)) from error
        return {at.partition: [_message(record) for record in records] for at, records in found.items()}

    def topic_id(self) -> str:
        """Kafka's id of the topic whose messages are read now."""
        return str(self._consumer._cluster.topic_id(self.topic))  # no public way

    def end(self, partition: int) -> int | None:
        """The end of a partition, as far as fetches have told it."""
        found: int | None = self._consumer.highwater(TopicPartition(self.topic, partition))
        return found

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=2_000)


class Follower:
    """One member of a consumer group that reads a topic from its beginning, and may read all of it again.

    Where it has come to, it tells Kafka, so that others need not begin at the beginning; nothing depends on that.
    """

    def __init__(self, kafka: Kafka, topic: str, group: str) -> None:
        self.topic = topic
        self._consumer = _join(kafka, topic, group, reset="earliest")

    @property
    def assigned(self) -> set[int]:
        return {each.partition for each in self._consumer.assignment()}

    def count(self) -> int:
        """How many partitions the topic has. Raises ``Unavailable``."""
        return len(_partitions(self._consumer, self.topic))

    def poll(self, seconds: float) -> dict[int, list[Message]]:
        """What came, by partition, each in order. Raises ``Unavailable``."""
        try:
            found = self._consumer.poll(timeout_ms=int(seconds * 1_000), max_records=FOLLOWED)
        except KafkaError as error:
            raise Unavailable(str(error)) from error
        return {at.partition: [_message(record) for record in records] for at, records in found.items()}

    def pause(self, partitions: set[int]) -> None:
        """Read no more of these partitions for now, and of all others."""
        for each in self._consumer.assignment():
            (self._consumer.pause if each.partition in partitions else self._consumer.resume)(each)

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Tell Kafka from where another member would have to read; a failure does no harm."""
        at = {TopicPartition(self.topic, part): OffsetAndMetadata(offset, "", -1) for part, offset in offsets.items()}
        self._consumer.commit_async(at)

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=2_000)


class Outlet:
    """An idempotent producer: each partition gets each message once, in order, while this producer lives."""

    def __init__(self, kafka: Kafka) -> None:
        self._sent: list[Any] = []
        with _connecting(kafka) as given:
            self._producer = KafkaProducer(
                **given,
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                linger_ms=5,
                batch_size=256 << 10,
                metadata_max_age_ms=10_000,
                max_request_size=TOPIC_MAX_BYTES,
            )

    def partitions(self, topic: str) -> list[int]:
        try:
            return sorted(self._producer.partitions_for(topic) or ())
        except KafkaError as error:
            raise Unavailable(f"{topic}: {error}") from error

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: Headers,
        partition: int | None = None,
    ) -> None:
        """Hand a message over; what became of it, ``flush`` says. A message needs a key or a value: b"" is one."""
        key = b"" if key is None and value is None else key
        try:
            said = [(name, content or b"") for name, content in headers]
            self._sent.append(self._producer.send(topic, value, key, said, partition))
        except KafkaError as error:
            raise Unavailable(f"{topic}: {error}") from error

    def flush(self) -> None:
        """Return when Kafka has acknowledged all that was handed over. Raises ``Unavailable`` if any was not."""
        sent, self._sent = self._sent, []
        try:
            self._producer.flush(timeout=FLUSH_MAX_S)
            for each in sent:
                each.get(timeout=FLUSH_MAX_S)
        except KafkaError as error:
            raise Unavailable(str(error)) from error

    def close(self) -> None:
        self._producer.close(timeout=1)


def _join(
    kafka: Kafka, topic: str, group: str, *, reset: str, listener: ConsumerRebalanceListener | None = None
) -> KafkaConsumer:
    """A new member of a group. ``reset``: what it does where Kafka knows no offset of it, or lacks that."""
    with _connecting(kafka) as given:
        consumer = KafkaConsumer(
            **given,
            group_id=group,
            auto_offset_reset=reset,
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=min(1_000, SESSION_TIMEOUT_MS // 4),  # how soon a rebalance is noticed
            max_partition_fetch_bytes=TOPIC_MAX_BYTES,
            metadata_max_age_ms=10_000,
            isolation_level="read_committed",
        )
        try:
            _partitions(consumer, topic)  # a member that joins without knowing them may deal out none, and never notice
            consumer.subscribe([topic], listener=listener)
        except BaseException:
            consumer.close()
            raise
        return consumer


def _partitions(consumer: KafkaConsumer, topic: str) -> set[int]:
    try:
        found: set[int] | None = consumer.partitions_for_topic(topic)
    except KafkaError as error:
        raise Unavailable(f"{topic}: {error}") from error
    if not found:
        raise Unavailable(f"there is no topic {topic}: run `vertikal kafka init`")
    return found


def make_topics(kafka: Kafka, partitions: int, replicas: int) -> list[str]:
    """Make those of the three topics that are not there; their names."""
    configs = {"max.message.bytes": str(TOPIC_MAX_BYTES)}
    made = []
    with _connecting(kafka) as given, KafkaAdminClient(**given) as admin:
        there = set(admin.list_topics())
        for topic in (INBOX, REFUSED, LOG):
            options = {"num_partitions": partitions, "replication_factor": replicas, "configs": configs}
            if topic not in there:
                try:
                    admin.create_topics({topic: options}, wait_for_metadata=True)
                    made.append(topic)
                except TopicAlreadyExistsError:
                    pass  # another process was faster
    return made


def ranges(kafka: Kafka, topic: str) -> dict[int, Range]:
    """What each partition of a topic holds now; empty where there is no such topic."""
    with _connecting(kafka) as given:
        consumer = KafkaConsumer(**given, allow_auto_create_topics=False)
        try:
            found = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            begins, ends = consumer.beginning_offsets(found), consumer.end_offsets(found)
            topic_id = str(consumer._cluster.topic_id(topic))  # no public way
        finally:
            consumer.close()
    return {at.partition: Range(topic_id, begins[at], ends[at]) for at in found}


@contextmanager
def _connecting(kafka: Kafka) -> Iterator[dict[str, Any]]:
    """What every client is given to connect with, and what its failures are to us."""
    given: dict[str, Any] = {
        "bootstrap_servers": kafka.servers.split(","),
        "bootstrap_timeout_ms": CONNECT_MAX_MS,
        "reconnect_backoff_max_ms": RECONNECT_MAX_MS,
        "security_protocol": kafka.security,
    }
    if kafka.tls:
        given |= {"ssl_context": _trusted(kafka.ca)}
    if kafka.sasl:
        given |= {"sasl_mechanism": kafka.mechanism, "sasl_plain_username": kafka.user}
        given |= {"sasl_plain_password": _password(str(kafka.password))}
    with _heard() as failures:
        try:
            yield given
        except KafkaError as error:
            for failure in failures:
                _admitted(kafka, failure)
            raise Unavailable("; ".join(dict.fromkeys(map(str, [error, *failures])))) from error


@contextmanager
def _heard() -> Iterator[list[Exception]]:
    """What the client tells its log of attempts that failed: what it raises is only that it could not connect."""
    failures: list[Exception] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            failures.extend(each for each in record.args or () if isinstance(each, Exception))

    log, ear = logging.getLogger("kafka.net.manager"), Ear(logging.WARNING)
    log.addHandler(ear)
    try:
        yield failures
    finally:
        log.removeHandler(ear)


def _admitted(kafka: Kafka, failure: Exception) -> None:
    """Raises ``BadSetting`` for a failure that no repetition heals."""
    if isinstance(untrusted := failure.__context__, ssl.SSLCertVerificationError):
        raise BadSetting(f"VERTIKAL_KAFKA_CA: Kafka is not to be trusted: {untrusted.verify_message}") from failure
    if isinstance(failure, UnsupportedSaslMechanismError):
        raise BadSetting(f"VERTIKAL_KAFKA_MECHANISM: Kafka does not know {kafka.mechanism}: {failure}") from failure
    if isinstance(failure, SaslAuthenticationFailedError):
        raise BadSetting(f"VERTIKAL_KAFKA_PASSWORD: Kafka does not admit {kafka.user}: {failure}") from failure


def _trusted(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # which ssl's own errors are, too
        raise BadSetting(f"VERTIKAL_KAFKA_CA: {ca} holds no certificates that can be read: {error}") from error


def _password(given: str) -> str:
    if not Path(given).is_absolute():
        return given
    try:
        return Path(given).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadSetting(
            f"VERTIKAL_KAFKA_PASSWORD: it begins with / and is taken for a file, which cannot be read: {why}"
        ) from None


def _before_the_end(read: Callable[[Any], tuple[bytes, Any]]) -> Callable[[Any], tuple[bytes, Any]]:
    """Reads that leave the end of a connection to the next one where anything came before it.

    The client itself drops what comes together with the end, and so does Kafka say that a password is wrong.
    """

    def reading(transport: Any) -> tuple[bytes, Any]:
        data, error = read(transport)
        return data, None if data else error

    return reading


for _transport in (KafkaTCPTransport, KafkaSSLTransport):
    _transport._sock_recv = _before_the_end(_transport._sock_recv)


def _message(record: Any) -> Message:
    return Message(
        record.topic,
        record.partition,
        record.offset,
        -1 if record.leader_epoch is None else record.leader_epoch,
        record.timestamp,
        record.key,
        record.value,
        tuple(record.headers),
    )
