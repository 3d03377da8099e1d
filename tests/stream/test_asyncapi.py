"""What the AsyncAPI document says of Kafka is what Kafka holds: topics, keys, headers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import jsonschema_rs
import orjson
import pytest

from tests.stream.senders import CONTENT_TYPE, Stream, messages
from tests.stream.test_relay import Published, is_event
from vertikal.contracts import publish
from vertikal.services.stream import signing, topics

DOCUMENT = publish.asyncapi()


def test_the_channels_are_the_topics() -> None:
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]
    assert addresses == [topics.INBOX, topics.REFUSED, topics.LOG]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_sent_has_the_headers_and_the_key_that_are_published(stream: Stream) -> None:
    personal = stream.staff("e2")
    personal["data"] |= {"personal": {"full_name": "Анна Примерова"}}
    stream.send(stream.staff("e1"), personal, b"{")
    stream.take(3)
    published = Published(stream.vertikal, stream.servers)
    with published.relaying():
        published.until(stream.log()[-1].position)
    relayed = [each for held in published.messages().values() for each in held]
    events, marks = [each for each in relayed if is_event(each)], [each for each in relayed if not is_event(each)]
    refused = messages(stream.servers, stream.refused)
    trait = DOCUMENT["components"]["messageTraits"]["signed"]
    sent = messages(stream.servers, stream.inbox)
    assert (len(events) > 1, len(marks) > 1, len(refused), len(sent)) == (True, True, 2, 3)
    check(trait, sent)
    check(message("recorded"), events)
    check(message("watermark"), marks)
    check(message("refused"), refused, of_sender=(CONTENT_TYPE[0], signing.HEADER))
    envelope = jsonschema_rs.validator_for(DOCUMENT["components"]["schemas"]["envelope"])
    assert all(envelope.is_valid(orjson.loads(each.value)) for each in events)
    mark = jsonschema_rs.validator_for(message("watermark")["payload"])
    assert all(mark.is_valid(orjson.loads(each.value)) for each in marks)


def message(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["components"]["messages"][name]
    return found


def check(described: dict[str, Any], found: list[Any], of_sender: Collection[str] = ()) -> None:
    """Each has all the headers that it must have, all of them together those that are described and no others."""
    schema = described["headers"]
    for each in found:
        assert set(schema["required"]) <= dict(each.headers).keys()
        assert (each.key is not None) == ("bindings" in described)
    names = {name for each in found for name, _ in each.headers}
    assert names - {*of_sender} == schema["properties"].keys() - {*of_sender}
