"""``/v1/log/checkpoint`` and the proofs: what an auditor needs to trust the log without trusting us."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from flask import Response

from ...contracts.fields import Record
from ...events import log, merkle, tree
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
    with reading(service().engine) as connection:
        known = proving.public_keys(connection)
    if not known:
        raise Refusal(404, "у журнала ещё нет ключа подписи: выполните vertikal init")
    return _text(f"{known[-1]}\n")


@routes.get("/v1/log/proofs/inclusion")
@routes.arguments(InclusionQuery, location="query")
@routes.doc(summary="Событие входит в журнал такого размера", description="Путь в дереве Меркла (RFC 6962, 2.1.1).")
def get_inclusion(query: dict[str, Any]) -> Response:
    party()
    with reading(service().engine) as connection:
        size = _size(query.get("size"), log.read_head(connection).position, "size")
        position = query["position"]
        if position > size:
            raise _wrong("position", f"позиция {position} дальше размера {size}")
        blocks = tree.blocks(connection)
        body = {
            "position": position,
            "size": size,
            "leaf_hash": _base64(blocks(0, (position - 1) // merkle.BLOCK)[(position - 1) % merkle.BLOCK]),
            "root": _base64(merkle.root(size, blocks)),
            "hashes": list(map(_base64, merkle.inclusion(position - 1, size, blocks))),
        }
    return Response(orjson.dumps(body), mimetype="application/json")


@routes.get("/v1/log/proofs/consistency")
@routes.arguments(ConsistencyQuery, location="query")
@routes.doc(summary="Журнал только дополнялся", description="Доказательство непрерывности (RFC 6962, 2.1.2).")
def get_consistency(query: dict[str, Any]) -> Response:
    party()
    with reading(service().engine) as connection:
        new = _size(query.get("new"), log.read_head(connection).position, "new")
        old = _size(query["old"], new, "old")
        blocks = tree.blocks(connection)
        body = {
            "old": old,
            "new": new,
            "old_root": _base64(merkle.root(old, blocks)),
            "new_root": _base64(merkle.root(new, blocks)),
            "hashes": list(map(_base64, merkle.consistency(old, new, blocks))),
        }
    return Response(orjson.dumps(body), mimetype="application/json")


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


def _size(asked: int | None, most: int, name: str) -> int:
    if asked is not None and asked > most:
        raise _wrong(name, f"{asked} дальше конца журнала ({most})")
    return most if asked is None else asked


def _wrong(name: str, message: str) -> Refusal:
    return Refusal(400, "параметры запроса не приняты", errors={name: [message]})


def _text(text: str) -> Response:
    return Response(text, mimetype="text/plain")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
