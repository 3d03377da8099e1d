"""``/v1/competences``: assessments of competences, a number of people each."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...contracts.fields import Choice
from ...contracts.teachers import KINDS
from ...projections import entities
from ...read_models.teachers import competences_view
from .lists import Entry, ListQuery, paged
from .organisations import read_clocks
from .service import Routes, answered, opened, wait_for

routes = Routes("competences", __name__, description="Оценка компетенций")


class CompetencesQuery(ListQuery):
    kind = Choice(*KINDS, optional=True)


@routes.get("/v1/competences")
@routes.arguments(CompetencesQuery, location="query")
@routes.doc(
    summary="Оценки компетенций своего подчинения",
    description="Сколько человек, когда и с какими дефицитами; без псевдонимов. kind= — вид компетенций.",
)
def get_competences(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        kind = query.get("kind")
        shown = (competences_view(each, as_of) for each in entities.states(ledger, "competences", "", known_at))
        entries = [
            Entry(each["assessment"], each["organisation"], each)
            for each in shown
            if each is not None and kind in (None, each["kind"])
        ]
        body = paged(ledger, query, known_at, entries)
    return answered(body, ledger, query)
