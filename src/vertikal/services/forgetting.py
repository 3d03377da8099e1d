"""``vertikal forget``: the key of a person destroyed by an event of the log, and what the papers say of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Connection, Engine

from ..contracts.catalogue import CATALOGUE
from ..events import log
from ..events.database import reading
from ..events.notes import Checkpoint, Signer, text_of
from ..projections.organisations import read_tree
from . import persons, proving
from .access import Party
from .intake import ACCEPTED, DUPLICATE, Intake
from .refusals import Refusal

TYPE = "person.forgotten"
REASON_IN_ACT = "указана в акте"  # what the log says where no reason was given


@dataclass(frozen=True)
class Destruction:
    """How the log tells of it; there is a pseudonym and no name in it. ``note``: a signed checkpoint over the event.

    ``told``: the events whose sealed data nobody can open any more. ``local``: the time of recording where we are.
    """

    act: str
    operator: str
    forgotten: log.Recorded
    local: datetime
    told: tuple[log.Recorded, ...]
    note: str

    @property
    def person(self) -> str:
        return str(self.forgotten.event["data"]["person"])

    @property
    def reason(self) -> str:
        return str(self.forgotten.event["data"]["reason"])

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint.parse(text_of(self.note))


def forget(engine: Engine, intake: Intake, party: Party, person: str, act: str, reason: str, now: datetime) -> bool:
    """Destroy the key of a person by an event of ``party``; False where the same act has done so before.

    ``now``, with its offset, is the time of the event. Raises ``Refusal``.
    """
    _require_authority(party)
    with reading(engine) as connection:
        before = persons.forgotten_by(connection, person)
        told = persons.recorded_about(connection, person)
    if before is not None:
        _require_same_act(before, person, act)
        return False
    if not told:
        raise Refusal(404, f"в журнале нет персональных данных лица «{person}»")
    outcome = intake.submit(party, [_event(party, person, act, reason, now)]).results[0]
    if outcome.status not in (ACCEPTED, DUPLICATE):
        raise Refusal(422, "персональные данные не уничтожены: журнал не принял событие", errors=outcome.errors)
    return True


def tell(engine: Engine, signer: Signer, person: str, act: str, timezone: ZoneInfo) -> Destruction:
    """What the log says of the destruction, under the first checkpoint that covers it: the same whenever it is asked.

    Raises ``KeyError``, ``LogChanged`` and ``KeyNotInUse``.
    """
    with reading(engine) as connection:
        forgotten = persons.forgotten_by(connection, person)
        if forgotten is None:
            raise KeyError(person)
        told = tuple(persons.recorded_about(connection, person))
        operator = _operator(connection, forgotten.event)
    local = datetime.fromisoformat(orjson.loads(forgotten.leaf)["recorded_at"]).astimezone(timezone)
    note = proving.checkpoint_over(engine, signer, forgotten.position)
    return Destruction(act, operator, forgotten, local, told, note)


def _event(party: Party, person: str, act: str, reason: str, now: datetime) -> dict[str, Any]:
    """Its source is the organisation's own, for a source belongs to whom it was used by first."""
    return {
        "specversion": "1.0",
        "id": person,
        "source": f"/vertikal/forget/{party.organisation}",
        "type": TYPE,
        "time": now.isoformat(timespec="seconds"),
        "subject": party.organisation,
        "correlationid": act,
        "data": {"person": person, "reason": reason},
    }


def _require_authority(party: Party) -> None:
    """Also of those who only want the papers again, which no door of the log judges."""
    senders = CATALOGUE.newest[TYPE].senders
    if party.role not in senders:
        allowed = ", ".join(senders)
        raise Refusal(403, f"роль «{party.role}» не уничтожает персональные данные; уничтожают: {allowed}")


def _require_same_act(before: log.Recorded, person: str, act: str) -> None:
    """Whoever forgot over HTTP without the number of an act may give it now."""
    earlier = before.event.get("correlationid", act)
    if earlier != act:
        done = f"персональные данные лица «{person}» уже уничтожены: позиция {before.position}, акт № {earlier}"
        raise Refusal(409, f"{done}; документы этого акта: --act {earlier}")


def _operator(connection: Connection, event: dict[str, Any]) -> str:
    """Name, code and, where the log knows it, the tax number of the organisation that destroyed the data."""
    code = event["subject"]
    node = read_tree(connection).nodes.get(code)
    if node is None:  # its registration was retracted since
        return str(code)
    number = node.identifiers.get("inn")
    return f"{node.name(event['time'][:10])} ({code})" + (f", ИНН {number}" if number else "")
