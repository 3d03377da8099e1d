"""What people make of a proposal: adopt it, decline it, or put it off until a day. Each is an event of the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ...contracts.contract import OWNERS
from ...events import log
from ...projections.book import Opened
from ...read_models.periods import parse_date
from ...read_models.recommendations import OPEN
from ...rules.proposals import Proposal
from .. import commands
from ..access import Party
from ..intake import CONFLICT, Answer, Intake, Outcome
from ..refusals import Refusal
from . import found, judged, rules_of

ADOPTED, DECLINED, POSTPONED = "adopted", "declined", "postponed"
GONE = "предложения «{}» нет: показатели изменились, или оно вне вашего подчинения"
REFUSED = "событие по предложению не принято"
GONE_ON = "об организации записаны события, которых вы не видели: посмотрите предложение ещё раз"
Event = dict[str, Any]
Judged = tuple[Answer | None, list[Event]]  # what the log answered, and the events that it took
Act = Callable[["Desk", Proposal], Judged]


@dataclass(frozen=True)
class Desk:
    """Where somebody judges proposals: who, when (local, with offset), and under which name.

    ``opened`` opens the ledger; ``today`` is the day of the inbox. ``version``: of the organisation that a proposal
    stands with, as it was seen; what was said of that since is a conflict.
    """

    opened: Callable[[], AbstractContextManager[Opened]]
    intake: Intake
    party: Party
    now: datetime
    today: str
    actor: str | None = None
    version: int | None = None

    def event(self, proposal: Proposal, what: str, type_: str, data: Mapping[str, Any], **more: Any) -> Event:
        id_ = f"{proposal.proposal}-{what}-{self.now:%Y%m%dT%H%M%S%z}"
        subject = more.pop("subject", proposal.organisation)
        return commands.envelope(self.party, type_, subject, dict(data), self.now, id=id_, actor=self.actor, **more)


def judge(desk: Desk, code: str, act: Act, status: str) -> Judged:
    """Have ``act`` judge the proposal of an identity; nothing is done where it has come to ``status`` before.

    Raises a 403 for a role that judges none, a 404, a 409 or a 422.
    """
    if desk.party.role not in OWNERS:
        raise Refusal(403, f"роль «{desk.party.role}» не решает по предложениям")
    with desk.opened() as ledger:
        scope = desk.party.scope(ledger.tree(ledger.position), desk.today)
        seen = look_up(ledger, scope, code, desk.today)
        if isinstance(seen, Proposal):
            desk = replace(desk, version=log.version(ledger.connection, seen.organisation, ledger.position))
    if isinstance(seen, Proposal):
        return act(desk, seen)
    now = seen["status"]
    if now != status:
        raise Refusal(409, f"по предложению уже решено: {now}", more={"proposal": code, "status": now})
    return None, []


def look_up(ledger: Opened, organisation: str, code: str, today: str) -> Proposal | dict[str, Any]:
    """The proposal below an organisation, open or put off, or what was made of it. Raises a 404 for neither."""
    unsettled = (OPEN, POSTPONED)
    for each in found(ledger, organisation, today, ledger.position, rules_of(code), unsettled):
        if each.proposal == code:
            return each
    said = judged(ledger, {code: None}, today, ledger.position).get(code)
    tree = ledger.tree(ledger.position)
    if said is None or not tree.within(said["organisation"], organisation, today):
        raise Refusal(404, GONE.format(code[:64]))
    return said


def require_ahead(until: str, today: str) -> None:
    """Raises a 422 for a day of return that is no date, or is not ahead."""
    try:
        day = parse_date(until)
    except ValueError as error:
        raise Refusal(422, "день возвращения не принят", errors={"until": [str(error)]}) from error
    if day <= today:
        raise Refusal(422, "день возвращения должен быть впереди", errors={"until": [f"уже наступил: {day}"]})


def adopt(desk: Desk, proposal: Proposal, event: Mapping[str, Any] | None) -> Judged:
    """Write that it was adopted and, with that as its cause, the drafted event or the one given in its place.

    Both are taken or neither; no events where somebody was faster. Raises a 409 or a 422 with every reason.
    """
    drafted = event if event is not None else proposal.draft
    data, seen = _named(proposal), _seen(desk)
    if drafted is None:
        events = [desk.event(proposal, ADOPTED, "proposal.adopted", data, **seen)]
    else:
        _require_settling(proposal, drafted["type"])
        caused = {"causationid": "", "subject": drafted.get("subject", proposal.organisation)}
        follows = desk.event(proposal, "event", drafted["type"], drafted["data"], **caused)
        adopted = desk.event(proposal, ADOPTED, "proposal.adopted", {**data, "event": follows["id"]}, **seen)
        events = [adopted, {**follows, "causationid": adopted["id"]}]
    answer = desk.intake.submit(desk.party, events, atomic=True)
    if answer.refused and _adopted_before(answer.results[0]):
        return answer, []
    return _taken(answer, events), events


def decline(desk: Desk, proposal: Proposal, reason: str, until: str | None = None) -> Judged:
    """Write that it was declined; ``until``: put off, and open again from that day on. Raises a 409 or a 422."""
    data = {**_named(proposal), "reason": reason, **({"until": until} if until else {})}
    events = [desk.event(proposal, DECLINED, "proposal.declined", data, **_seen(desk))]
    return _taken(desk.intake.submit(desk.party, events, atomic=True), events), events


def _named(proposal: Proposal) -> dict[str, Any]:
    head = {"proposal": proposal.proposal, "rule": proposal.rule, "version": proposal.version}
    return {**head, "organisation": proposal.organisation}


def _adopted_before(outcome: Outcome) -> bool:
    """Whether the adoption itself was refused as one that the log holds: a second copy, or another's."""
    return "id" in outcome.errors or "data.proposal" in outcome.errors


def _seen(desk: Desk) -> dict[str, int]:
    return {} if desk.version is None else {"expectedversion": desk.version}


def _require_settling(proposal: Proposal, type_: str) -> None:
    """Raises a 422 for an event that has nothing to do with the proposal."""
    allowed = {*proposal.settles, *([proposal.draft["type"]] if proposal.draft else [])}
    if type_ not in allowed:
        problem = f"такое событие не решает предложения; решают: {', '.join(sorted(allowed))} (получено: «{type_}»)"
        raise Refusal(422, REFUSED, errors={"event.type": [problem]})


def _taken(answer: Answer, events: Sequence[Event]) -> Answer:
    if answer.refused:
        errors = {
            f"{event['type']}: {path}" if path else event["type"]: reasons
            for event, outcome in zip(events, answer.results, strict=True)
            for path, reasons in outcome.errors.items()
        }
        conflict = any(each.status == CONFLICT for each in answer.results)
        raise Refusal(*((409, GONE_ON) if conflict else (422, REFUSED)), errors=errors)
    return answer
