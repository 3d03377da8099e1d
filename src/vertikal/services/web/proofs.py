"""``/v1/log/checkpoint`` and the proofs: what an auditor needs to trust the log without trusting us."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from ...contracts.fields import Record
from ...events.database import reading
from .. import proving
from ..refusals import Refusal
from .log import QueryCount
from .service import Routes, party, service

routes = Routes("proofs", __name__, description="Доказательства журнала")


class InclusionQuery(Record):
    position = QueryCount(at_least=1)
    size = QueryCount(optional=True)


class ConsistencyQuery(Record):
    old = QueryCount()
    new = QueryCount(optional=True)


class ProofQuery(Record):
    position = QueryCount(at_least=1)


@routes.get("/v1/log/checkpoint")
@routes.doc(
    summary="Подписанная контрольная точка", description="C2SP signed note: имя журнала, размер, корень дерева Меркла."
)
def get_checkpoint() -> Response:
    party()
    return _text(checkpoint())


@routes.get("/v1/log/key")
@routes.doc(summary="Открытый ключ журнала (C2SP verifier key)")
def get_key() -> Response:
    party()
    signer = service().signer
    if signer is None:
        raise Refusal(503, "у службы нет ключа подписи (VERTIKAL_SIGNING_KEY)")
    return _text(f"{signer.verifier}\n")


@routes.get("/v1/log/proofs/inclusion")
@routes.arguments(InclusionQuery, location="query")
@routes.doc(summary="Событие входит в журнал такого размера", description="Путь в дереве Меркла (RFC 6962, 2.1.1).")
def get_inclusion(query: dict[str, Any]) -> Response:
    party()
    with reading(service().engine) as connection:
        return _json(proving.inclusion(connection, query["position"], query.get("size")))


@routes.get("/v1/log/proofs/consistency")
@routes.arguments(ConsistencyQuery, location="query")
@routes.doc(summary="Журнал только дополнялся", description="Доказательство непрерывности (RFC 6962, 2.1.2).")
def get_consistency(query: dict[str, Any]) -> Response:
    party()
    with reading(service().engine) as connection:
        return _json(proving.consistency(connection, query["old"], query.get("new")))


@routes.get("/v1/log/proofs/tlog-proof")
@routes.arguments(ProofQuery, location="query")
@routes.doc(summary="Доказательство события отдельным файлом", description="C2SP tlog-proof с контрольной точкой.")
def get_tlog_proof(query: dict[str, Any]) -> Response:
    party()
    note = checkpoint()
    with reading(service().engine) as connection:
        return _text(proving.tlog_proof(connection, query["position"], note))


def checkpoint() -> str:
    """The signed note over the log as it is. Raises a 503 without a key, and where the log was changed."""
    here = service()
    if here.signer is None:
        raise Refusal(503, "у службы нет ключа подписи (VERTIKAL_SIGNING_KEY)")
    try:
        return proving.checkpoint(here.engine, here.signer)
    except (proving.LogChanged, proving.KeyNotInUse) as error:
        raise Refusal(503, str(error)) from error


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), mimetype="application/json")


def _text(text: str) -> Response:
    return Response(text, mimetype="text/plain")
