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

from ..contracts.catalogue import CATALOGUE
from .canonical import canonical
from .database import inserting
from .tables import person_keys

KEY_BYTES, NONCE_BYTES = 32, 12  # AES-256; the nonce that GCM is made for (NIST SP 800-38D, 8.2)
CHUNK = 500
Identity = tuple[str, str]


class CannotUnseal(Exception):
    """Altered, moved from elsewhere, or sealed with another key."""


@dataclass(frozen=True)
class MasterKey:
    """The key of the keys: 32 bytes. Its text is one line of URL-safe base64."""

    key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> MasterKey:
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> MasterKey:
        """Raises ``ValueError``; its text never holds the key."""
        line = text.strip()
        try:
            key = base64.urlsafe_b64decode(line)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES or cls(key).text() != line:  # the decoder skips what is no base64: nothing may be lost
            raise ValueError(f"a master key is one line: {KEY_BYTES} bytes in URL-safe base64")
        return cls(key)

    def text(self) -> str:
        return base64.urlsafe_b64encode(self.key).decode()

    def wrap(self, whose: str, key: bytes, use: str = "person-key") -> bytes:
        """A key as the database may hold it: it opens for this person (or whose else it is) and this use only."""
        return _encrypt(self.key, key, [f"vertikal/{use}/1", whose])

    def unwrap(self, whose: str, wrapped: bytes, use: str = "person-key") -> bytes:
        """Raises ``CannotUnseal``."""
        return _decrypt(self.key, wrapped, [f"vertikal/{use}/1", whose])


def seal(key: bytes, identity: Identity, person: str, personal: Mapping[str, str]) -> dict[str, Any]:
    """What the log holds instead of ``personal``: each field sealed, and a mark to know the same again by."""
    fields = {
        name: _encode(_encrypt(key, value.encode(), _bound(identity, name, person))) for name, value in personal.items()
    }
    return {"fields": fields, "match": _encode(_match(key, identity, person, personal))}


def unseal(key: bytes, identity: Identity, person: str, sealed: Mapping[str, Any]) -> dict[str, str]:
    """The personal data of an event. Raises ``CannotUnseal``."""
    fields = sealed.get("fields")
    if not isinstance(fields, Mapping):
        raise CannotUnseal
    found = {
        name: _decrypt(key, _decode(value), _bound(identity, name, person)).decode() for name, value in fields.items()
    }
    if not matches(key, identity, person, found, sealed):  # each field opens, but one was taken away
        raise CannotUnseal
    return found


def matches(
    key: bytes, identity: Identity, person: str, personal: Mapping[str, str], sealed: Mapping[str, Any]
) -> bool:
    """Whether these personal data are what was sealed in this event; in constant time."""
    try:
        mark = _decode(sealed.get("match"))
    except CannotUnseal:
        return False
    return hmac.compare_digest(_match(key, identity, person, personal), mark)


def sealed_event(event: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """The event as the log may hold it: ``data.sealed`` in place of ``data.personal``, of the person it tells of."""
    data = dict(event["data"])
    personal = data.pop("personal", None)
    if personal is not None:
        data["sealed"] = seal(key, (event["source"], event["id"]), data[_person_field(event["type"])], personal)
    return {**event, "data": data}


def find_keys(connection: Connection, persons: Iterable[str], master: MasterKey) -> dict[str, bytes]:
    """The keys of those persons who have one. Raises ``CannotUnseal`` where the master key is another."""
    wanted = sorted(set(persons))
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), CHUNK):
        chunk = person_keys.c.person.in_(wanted[start : start + CHUNK])
        rows = connection.execute(select(person_keys.c.person, person_keys.c.wrapped).where(chunk))
        found |= {person: master.unwrap(person, bytes(wrapped)) for person, wrapped in rows}
    return found


def make_keys(connection: Connection, persons: Iterable[str], master: MasterKey, now: str) -> dict[str, bytes]:
    """The keys of persons, made where there are none; of two who make one at once, both get the first.

    A write transaction at READ COMMITTED. ``now`` is RFC 3339 in UTC. Raises ``CannotUnseal``.
    """
    wanted = sorted(set(persons))  # one order for all senders, so that none waits for another in a circle
    rows = [
        {"person": person, "wrapped": master.wrap(person, secrets.token_bytes(KEY_BYTES)), "created_at": now}
        for person in wanted
    ]
    if rows:  # without rows, an insert would make one of defaults
        connection.execute(inserting(connection, person_keys).on_conflict_do_nothing(), rows)
    return find_keys(connection, wanted, master)


def destroy_key(connection: Connection, person: str) -> bool:
    """Forget a person for good, with the caller's commit; whether there was a key to destroy."""
    return connection.execute(delete(person_keys).where(person_keys.c.person == person)).rowcount == 1


def _person_field(type_: str) -> str:
    """The field of ``data`` with the pseudonym of whom ``personal`` tells. Raises ``ValueError`` for other types."""
    contract = CATALOGUE.find(type_)
    if contract is None or contract.person is None:
        raise ValueError(f"{type_} carries no personal data")
    return contract.person


def _bound(identity: Identity, name: str, person: str) -> list[str]:
    return ["vertikal/sealed/1", *identity, name, person]


def _match(key: bytes, identity: Identity, person: str, personal: Mapping[str, str]) -> bytes:
    """HMAC-SHA-256; the event is part of it, so that equal names in two events look unlike.

    Its key is derived from the person's (RFC 5869), so that it goes with that one and serves no other end.
    """
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


def _decode(text: Any) -> bytes:
    """Bytes that have exactly this text: of the signs that base64 ignores at the end, none may be changed either."""
    try:
        value = base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise CannotUnseal from error
    if _encode(value) != text:
        raise CannotUnseal
    return value
