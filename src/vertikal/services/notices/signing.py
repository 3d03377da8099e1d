"""Signatures of webhooks, as https://www.standardwebhooks.com defines them (symmetric, version 1)."""

from __future__ import annotations

import base64
import hmac
import secrets

from ...events.sealing import MasterKey

PREFIX = "whsec_"
SECRET_BYTES = 32  # the standard asks for 24 to 64
USE = "webhook"


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """The secret as the receiver is given it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(secret: bytes, id_: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers that prove who sent ``body``, and at what Unix time."""
    signature = hmac.digest(secret, f"{id_}.{at_s}.".encode() + body, "sha256")
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at_s),
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def wrap(master: MasterKey, address: str, secret: bytes) -> bytes:
    """The secret as the database may hold it: put beside another address, it does not open."""
    return master.wrap(address, secret, USE)


def unwrap(master: MasterKey, address: str, wrapped: bytes) -> bytes:
    """Raises ``CannotUnseal``."""
    return master.unwrap(address, wrapped, USE)
