"""Receivers of notices: a real HTTP server and a real SMTP server on loopback, which keep what they get."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

import orjson
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return orjson.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """``answer``: the status it gives; it may also be told to do something else with a request."""

    url: str = ""
    answer: int = 204
    requests: list[Request] = field(default_factory=list)
    instead: Callable[[BaseHTTPRequestHandler], None] | None = None

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests]


@contextmanager
def receiver(tls: SSLContext | None = None) -> Iterator[Receiver]:
    """An HTTP server; https with ``tls``."""
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if found.instead is not None:
                found.instead(self)
                return
            self.send_response(found.answer)
            if 300 <= found.answer < 400:
                self.send_header("Location", f"{found.url}/elsewhere")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  # the name that http.server asks for

        def log_message(self, *_: object) -> None:
            """Nothing: a receiver of tests is quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    found.url = f"{'https' if tls else 'http'}://localhost:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """``answer``: what the server says to a letter. ``locked``: it takes letters only after a login."""

    port: int = 0
    answer: str = "250 OK"
    locked: bool = False
    raw: list[bytes] = field(default_factory=list)

    @property
    def letters(self) -> list[EmailMessage]:
        found = [message_from_bytes(each, policy=policy.default) for each in self.raw]
        return [each for each in found if isinstance(each, EmailMessage)]

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.locked and not session.authenticated:
            return "530 Authentication required"
        if self.answer.startswith("2"):
            self.raw.append(envelope.content)
        return self.answer


@contextmanager
def mailbox(password: str | None = None, **options: Any) -> Iterator[Mailbox]:
    """An SMTP server; with a password it takes letters of the user «vertikal» only."""
    found = Mailbox(locked=password is not None)

    def authenticate(*given: Any) -> AuthResult:
        login = given[-1]
        right = (login.login, login.password) == (b"vertikal", str(password).encode())
        return AuthResult(success=right, handled=False)  # handled: the server would leave the answer to us

    if password is not None:
        options |= {"authenticator": authenticate, "auth_require_tls": False}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found.port = probe.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=found.port, **options)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()
