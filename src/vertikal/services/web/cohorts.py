"""``/v1/cohorts``: groups of schools and who belongs to them."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...contracts.fields import Choice
from ...projections import entities, membership
from ...read_models import cohorts
from ..refusals import Refusal
from .lists import Entry, ListQuery, paged
from .organisations import ClocksQuery, read_clocks
from .service import Routes, answered, opened, require_sight, wait_for

routes = Routes("cohorts", __name__, description="Группы школ")


class CohortsQuery(ListQuery):
    kind = Choice(*cohorts.KINDS, optional=True)


@routes.get("/v1/cohorts")
@routes.arguments(CohortsQuery, location="query")
@routes.doc(summary="Группы школ своего подчинения", description="С числом школ на дату as_of; kind= — вид группы.")
def get_cohorts(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        kind = query.get("kind")
        found = [each for each in entities.states(ledger, "cohorts", "", known_at) if kind in (None, each.kind)]
        shown = [(each, membership.view(ledger, each, as_of, known_at)) for each in found]
        entries = [
            Entry(each.cohort, each.owner, {name: view[name] for name in view if name != "members"})
            for each, view in shown
            if view is not None
        ]
        body = paged(ledger, query, known_at, entries)
    return answered(body, ledger, query)


@routes.get("/v1/cohorts/<code>")
@routes.arguments(ClocksQuery, location="query")
@routes.doc(summary="Группа школ", description="Школы на дату as_of: с какого дня, по какой, на каком основании.")
def get_cohort(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        cohort = membership.cohort(ledger, code, known_at)
        view = membership.view(ledger, cohort, as_of, known_at) if cohort else None
        if cohort is None or view is None:
            raise Refusal(404, f"группа школ «{code[:64]}» не найдена")
        require_sight(ledger, cohort.owner, known_at)
    return answered(view, ledger, query)
