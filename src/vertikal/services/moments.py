"""Moments of knowledge as people give them: a position of the log, or an RFC 3339 time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import Connection

from ..contracts.fields import MOMENT_PATTERN
from ..events import log


def position(connection: Connection, head: int, text: str) -> int:
    """The position that a moment means: for a time, the last one recorded at or before it.

    Raises ``ValueError`` in Russian for what cannot be read and for what lies beyond the head or in the future.
    """
    if not (text.isascii() and text.isdigit()):
        return log.position_at(connection, log.timestamp(_time(text)))
    found = int(text[:19])
    if found > head:
        raise ValueError(f"позиция {found} дальше конца журнала ({head})")
    return found


def _time(text: str) -> datetime:
    """A time; a ``+`` that arrived as a space (an unescaped query) is understood."""
    moment = text.replace(" ", "+")
    try:
        time = datetime.fromisoformat(moment if re.fullmatch(MOMENT_PATTERN, moment) else "")
    except ValueError:
        problem = f"«{text[:60]}» не распознано: ожидается позиция журнала или время по RFC 3339"
        raise ValueError(problem) from None
    if time > datetime.now(UTC):
        raise ValueError(f"время {text[:60]} ещё не наступило")
    return time
