"""Questions and answers: what the API and the command line both ask of the ledger."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from ..events import log
from ..projections import figures, periods
from ..projections import provenance as origins
from ..projections.book import Opened
from ..projections.figures import UNITS, Figure
from ..projections.indicators import INDICATORS, Indicator, Unanswerable
from ..projections.organisations import Tree
from ..projections.provenance import Posting
from ..projections.questions import Question
from . import moments
from .refusals import Refusal

T = TypeVar("T")
Errors = dict[str, list[str]]

FILTERS = ("roadmap", "cohort", "procedure", "subject", "grade", "kind", "origin", "role")
SMALL = 5
ORIGINS = {"people": "по людям", "reported": "числом, без имён"}


def ask(
    ledger: Opened, code: str, given: Mapping[str, str | None], today: str, wrong: Errors | None = None
) -> Question:
    """The question that request parameters ask.

    Raises ``Refusal`` naming every parameter that is wrong, those that were found ``wrong`` before among them.
    """
    indicator = INDICATORS.get(code)
    if indicator is None:
        raise Refusal(404, f"показатель «{code[:60]}» неизвестен; известны: {', '.join(INDICATORS)}")
    errors: Errors = {**(wrong or {})}
    period = read(errors, "period", lambda: periods.parse(given.get("period")))
    as_of = read(errors, "as_of", lambda: periods.parse_date(given.get("as_of") or today))
    known_at = read(errors, "known_at", lambda: read_known_at(ledger, given.get("known_at")))
    by = given.get("by") or None
    if by is not None and by not in (*UNITS, *indicator.dimensions):
        errors["by"] = [f"разбивка «{by[:60]}» невозможна; возможны: {', '.join((*UNITS, *indicator.dimensions))}"]
    only = {name: value for name in FILTERS if (value := given.get(name))}
    for name in only.keys() - set(indicator.dimensions):
        errors[name] = [f"показатель «{code}» не делится по «{name}»; делится по: {', '.join(indicator.dimensions)}"]
    organisation = given.get("organisation")
    if not organisation:
        errors["organisation"] = ["укажите код организации"]
    if errors or period is None or as_of is None or known_at is None or organisation is None:
        raise Refusal(400, "параметры запроса не приняты", errors=errors)
    if not any(organisation in ledger.tree(at).nodes for at in (ledger.position, known_at)):
        raise Refusal(404, f"организация «{organisation[:64]}» не зарегистрирована")
    question = Question(indicator, organisation, period, as_of, known_at, by, only)
    _require_meaning(question)
    return question


def answer(ledger: Opened, question: Question, *, hide_small: bool = False) -> dict[str, Any]:
    """The figure in the shape of ``/v1/indicators/{code}``."""
    indicator, tree = question.indicator, ledger.tree(question.known_at)
    amounts = _amounts(indicator, figures.figure(ledger, question), hide_small)
    found: dict[str, Any] = {
        "indicator": indicator.code,
        "organisation": question.organisation,
        "period": question.period.label,
        "as_of": question.as_of,
        "known_at": known_at(ledger, question.known_at),
        **amounts,
        "unit": indicator.unit,
        "incomplete": figures.incomplete(ledger, question.organisation, tree),
    }
    if question.by is not None:
        rows = figures.rows(ledger, question, tree)
        found["rows"] = [_row(question, row, tree, hide_small) for row in rows]
    return {**found, **_growth(ledger, question, amounts["value"], hide_small)}


def provenance(ledger: Opened, question: Question, cursor: str | None, limit: int) -> dict[str, Any]:
    """The postings of a figure in the shape of ``/v1/indicators/{code}/postings``."""
    items, after = origins.provenance(ledger, question, read_cursor(cursor, 6), limit)
    return {"items": [posting(item) for item in items], "next": write_cursor(after)}


def known_at(ledger: Opened, position: int) -> dict[str, Any]:
    return {"position": position, "time": log.recorded_at(ledger.connection, position)}


def read_known_at(ledger: Opened, text: str | None) -> int:
    """A position of the log from a position or an RFC 3339 time. Raises ``ValueError`` in Russian."""
    held = ledger.position
    if not text:
        return held
    position = moments.position(ledger.connection, ledger.head, text)
    if position > held:
        raise Refusal(
            503, f"позиция {position} ещё не учтена в показателях, учтено {held}", headers={"Retry-After": "1"}
        )
    return position


def read_cursor(text: str | None, length: int) -> list[int] | None:
    """The numbers that a cursor carries. Raises a 400."""
    if not text:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error):
        values = None
    numbers = [value for value in values if type(value) is int] if isinstance(values, list) else []
    if len(numbers) != length or not all(0 <= number <= log.POSITION_MAX for number in numbers):
        raise Refusal(400, "параметры запроса не приняты", errors={"cursor": ["курсор не распознан"]})
    return numbers


def write_cursor(values: list[int] | None) -> str | None:
    return None if values is None else base64.urlsafe_b64encode(orjson.dumps(values)).decode()


def ratio(numerator: int, denominator: int | None) -> str | None:
    """A plain ratio as a decimal string of up to six places; None where there is nothing to divide by."""
    return None if not denominator else _plain(Decimal(numerator) / Decimal(denominator))


def read(errors: Errors, name: str, parse: Callable[[], T]) -> T | None:
    """What a parameter says, or None and a note of what is wrong with it."""
    try:
        return parse()
    except ValueError as error:
        errors[name] = [str(error)]
        return None


def _require_meaning(question: Question) -> None:
    try:
        for part in (*question.indicator.numerator, *question.indicator.denominator):
            part.reading(question.period, question.as_of)
    except Unanswerable as error:
        raise Refusal(422, str(error), errors={"period": [str(error)]}) from error


def _growth(ledger: Opened, question: Question, now: str | None, hide_small: bool) -> dict[str, Any]:
    """The period before and the growth since then; neither tells a value that is hidden."""
    period = question.period.previous()
    if period is None:
        return {"previous": None, "growth": None}
    before = figures.figure(ledger, replace(question, period=period))
    amounts = _amounts(question.indicator, before, hide_small)
    both = amounts["value"] is not None and now is not None
    growth = _plain(Decimal(str(now)) - Decimal(amounts["value"])) if both else None
    return {"previous": {"period": period.label, **amounts}, "growth": growth}


def _amounts(indicator: Indicator, figure: Figure, hide_small: bool) -> dict[str, Any]:
    if hide_small and indicator.people and 0 < figure.numerator < SMALL:
        return {"numerator": None, "denominator": None, "value": None}
    denominator = figure.denominator
    return {
        "numerator": figure.numerator,
        "denominator": denominator,
        "value": ratio(figure.numerator, denominator),
    }


def _row(question: Question, row: Figure, tree: Tree, hide_small: bool) -> dict[str, Any]:
    node = tree.nodes.get(row.key) if question.by in UNITS else None
    name = node.name(question.as_of) if node else ORIGINS.get(row.key, row.key)
    return {"key": row.key, "name": name, **_amounts(question.indicator, row, hide_small)}


def posting(posting: Posting) -> dict[str, Any]:
    return {
        "event_id": posting.event_id,
        "position": posting.position,
        "type": posting.type,
        "source": posting.source,
        "organisation": posting.organisation,
        "date": posting.date,
        "side": posting.side,
        "delta": posting.amount,
        "dimensions": posting.dimensions,
    }


def _plain(value: Decimal) -> str:
    text = f"{value.quantize(Decimal('0.000001')):f}"
    text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
