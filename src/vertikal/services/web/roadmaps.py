"""``/v1/roadmaps``: road maps with the state of every activity at every target."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...projections import entities
from ..refusals import Refusal
from .organisations import ClocksQuery, TreeQuery, read_clocks
from .service import Routes, answered, opened, party, require_sight, service, wait_for

routes = Routes("roadmaps", __name__, description="Дорожные карты")


@routes.get("/v1/roadmaps")
@routes.arguments(TreeQuery, location="query")
@routes.doc(summary="Дорожные карты своего подчинения")
def get_roadmaps(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    reader, limit, today = party(), query.get("limit", 100), service().settings.today()
    with opened() as ledger:
        _, known_at = read_clocks(ledger, query)
        tree = ledger.tree(known_at)
        found = entities.states(ledger, "roadmaps", "", known_at)
    after = query.get("cursor", "")
    seen = sorted(
        (each for each in found if each.roadmap > after and reader.covers(tree, each.owner, today)),
        key=lambda each: str(each.roadmap),
    )
    items = [
        {"roadmap": each.roadmap, "owner": each.owner, "title": each.title, "period": each.period}
        for each in seen[:limit]
    ]
    body = {"items": items, "next": seen[limit - 1].roadmap if len(seen) > limit else None}
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
