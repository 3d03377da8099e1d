"""Errors as RFC 9457 problem+json, with a Russian detail."""

from __future__ import annotations

from typing import Any, NoReturn

import orjson
import structlog
from flask import Flask, Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from ..refusals import Refusal

TITLES = {
    400: "Запрос не принят",
    401: "Нужен токен доступа",
    403: "Недостаточно прав",
    404: "Не найдено",
    405: "Метод не поддерживается",
    409: "Конфликт",
    413: "Слишком большой запрос",
    415: "Неподдерживаемый вид содержимого",
    422: "Не прошло проверку",
    500: "Внутренняя ошибка",
    503: "Временно недоступно",
}
DETAILS = {
    404: "такого адреса нет; перечень адресов: /docs",
    405: "этот адрес не поддерживает такой метод; см. /docs",
    413: "тело запроса больше 8 МБ: разделите пакет",
}
logger = structlog.get_logger()


class RussianParser(FlaskParser):
    """Request parameters are refused by name; unknown ones too, so that a typing error does not pass for a filter."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"query": None, "json": None}

    def handle_error(self, error: Any, req: Any, schema: Any, **_: Any) -> NoReturn:
        messages = {name: texts for fields in error.messages.values() for name, texts in fields.items()}
        raise Refusal(400, "параметры запроса не приняты", errors=messages)


def problem(refusal: Refusal) -> Response:
    body = {
        "type": "about:blank",
        "title": TITLES.get(refusal.status, "Ошибка"),
        "status": refusal.status,
        "detail": refusal.detail,
        **({"errors": refusal.errors} if refusal.errors else {}),
        **refusal.more,
    }
    return Response(orjson.dumps(body), refusal.status, refusal.headers, "application/problem+json")


def register(app: Flask) -> None:
    app.register_error_handler(Refusal, problem)
    app.register_error_handler(HTTPException, _http)
    for unavailable in (OperationalError, InterfaceError, PoolExhausted):
        app.register_error_handler(unavailable, _database)
    app.register_error_handler(Exception, _unexpected)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    allowed = getattr(error, "valid_methods", None)
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
    return problem(Refusal(status, DETAILS.get(status, TITLES.get(status, str(error.description))), headers=headers))


def _database(error: Exception) -> Response:
    logger.warning("database unavailable", error=str(getattr(error, "orig", error)))
    detail = "база данных занята или недоступна; повторите запрос: повторная отправка тех же событий безопасна"
    return problem(Refusal(503, detail, headers={"Retry-After": "2"}))


def _unexpected(error: Exception) -> Response:
    logger.exception("unexpected error", exc_info=error)
    return problem(Refusal(500, "ошибка сервера записана в его журнал; повторите запрос или сообщите администратору"))
