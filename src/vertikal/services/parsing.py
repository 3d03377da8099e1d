"""JSON as senders send it: read, or refused with what is wrong and where."""

from __future__ import annotations

from typing import Any

import orjson

from .refusals import Refusal

BODY = "тело запроса"


def parse(content: bytes, what: str = BODY) -> Any:
    """The JSON value in ``content``, which the errors call ``what`` (of neuter gender). Raises ``Refusal``."""
    if content.startswith(b"\xef\xbb\xbf"):
        raise Refusal(400, f"{what} начинается с метки порядка байтов (BOM): отправьте UTF-8 без неё")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, _why_unreadable(content, error, what)) from error


def _why_unreadable(content: bytes, error: orjson.JSONDecodeError, what: str) -> str:
    if not content:
        return f"{what} пусто"
    try:
        content.decode()
    except UnicodeDecodeError as encoding:
        return f"{what}: кодировка не UTF-8: байт {encoding.start}; пересохраните в UTF-8"
    if "depth limit" in str(error):
        return "вложенность JSON слишком велика: допускается 32 уровня"
    return f"{what} не является JSON: строка {error.lineno}, столбец {error.colno}"
