"""``/v1/witness/add-checkpoint``: this service as a witness of other logs (C2SP tlog-witness)."""

from __future__ import annotations

from flask import Response, request

from ...events.database import writing
from ...events.notes import AddCheckpoint, NoteError
from .. import witnessing
from ..refusals import Refusal
from .service import Routes, service

routes = Routes("witness", __name__, description="Свидетель чужих журналов")


@routes.post("/v1/witness/add-checkpoint")
@routes.doc(
    summary="Заверить контрольную точку чужого журнала",
    description="C2SP tlog-witness: тело и ответы по стандарту; доверие даёт подпись журнала, токен не нужен.",
    requestBody={"content": {"text/plain": {"schema": {"type": "string"}}}},
    security=[],
)
def post_checkpoint() -> Response:
    here = service()
    if here.signer is None:
        raise Refusal(503, "у службы нет ключа подписи (VERTIKAL_SIGNING_KEY)")
    try:
        submitted = AddCheckpoint.parse(request.get_data().decode())
    except (NoteError, UnicodeDecodeError) as error:
        raise Refusal(400, f"запрос не по стандарту tlog-witness: {error}") from error
    with writing(here.engine) as connection:
        try:
            line = witnessing.cosign(connection, submitted, here.signer, here.clock())
        except witnessing.Declined as declined:
            if declined.size is not None:
                return Response(f"{declined.size}\n", declined.status, mimetype="text/x.tlog.size")
            raise Refusal(declined.status, str(declined)) from declined
    return Response(f"{line}\n", mimetype="text/plain")
