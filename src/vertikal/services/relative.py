"""An indicator of each unit relative to the best of them, which is 100."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ..projections.book import Opened
from ..projections.figures import UNITS
from ..projections.questions import Question
from ..rules import relative
from . import queries
from .queries import Errors
from .refusals import Refusal
from .rules import Chosen

VERSION = relative.VERSIONS[-1]


def ask(ledger: Opened, given: Mapping[str, str | None], today: str) -> Question:
    """The question that request parameters ask. Raises ``Refusal`` naming every parameter that is wrong."""
    errors: Errors = {}
    if given.get("by") not in UNITS:
        errors["by"] = [f"укажите, кого сравнить: {', '.join(UNITS)}"]
    question = queries.ask(ledger, given.get("indicator") or "", given, today, errors)
    if question.indicator.better not in relative.DIRECTIONS:
        problem = f"у показателя «{question.indicator.code}» нет лучшего значения: больше или меньше не значит лучше"
        raise Refusal(422, problem, errors={"indicator": [problem]})
    return question


def answer(ledger: Opened, question: Question) -> dict[str, Any]:
    """The rows of a figure in the shape of ``/v1/rules/relative``, each with what it is of the best."""
    figure, better = queries.answer(ledger, question), question.indicator.better
    rows = [row for row in figure["rows"] if _is_unit(ledger, question, row["key"])]
    values = {row["key"]: _value(row) for row in rows}
    scores = relative.scores(values, better, VERSION.parameters)
    kept = ("indicator", "organisation", "period", "as_of", "known_at", "unit", "incomplete")
    return {
        "rule": Chosen(VERSION, VERSION.parameters, ()).shown("relative"),
        **{name: figure[name] for name in kept},
        "by": question.by,
        "better": better,
        "best": _text(relative.best(values, better)),
        "rows": [{**row, "relative": _text(scores[row["key"]])} for row in rows],
    }


def _is_unit(ledger: Opened, question: Question, key: str) -> bool:
    """Whether a row is a unit; one under the organisation's own code may be what was reported above the units."""
    if key != question.organisation:
        return True
    node = ledger.tree(question.known_at).nodes.get(key)
    kind = node.kind if node else None
    return kind == "school" if question.by == "school" else kind != "region"


def _value(row: Mapping[str, Any]) -> Fraction | None:
    """The value of a row without rounding; a count is its own value."""
    if row["denominator"] is None:
        return Fraction(row["numerator"])
    whole = Fraction(row["denominator"])
    return Fraction(row["numerator"]) / whole if whole else None


def _text(value: Fraction | None) -> str | None:
    return None if value is None else queries.ratio(value.numerator, value.denominator)
