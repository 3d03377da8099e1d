"""``/v1/inbox``: what awaits whom, and what people make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response
from marshmallow import fields

from ...contracts.fields import Code, Date, Record, Term, Text
from ...contracts.organisations import KINDS
from ...projections.book import Opened
from ...rules.proposals import RULES, Proposal
from .. import inbox
from ..inbox import acting
from ..inbox.acting import Act, Desk
from ..refusals import Refusal
from .events import QueryFlag, wait_as_preferred
from .lists import ListQuery
from .organisations import read_clocks
from .service import Routes, answered, opened, party, require_sight, service, wait_for

routes = Routes("inbox", __name__, description="Входящие предложения")


class InboxQuery(ListQuery):
    """``own``: of the organisation alone, without those below."""

    own = QueryFlag(optional=True)
    role = Term(optional=True)
    rule = Term(optional=True)


class Given(Record):
    """An event in the place of the drafted one."""

    type = Term()
    subject = Code(optional=True)
    data = fields.Dict(required=True)


class AdoptBody(Record):
    event = fields.Nested(Given, required=False)
    actor = Text(optional=True, at_most=256)


class DeclineBody(Record):
    reason = Text()
    actor = Text(optional=True, at_most=256)


class PostponeBody(DeclineBody):
    until = Date()


@routes.get("/v1/inbox")
@routes.arguments(InboxQuery, location="query")
@routes.doc(
    summary="Что ждёт решения",
    description="Предложения организации и её подчинения на дату as_of, самые срочные первыми. "
    "own=true — только самой организации, role= — уровня, rule= — одного правила.",
)
def get_inbox(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        organisation = query.get("organisation") or _scope(ledger)
        require_sight(ledger, organisation, known_at)
        reader, today, tree = party(), service().settings.today(), ledger.tree(known_at)
        wanted, rules = _wanted(query, organisation), (query["rule"],) if "rule" in query else RULES
        found = [
            each
            for each in inbox.found(ledger, organisation, as_of, known_at, rules)
            if wanted(each) and reader.covers(tree, each.organisation, today)
        ]
        shown, following = _page(found, query.get("cursor"), query.get("limit", 100))
        body = {"items": inbox.views(ledger, shown, known_at), "total": len(found), "next": following}
    return answered(body, ledger, query)


@routes.post("/v1/inbox/<code>/adopt")
@routes.arguments(AdoptBody, location="json")
@routes.doc(
    summary="Принять предложение",
    description="Записывает proposal.adopted и подготовленное событие (или event из запроса) одной операцией.",
)
def post_adopt(body: dict[str, Any], code: str) -> Response:
    return _judge(code, body, lambda desk, proposal: acting.adopt(desk, proposal, body.get("event")), acting.ADOPTED)


@routes.post("/v1/inbox/<code>/decline")
@routes.arguments(DeclineBody, location="json")
@routes.doc(summary="Отклонить предложение", description="С причиной; вернётся, только если изменятся показатели.")
def post_decline(body: dict[str, Any], code: str) -> Response:
    return _judge(code, body, lambda desk, proposal: acting.decline(desk, proposal, body["reason"]), acting.DECLINED)


@routes.post("/v1/inbox/<code>/postpone")
@routes.arguments(PostponeBody, location="json")
@routes.doc(summary="Отложить предложение", description="До дня until, с причиной; с этого дня оно снова во входящих.")
def post_postpone(body: dict[str, Any], code: str) -> Response:
    acting.require_ahead(body["until"], service().settings.today())
    put_off = lambda desk, proposal: acting.decline(desk, proposal, body["reason"], body["until"])  # noqa: E731
    return _judge(code, body, put_off, acting.POSTPONED)


def _scope(ledger: Opened) -> str:
    today = service().settings.today()
    return party().scope(ledger.tree(ledger.position), today)


def _wanted(query: dict[str, Any], organisation: str) -> Callable[[Proposal], bool]:
    """What the filters of the query ask for. Raises a 400 for a rule or a role that does not exist."""
    rule, role, own = query.get("rule"), query.get("role"), query.get("own", False)
    errors = {}
    if rule is not None and rule not in RULES:
        errors["rule"] = [f"такого правила нет; есть: {', '.join(RULES)}"]
    if role is not None and role not in KINDS:
        errors["role"] = [f"такого уровня нет; есть: {', '.join(KINDS)}"]
    if errors:
        raise Refusal(400, "параметры запроса не приняты", errors=errors)
    return lambda each: role in (None, each.role) and (not own or each.organisation == organisation)


def _page(found: list[Proposal], cursor: str | None, limit: int) -> tuple[list[Proposal], str | None]:
    """A page of a list that is ordered by urgency; the cursor is the place in that order."""
    behind = [each for each in found if cursor is None or each.cursor > cursor]
    shown = behind[:limit]
    return shown, shown[-1].cursor if len(behind) > limit else None


def _judge(code: str, body: dict[str, Any], act: Act, status: str) -> Response:
    """201 where events were written; 200 where the proposal had come to that before. Raises a 403, 404, 409 or 422."""
    here = service()
    now = here.clock().astimezone(here.settings.timezone)
    desk = Desk(opened, here.intake, party(), now, here.settings.today(), body.get("actor"))
    answer, events = acting.judge(desk, code, act, status)
    shown = {"proposal": code, "status": status}
    if answer is None or not events:
        return Response(orjson.dumps({**shown, "events": []}), mimetype="application/json")
    written = [
        {"id": event["id"], "type": event["type"], "position": outcome.position}
        for event, outcome in zip(events, answer.results, strict=True)
    ]
    told = {**shown, "events": written, "head": answer.head}
    response = Response(orjson.dumps(told), 201, mimetype="application/json")
    return wait_as_preferred(response, answer)
