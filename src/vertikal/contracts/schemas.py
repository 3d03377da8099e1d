"""JSON Schemas made from the marshmallow schemas: published for senders, compiled for the fast path."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from .contract import Contract
from .envelope import Envelope
from .fields import Either

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _either(self: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    if not isinstance(field, Either):
        return {}
    return {"anyOf": [self.field2property(kind) for kind in field.kinds]}


def _written_out(_: object) -> str:
    """No name: apispec then writes a nested record where it stands instead of referring to it."""
    return ""


_plugin = MarshmallowPlugin(schema_name_resolver=_written_out)
APISpec("Vertikal", "1", openapi_version="3.1.0", plugins=[_plugin])
_converter: Any = _plugin.converter
_converter.add_attribute_function(_either)


def record_schema(schema: type[Schema]) -> dict[str, Any]:
    """The JSON Schema of one record, nested records written out."""
    converted: dict[str, Any] = _converter.schema2jsonschema(schema())
    return converted


def published_schema(contract: Contract) -> dict[str, Any]:
    """The schema of ``data`` as published under the contract's path, with what only Vertikal checks beside it."""
    return {
        "$schema": DIALECT,
        "$id": contract.path,
        "title": contract.title,
        **record_schema(contract.schema),
        "x-senders": list(contract.senders),
        "x-rules": [f"{rule.at}: {rule.message}" for rule in contract.rules],
    }


def event_schema(contract: Contract) -> dict[str, Any]:
    """The schema of a whole event of this contract: what the compiled validator checks in one call."""
    schema = record_schema(Envelope)
    schema["properties"]["data"] = record_schema(contract.schema)
    _refuse_nul(schema)
    return {"$schema": DIALECT, **schema}


def _refuse_nul(schema: Any) -> None:
    """Free text may hold any sign but U+0000, which JSON Schema lets pass."""
    if isinstance(schema, list):
        for item in schema:
            _refuse_nul(item)
    elif isinstance(schema, dict):
        if schema.get("type") == "string" and not schema.keys() & {"pattern", "enum"}:
            schema["pattern"] = "^[^\\u0000]*$"
        for inner in schema.values():
            _refuse_nul(inner)
