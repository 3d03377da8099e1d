"""``/v1/indicators``: the catalogue, figures and their postings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from flask import Response

from ...contracts.fields import Code, Record, Term, Text
from ...projections.figures import UNITS
from ...projections.questions import Question
from ...read_models import INDICATORS
from ...read_models.cohorts import KINDS
from ...read_models.samples import SAMPLES
from .. import changes, queries
from ..refusals import Refusal
from .log import QueryCount
from .service import Routes, answered, opened, party, require_sight, service, wait_for

routes = Routes("indicators", __name__, description="Показатели")


class Subject(Record):
    """What a question is about; what was known, and when, is asked for by those below."""

    organisation = Code()
    period = Text(optional=True, at_most=64)
    as_of = Text(optional=True, at_most=64)
    by = Term(optional=True)
    min_position = QueryCount(optional=True)
    roadmap = Term(optional=True)
    cohort = Term(optional=True)
    procedure = Term(optional=True)
    subject = Term(optional=True)
    grade = Term(optional=True)
    year = Term(optional=True)
    kind = Term(optional=True)
    level = Term(optional=True)
    origin = Term(optional=True)
    role = Term(optional=True)
    significance = Term(optional=True)
    type = Term(optional=True)


class FigureQuery(Subject):
    known_at = Text(optional=True, at_most=64)


class PostingsQuery(FigureQuery):
    limit = QueryCount(optional=True, at_least=1, at_most=1_000)
    cursor = Text(optional=True, at_most=400)


class ChangesQuery(Subject):
    known_from = Text(at_most=64)
    known_to = Text(optional=True, at_most=64)
    limit = QueryCount(optional=True, at_least=1, at_most=1_000)
    cursor = Text(optional=True, at_most=400)


@routes.get("/v1/indicators")
@routes.doc(summary="Каталог показателей")
def get_indicators() -> Response:
    party()
    items = [
        {
            "code": indicator.code,
            "title": indicator.title,
            "title_en": indicator.title_en,
            "numerator": [part.measure.name for part in indicator.numerator],
            "denominator": [part.measure.name for part in indicator.denominator],
            "unit": indicator.unit,
            "better": indicator.better,
            "growth": indicator.growth,
            "levels": indicator.levels,
            "by": queries.breakdowns(indicator),
            "source": indicator.source,
            **({"sample": asdict(SAMPLES)} if indicator.of_participants else {}),
        }
        for indicator in INDICATORS.values()
    ]
    return _json({"items": items, "next": None})


@routes.get("/v1/indicators/<code>")
@routes.arguments(FigureQuery, location="query")
@routes.doc(
    summary="Значение показателя",
    description="Числитель, знаменатель и значение на дату as_of по сведениям на known_at; by= — разбивка.",
)
def get_indicator(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        question = queries.ask(ledger, code, query, service().settings.today())
        own = require_sight(ledger, question.organisation, question.known_at, aggregates=True)
        _require_own_rows(question, own)
        body = queries.answer(ledger, question, hide_small=not own)
    return answered(body, ledger, query)


@routes.get("/v1/indicators/<code>/postings")
@routes.arguments(PostingsQuery, location="query")
@routes.doc(
    summary="Из чего складывается показатель",
    description="Проводки с событиями; их суммы равны числителю и знаменателю.",
)
def get_postings(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        question = queries.ask(ledger, code, query, service().settings.today())
        require_sight(ledger, question.organisation, question.known_at)
        body = queries.provenance(ledger, question, query.get("cursor"), query.get("limit", 100))
    return answered(body, ledger, query)


@routes.get("/v1/indicators/<code>/changes")
@routes.arguments(ChangesQuery, location="query")
@routes.doc(
    summary="Что изменило показатель между двумя моментами",
    description="События с позициями после known_from и до known_to; их суммы равны разности двух значений.",
)
def get_changes(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        window = changes.ask(ledger, code, query, service().settings.today())
        require_sight(ledger, window.question.organisation, window.question.known_at)
        body = changes.answer(ledger, window, query.get("cursor"), query.get("limit", 100))
    return answered(body, ledger, query)


def _require_own_rows(question: Question, own: bool) -> None:
    if not own and (question.by in (*UNITS, *KINDS) or queries.COHORT in question.only):
        raise Refusal(403, "строки других организаций недоступны: по вышестоящей организации доступны только итоги")


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body), mimetype="application/json")
