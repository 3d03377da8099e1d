"""What every route needs: the database, the intake, the ledger as read, and who is asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from flask import Response, current_app, g, request
from flask_smorest import Blueprint
from sqlalchemy import Engine

from ...events.database import reading
from ...events.notes import Signer
from ...events.sealing import MasterKey
from ...projections.book import Book, Opened
from .. import access, projector, queries
from ..intake import Intake
from ..refusals import Refusal
from ..settings import Settings
from .problems import RussianParser

WAIT_MAX_S = 5.0


@dataclass
class Service:
    """One per process; created by ``create_app``."""

    engine: Engine
    settings: Settings
    clock: Callable[[], datetime]
    intake: Intake
    signer: Signer | None = None
    master: MasterKey | None = None
    book: Book = field(default_factory=Book)


class Routes(Blueprint):  # type: ignore[misc]  # flask-smorest ships no types
    """A blueprint whose parameters are explained in Russian."""

    ARGUMENTS_PARSER = RussianParser()


def service() -> Service:
    found: Service = current_app.extensions["vertikal"]
    return found


def party() -> access.Party:
    """Who is asking. Raises a 401."""
    if "party" not in g:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        found = None
        if scheme.lower() == "bearer" and token:
            with reading(service().engine) as connection:
                found = access.find(connection, token.strip())
        if found is None:
            detail = "передайте действующий токен: Authorization: Bearer …"
            raise Refusal(401, detail, headers={"WWW-Authenticate": "Bearer"})
        g.party = found
    result: access.Party = g.party
    return result


@contextmanager
def opened() -> Iterator[Opened]:
    """The ledger, opened for reading."""
    here = service()
    with reading(here.engine) as connection:
        yield here.book.open(connection)


def require_sight(ledger: Opened, code: str, known_at: int | None = None, *, aggregates: bool = False) -> bool:
    """Whether ``code`` lies in the reader's own subtree. ``aggregates``: the parent may be seen as well.

    That is judged by the tree of now; by the one of ``known_at`` where the registration was retracted since. Raises a
    404 for what neither knows and a 403 for what the reader may not see.
    """
    found = sight(ledger, code, known_at)
    if found is access.Sight.NOTHING or (found is access.Sight.TOTALS and not aggregates):
        raise Refusal(403, f"организация «{code}» вне подчинения «{party().organisation}»")
    return found is access.Sight.ALL


def sight(ledger: Opened, code: str, known_at: int | None = None) -> access.Sight:
    """How much of an organisation the reader sees, by the same trees. Raises a 404 for what neither knows."""
    tree = queries.tree_with(ledger, code, known_at)
    return party().sight(tree, code, service().settings.today())


def wait_for(position: int | None) -> None:
    """Wait until the ledger holds a position, where one is asked for. Raises a 401, or a 503 after five seconds."""
    party()  # strangers are not waited for
    if position is not None and not projector.wait_for(service().engine, position, WAIT_MAX_S):
        raise Refusal(503, f"позиция {position} ещё не учтена в показателях", headers={"Retry-After": "1"})


def tagged(response: Response, position: int, *, changes_by_itself: bool = False) -> Response:
    """With the ETag of a log position; an answer that depends on today is sent anew even if the log stands still."""
    response.set_etag(str(position))
    response.headers["Vary"] = "Authorization"
    if not changes_by_itself:
        response.make_conditional(request)
    return response


def answered(body: Any, ledger: Opened, query: Mapping[str, Any]) -> Response:
    """A JSON answer from the ledger; without ``as_of`` it depends on today."""
    response = Response(orjson.dumps(body), mimetype="application/json")
    return tagged(response, ledger.position, changes_by_itself="as_of" not in query)
