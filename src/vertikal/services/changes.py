"""What changed a figure between two moments of knowledge: the question, and its answer event by event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..projections import figures, provenance
from ..projections.book import Opened
from ..projections.questions import Question
from . import queries
from .queries import Errors

CURSOR_LENGTH = 5


@dataclass(frozen=True)
class Window:
    """The question as known at the end of the window, and the position that the window begins behind."""

    question: Question
    known_from: int


def ask(ledger: Opened, code: str, given: Mapping[str, str | None], today: str) -> Window:
    """The window that request parameters ask for. Raises ``Refusal`` naming every parameter that is wrong."""
    errors: Errors = {}
    known_to = queries.read(errors, "known_to", lambda: queries.read_known_at(ledger, given.get("known_to")))
    known_from = queries.read(errors, "known_from", lambda: _read_start(ledger, given.get("known_from")))
    if known_from is not None and known_to is not None and known_from > known_to:
        errors["known_from"] = [f"начало позже конца: позиция {known_from} больше {known_to}"]
    question = queries.ask(ledger, code, {**given, "known_at": str(known_to or 0)}, today, errors)
    return Window(question, known_from or 0)


def answer(ledger: Opened, window: Window, cursor: str | None, limit: int) -> dict[str, Any]:
    """A page of changes in the shape of ``/v1/indicators/{code}/changes``, between the figures that they lead from
    and to."""
    after = queries.read_cursor(cursor, CURSOR_LENGTH)
    items, following = provenance.changes(ledger, window.question, window.known_from, after, limit)
    return {
        "items": [queries.posting(window.question.indicator, item) for item in items],
        "next": queries.write_cursor(following),
        "from": _standing(ledger, replace(window.question, known_at=window.known_from)),
        "to": _standing(ledger, window.question),
    }


def _read_start(ledger: Opened, text: str | None) -> int:
    if not text:
        raise ValueError("укажите начало: позицию журнала или время по RFC 3339")
    return queries.read_known_at(ledger, text)


def _standing(ledger: Opened, question: Question) -> dict[str, Any]:
    """The figure as known at a moment."""
    found = figures.figure(ledger, question)
    return {
        **queries.known_at(ledger, question.known_at),
        **queries.amounts(question.indicator, found),
    }
