"""What the log knows of a person, opened for those who may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from ..contracts.catalogue import CATALOGUE
from ..events import log, registry, sealing
from ..events.sealing import MasterKey
from .refusals import Refusal


def read(
    connection: Connection, person: str, master: MasterKey | None, may_see: Callable[[str], bool]
) -> dict[str, Any] | None:
    """The latest personal data in the shape of ``/v1/persons/{person}``; None where there is nothing to be seen.

    ``may_see`` tells of an organisation whether the reader stands above it: data are for the unit that sent them.
    """
    told = [event for event in events_about(connection, person) if may_see(_sender(connection, event))]
    if not told:
        return None
    if is_forgotten(connection, person):
        return {"person": person, "forgotten": True, "personal": None}
    if master is None:
        raise Refusal(503, "у службы нет главного ключа (VERTIKAL_MASTER_KEY)")
    key = sealing.find_keys(connection, [person], master).get(person)
    personal: dict[str, str] = {}
    if key is not None:
        for event in told:
            with suppress(sealing.CannotUnseal):  # its key was lost: the log was restored without the keys
                personal |= sealing.unseal(key, (event["source"], event["id"]), person, event["data"]["sealed"])
    return {"person": person, "forgotten": False, "personal": personal or None}


def events_about(connection: Connection, person: str) -> list[Mapping[str, Any]]:
    """The events with sealed data of a person that stand, in the order of the log."""
    recorded = recorded_about(connection, person)
    gone = registry.undone(connection, (each.position for each in recorded))
    return [each.event for each in recorded if each.position not in gone]


def recorded_about(connection: Connection, person: str) -> list[log.Recorded]:
    """Every event with sealed data of a person, in the order of the log; retracted ones hold them, too."""
    declared = registry.owners(connection, [("person", person)])["person", person]
    found = log.read_at(connection, (position for position, _ in declared))
    return [found[position] for position in sorted(found)]


def forgotten_by(connection: Connection, person: str) -> log.Recorded | None:
    """The event that destroyed the person's key; None where nothing did."""
    declared = registry.owners(connection, [("forgotten", person)])["forgotten", person]
    if not declared:
        return None
    position, _ = declared[0]
    return log.read_at(connection, [position])[position]


def is_forgotten(connection: Connection, person: str) -> bool:
    return bool(registry.find(connection, [("forgotten", person)]))


def categories(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which kinds of personal data the events hold; their names are not secret."""
    return sorted({name for event in events for name in event["data"]["sealed"].get("fields", ())})


def person_of(event: Mapping[str, Any]) -> str | None:
    """The pseudonym of the person that an event tells of, if it may carry personal data."""
    contract = CATALOGUE.newest.get(event["type"])
    return event["data"].get(contract.person) if contract and contract.person else None


def _sender(connection: Connection, event: Mapping[str, Any]) -> str:
    return registry.owners_of_sources(connection, [event["source"]])[event["source"]]
