"""``POST /v1/events``: CloudEvents 1.0 over HTTP, structured, batched or binary."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import orjson
from flask import Response, request

from ...contracts.fields import Flag, Record
from .. import projector
from ..access import Party
from ..intake import BATCH_MAX, CONFLICT, DUPLICATE, Answer, Outcome
from ..parsing import parse
from ..refusals import Refusal
from .service import WAIT_MAX_S, Routes, party, service

routes = Routes("events", __name__, description="Приём событий")
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class QueryFlag(Flag):
    """``true`` or ``false`` in a query."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        return super()._deserialize({"true": True, "false": False}.get(value, value), attr, data, **kwargs)


class EventsQuery(Record):
    atomic = QueryFlag(optional=True)
    dry_run = QueryFlag(optional=True)


def sender() -> Party:
    """Who is asking to write. Raises a 401, or a 403 where the token as a whole may not write."""
    who = party()
    if not who.may_send:
        raise Refusal(403, f"роль «{who.role}» не отправляет события")
    return who


@routes.post("/v1/events")
@routes.arguments(EventsQuery, location="query")
@routes.doc(
    summary="Отправить события",
    description="Одно событие (structured или binary) или пакет до 1000 событий. Повторная отправка безопасна.",
    requestBody={"content": {kind: {"schema": {}} for kind in (STRUCTURED, BATCH, "application/json")}},
    responses={
        "201": {"description": "есть новые, отказов нет"},
        "200": {"description": "ничего нового"},
        "207": {"description": "часть принята, часть отклонена"},
        "409": {"description": "всё отклонено, есть конфликт"},
        "422": {"description": "всё отклонено"},
    },
)
def post_events(options: dict[str, bool]) -> Response:
    who = sender()
    events = _read_events()
    atomic, dry_run = options.get("atomic", False), options.get("dry_run", False)
    answer = service().intake.submit(who, events, atomic=atomic, dry_run=dry_run)
    body = _body(answer)
    if answer.refused == len(answer.results) or (atomic and answer.refused):
        conflict = any(outcome.status == CONFLICT for outcome in answer.results)
        detail = "новых событий не принято: причины перечислены в results"
        raise Refusal(409 if conflict else 422, detail, more=body)
    response = Response(orjson.dumps(body), _status(answer, dry_run), mimetype="application/json")
    return response if dry_run else wait_as_preferred(response, answer)


def _status(answer: Answer, dry_run: bool) -> int:
    if answer.refused:
        return 207
    return 201 if answer.accepted and not dry_run else 200


def _body(answer: Answer) -> dict[str, Any]:
    return {
        "accepted": answer.accepted,
        "duplicates": answer.count(DUPLICATE),
        "rejected": answer.refused,
        "head": answer.head,
        "results": [_result(outcome) for outcome in answer.results],
    }


def _result(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.id,
        "status": outcome.status,
        "position": outcome.position,
        "errors": outcome.errors,
    }


def wait_as_preferred(response: Response, answer: Answer) -> Response:
    """``Prefer: wait=N``: answer when the figures hold what was accepted, or after N seconds (RFC 7240)."""
    if _wait(answer):
        response.headers["Preference-Applied"] = "wait"
    return response


def _wait(answer: Answer) -> bool:
    """Whether the figures hold what was accepted, in the time that the client gives."""
    found = re.search(r"\bwait=([0-9]{1,4})\b", request.headers.get("Prefer", ""))
    positions = [outcome.position for outcome in answer.results if outcome.position is not None]
    if found is None or not positions:
        return False
    return projector.wait_for(service().engine, max(positions), min(float(found[1]), WAIT_MAX_S))


def _read_events() -> list[Any]:
    kind = request.mimetype
    if "ce-specversion" in request.headers and kind not in (STRUCTURED, BATCH):
        if kind not in ("", "application/json") and not kind.endswith("+json"):
            raise Refusal(415, f"вид содержимого «{kind[:80]}» не поддерживается; ожидается application/json")
        return [_binary_event(parse(request.get_data()))]
    if kind not in (STRUCTURED, BATCH, "application/json"):
        raise Refusal(415, f"вид содержимого «{kind[:80]}» не поддерживается; ожидается {STRUCTURED} или {BATCH}")
    content = parse(request.get_data())
    if kind == BATCH and not isinstance(content, list):
        raise Refusal(400, "пакет должен быть списком событий JSON")
    events = content if isinstance(content, list) else [content]
    if not events:
        raise Refusal(400, "пакет пуст")
    if len(events) > BATCH_MAX:
        raise Refusal(413, f"в пакете {len(events)} событий, допускается не больше {BATCH_MAX}: разделите пакет")
    return events


def _binary_event(data: Any) -> dict[str, Any]:
    """Attributes from ``ce-*`` headers, percent-decoded; the body is the data."""
    event: dict[str, Any] = {
        name[3:].lower(): unquote(value) for name, value in request.headers if name.lower().startswith("ce-")
    }
    if re.fullmatch("[0-9]{1,19}", event.get("expectedversion", "")):
        event["expectedversion"] = int(event["expectedversion"])
    return {**event, "data": data}
