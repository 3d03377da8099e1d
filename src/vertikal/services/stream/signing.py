"""Who sent a message: a signature with a key of the sender's token, which never travels itself.

``vertikal-signature: NUMBER:SIGNATURE`` names the token and carries HMAC-SHA256, in base64, over what was sent: the
value, behind the attributes where they travel as ``ce_`` headers. The key comes of the master key and the token, so
that the database alone signs nothing, and revoking the token ends it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, select

from ...events.sealing import MasterKey
from ..access import Party, tokens
from .topics import Headers

HEADER = "vertikal-signature"
KEY_BYTES = 32
UNSIGNED = f"нет подписи: передайте заголовок {HEADER}"
UNREADABLE = "подпись должна иметь вид НОМЕР:ПОДПИСЬ, где подпись — HMAC-SHA256 в base64"
UNKNOWN = "токен с этим номером неизвестен или отозван"
WRONG = "подпись не сходится с содержанием сообщения"


class Unsigned(Exception):
    """Nobody's signature; the text says in Russian why not."""


def key(master: MasterKey, token: str) -> bytes:
    """The signing key of a token, given by its hash as the database holds it."""
    return HKDF(SHA256(), KEY_BYTES, None, b"vertikal/kafka-signature/1 " + token.encode()).derive(master.key)


def key_of(connection: Connection, master: MasterKey, number: int) -> bytes | None:
    """The signing key of a token by its number; None for an unknown or revoked one."""
    held = connection.execute(
        select(tokens.c.hash).where(tokens.c.id == number, tokens.c.revoked_at.is_(None))
    ).scalar()
    return None if held is None else key(master, held)


def signed(headers: Headers, value: bytes | None) -> bytes:
    """The bytes that a signature is over: ``name:value`` lines of the ``ce_`` headers, sorted, then the value."""
    lines = sorted(name.encode() + b":" + (content or b"") for name, content in headers if name.startswith("ce_"))
    return b"".join(line + b"\n" for line in lines) + (value or b"")


def sign(number: int, key: bytes, headers: Headers, value: bytes) -> tuple[str, bytes]:
    """The header that signs a message."""
    signature = base64.b64encode(hmac.digest(key, signed(headers, value), "sha256"))
    return HEADER, f"{number}:".encode() + signature


class Senders:
    """Who the signatures of one batch belong to; each token is looked up once."""

    def __init__(self, connection: Connection, master: MasterKey) -> None:
        self._connection = connection
        self._master = master
        self._known: dict[int, tuple[bytes, Party] | None] = {}

    def of(self, headers: Headers, value: bytes | None) -> Party:
        """Whose message it is. Raises ``Unsigned``."""
        number, signature = _read(headers)
        if number not in self._known:
            self._known[number] = self._find(number)
        known = self._known[number]
        if known is None:
            raise Unsigned(UNKNOWN)
        key, party = known
        if not hmac.compare_digest(hmac.digest(key, signed(headers, value), "sha256"), signature):
            raise Unsigned(WRONG)
        return party

    def _find(self, number: int) -> tuple[bytes, Party] | None:
        columns = (tokens.c.hash, tokens.c.organisation, tokens.c.role)
        statement = select(*columns).where(tokens.c.id == number, tokens.c.revoked_at.is_(None))
        row = self._connection.execute(statement).first()
        return (key(self._master, row[0]), Party(row[1], row[2])) if row else None


def _read(headers: Headers) -> tuple[int, bytes]:
    given = [content or b"" for name, content in headers if name == HEADER]
    if len(given) != 1:
        raise Unsigned(UNSIGNED if not given else UNREADABLE)
    found = re.fullmatch(rb"([0-9]{1,9}):([A-Za-z0-9+/]+=*)", given[0])
    try:
        if found is not None:
            return int(found[1]), base64.b64decode(found[2], validate=True)
    except binascii.Error:
        pass
    raise Unsigned(UNREADABLE)
