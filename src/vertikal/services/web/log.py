"""``/v1/log``: the log as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response

from ...contracts.fields import Code, Count, Record, Term
from ...events import log
from ...events.database import writing
from .. import access
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


@routes.get("/v1/log")
@routes.arguments(LogQuery, location="query")
@routes.doc(
    summary="События журнала по порядку", description="NDJSON: одно событие в строке, position и recorded_at рядом."
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
        after, limit = query.get("after", 0), query.get("limit", 100)
        found = log.read(ledger.connection, after, limit, None if whole else seen, query.get("type"))
    if whole:
        with writing(here.engine) as connection:
            access.record_read(connection, reader, f"log after {after}", here.clock())
    return tagged(Response(_lines(found), mimetype="application/x-ndjson"), ledger.head)


@routes.get("/v1/log/<int:position>")
@routes.doc(summary="Одно событие журнала")
def get_position(position: int) -> Response:
    recorded, head = _at(position)
    return tagged(Response(next(_lines([recorded])).rstrip(b"\n"), mimetype="application/json"), head)


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


def _lines(recorded: list[log.Recorded]) -> Iterator[bytes]:
    for each in recorded:
        leaf = orjson.loads(each.leaf)
        flat = {"position": each.position, "recorded_at": leaf["recorded_at"], **leaf["event"]}
        yield orjson.dumps(flat, option=orjson.OPT_APPEND_NEWLINE)
