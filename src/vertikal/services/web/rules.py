"""``/v1/rules``: schools with low results, signs of biased marking, units against the best."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from ...contracts.fields import Code, Record, Term, Text
from .. import bias, relative, rules, shnor
from .indicators import FigureQuery
from .log import QueryCount
from .service import Routes, answered, opened, party, require_sight, service, wait_for

routes = Routes("rules", __name__, description="Правила")


class RuleQuery(Record):
    organisation = Code()
    year = Text(at_most=64)
    as_of = Text(optional=True, at_most=64)
    known_at = Text(optional=True, at_most=64)
    min_position = QueryCount(optional=True)
    limit = QueryCount(optional=True, at_least=1, at_most=1_000)
    cursor = Text(optional=True, at_most=400)


class ShnorQuery(RuleQuery):
    known_from = Text(optional=True, at_most=64)
    threshold = Term(optional=True)
    comparator = Term(optional=True)
    min_procedures = Term(optional=True)
    consecutive_years = Term(optional=True)
    combine = Term(optional=True)
    margin = Term(optional=True)


class BiasQuery(RuleQuery):
    procedure = Term(optional=True)
    low_under = Term(optional=True)
    good_above = Term(optional=True)
    least = Term(optional=True)


class RelativeQuery(FigureQuery):
    indicator = Term()
    by = Term()


@routes.get("/v1/rules")
@routes.doc(summary="Правила", description="Версии правил: учебные годы, параметры, источник.")
def get_rules() -> Response:
    party()
    return Response(orjson.dumps({"items": rules.catalogue(), "next": None}), mimetype="application/json")


@routes.get("/v1/rules/shnor")
@routes.arguments(ShnorQuery, location="query")
@routes.doc(
    summary="Школы с низкими результатами",
    description="Оба прочтения правила для каждой школы и процедуры, на которых они стоят. Параметры правила можно "
    "заменить (что, если). known_from= — что изменилось с того момента и из-за каких событий.",
)
def get_shnor(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        question = shnor.ask(ledger, query, service().settings.today())
        require_sight(ledger, question.subject.organisation, question.subject.known_at)
        body = shnor.answer(ledger, question, query.get("cursor"), query.get("limit", rules.PAGE))
    return answered(body, ledger, query)


@routes.get("/v1/rules/bias")
@routes.arguments(BiasQuery, location="query")
@routes.doc(
    summary="Признаки необъективного оценивания",
    description="Доли школы рядом с долями региона по тому же предмету и классу. Учителя не сравниваются.",
)
def get_bias(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        question = bias.ask(ledger, query, service().settings.today())
        require_sight(ledger, question.subject.organisation, question.subject.known_at)
        own = require_sight(ledger, question.region, question.subject.known_at, aggregates=True)
        page = (query.get("cursor"), query.get("limit", rules.PAGE))
        body = bias.answer(ledger, question, *page, hide_small=not own)
    return answered(body, ledger, query)


@routes.get("/v1/rules/relative")
@routes.arguments(RelativeQuery, location="query")
@routes.doc(
    summary="Показатель относительно лучшего",
    description="Лучшее значение среди муниципалитетов или школ (by=) принимается за 100; null — нет данных.",
)
def get_relative(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        question = relative.ask(ledger, query, service().settings.today())
        require_sight(ledger, question.organisation, question.known_at)
        body = relative.answer(ledger, question)
    return answered(body, ledger, query)
