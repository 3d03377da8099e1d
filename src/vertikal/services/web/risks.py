"""``/v1/risks``: the risk profiles of schools."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...contracts.cohorts import SIGNIFICANCES
from ...contracts.fields import Choice, Term
from ...projections import entities
from ...read_models import risks
from .lists import Entry, ListQuery, paged
from .organisations import read_clocks
from .service import Routes, answered, opened, wait_for

routes = Routes("risks", __name__, description="Рисковые профили школ")


class RisksQuery(ListQuery):
    factor = Term(optional=True)
    significance = Choice(*SIGNIFICANCES, optional=True)
    activated = Choice("true", "false", optional=True)


@routes.get("/v1/risks")
@routes.arguments(RisksQuery, location="query")
@routes.doc(
    summary="Рисковые профили школ своего подчинения",
    description="Последняя оценка каждого фактора на дату as_of; factor, significance и activated сужают до факторов.",
)
def get_risks(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        nodes = ledger.tree(known_at).nodes
        entries = []
        for each in entities.states(ledger, "risks", "", known_at):
            ended = nodes[each.school].ended if each.school in nodes else None
            found = [factor for factor in risks.view(each, as_of) if _is_asked(factor, query)]
            if found and (ended is None or as_of < ended):
                entries.append(Entry(each.school, each.school, {"school": each.school, "factors": found}))
        body = paged(ledger, query, known_at, entries)
    return answered(body, ledger, query)


def _is_asked(factor: dict[str, Any], query: dict[str, Any]) -> bool:
    """Whether a factor is one that the filters let through; it may be called by its code or by its title."""
    return (
        query.get("factor") in (None, factor["factor"], factor["title"])
        and query.get("significance") in (None, factor["significance"])
        and query.get("activated") in (None, str(factor["activated"]).lower())
    )
