"""``/v1/log``: the log as it was written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from ...contracts.fields import Code, Count, Record, Term, Text
from ...events import log
from ...events.database import writing
from ...projections.book import Opened
from .. import access, replay
from ..refusals import Refusal
from .service import Routes, opened, party, require_sight, service, tagged

routes = Routes("log", __name__, description="Журнал событий")


class QueryCount(Count):
    """A number in a query."""

    def _deserialize(self, value: object, attr: object, data: object, **kwargs: object) -> int:
        plain = isinstance(value, str) and value.isascii() and value.isdecimal()
        return super()._deserialize(int(str(value)) if plain else value, attr, data, **kwargs)


class LogQuery(Record):
    after = QueryCount(optional=True)
    limit = QueryCount(optional=True, at_least=1, at_most=1_000)
    organisation = Code(optional=True)
    type = Term(optional=True)
    actor = Text(optional=True, at_most=256)
    roadmap = Code(optional=True)
    person = Code(optional=True)
    period = Text(optional=True, at_most=64)
    known_from = Text(optional=True, at_most=64)
    known_to = Text(optional=True, at_most=64)


@routes.get("/v1/log")
@routes.arguments(LogQuery, location="query")
@routes.doc(
    summary="События журнала по порядку",
    description="NDJSON: одно событие в строке, position и recorded_at рядом. Продолжение — в Link: rel=next.",
)
def get_log(query: dict[str, Any]) -> Response:
    here, reader, today = service(), party(), service().settings.today()
    with opened() as ledger:
        tree = ledger.tree(ledger.position)
        root = query.get("organisation") or reader.scope(tree, today)
        if "organisation" in query:
            require_sight(ledger, root)
        seen = [code for code in tree.nodes if tree.within(code, root, today)]
        whole = len(seen) == len(tree.nodes)
        chosen = _chosen(ledger, query, None if whole else seen)
        page = replay.read(ledger.connection, chosen, query.get("limit", 100))
    if whole:
        with writing(here.engine) as connection:
            access.record_read(connection, reader, f"log after {query.get('after', 0)}", here.clock())
    response = Response((entry.line() for entry in page.entries), mimetype="application/x-ndjson")
    if page.read_to < chosen.until:
        response.headers["Link"] = _next(page.read_to)
    return tagged(response, ledger.head)


def _chosen(ledger: Opened, query: dict[str, Any], subjects: list[str] | None) -> replay.Selection:
    chosen = replay.ask(ledger.connection, ledger.head, query)
    return replace(chosen, after=max(chosen.after, query.get("after", 0)), subjects=subjects)


def _next(after: int) -> str:
    """The same question, to be asked on behind a position (RFC 8288)."""
    return f'<{request.path}?{urlencode({**request.args, "after": after})}>; rel="next"'


@routes.get("/v1/log/<int:position>")
@routes.doc(summary="Одно событие журнала")
def get_position(position: int) -> Response:
    recorded, head = _at(position)
    line = replay.Entry.of(recorded).line()
    return tagged(Response(line.rstrip(b"\n"), mimetype="application/json"), head)


@routes.get("/v1/log/<int:position>/leaf")
@routes.doc(
    summary="Байты листа дерева Меркла", description="RFC 8785 от {event, recorded_at}: ровно то, что записано."
)
def get_leaf(position: int) -> Response:
    recorded, head = _at(position)
    return tagged(Response(recorded.leaf, mimetype="application/json"), head)


def _at(position: int) -> tuple[log.Recorded, int]:
    """An event that the reader may see, and the head of the log."""
    party()  # strangers do not learn which positions there are
    with opened() as ledger:
        found = log.read_at(ledger.connection, [position]).get(position) if position <= log.POSITION_MAX else None
        if found is None:
            raise Refusal(404, f"в журнале нет позиции {position}")
        require_sight(ledger, found.event["subject"])
        return found, ledger.head
