"""``/v1/persons``: whom a pseudonym stands for, told to those who may know; every reading is journalled."""

from __future__ import annotations

import orjson
from flask import Response

from ...events.database import writing
from .. import access, persons
from ..refusals import Refusal
from .service import Routes, opened, party, service

routes = Routes("persons", __name__, description="Персональные данные")


@routes.get("/v1/persons/<person>")
@routes.doc(
    summary="Персональные данные по псевдониму",
    description="Для приславшей их организации и вышестоящих; обращение записывается в журнал доступа.",
)
def get_person(person: str) -> Response:
    here, reader = service(), party()
    with opened() as ledger:
        tree, today = ledger.tree(ledger.position), here.settings.today()
        found = persons.read(ledger.connection, person, here.master, lambda code: reader.covers(tree, code, today))
    if found is None:
        raise Refusal(404, f"о лице «{person[:64]}» сведений нет или они вам недоступны")
    with writing(here.engine) as connection:
        access.record_read(connection, reader, f"person {person}", here.clock())
    return Response(orjson.dumps(found), mimetype="application/json", headers={"Cache-Control": "no-store"})
