"""One Kafka for all tests of a process; each test has topics of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.broker import Broker, kafka
from tests.conftest import Vertikal
from tests.stream.senders import Stream


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A running Kafka, the same for all tests of the session: none of them stops it."""
    with kafka() as running:
        yield running


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    """A Kafka of the test's own, to stop and to kill."""
    with kafka() as running:
        yield running


@pytest.fixture
def stream(vertical: Vertikal, broker: Broker) -> Iterator[Stream]:
    """A Vertikal that takes from topics of its own, and a school's sender."""
    made = Stream(vertical, broker.servers)
    yield made
    made.close()
