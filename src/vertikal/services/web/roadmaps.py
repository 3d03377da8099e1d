"""``/v1/roadmaps``: road maps with the state of every activity at every target."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...projections import entities
from ...read_models.roadmaps import Roadmap
from ..refusals import Refusal
from .lists import Entry, ListQuery, paged
from .organisations import ClocksQuery, read_clocks
from .service import Routes, answered, opened, require_sight, wait_for

routes = Routes("roadmaps", __name__, description="Дорожные карты")


@routes.get("/v1/roadmaps")
@routes.arguments(ListQuery, location="query")
@routes.doc(summary="Дорожные карты своего подчинения")
def get_roadmaps(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        _, known_at = read_clocks(ledger, query)
        found = entities.states(ledger, "roadmaps", "", known_at)
        body = paged(ledger, query, known_at, [Entry(each.roadmap, each.owner, _brief(each)) for each in found])
    return answered(body, ledger, query)


@routes.get("/v1/roadmaps/<code>")
@routes.arguments(ClocksQuery, location="query")
@routes.doc(summary="Дорожная карта", description="Мероприятия со сроками, отметками и результатами по исполнителям.")
def get_roadmap(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        found = entities.roadmap(ledger, code, as_of, known_at)
        if found is None:
            raise Refusal(404, f"дорожная карта «{code[:64]}» не найдена")
        require_sight(ledger, found["owner"])
    return answered(found, ledger, query)


def _brief(roadmap: Roadmap) -> dict[str, Any]:
    named = {"roadmap": roadmap.roadmap, "owner": roadmap.owner, "title": roadmap.title}
    return {**named, "period": roadmap.period}
