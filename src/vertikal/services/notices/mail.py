"""Mail: one letter over SMTP, never in the clear beyond this machine."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from ..settings import BadSetting, Settings
from . import addresses, digest
from .deliveries import Delivery, Outcome

TIMEOUT_S = 10
ERROR_MAX = 300
PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True)
class Mail:
    """A mail server and who writes. ``smtps``: TLS from the first byte; else STARTTLS, but on loopback."""

    host: str
    port: int
    smtps: bool
    user: str | None
    password: str | None = field(repr=False)
    sender: Address

    @property
    def starttls(self) -> bool:
        return not self.smtps and not addresses.is_loopback(self.host)


def read(settings: Settings) -> Mail | None:
    """The mail server of the settings, None where there is none. Raises ``BadSetting``, without the password."""
    if settings.smtp_url is None:
        return None
    wrong = BadSetting("VERTIKAL_SMTP_URL is smtp://[USER:PASSWORD@]HOST[:PORT] or smtps://…")
    try:
        parts = urlsplit(settings.smtp_url)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise wrong
    user, password = (None if each is None else unquote(each) for each in (parts.username, parts.password))
    secure, sender = parts.scheme == "smtps", _sender(settings.mail_from)
    return Mail(parts.hostname, port or PORTS[parts.scheme], secure, user, password, sender)


def send(delivery: Delivery, mail: Mail | None) -> Outcome:
    """What came of one attempt. Never raises for what the server or the settings do."""
    if mail is None:
        return Outcome(None, "no mail server: VERTIKAL_SMTP_URL is not set")
    try:
        letter = digest.compose(delivery, mail.sender)
        with _connected(mail) as server:
            server.send_message(letter)
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        return Outcome(code, _told(code, answer))
    except smtplib.SMTPResponseException as error:
        return Outcome(error.smtp_code, _told(error.smtp_code, error.smtp_error))
    except (OSError, ValueError) as error:  # smtplib's own errors are OSErrors
        return Outcome(None, f"{type(error).__name__}: {error}"[:ERROR_MAX])
    return Outcome(250)


def _connected(mail: Mail) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    if mail.smtps:
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT_S, context=trusted)
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_S)
    try:
        if mail.starttls:
            server.starttls(context=trusted)  # raises where the server does not offer it
        if mail.user is not None:
            server.login(mail.user, mail.password or "")
    except BaseException:
        server.close()
        raise
    return server


def _told(code: int, answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return f"SMTP {code}: {text}"[:ERROR_MAX]


def _sender(text: str | None) -> Address:
    name, address = parseaddr(text or "")
    try:
        return Address(name, addr_spec=addresses.email(address))
    except (HeaderParseError, ValueError):
        raise BadSetting("VERTIKAL_MAIL_FROM is needed with VERTIKAL_SMTP_URL: the address that writes") from None
