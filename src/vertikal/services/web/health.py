"""Health, the published contracts and the page of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Response, redirect, send_from_directory
from prometheus_client import CONTENT_TYPE_LATEST
from swagger_ui_bundle import swagger_ui_path
from werkzeug.wrappers import Response as AnyResponse

from ... import contracts
from ...contracts.catalogue import CATALOGUE
from ..metrics import exposition
from ..refusals import Refusal
from ..stream.watching import status
from ..watching import progress
from .service import Routes, opened, service

PUBLISHED = Path(contracts.__file__).parent / "published"
routes = Routes("health", __name__, description="Состояние и описания")


@routes.get("/healthz")
@routes.doc(summary="Процесс жив")
def get_health() -> dict[str, str]:
    return {"status": "ok"}


@routes.get("/readyz")
@routes.doc(summary="База доступна; насколько показатели отстают от журнала")
def get_ready() -> dict[str, Any]:
    with opened() as ledger:
        return {"status": "ok", **progress(ledger, service().clock())}


@routes.get("/metrics")
@routes.doc(summary="Показатели работы службы в формате Prometheus")
def get_metrics() -> Response:
    with opened() as ledger:
        text = exposition(progress(ledger, service().clock()), status(ledger.connection))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


@routes.get("/contracts/<type_>/<int:version>")
@routes.doc(summary="Опубликованная схема события (JSON Schema)")
def get_contract(type_: str, version: int) -> Response:
    if CATALOGUE.find(type_, version) is None:
        raise Refusal(404, f"схема «{type_[:64]}» версии {version} не опубликована")
    return Response((PUBLISHED / f"{type_}.{version}.json").read_bytes(), mimetype="application/schema+json")


@routes.get("/asyncapi.json")
@routes.doc(summary="Описание событий (AsyncAPI 3)")
def get_asyncapi() -> Response:
    return Response((PUBLISHED / "asyncapi.json").read_bytes(), mimetype="application/json")


@routes.get("/")
@routes.doc(summary="Переход на страницу описания")
def get_root() -> AnyResponse:
    return redirect("/docs")


@routes.get("/docs/assets/<path:name>")
@routes.doc(summary="Файлы страницы описания")
def get_docs_asset(name: str) -> Response:
    return send_from_directory(swagger_ui_path, name)
