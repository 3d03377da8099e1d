"""``/v1/reporting``: which reports were expected, which came, and who is silent."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...projections.reporting import awaited, view
from .events import QueryFlag
from .lists import Entry, ListQuery, paged
from .organisations import read_clocks
from .service import Routes, answered, opened, party, service, wait_for

routes = Routes("reporting", __name__, description="Отчётность")


class ReportingQuery(ListQuery):
    silent = QueryFlag(optional=True)


@routes.get("/v1/reporting")
@routes.arguments(ReportingQuery, location="query")
@routes.doc(
    summary="Ожидаемая отчётность своего подчинения",
    description="Отчёты со сроком не позже as_of: получены ли, в срок ли. silent=true — только те, кто молчит.",
)
def get_reporting(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        reader, today, tree = party(), service().settings.today(), ledger.tree(known_at)
        due = awaited(ledger, as_of, known_at, lambda code: reader.covers(tree, code, today))
        shown = [each for each in due if each.silent or not query.get("silent", False)]
        body = paged(ledger, query, known_at, [Entry(each.key, each.organisation, view(each, as_of)) for each in shown])
    return answered(body, ledger, query)
