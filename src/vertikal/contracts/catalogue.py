"""Every contract by type and version: checking an event, explaining what is wrong with it, bringing it up to date."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs
from marshmallow import Schema, ValidationError

from . import assessments, cohorts, cycles, organisations, reporting, roadmaps, staff, support, teachers
from .contract import Contract, walk
from .envelope import Envelope
from .schemas import event_schema

Errors = dict[str, list[str]]
NESTING_MAX = 32


@dataclass(frozen=True)
class _Compiled:
    contract: Contract

    @cached_property
    def is_valid(self) -> Callable[[Any], bool]:
        """Compiled when first asked: all contracts together take a quarter of a second, and most commands ask few."""
        return jsonschema_rs.validator_for(event_schema(self.contract), validate_formats=True).is_valid


class Catalogue:
    """The contracts of one release. ``check`` is the door: after it, an event is plain data."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self.contracts = tuple(contracts)
        self._compiled: dict[str, dict[int, _Compiled]] = {}
        for contract in self.contracts:
            self._compiled.setdefault(contract.type, {})[contract.version] = _Compiled(contract)
        self.newest = {type_: versions[max(versions)].contract for type_, versions in self._compiled.items()}

    def find(self, type_: str, version: int | None = None) -> Contract | None:
        """The contract of a type, the newest where no version is named."""
        versions = self._compiled.get(type_, {})
        found = versions.get(max(versions) if version is None and versions else version or 0)
        return found.contract if found else None

    def check(self, event: Any) -> tuple[Contract | None, Errors]:
        """The contract that an event keeps, or every reason why it keeps none, by field path, in Russian.

        The compiled schema may only say yes; whatever it does not pass, marshmallow explains (and decides).
        """
        compiled = self._resolve(event)
        if compiled is not None and compiled.is_valid(event) and not _has_float(event):
            errors = _broken_rules(compiled.contract, event, {})
        else:
            errors = self._explain(event, compiled)
        return (None, errors) if errors or compiled is None else (compiled.contract, {})

    def upcast(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """The event with its data in the newest version of its type: what read models are written against."""
        newest = self.newest[event["type"]]
        if event["dataschema"] == newest.path:
            return event
        data, version = event["data"], int(event["dataschema"].rpartition("/")[2])
        for step in range(version + 1, newest.version + 1):
            upcast = self._compiled[newest.type][step].contract.upcast
            if upcast is not None:
                data = upcast(data)
        return {**event, "dataschema": newest.path, "data": data}

    def _resolve(self, event: Any) -> _Compiled | None:
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            return None
        versions = self._compiled.get(event["type"])
        if versions is None:
            return None
        if "dataschema" not in event:
            return versions[max(versions)]
        path = event["dataschema"]
        return next((compiled for compiled in versions.values() if compiled.contract.path == path), None)

    def _explain(self, event: Any, compiled: _Compiled | None) -> Errors:
        if _deeper_than(event, NESTING_MAX):
            return {"": [f"вложенность больше {NESTING_MAX} уровней"]}
        if not isinstance(event, dict):
            return {"": [f"событие должно быть объектом JSON{_shown(event)}"]}
        errors = _schema_errors(Envelope, event, "")
        if compiled is None:
            for path, message in self._unresolved(event, errors):
                errors.setdefault(path, []).append(message)
        elif isinstance(event.get("data"), dict):
            errors |= _schema_errors(compiled.contract.schema, event["data"], "data")
            errors |= _broken_rules(compiled.contract, event, errors)
        elif "data" in event:
            errors["data"] = [f"ожидался объект{_shown(event['data'])}"]
        return errors

    def _unresolved(self, event: dict[str, Any], errors: Errors) -> Iterator[tuple[str, str]]:
        type_ = event.get("type")
        if "type" not in errors and type_ not in self._compiled:
            yield "type", f"неизвестный тип события{_shown(type_)}"
        elif "type" not in errors and "dataschema" not in errors:
            known = ", ".join(compiled.contract.path for compiled in self._compiled[str(type_)].values())
            yield "dataschema", f"неизвестная версия, опубликованы: {known}{_shown(event.get('dataschema'))}"


def _schema_errors(schema: type[Schema], value: Mapping[str, Any], root: str) -> Errors:
    try:
        schema().load(value)
    except ValidationError as error:
        return {
            path: [f"{message}{_shown(found)}" for message in messages]
            for path, messages, found in _flat(error.messages, value, root)
        }
    return {}


def _flat(messages: Any, value: Any, path: str) -> Iterator[tuple[str, list[str], Any]]:
    if isinstance(messages, list):
        yield path, [str(message) for message in messages], value
        return
    for key, inner in messages.items():
        if key == "_schema":
            yield from _flat(inner, value, path)
        elif isinstance(value, list):
            yield from _flat(inner, value[key], f"{path}[{key}]")
        else:
            found = value.get(key, _ABSENT) if isinstance(value, dict) else _ABSENT
            yield from _flat(inner, found, f"{path}.{key}" if path else str(key))


def _broken_rules(contract: Contract, event: Mapping[str, Any], errors: Errors) -> Errors:
    data = event["data"]
    found: Errors = {}
    at_fault = {path.removeprefix("data.").partition(".")[0].partition("[")[0] for path in errors}
    for rule in contract.rules:
        if at_fault.isdisjoint(rule.fields) and rule.broken(data):
            value = next((value for _, value in walk(data, rule.at)), _ABSENT)
            found.setdefault(f"data.{rule.at}", []).append(rule.message + _shown(value))
    subject = contract.subject
    if subject is not None and at_fault.isdisjoint(("subject", subject)) and event.get("subject") != data[subject]:
        message = f"должно совпадать с data.{subject} («{data[subject]}»){_shown(event.get('subject'))}"
        found.setdefault("subject", []).append(message)
    return found


_ABSENT = object()


def _shown(value: Any) -> str:
    """The offending value as it was sent, short enough to be read."""
    if value is _ABSENT:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f" (получено: «{text[:80]}{'…' if len(text) > 80 else ''}»)"


def _has_float(value: Any) -> bool:
    """Whether a number with a fraction hides in an event: JSON Schema takes 72.0 for an integer, contracts do not."""
    for inner in value.values() if type(value) is dict else value:
        kind = type(inner)
        if kind is float or ((kind is dict or kind is list) and _has_float(inner)):
            return True
    return False


def _deeper_than(value: Any, levels: int) -> bool:
    """Whether objects and lists nest deeper; without recursion, as the value may be an attack."""
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for item in layer
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, (dict, list))
        ]
        if not layer:
            return False
    return True


CATALOGUE = Catalogue(
    contract
    for area in (organisations, staff, cohorts, roadmaps, teachers, support, assessments, cycles, reporting)
    for contract in area.CONTRACTS
)
