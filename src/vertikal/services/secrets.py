"""Personal data on its way into the log: sealed with the person's key before anything is locked or written."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from ..contracts.catalogue import Errors
from ..contracts.contract import Contract
from ..events import registry, sealing
from ..events.database import reading, writing
from ..events.log import timestamp
from ..events.sealing import MasterKey
from .refusals import Refusal

Verdict = tuple[Contract | None, Errors]


@dataclass(frozen=True, repr=False)
class Secret:
    """The personal data of one event. ``key`` is None where the person is forgotten: then nothing can be sealed."""

    person: str
    personal: Mapping[str, str]
    key: bytes | None

    def sealed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event as the log may hold it."""
        data = {name: value for name, value in event["data"].items() if name != "personal"}
        data["sealed"] = sealing.seal(self.key, _identity(event), self.person, self.personal) if self.key else {}
        return {**event, "data": data}

    def is_in(self, stored: Mapping[str, Any]) -> bool:
        """Whether a stored event holds the same personal data; of the forgotten it cannot be told, and they count."""
        if self.key is None:
            return True
        return sealing.matches(self.key, _identity(stored), self.person, self.personal, stored["data"]["sealed"])


class Sealing:
    """Finds the keys of persons, and makes them."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], master: MasterKey | None) -> None:
        self._engine = engine
        self._clock = clock
        self._master = master

    def secrets(self, verdicts: Sequence[Verdict], events: Sequence[Any], *, for_good: bool) -> list[Secret | None]:
        """What is to be sealed of each event. Unless ``for_good``, new keys are not kept. Raises ``Refusal``."""
        whose = [
            event["data"][contract.person] if contract and contract.person and "personal" in event["data"] else None
            for (contract, _), event in zip(verdicts, events, strict=True)
        ]
        persons = {person for person in whose if person is not None}
        keys = self._keys(persons, for_good=for_good) if persons else {}
        return [
            Secret(person, event["data"]["personal"], keys.get(person)) if person is not None else None
            for person, event in zip(whose, events, strict=True)
        ]

    def _keys(self, persons: set[str], *, for_good: bool) -> dict[str, bytes]:
        if self._master is None:
            raise Refusal(503, "персональные данные не принимаются: у службы нет главного ключа (VERTIKAL_MASTER_KEY)")
        with reading(self._engine) as connection:
            try:
                keys = sealing.find_keys(connection, persons, self._master)
            except sealing.CannotUnseal as error:
                raise Refusal(503, "главный ключ (VERTIKAL_MASTER_KEY) не от этой базы") from error
            forgotten = registry.find(connection, (("forgotten", person) for person in persons))
        new = persons - keys.keys() - {person for _, person in forgotten}
        if new and for_good:
            with writing(self._engine) as connection:
                keys |= sealing.make_keys(connection, new, self._master, timestamp(self._clock()))
        elif new:
            keys |= {person: secrets.token_bytes(32) for person in new}
        return keys


def _identity(event: Mapping[str, Any]) -> tuple[str, str]:
    return event["source"], event["id"]
