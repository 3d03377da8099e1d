"""The relay to a real Kafka, on both databases: the log in order per municipality, no gaps, whoever is killed."""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from uuid import uuid4

import orjson
import pytest

from tests.broker import Broker
from tests.conftest import Vertikal
from tests.stream.processes import process
from tests.stream.senders import following, make_topics, messages, wait
from vertikal.events import log
from vertikal.events.database import connect, reading, writing
from vertikal.services.settings import Kafka
from vertikal.services.stream import relay as relays
from vertikal.services.stream.election import elected
from vertikal.services.stream.offsets import Fenced
from vertikal.services.stream.relay import Relay
from vertikal.services.stream.tables import relay as table

PARTITIONS = 3


@dataclass
class Published:
    """A Vertikal whose log is relayed to a topic of its own."""

    vertikal: Vertikal
    servers: str
    topic: str = field(default_factory=lambda: f"log-{uuid4().hex}")
    spoken: Kafka | None = None  # how the relay speaks to Kafka, if not in the clear

    def __post_init__(self) -> None:
        make_topics(self.servers, self.topic, partitions=PARTITIONS)

    @property
    def url(self) -> str:
        return self.vertikal.settings.database_url

    def relay(self) -> Relay:
        return Relay(
            connect(self.url, "projector"), self.vertikal.clock, self.spoken or Kafka(self.servers), self.topic
        )

    @contextmanager
    def relaying(self) -> Iterator[None]:
        with following(self.relay().follow):
            yield

    def staff(self, count: int) -> int:
        """Staff reports of three schools; the last position."""
        for school in ("s1", "s3", "s9"):
            data = {"organisation": school, "on": "2020-09-01", "managers": 1}
            events = [
                self.vertikal.event("staff.reported", school, {**data, "teachers": number}) for number in range(count)
            ]
            head = self.vertikal.submit(*events).head
        return head

    def relayed(self) -> int:
        with reading(self.vertikal.engine) as connection:
            return connection.execute(table.select().with_only_columns(table.c.position)).scalar() or 0

    def until(self, position: int) -> None:
        wait(lambda: self.relayed() >= position)

    def messages(self) -> dict[int, list[Any]]:
        """What each partition holds, in order."""
        found = defaultdict(list)
        for each in messages(self.servers, self.topic, range(PARTITIONS)):
            found[each.partition].append(each)
        return found


@pytest.fixture
def published(vertical: Vertikal, broker: Broker) -> Published:
    return Published(vertical, broker.servers)


def test_every_event_is_published_once_in_the_order_of_the_log_of_its_municipality(published: Published) -> None:
    head = published.staff(20)
    with published.relaying():
        published.until(head)
    positions = {key: [position(each) for each in held] for key, held in by_key(published).items()}
    assert sorted(chain(*positions.values())) == list(range(1, head + 1))
    assert all(each == sorted(each) for each in positions.values())
    assert set(positions) == {b"obr", b"gorodets", b"chemal"}


def test_what_is_published_is_the_event_in_the_bytes_that_the_log_signs(published: Published) -> None:
    head = published.staff(1)
    with published.relaying():
        published.until(head)
    with reading(published.vertikal.engine) as connection:
        leaves = {each.position: each.leaf for each in log.read(connection, 0, 1_000)}
    for each in (message for held in by_key(published).values() for message in held):
        recorded_at = dict(each.headers)["recorded_at"].decode()
        assert relays.join(each.value, recorded_at) == leaves[position(each)]
        assert dict(each.headers)["content-type"] == b"application/cloudevents+json"


def test_a_watermark_reaches_every_partition_behind_all_its_events(published: Published) -> None:
    head = published.staff(20)
    with published.relaying():
        published.until(head)
    found = published.messages()
    assert len(found) == PARTITIONS
    for held in found.values():
        assert marked(held[-1]) == head
        for number, each in enumerate(held):
            if not is_event(each):
                assert all(position(later) > marked(each) for later in held[number:] if is_event(later))


def test_a_moved_school_goes_by_its_new_municipality_from_its_day_on(published: Published) -> None:
    vertikal = published.vertikal
    before = vertikal.send("staff.reported", "s1", staff("s1"))
    vertikal.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2020-09-01"})
    after = vertikal.send("staff.reported", "s1", staff("s1"))
    with published.relaying():
        published.until(after)
    keys = {position(each): key for key, held in by_key(published).items() for each in held}
    assert (keys[before], keys[after]) == (b"gorodets", b"chemal")


def test_a_retracted_move_brings_a_school_back_to_its_municipality(published: Published) -> None:
    vertikal = published.vertikal
    move = vertikal.event("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2020-09-01"})
    vertikal.accept(move)
    data = {"source": move["source"], "id": move["id"], "reason": "ошибка"}
    vertikal.send("event.retracted", "s1", data)
    last = vertikal.send("staff.reported", "s1", staff("s1"))
    with published.relaying():
        published.until(last)
    keys = {position(each): key for key, held in by_key(published).items() for each in held}
    assert keys[last] == b"gorodets"


def test_a_relay_goes_on_where_the_one_before_it_ended(published: Published) -> None:
    with published.relaying():
        published.until(published.staff(1))
    with published.relaying():
        published.until(head := published.staff(1))
    assert sorted(position(each) for held in by_key(published).values() for each in held) == list(range(1, head + 1))


def test_killed_at_any_instant_relays_leave_no_gap_and_no_disorder(published: Published) -> None:
    """Some events are sent twice; of each key, the first copies are in order."""
    head = published.staff(300)
    kills = 0
    while published.relayed() < head:
        with process("publish", published.url, published.servers, published.topic) as running:
            published.until(min(head, published.relayed() + 1))
            time.sleep(0.01 * (kills % 5))
            running.send_signal(signal.SIGKILL)
            kills += 1
    assert kills > 1
    complete(published, head)


def test_a_relay_that_moved_its_position_early_would_leave_gaps(published: Published) -> None:
    """The control of the above."""
    head = published.staff(50)
    with writing(published.vertikal.engine) as connection:
        before, epoch = relays.begin(connection, published.vertikal.clock())
        relays.move(connection, before, before + 30, epoch, published.vertikal.clock())  # and then it was killed
    with published.relaying():
        published.until(head)
    with pytest.raises(AssertionError):
        complete(published, head)


def test_of_several_relays_one_is_at_work_and_another_takes_over_when_it_is_killed(published: Published) -> None:
    with process("publish", published.url, published.servers, published.topic) as first:
        published.until(head := published.staff(1))
        with published.relaying():
            time.sleep(2.0)
            assert sorted(position(each) for held in by_key(published).values() for each in held) == list(
                range(1, head + 1)
            )
            first.send_signal(signal.SIGKILL)
            first.wait()
            published.until(head := published.staff(1))
    complete(published, head)


def test_one_is_elected_at_a_time(published: Published) -> None:
    other = connect(published.url)
    with elected(published.vertikal.engine) as ours, elected(other) as theirs:
        assert (ours, theirs) == (True, False)
    with elected(other) as theirs:
        assert theirs


def test_a_relay_that_was_replaced_unnoticed_moves_nothing(published: Published) -> None:
    clock = published.vertikal.clock
    with writing(published.vertikal.engine) as connection:
        position, epoch = relays.begin(connection, clock())
        relays.begin(connection, clock())
        with pytest.raises(Fenced):
            relays.move(connection, position, 1, epoch, clock())
    assert published.relayed() == 0


def staff(school: str) -> dict[str, Any]:
    return {"organisation": school, "on": "2020-09-01", "teachers": 1, "managers": 1}


def complete(published: Published, head: int) -> None:
    """Every position is there; of each key, the first copies are in order."""
    first = {key: list(dict.fromkeys(position(each) for each in held)) for key, held in by_key(published).items()}
    assert sorted(chain(*first.values())) == list(range(1, head + 1))
    assert all(each == sorted(each) for each in first.values())
    for held in published.messages().values():
        assert marked([each for each in held if not is_event(each)][-1]) == head


def by_key(published: Published) -> dict[bytes, list[Any]]:
    """The events of each key; a key lies in one partition."""
    found = defaultdict(list)
    for number, held in published.messages().items():
        for each in filter(is_event, held):
            found[each.key].append(each)
            assert each.partition == number
    return found


def is_event(message: Any) -> bool:
    return "watermark" not in dict(message.headers)


def position(message: Any) -> int:
    return int(dict(message.headers)["position"])


def marked(message: Any) -> int:
    found: int = orjson.loads(message.value)["watermark"]
    return found
