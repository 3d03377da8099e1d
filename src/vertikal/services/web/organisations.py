"""``/v1/organisations``: the tree, and the history of a node."""

from __future__ import annotations

from typing import Any

from flask import Response

from ...contracts.fields import Record, Text
from ...projections.book import Opened
from ...projections.organisations import Organisation, Tree
from .. import queries
from ..refusals import Refusal
from .log import QueryCount
from .service import Routes, answered, opened, party, require_sight, service, wait_for

routes = Routes("organisations", __name__, description="Организации")


class ClocksQuery(Record):
    as_of = Text(optional=True, at_most=64)
    known_at = Text(optional=True, at_most=64)
    min_position = QueryCount(optional=True)


class TreeQuery(ClocksQuery):
    limit = QueryCount(optional=True, at_least=1, at_most=1_000)
    cursor = Text(optional=True, at_most=400)


def read_clocks(ledger: Opened, query: dict[str, Any]) -> tuple[str, int]:
    """The date and the position that a request asks about. Raises a 400 naming every parameter that is wrong."""
    return queries.read_clocks(ledger, query.get("as_of") or service().settings.today(), query.get("known_at"))


@routes.get("/v1/organisations")
@routes.arguments(TreeQuery, location="query")
@routes.doc(
    summary="Дерево организаций", description="Организации своего подчинения на дату as_of по сведениям на known_at."
)
def get_organisations(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    reader, limit = party(), query.get("limit", 100)
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        tree = ledger.tree(known_at)
    after = query.get("cursor", "")
    codes = sorted(code for code in tree.nodes if code > after and reader.covers(tree, code, as_of))
    items = [_brief(tree.nodes[code], as_of) for code in codes[:limit]]
    body = {"items": items, "next": codes[limit - 1] if len(codes) > limit else None}
    return answered(body, ledger, query)


@routes.get("/v1/organisations/<code>")
@routes.arguments(ClocksQuery, location="query")
@routes.doc(summary="Организация и её история")
def get_organisation(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        require_sight(ledger, code, known_at)
        tree = ledger.tree(known_at)
    if code not in tree.nodes:
        raise Refusal(404, f"на позиции {known_at} организация «{code}» ещё не была известна")
    body = _full(tree, tree.nodes[code], as_of)
    return answered(body, ledger, query)


def _brief(node: Organisation, on: str) -> dict[str, Any]:
    return {
        "code": node.code,
        "kind": node.kind,
        "name": node.name(on),
        "parent": node.parent(on),
        "valid_from": node.registered,
        "closed_from": node.ended,
    }


def _full(tree: Tree, node: Organisation, on: str) -> dict[str, Any]:
    return {
        **_brief(node, on),
        "merged_into": node.into,
        "identifiers": dict(node.identifiers),
        "path": tree.path(node.code, on),
        "names": [{"valid_from": start, "name": name} for start, name in node.names],
        "parents": [{"valid_from": start, "parent": parent} for start, parent in node.parents],
        "children": sorted(child.code for child in tree.children(node.code, on)),
    }
