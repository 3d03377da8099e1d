"""Writes the published JSON Schemas and the AsyncAPI document: ``python -m vertikal.contracts.publish``.

A published version is never edited. ``breaking`` tells additive changes (new optional fields) from all others; a test
runs it over every revision that the repository holds of every published schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .catalogue import CATALOGUE
from .contract import Contract
from .envelope import Envelope
from .schemas import published_schema, record_schema

FOLDER = Path(__file__).parent / "published"
CHANNEL = "vertikal.inbox"


def documents() -> dict[str, dict[str, Any]]:
    """Every published document by its file name."""
    found = {f"{contract.type}.{contract.version}.json": published_schema(contract) for contract in CATALOGUE.contracts}
    return {**found, "asyncapi.json": asyncapi()}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: one channel, one message per contract."""
    contracts = CATALOGUE.contracts
    names = [f"{contract.type}.{contract.version}" for contract in contracts]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Vertikal", "version": "1", "description": "События о поддержке школ (CloudEvents 1.0)"},
        "channels": {
            "inbox": {
                "address": CHANNEL,
                "description": "События муниципальных систем; тот же состав принимает POST /v1/events",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
            }
        },
        "operations": {"receive": {"action": "receive", "channel": {"$ref": "#/channels/inbox"}}},
        "components": {
            "schemas": {"envelope": record_schema(Envelope)},
            "messages": {name: _message(contract) for name, contract in zip(names, contracts, strict=True)},
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
        "contentType": "application/cloudevents+json",
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
