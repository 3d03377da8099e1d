"""Personal data, sealed per person: AES-256-GCM with a key of the person's own, wrapped by a master key.

A sealed field is bound to its event, its name and the person: moved anywhere else it does not open. Whoever destroys a
person's key has forgotten the person, in every copy of the log at once.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from .canonical import canonical
from .tables import person_keys

KEY_BYTES, NONCE_BYTES = 32, 12
Identity = tuple[str, str]


class CannotUnseal(Exception):
    """Altered, moved from elsewhere, or sealed with another key."""


@dataclass(frozen=True)
class MasterKey:
    """The key of the keys; its text form is base64 (URL-safe) of 32 bytes."""

    key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> MasterKey:
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> MasterKey:
        """Raises ``ValueError``."""
        try:
            key = base64.urlsafe_b64decode(text.strip())
        except ValueError as error:
            raise ValueError("a master key is base64 of 32 bytes") from error
        if len(key) != KEY_BYTES:
            raise ValueError(f"a master key has 32 bytes, this one {len(key)}")
        return cls(key)

    def text(self) -> str:
        return base64.urlsafe_b64encode(self.key).decode()

    def wrap(self, person: str, key: bytes) -> bytes:
        return _encrypt(self.key, key, ["vertikal/person-key/1", person])

    def unwrap(self, person: str, wrapped: bytes) -> bytes:
        """Raises ``CannotUnseal``."""
        return _decrypt(self.key, wrapped, ["vertikal/person-key/1", person])


def seal(key: bytes, identity: Identity, person: str, personal: Mapping[str, str]) -> dict[str, Any]:
    """What the log holds instead of ``personal``: each field sealed, and a mark to know the same again by."""
    fields = {
        name: _encode(_encrypt(key, value.encode(), _bound(identity, name, person))) for name, value in personal.items()
    }
    return {"fields": fields, "match": _encode(_match(key, identity, person, personal))}


def unseal(key: bytes, identity: Identity, person: str, sealed: Mapping[str, Any]) -> dict[str, str]:
    """The personal data of an event. Raises ``CannotUnseal``."""
    found = {
        name: _decrypt(key, _decode(value), _bound(identity, name, person)).decode()
        for name, value in sealed["fields"].items()
    }
    if not matches(key, identity, person, found, sealed):  # a field was removed or added
        raise CannotUnseal
    return found


def matches(
    key: bytes, identity: Identity, person: str, personal: Mapping[str, str], sealed: Mapping[str, Any]
) -> bool:
    """Whether these personal data are what was sealed in this event."""
    return hmac.compare_digest(_match(key, identity, person, personal), _decode(sealed["match"]))


def find_keys(connection: Connection, persons: Iterable[str], master: MasterKey) -> dict[str, bytes]:
    """The keys of those persons who have one. Raises ``CannotUnseal`` where the master key is another."""
    statement = select(person_keys.c.person, person_keys.c.wrapped).where(person_keys.c.person.in_(sorted(persons)))
    return {person: master.unwrap(person, bytes(wrapped)) for person, wrapped in connection.execute(statement)}


def make_keys(connection: Connection, persons: Iterable[str], master: MasterKey, now: str) -> dict[str, bytes]:
    """The keys of persons, made where there are none; of two who make one at once, both get the first."""
    wanted = sorted(persons)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    rows = [
        {"person": person, "wrapped": master.wrap(person, secrets.token_bytes(KEY_BYTES)), "created_at": now}
        for person in wanted
    ]
    connection.execute(insert(person_keys).on_conflict_do_nothing(), rows)
    return find_keys(connection, wanted, master)


def destroy_key(connection: Connection, person: str) -> bool:
    """Whether there was a key to destroy."""
    return connection.execute(delete(person_keys).where(person_keys.c.person == person)).rowcount == 1


def _bound(identity: Identity, name: str, person: str) -> list[str]:
    return ["vertikal/sealed/1", *identity, name, person]


def _match(key: bytes, identity: Identity, person: str, personal: Mapping[str, str]) -> bytes:
    """A keyed hash; the event is part of it, so that equal names in two events look unlike."""
    derived = HKDF(SHA256(), KEY_BYTES, None, b"vertikal/match/1").derive(key)
    return hmac.digest(derived, canonical([*identity, person, dict(personal)]), "sha256")


def _encrypt(key: bytes, value: bytes, bound: list[str]) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, canonical(bound))


def _decrypt(key: bytes, sealed: bytes, bound: list[str]) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], canonical(bound))
    except (InvalidTag, ValueError) as error:
        raise CannotUnseal from error


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise CannotUnseal from error
