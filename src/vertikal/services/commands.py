"""What people do in a management cycle: each step is one event, said through the door that systems use.

A person need not fill in an envelope, nor invent codes. Who names the position of the log that was seen is refused
where events about the organisation have followed since. The same id again is the same command: it is said once.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Engine

from ..contracts.catalogue import CATALOGUE
from ..contracts.fields import CODE_PATTERN
from ..events import log, registry
from ..events.database import reading
from . import numbering, telling
from .access import Party
from .admission import KINDS
from .intake import ACCEPTED, CONFLICT, DUPLICATE, Intake, Outcome
from .refusals import Refusal

Data = dict[str, Any]
SINCE_MAX = 10
ATTEMPTS_MAX = 20
WAIT_S = 0.01
REFUSED = "событие не принято: причины перечислены по полям"


@dataclass(frozen=True)
class Step:
    """The event of a step. ``about``: the field that names what it is about, which a person says beside the data.

    ``numbered``: the field with a code that is made up where a person gives none.
    """

    type: str
    about: str | None = "cycle"
    numbered: str | None = None


STEPS = {
    "cycles": Step("cycle.opened", about=None),
    "goals": Step("goal.set", numbered="goal"),
    "indicators": Step("indicator.adopted"),
    "monitoring": Step("monitoring.recorded"),
    "analyses": Step("analysis.published", numbered="analysis"),
    "recommendations": Step("recommendation.issued", numbered="recommendation"),
    "answers": Step("recommendation.answered", about="recommendation"),
    "decisions": Step("decision.taken", numbered="decision"),
    "effectiveness": Step("effectiveness.assessed", numbered="effectiveness"),
    "closing": Step("cycle.closed"),
}


@dataclass(frozen=True)
class Command:
    """What a person wants to have said. ``about``: the code of the cycle, or recommendation, that the step is about.

    ``seen``: the position of the log that the person knew; None: whatever has happened since. ``id`` makes it safe to
    repeat. ``dry_run``: say what would happen.
    """

    step: str
    data: Any
    about: str | None = None
    seen: int | None = None
    id: str | None = None
    actor: str | None = None
    causation: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Done:
    """The event of a command, its cycle, and what became of it; ``since``: what happened behind the position seen."""

    event: Data
    outcome: Outcome
    cycle: str = ""
    since: list[Data] = field(default_factory=list)

    def require(self) -> Done:
        """Itself, if the log has it. Raises a 409, or a 422 that names the fields."""
        status, errors = self.outcome.status, self.outcome.errors
        if status in (ACCEPTED, DUPLICATE):
            return self
        if status != CONFLICT:
            raise Refusal(422, REFUSED, errors=errors)
        if "id" in errors:
            raise Refusal(409, "под этим ключом повтора уже записано другое", errors=errors)
        raise Refusal(409, _gone_on(self.event["subject"], len(self.since)), errors=errors, more={"since": self.since})


def act(intake: Intake, engine: Engine, party: Party, command: Command, now: datetime) -> Done:
    """Say what a person wants to have said; ``now``, with its offset, is the time of the event.

    Codes are made up before the log is locked. So that of two people at once neither overwrites the other, such an
    event expects the version by which it was numbered, and is numbered anew where that has changed. Raises a 404 for
    what is not there and a 400 for a position that the log has not reached.
    """
    for attempt in count(1):
        with reading(engine) as connection:
            cycle, event, known = _event(connection, party, command, now)
        outcome = intake.submit(party, [event], dry_run=command.dry_run).results[0]
        if attempt == ATTEMPTS_MAX or not _outrun(command, outcome, known=known):
            break
        time.sleep(random.uniform(0, WAIT_S * attempt))  # noqa: S311  # who collided should not meet again
    since: list[Data] = []
    if command.seen is not None and "expectedversion" in outcome.errors:
        with reading(engine) as connection:
            since = _since(connection, event["subject"], command.seen)
    return Done(event, outcome, cycle, since)


def envelope(party: Party, type_: str, subject: str, data: Any, now: datetime, **more: Any) -> Data:
    """An event of a person; ``more`` are attributes (``id``, ``actor``, ``causationid`` …), None if left out."""
    given = {name: value for name, value in more.items() if value is not None}
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": source(party),
        "type": type_,
        "subject": subject,
        "time": now.isoformat(timespec="seconds"),
        **given,
        "data": data,
    }


def source(party: Party) -> str:
    """The organisation's own, for a source belongs to whom it was used by first."""
    return f"/vertikal/{party.organisation}"


def _event(connection: Connection, party: Party, command: Command, now: datetime) -> tuple[str, Data, bool]:
    """The cycle, the event, and whether the log knows its id; what is left open is then as it was said before."""
    step = STEPS[command.step]
    cycle, subject, data = _placed(connection, party, step, command)
    more = {"id": command.id, "actor": command.actor, "causationid": command.causation}
    if not isinstance(data, dict):
        return cycle, envelope(party, step.type, subject, data, now, **more), True
    before = _before(connection, party, command.id)
    if before is not None and before["type"] == step.type:
        now, expected = datetime.fromisoformat(before["time"]), before.get("expectedversion")
        data = numbering.numbered_as(data, step.numbered, before["data"])
    elif command.seen is not None:
        expected = _version_seen(connection, subject, command.seen)
    else:  # read before the codes are, lest something comes between
        expected = log.version(connection, subject) if numbering.is_open(data, step.numbered) else None
    data = numbering.numbered(connection, step.type, step.numbered, subject, data)
    return cycle, envelope(party, step.type, subject, data, now, expectedversion=expected, **more), before is not None


def _placed(connection: Connection, party: Party, step: Step, command: Command) -> tuple[str, str, Any]:
    """The cycle of a command, the organisation that the event is about, and the data with the code it is about."""
    data, cycle, subject = command.data, "", party.organisation
    if step.about is not None:
        declared = _find(connection, step.about, str(command.about))
        subject, issued = str(declared.owner), log.read_at(connection, [declared.position])[declared.position].event
        cycle = issued["data"]["cycle"]
    if not isinstance(data, dict):
        return cycle, subject, data
    if step.about is not None:
        if data.get(step.about, declared.code) != declared.code:
            wrong = f"в адресе назван другой код: «{declared.code}» (получено: «{str(data[step.about])[:80]}»)"
            raise Refusal(422, REFUSED, errors={f"data.{step.about}": [wrong]})
        data = {step.about: declared.code, **data}
    named = CATALOGUE.newest[step.type].subject
    if named is not None:
        data = {named: party.organisation, **data}
        subject = data[named] if _is_code(data[named]) else subject
    return cycle or str(data.get("cycle", "")), subject, data


def _find(connection: Connection, kind: str, code: str) -> registry.Declared:
    """What stands under a code. Raises a 404."""
    found = registry.find(connection, [(kind, code)]) if _is_code(code) else {}
    if not found:
        raise Refusal(404, f"{KINDS[kind]} (получено: «{code[:64]}»)")
    return found[kind, code]


def _before(connection: Connection, party: Party, id_: str | None) -> Mapping[str, Any] | None:
    """What the organisation has said under an id."""
    identity = (source(party), str(id_))
    found = log.find(connection, [identity]) if id_ is not None else {}
    return found[identity].event if found else None


def _version_seen(connection: Connection, subject: str, seen: int) -> int:
    """How many events about an organisation there were at a position. Raises a 400 beyond the head of the log."""
    head = log.read_head(connection).position
    if seen > head:
        wrong = f"позиция {seen} дальше конца журнала ({head})"
        raise Refusal(400, "параметры запроса не приняты", errors={"seen": [wrong]})
    return log.version(connection, subject, seen)


def _outrun(command: Command, outcome: Outcome, *, known: bool) -> bool:
    """Whether the log went on between reading and writing, so that the same is to be said anew."""
    if outcome.status != CONFLICT:
        return False
    return (command.seen is None and "expectedversion" in outcome.errors) or ("id" in outcome.errors and not known)


def _since(connection: Connection, subject: str, seen: int) -> list[Data]:
    """The first events about an organisation behind a position, told to people."""
    rows = log.read(connection, seen, SINCE_MAX, [subject])
    return [
        {
            "position": row.position,
            "event_id": event["id"],
            "type": event["type"],
            "actor": event.get("actor") or event["source"],
            "text": telling.say(event),
        }
        for row in rows
        if (event := row.event)
    ]


def _gone_on(subject: str, number: int) -> str:
    if not number:
        return f"об организации «{subject}» всё время записываются события: повторите команду"
    shown = f"первые {number}" if number == SINCE_MAX else f"всего {number}"
    return f"об организации «{subject}» записаны события, которых вы не видели ({shown}): посмотрите их и повторите"


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(CODE_PATTERN, value) is not None
