"""What people make of a proposal: adopt it, decline it, or put it off until a day. Each is an event of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...projections.book import Opened
from ...read_models.periods import parse_date
from ...rules.proposals import Proposal
from ..access import Party
from ..intake import CONFLICT, Answer, Intake, Outcome
from ..refusals import Refusal
from . import found, judged, rules_of

ADOPTED, DECLINED, POSTPONED = "adopted", "declined", "postponed"
GONE = "предложения «{}» нет: показатели изменились, или оно вне вашего подчинения"
Event = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """Where somebody judges proposals: who, when (local, with offset), and under which name."""

    intake: Intake
    party: Party
    now: datetime
    actor: str | None = None

    def event(self, proposal: Proposal, what: str, type_: str, data: Mapping[str, Any], **more: Any) -> Event:
        return {
            "specversion": "1.0",
            "id": f"{proposal.proposal}-{what}-{self.now:%Y%m%dT%H%M%S%z}",
            "source": f"/vertikal/{self.party.organisation}",
            "type": type_,
            "subject": proposal.organisation,
            "time": self.now.isoformat(timespec="seconds"),
            "data": dict(data),
            **({"actor": self.actor} if self.actor else {}),
            **more,
        }


def look_up(ledger: Opened, organisation: str, code: str, today: str) -> Proposal | dict[str, Any]:
    """The open proposal of this identity below an organisation, or what was made of it. Raises a 404 for neither."""
    for each in found(ledger, organisation, today, ledger.position, rules_of(code)):
        if each.proposal == code:
            return each
    said = judged(ledger, [code], today, ledger.position).get(code)
    tree = ledger.tree(ledger.position)
    if said is None or not tree.within(said["organisation"], organisation, today):
        raise Refusal(404, GONE.format(code[:64]))
    return said


def require_same(code: str, now: str, wanted: str) -> None:
    """Raises a 409 where people made something else of a proposal before."""
    if now != wanted:
        raise Refusal(409, f"по предложению уже решено: {now}", more={"proposal": code, "status": now})


def require_ahead(until: str, today: str) -> None:
    """Raises a 422 for a day of return that is no date, or is not ahead."""
    try:
        day = parse_date(until)
    except ValueError as error:
        raise Refusal(422, "день возвращения не принят", errors={"until": [str(error)]}) from error
    if day <= today:
        raise Refusal(422, "день возвращения должен быть впереди", errors={"until": [f"уже наступил: {day}"]})


def adopt(desk: Desk, proposal: Proposal, event: Mapping[str, Any] | None) -> tuple[Answer, list[Event]]:
    """Write that it was adopted and, with that as its cause, the drafted event or the one given in its place.

    Both are taken or neither; no events where somebody was faster. Raises a 409 or a 422 with every reason.
    """
    drafted = event if event is not None else proposal.draft
    data = _named(proposal)
    if drafted is None:
        events = [desk.event(proposal, ADOPTED, "proposal.adopted", data)]
    else:
        caused = {"causationid": "", "subject": drafted.get("subject", proposal.organisation)}
        follows = desk.event(proposal, "event", drafted["type"], drafted["data"], **caused)
        adopted = desk.event(proposal, ADOPTED, "proposal.adopted", {**data, "event": follows["id"]})
        events = [adopted, {**follows, "causationid": adopted["id"]}]
    answer = desk.intake.submit(desk.party, events, atomic=True)
    if answer.refused and _adopted_before(answer.results[0]):
        return answer, []
    return _taken(answer, events), events


def decline(desk: Desk, proposal: Proposal, reason: str, until: str | None = None) -> tuple[Answer, list[Event]]:
    """Write that it was declined; ``until``: put off, and open again from that day on. Raises a 409 or a 422."""
    data = {**_named(proposal), "reason": reason, **({"until": until} if until else {})}
    events = [desk.event(proposal, DECLINED, "proposal.declined", data)]
    return _taken(desk.intake.submit(desk.party, events, atomic=True), events), events


def _named(proposal: Proposal) -> dict[str, Any]:
    head = {"proposal": proposal.proposal, "rule": proposal.rule, "version": proposal.version}
    return {**head, "organisation": proposal.organisation}


def _adopted_before(outcome: Outcome) -> bool:
    """Whether the adoption itself was refused as one that the log holds: a second copy, or another's."""
    return outcome.status == CONFLICT or "data.proposal" in outcome.errors


def _taken(answer: Answer, events: Sequence[Event]) -> Answer:
    if answer.refused:
        errors = {
            f"{event['type']}: {path}" if path else event["type"]: reasons
            for event, outcome in zip(events, answer.results, strict=True)
            for path, reasons in outcome.errors.items()
        }
        conflict = any(each.status == CONFLICT for each in answer.results)
        raise Refusal(409 if conflict else 422, "событие по предложению не принято", errors=errors)
    return answer
