"""An event from a Kafka message: CloudEvents 1.0 in Kafka's binding, structured or binary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...contracts.catalogue import Errors
from ..access import Party
from ..parsing import parse
from ..refusals import Refusal
from .signing import HEADER, Senders, Unsigned
from .topics import MESSAGE_MAX_BYTES, Message

STRUCTURED = "application/cloudevents+json"
WHAT = "сообщение"
TOO_LARGE = f"сообщение больше {MESSAGE_MAX_BYTES >> 20} МБ"
ONE_EACH = "одно сообщение — одно событие: пакеты по Kafka не принимаются"
PERSONAL = "персональные данные по Kafka не принимаются: отправьте событие по HTTP (POST /v1/events)"


@dataclass(frozen=True)
class Read:
    """What could be read of a message: its sender and its event, and why it may not be submitted."""

    message: Message
    party: Party | None = None
    event: Any = None
    errors: Errors = field(default_factory=dict)

    @property
    def id(self) -> str | None:
        found = self.event.get("id") if isinstance(self.event, dict) else None
        return found if isinstance(found, str) else None

    @property
    def personal(self) -> bool:
        """Whether there is personal data in the clear."""
        return (
            isinstance(self.event, dict)
            and isinstance(self.event.get("data"), dict)
            and "personal" in self.event["data"]
        )


def read(messages: Sequence[Message], senders: Senders) -> list[Read]:
    """Each message with its sender and its event, or with the reasons to refuse it."""
    return [_read(message, senders) for message in messages]


def event_of(message: Message) -> Any:
    """The event that a message carries. Raises ``Refusal``."""
    if message.value is None:
        raise Refusal(400, f"{WHAT} без содержания (null)")
    if len(message.value) > MESSAGE_MAX_BYTES:
        raise Refusal(413, TOO_LARGE)
    kind = _kind(message)
    attributes = _attributes(message)
    if not kind.startswith("application/cloudevents") and "specversion" in attributes:
        if kind not in ("", "application/json") and not kind.endswith("+json"):
            raise Refusal(415, f"вид содержимого «{kind[:80]}» не поддерживается; ожидается application/json")
        return {**attributes, "data": parse(message.value, WHAT)}
    if kind not in (STRUCTURED, "application/json", ""):
        raise Refusal(415, f"вид содержимого «{kind[:80]}» не поддерживается; ожидается {STRUCTURED}")
    event = parse(message.value, WHAT)
    if isinstance(event, list):
        raise Refusal(400, ONE_EACH)
    return event


def _read(message: Message, senders: Senders) -> Read:
    event, errors = None, {}
    try:
        event = event_of(message)
    except Refusal as refusal:
        errors[""] = [refusal.detail]
    try:
        party = senders.of(message.headers, message.value)
    except Unsigned as unsigned:
        return Read(message, None, event, {**errors, HEADER: [str(unsigned)]})
    if not party.may_send:
        errors[HEADER] = [f"роль «{party.role}» не отправляет события"]
    found = Read(message, party, event, errors)
    if found.personal:
        errors["data.personal"] = [PERSONAL]
    return found


def _kind(message: Message) -> str:
    given = next((content or b"" for name, content in message.headers if name.lower() == "content-type"), b"")
    return given.decode(errors="replace").partition(";")[0].strip().lower()


def _attributes(message: Message) -> dict[str, Any]:
    """The attributes in ``ce_`` headers: UTF-8, as they are. Raises ``Refusal``."""
    found: dict[str, Any] = {}
    for name, content in message.headers:
        if name.startswith("ce_"):
            try:
                found[name[3:]] = (content or b"").decode()
            except UnicodeDecodeError as error:
                raise Refusal(400, f"заголовок «{name[:80]}»: кодировка не UTF-8") from error
    if re.fullmatch("[0-9]{1,19}", found.get("expectedversion", "")):
        found["expectedversion"] = int(found["expectedversion"])
    return found
