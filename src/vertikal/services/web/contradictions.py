"""``/v1/claims`` and ``/v1/contradictions``: what reports claim, what supports it, and what does not fit together."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...contracts.fields import Choice
from ...projections.book import Opened
from ...projections.contradictions import KINDS, Reading, views
from ...read_models.contradictions.claims import Stated
from .events import QueryFlag
from .lists import Entry, ListQuery, paged
from .organisations import read_clocks
from .service import Routes, answered, opened, party, service, wait_for

routes = Routes("contradictions", __name__, description="Утверждения и противоречия")


class ContradictionsQuery(ListQuery):
    kind = Choice(*KINDS, optional=True)
    decided = QueryFlag(optional=True)


@routes.get("/v1/claims")
@routes.arguments(ListQuery, location="query")
@routes.doc(
    summary="Утверждения отчётов своего подчинения",
    description="С числом подтверждающих событий и видами найденных противоречий.",
)
def get_claims(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        reading = _reading(ledger, query)
        stated = {each.sorts_as: each for each in reading.claims()}
        entries = [Entry(key, each.claim.organisation, {"key": key}) for key, each in stated.items()]
        body = paged(ledger, query, reading.known_at, entries)
        body["items"] = _claims(reading, [stated[item["key"]] for item in body["items"]])
    return answered(body, ledger, query)


@routes.get("/v1/contradictions")
@routes.arguments(ContradictionsQuery, location="query")
@routes.doc(
    summary="Противоречия в утверждениях, планах, отметках и названиях",
    description="С событиями, из которых они следуют; kind= — один вид, decided=true — и те, о которых уже решено.",
)
def get_contradictions(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        reading = _reading(ledger, query)
        kinds = (query["kind"],) if "kind" in query else KINDS
        found = {each.sorts_as: each for each in reading.find(kinds, decided=query.get("decided", False))}
        entries = [Entry(key, each.organisation, {"key": key}) for key, each in found.items()]
        body = paged(ledger, query, reading.known_at, entries)
        body["items"] = views(ledger, (found[item["key"]] for item in body["items"]), reading.known_at)
    return answered(body, ledger, query)


def _reading(ledger: Opened, query: dict[str, Any]) -> Reading:
    """What the request asks about; without an organisation, all that the reader sees."""
    as_of, known_at = read_clocks(ledger, query)
    reader, today = party(), service().settings.today()
    organisation = query.get("organisation") or reader.scope(ledger.tree(known_at), today)
    return Reading(ledger, organisation, as_of, known_at, today)


def _claims(reading: Reading, page: list[Stated]) -> list[dict[str, Any]]:
    """Claims as they are shown, with the kinds of what contradicts each."""
    kinds: dict[str, set[str]] = {each.sorts_as: set() for each in page}
    for found in reading.of_claims(page):
        kinds[found.key].add(found.kind)
    return [_claim(each, sorted(kinds[each.sorts_as])) for each in page]


def _claim(stated: Stated, contradictions: list[str]) -> dict[str, Any]:
    claim = stated.claim
    return {
        "claim": claim.claim,
        "organisation": claim.organisation,
        "text": claim.text,
        "about": claim.about,
        "counted": claim.counted,
        "on": claim.on,
        "supported_by": stated.supported_by,
        "contradictions": contradictions,
        "event_id": claim.event_id,
    }
