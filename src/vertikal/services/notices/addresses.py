"""Where notices may go: an address is checked when an administrator subscribes it, and a webhook's again on use.

Nothing leaves the machine in the clear: a webhook is https, mail goes over TLS; loopback alone is free.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit, urlunsplit

LENGTH_MAX = 1_000


def webhook(url: str) -> str:
    """The URL as it is kept, its host in ASCII. Raises ``ValueError`` in Russian."""
    return urlunsplit(split(url))


def split(url: str) -> SplitResult:
    """The parts of a URL that a webhook may have. Raises ``ValueError`` in Russian."""
    if len(url) > LENGTH_MAX or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError(f"адрес веб-хука — URL без пробелов, не длиннее {LENGTH_MAX} знаков")
    try:
        parts = urlsplit(url)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError:
        raise ValueError("адрес веб-хука не распознан как URL") from None
    if parts.scheme not in ("https", "http") or not host:
        raise ValueError("адрес веб-хука начинается с https:// и содержит имя узла")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("веб-хук отправляется только по https; http допустим для своего компьютера (127.0.0.1)")
    if parts.username is not None or parts.fragment:
        raise ValueError("в адресе веб-хука не должно быть имени, пароля и знака #")
    if not (parts.path + parts.query).isascii():
        raise ValueError("путь в адресе веб-хука записывается латиницей или через %")
    shown = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=shown if port is None else f"{shown}:{port}", path=parts.path or "/")


def email(text: str) -> str:
    """The address as it is kept, its domain in ASCII. Raises ``ValueError`` in Russian."""
    name, at, domain = text.strip().rpartition("@")
    problem = "адрес электронной почты не распознан: ожидается вид имя@узел"
    if len(text) > LENGTH_MAX or not (at and name.isascii()):
        raise ValueError(problem)
    try:
        return Address(addr_spec=f"{name}@{_ascii(domain)}").addr_spec
    except (HeaderParseError, ValueError, IndexError):
        raise ValueError(problem) from None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this very machine, by what it says and without asking anybody.

    >>> [is_loopback(host) for host in ("localhost", "127.3.0.1", "::1", "10.0.0.1", "localhost.example")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def shown(address: str) -> str:
    """An address as lists may show it: the query of a URL is often a password."""
    url, question, _ = address.partition("?")
    return f"{url}?…" if question else url


def _ascii(host: str) -> str:
    """Russian domains, too, as DNS knows them. Raises ``ValueError``."""
    return host if host.isascii() else host.encode("idna").decode()
