"""Refused messages: kept whole with their reasons before the offset moves, then published, then submitted again.

Personal data is the exception: it is cut out before a message is kept, since it may lie nowhere in the clear.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Connection, Engine, insert, select, update

from ...contracts.catalogue import Errors
from ...events.database import reading, writing
from ...events.log import timestamp
from ..access import Party
from ..intake import ACCEPTED, DUPLICATE, REJECTED, Answer, Intake, Outcome
from ..refusals import Refusal
from .messages import PERSONAL, Read, event_of
from .tables import refused_messages as table
from .topics import MESSAGE_MAX_BYTES, REFUSED, Headers, Message

if TYPE_CHECKING:
    from .broker import Outlet  # at work, whoever has one has loaded Kafka's client

AT_A_TIME = 100
ID_MAX, PATHS_MAX, PATH_MAX, REASONS_MAX, REASON_MAX = 256, 100, 200, 5, 500  # what a header can carry
CUT, TOO_LARGE = ("refused-cut", b"personal"), ("refused-cut", b"size")
PUBLISHED_MAX_BYTES = MESSAGE_MAX_BYTES + (1 << 18)  # the reasons need room, too
NO_SENDER = "отправитель не установлен: укажите --organisation и --role"


def keep(connection: Connection, refused: Sequence[tuple[Read, Outcome]], now: datetime) -> None:
    """Write refused messages down, in the caller's transaction."""
    if refused:
        connection.execute(insert(table), [_row(read, outcome, now) for read, outcome in refused])


def _row(read: Read, outcome: Outcome, now: datetime) -> dict[str, Any]:
    message, (value, headers) = read.message, _without_personal(read)
    return {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "sent_at": message.sent_at,
        "key": message.key,
        "value": value,
        "headers": _packed(headers),
        "organisation": read.party.organisation if read.party else None,
        "role": read.party.role if read.party else None,
        "event": read.id and read.id[:ID_MAX],
        "status": outcome.status,
        "reasons": _bounded(outcome.errors),
        "refused_at": timestamp(now),
        "published": 0,
    }


def _without_personal(read: Read) -> tuple[bytes | None, Headers]:
    """Value and headers as they may be kept: the names of personal fields stay, what could not be read is cut short."""
    value, headers = read.message.value, read.message.headers
    if read.personal:
        data = read.event["data"]
        names = dict.fromkeys(data["personal"]) if isinstance(data["personal"], dict) else None
        data = {**data, "personal": names}
        binary = any(name == "ce_specversion" for name, _ in headers)
        return orjson.dumps(data if binary else {**read.event, "data": data}), (*headers, CUT)
    if read.event is None and value is not None and b'"personal"' in value:
        return value[: value.index(b'"personal"')], (*headers, CUT)
    return value, headers


def publish(engine: Engine, outlet: Outlet, topic: str, partition: int, to: str = REFUSED) -> int:
    """Send what is kept of a partition and was not sent yet, at least once; how many messages that were."""
    total = 0
    while True:
        with reading(engine) as connection:
            waiting = table.c.published == 0, table.c.topic == topic, table.c.partition == partition
            found = connection.execute(select(table).where(*waiting).order_by(table.c.id).limit(AT_A_TIME)).mappings()
            rows = [dict(row) for row in found]
        if not rows:
            return total
        for row in rows:
            outlet.send(to, *_sendable(row))
        outlet.flush()
        with writing(engine) as connection:
            numbers = [row["id"] for row in rows]
            connection.execute(update(table).where(table.c.id.in_(numbers)).values(published=1))
        total += len(rows)


def _sendable(row: Mapping[str, Any]) -> tuple[bytes | None, bytes | None, Headers]:
    """Value, key and headers as they go out; of a message that is too large for that, what says which one it is."""
    value, key, headers = row["value"], row["key"], unpacked(row["headers"])
    size = sum(len(part or b"") for part in (value, key, *(part for _, part in headers)))
    if size > PUBLISHED_MAX_BYTES:
        return None, key and key[:ID_MAX], (TOO_LARGE, *_why(row))
    return value, key, (*headers, *_why(row))


def _bounded(errors: Errors) -> str:
    """The first reasons as JSON: a message can be wrong in a hundred thousand ways, each as long as it pleases."""
    first = {
        path[:PATH_MAX]: [reason[:REASON_MAX] for reason in reasons[:REASONS_MAX]]
        for path, reasons in list(errors.items())[:PATHS_MAX]
    }
    if len(errors) > PATHS_MAX:
        first["…"] = [f"и ещё полей с ошибками: {len(errors) - PATHS_MAX}"]
    return orjson.dumps(first).decode()


def _why(row: Mapping[str, Any]) -> Headers:
    said = {name: row[name] for name in ("id", "status", "reasons", "topic", "partition", "offset", "refused_at")}
    return [(f"refused-{name.replace('_', '-')}", str(value).encode()) for name, value in said.items()]


def listed(connection: Connection, limit: int, *, settled: bool = False) -> list[dict[str, Any]]:
    """The first of those that stand refused, or of all."""
    statement = select(table).order_by(table.c.id).limit(limit)
    if not settled:
        statement = statement.where(table.c.settled_at.is_(None))
    return [_shown(dict(row)) for row in connection.execute(statement).mappings()]


def numbers_open(connection: Connection) -> list[int]:
    """The numbers of those that stand refused, in the order in which they came."""
    statement = select(table.c.id).where(table.c.settled_at.is_(None)).order_by(table.c.id)
    return list(connection.execute(statement).scalars())


def resubmit(
    intake: Intake, engine: Engine, number: int, party: Party | None, clock: Callable[[], datetime]
) -> Outcome:
    """Submit a refused message again, as its sender or as ``party``. Raises ``Refusal`` for an unknown number."""
    with reading(engine) as connection:
        row = connection.execute(select(table).where(table.c.id == number)).mappings().first()
    if row is None:
        raise Refusal(404, f"отклонённого сообщения {number} нет")
    if party is None and row["organisation"] is not None:
        party = Party(row["organisation"], row["role"])
    event, errors = _submittable(_message(dict(row)), party)

    def settle(connection: Connection, answers: list[Answer]) -> None:
        outcome = answers[0].results[0] if answers else Outcome(None, REJECTED, errors=errors)
        outcomes.append(outcome)
        values: dict[str, Any] = {"status": outcome.status, "reasons": _bounded(outcome.errors)}
        if outcome.status in (ACCEPTED, DUPLICATE):
            values = {"settled_at": timestamp(clock()), "position": outcome.position}
        connection.execute(update(table).where(table.c.id == number).values(**values))

    outcomes: list[Outcome] = []
    intake.submit_along([(party, [event])] if party and not errors else [], settle)
    return outcomes[0]


def _submittable(message: Message, party: Party | None) -> tuple[Any, Errors]:
    try:
        event = event_of(message)
    except Refusal as refusal:
        return None, {"": [refusal.detail]}
    if party is None or not party.may_send:
        return event, {"": [NO_SENDER if party is None else f"роль «{party.role}» не отправляет события"]}
    return event, {"data.personal": [PERSONAL]} if Read(message, party, event).personal else {}


def _message(row: dict[str, Any]) -> Message:
    place = (row["topic"], row["partition"], row["offset"], -1, row["sent_at"])
    return Message(*place, row["key"], row["value"], unpacked(row["headers"]))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "topic", "partition", "offset", "organisation", "role", "event", "status", "refused_at")
    sent = {"key": _text(row["key"]), "value": _text(row["value"])}
    shown = {name: row[name] for name in kept} | sent | {"reasons": orjson.loads(row["reasons"])}
    return shown | {"settled_at": row["settled_at"], "position": row["position"]}


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="backslashreplace")


def _packed(headers: Headers) -> str:
    packed = [(name, None if content is None else base64.b64encode(content).decode()) for name, content in headers]
    return orjson.dumps(packed).decode()


def unpacked(headers: str) -> Headers:
    return [(name, None if content is None else base64.b64decode(content)) for name, content in orjson.loads(headers)]
