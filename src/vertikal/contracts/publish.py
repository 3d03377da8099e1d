"""Writes the published JSON Schemas and the AsyncAPI document: ``python -m vertikal.contracts.publish``.

A published version is never edited. ``breaking`` tells additive changes (new optional fields) from all others; a test
runs it over every revision that the repository holds of every published schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .catalogue import CATALOGUE
from .contract import Contract
from .envelope import Envelope
from .schemas import published_schema, record_schema

FOLDER = Path(__file__).parent / "published"
STRUCTURED = "application/cloudevents+json"


def documents() -> dict[str, dict[str, Any]]:
    """Every published document by its file name."""
    found = {f"{contract.type}.{contract.version}.json": published_schema(contract) for contract in CATALOGUE.contracts}
    return {**found, "asyncapi.json": asyncapi()}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: three channels of Kafka, and one message per contract in the first."""
    sent = {f"{contract.type}.{contract.version}": _message(contract) for contract in CATALOGUE.contracts}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Vertikal", "version": "1", "description": "События о поддержке школ (CloudEvents 1.0)"},
        "channels": {
            "inbox": _channel(
                "vertikal.inbox",
                "События муниципальных систем: как для POST /v1/events, но без personal",
                sent,
            ),
            "refused": _channel("vertikal.refused", "Отклонённые сообщения: как пришли, с причинами", ("refused",)),
            "log": _channel("vertikal.log", "Журнал по порядку, не менее одного раза", ("recorded", "watermark")),
        },
        "operations": {
            "receive": {"action": "receive", "channel": {"$ref": "#/channels/inbox"}},
            "refuse": {"action": "send", "channel": {"$ref": "#/channels/refused"}},
            "relay": {"action": "send", "channel": {"$ref": "#/channels/log"}},
        },
        "components": {
            "schemas": {"envelope": record_schema(Envelope)},
            "messages": {**sent, **_OUTGOING},
            "messageTraits": {"signed": _SIGNED},
        },
    }


def _channel(address: str, description: str, messages: Iterable[str]) -> dict[str, Any]:
    named = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {"address": address, "description": description, "messages": named}


def _headers(required: Mapping[str, str], optional: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The headers of a message by name, each with what it says; all are text in UTF-8."""
    described = {**required, **(optional or {})}
    properties = {name: {"type": "string", "description": text} for name, text in described.items()}
    return {"type": "object", "properties": properties, "required": sorted(required)}


def _key(description: str) -> dict[str, Any]:
    return {"kafka": {"key": {"type": "string", "description": description}}}


_SIGNED = {
    "headers": _headers(
        {"vertikal-signature": "НОМЕР:ПОДПИСЬ — номер токена и HMAC-SHA256 в base64"},
        {"content-type": f"{STRUCTURED}; при атрибутах в заголовках ce_… — application/json"},
    ),
    "bindings": _key("код организации; порядок соблюдается среди сообщений с одним ключом"),
}
_OUTGOING: dict[str, dict[str, Any]] = {
    "refused": {
        "title": "Отклонённое сообщение",
        "summary": "Содержание, ключ и заголовки — отправителя",
        "headers": _headers(
            {
                "refused-id": "номер отклонённого сообщения",
                "refused-status": "rejected или conflict",
                "refused-reasons": "JSON: причины по полям",
                "refused-topic": "откуда оно",
                "refused-partition": "откуда оно",
                "refused-offset": "откуда оно",
                "refused-refused-at": "когда отклонено",
            },
            {"refused-cut": "personal: персональные данные вырезаны; size: сообщение слишком велико и не приводится"},
        ),
        "bindings": _key("как у отправителя"),
    },
    "recorded": {
        "title": "Событие журнала",
        "contentType": STRUCTURED,
        "headers": _headers(
            {"content-type": STRUCTURED, "position": "позиция в журнале", "recorded_at": "когда записано"}
        ),
        "bindings": _key("муниципалитет, к которому относится событие"),
        "payload": {"$ref": "#/components/schemas/envelope"},
    },
    "watermark": {
        "title": "Отметка: все события до этой позиции в этот раздел уже отправлены",
        "summary": "Без ключа, в каждый раздел",
        "contentType": "application/json",
        "headers": _headers({"watermark": "1"}),
        "payload": {"type": "object", "properties": {"watermark": {"type": "integer"}}, "required": ["watermark"]},
    },
}


def breaking(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """What a sender of the old schema would notice: everything but new optional fields and other descriptions."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new:
            yield f"{path}: {old!r} → {new!r}"
        return
    described = {"title", "description", "x-senders", "x-rules"}
    for key in sorted((old.keys() | new.keys()) - described):
        inner = f"{path}/{key}"
        if key == "properties":
            gone = old.get(key, {}).keys() - new.get(key, {}).keys()
            yield from (f"{inner}/{name}: removed" for name in sorted(gone))
            for name in sorted(old.get(key, {}).keys() & new.get(key, {}).keys()):
                yield from breaking(old[key][name], new[key][name], f"{inner}/{name}")
        elif key not in old or key not in new:
            yield f"{inner}: {'added' if key in new else 'removed'}"
        else:
            yield from breaking(old[key], new[key], inner)


def _message(contract: Contract) -> dict[str, Any]:
    return {
        "name": contract.type,
        "title": contract.title,
        "contentType": STRUCTURED,
        "traits": [{"$ref": "#/components/messageTraits/signed"}],
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/envelope"},
                {
                    "properties": {
                        "type": {"const": contract.type},
                        "dataschema": {"const": contract.path},
                        "data": record_schema(contract.schema),
                    }
                },
            ]
        },
    }


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, document in documents().items():
        text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
        (FOLDER / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
