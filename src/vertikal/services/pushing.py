"""Events from a file: one JSON value, a JSON list, or one event per line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import orjson

from .intake import BATCH_MAX
from .refusals import Refusal


def read_events(file: BinaryIO) -> Iterator[Any]:
    """The events of a file, lazily where it holds one per line. Raises ``Refusal`` naming the line."""
    first = next((line for line in file if line.strip()), b"")
    if not first:
        raise Refusal(400, "файл пуст")
    if first.lstrip().startswith(b"[") or not _is_json(first):
        content = _parse(first + file.read(), "файл")
        yield from content if isinstance(content, list) else [content]
        return
    yield _parse(first, "строка 1")
    for number, line in enumerate(file, 2):
        if line.strip():
            yield _parse(line, f"строка {number}")


def batches(events: Iterable[Any]) -> Iterator[list[Any]]:
    """Batches of at most 1,000."""
    rest = iter(events)
    while batch := list(islice(rest, BATCH_MAX)):
        yield batch


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _parse(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"{where}: не JSON в UTF-8 (строка {error.lineno}, столбец {error.colno})") from error
