"""A webhook: one signed POST. No redirects are followed, no proxy is asked, nothing of the answer's body is read."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from urllib.parse import SplitResult

from ... import __version__
from ...events.sealing import CannotUnseal, MasterKey
from . import addresses, signing
from .deliveries import Delivery, Outcome

TIMEOUT_S = 10  # of each step: to connect, to send, to wait for the answer
WHOLE_S = 30  # of all: an answer that comes drop by drop keeps every step short
ERROR_MAX = 300


def send(delivery: Delivery, master: MasterKey | None, at: datetime) -> Outcome:
    """What came of one attempt. Never raises for what the receiver or the settings do."""
    if master is None or delivery.secret is None:
        return Outcome(None, "no master key (VERTIKAL_MASTER_KEY) to open the secret with")
    try:
        secret = signing.unwrap(master, delivery.address, delivery.secret)
        parts = addresses.split(delivery.address)
    except CannotUnseal:
        return Outcome(None, "the secret does not open: another master key, or another address than it was made for")
    except ValueError as error:
        return Outcome(None, str(error))
    signed = signing.headers(secret, delivery.id, int(at.timestamp()), delivery.body)
    try:
        status = _post(parts, delivery.body, signed)
    except (OSError, HTTPException, ValueError) as error:
        return Outcome(None, f"{type(error).__name__}: {error}"[:ERROR_MAX])
    return Outcome(status, None if 200 <= status < 300 else f"HTTP {status}")


def _post(parts: SplitResult, body: bytes, signed: dict[str, str]) -> int:
    """The status of the answer. Raises ``OSError``, ``HTTPException``, and ``ValueError`` where TLS was cut off."""
    host = str(parts.hostname)
    if parts.scheme == "https":
        trusted = ssl.create_default_context()
        connection: HTTPConnection = HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=trusted)
    else:
        connection = HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    cut = Timer(WHOLE_S, _cut_off, (connection,))
    cut.start()
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {"Content-Type": "application/json", "User-Agent": f"vertikal/{__version__}", "Connection": "close"}
        connection.request("POST", target, body, {**headers, **signed})
        return connection.getresponse().status
    finally:
        cut.cancel()
        connection.close()


def _cut_off(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        connection.sock.shutdown(socket.SHUT_RDWR)
