"""``POST /v1/cycles…``: what people do in a management cycle, each step a request, and the draft of an analysis."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request

from ...contracts.catalogue import CATALOGUE
from ...contracts.fields import Record, Text
from ...events.log import POSITION_MAX
from .. import commands, cycles, drafting
from ..commands import STEPS, Command
from ..intake import ACCEPTED, Answer
from ..parsing import parse
from ..refusals import Refusal
from .events import QueryFlag, sender, wait_as_preferred
from .log import QueryCount
from .organisations import ClocksQuery, read_clocks
from .service import Routes, answered, opened, require_sight, service, tagged, wait_for

routes = Routes("commands", __name__, description="Управленческие циклы: команды")
TITLES = {
    "cycles": "Открыть управленческий цикл",
    "goals": "Поставить цель",
    "indicators": "Принять показатель, с методом сбора и планом",
    "monitoring": "Записать значение показателя",
    "analyses": "Опубликовать анализ",
    "recommendations": "Дать адресную рекомендацию",
    "answers": "Ответить на рекомендацию",
    "decisions": "Принять управленческое решение",
    "effectiveness": "Оценить эффективность мер",
    "closing": "Закрыть цикл",
}
ANSWERS = {
    "201": {"description": "записано: {event, position}; ETag — позиция, Location — цикл"},
    "200": {"description": "ничего нового: повтор с тем же Idempotency-Key или dry_run"},
    "404": {"description": "цикл или рекомендация не найдены"},
    "409": {"description": "с позиции из If-Match записаны другие события: они перечислены в since"},
    "422": {"description": "не принято: причины по полям в errors"},
}
HEADERS = [
    {"in": "header", "name": "If-Match", "schema": {"type": "string"}, "description": "ETag того, что вы видели"},
    {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}, "description": "id будущего события"},
    {"in": "header", "name": "Prefer", "schema": {"type": "string"}, "description": "wait=5: дождаться показателей"},
]


class CommandQuery(Record):
    seen = QueryCount(optional=True, at_most=POSITION_MAX)
    actor = Text(optional=True, at_most=256)
    dry_run = QueryFlag(optional=True)


def _description(name: str) -> str:
    step = STEPS[name]
    left_out = [f"без «{step.about}»"] if step.about else []
    left_out += [f"«{step.numbered}» можно не указывать: будет следующий свободный код"] if step.numbered else []
    return "; ".join((f"Тело запроса — данные события {step.type} ({CATALOGUE.newest[step.type].path})", *left_out))


def _route(address: str, name: str) -> None:
    """A route for a step, described for people."""

    def post(query: dict[str, Any], code: str | None = None) -> Response:
        return _act(name, code, query)

    described: Callable[..., Any] = routes.doc(
        summary=TITLES[name],
        description=_description(name),
        parameters=HEADERS,
        requestBody={"content": {"application/json": {"schema": {"type": "object"}}}},
        responses=ANSWERS,
    )(routes.arguments(CommandQuery, location="query")(post))
    routes.route(address, methods=["POST"], endpoint=f"post_{name}")(described)


_route("/v1/cycles", "cycles")
_route("/v1/recommendations/<code>/answers", "answers")
for _name, _step in STEPS.items():
    if _step.about == "cycle":
        _route(f"/v1/cycles/<code>/{_name}", _name)


@routes.get("/v1/cycles/<code>/draft")
@routes.arguments(ClocksQuery, location="query")
@routes.doc(
    summary="Проект анализа по показателям цикла",
    description="{analysis, kinds}: analysis можно опубликовать как есть (POST …/analyses), kinds — откуда вывод.",
)
def get_draft(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        _, opening = cycles.opened(ledger, code, known_at)
        require_sight(ledger, opening.data["organisation"], known_at)
        body = drafting.draft(ledger, code, as_of, known_at, service().settings.today())
    return answered(body, ledger, query)


def _act(name: str, code: str | None, query: dict[str, Any]) -> Response:
    here, who, data = service(), sender(), _body()
    seen = query["seen"] if "seen" in query else _seen()
    dry_run, key = query.get("dry_run", False), request.headers.get("Idempotency-Key")
    command = Command(name, data, code, seen, key, query.get("actor"), dry_run=dry_run)
    now = here.clock().astimezone(here.settings.timezone)
    done = commands.act(here.intake, here.engine, who, command, now).require()
    body = orjson.dumps({"event": done.event, "position": done.outcome.position})
    status = 201 if done.outcome.status == ACCEPTED and not dry_run else 200
    response = Response(body, status, {"Location": f"/v1/cycles/{done.cycle}"}, "application/json")
    position = done.outcome.position
    if position is None:
        return response
    return wait_as_preferred(tagged(response, position, changes_by_itself=True), Answer(position, [done.outcome]))


def _body() -> Any:
    if request.mimetype != "application/json":
        kind = request.mimetype[:80]
        raise Refusal(415, f"вид содержимого «{kind}» не поддерживается; ожидается application/json")
    return parse(request.get_data())


def _seen() -> int | None:
    """The position of the answer that the person read, from its ETag."""
    text = request.headers.get("If-Match", "*").strip()
    if text == "*":
        return None
    found = re.fullmatch(r'(?:W/)?"([0-9]{1,19})"', text)
    if found is None:
        wrong = f'ожидается ETag ответа, например "5084" (получено: «{text[:60]}»)'
        raise Refusal(400, "заголовок If-Match не распознан", errors={"If-Match": [wrong]})
    return int(found[1])
