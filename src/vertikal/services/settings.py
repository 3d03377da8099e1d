"""The settings, read once from ``VERTIKAL_*``; docs/settings.md lists them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platformdirs import user_data_path

SECURITIES = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


class BadSetting(ValueError):
    """A setting cannot be used; the text names it."""


@dataclass(frozen=True)
class Kafka:
    """Where Kafka is, as host:port[,host:port…], and how it is spoken to, in Kafka's own words.

    ``ca``: the file of the authorities that are trusted; None: those of the system. ``password``: itself, or the
    absolute path of its file.
    """

    servers: str
    security: str = "PLAINTEXT"
    ca: str | None = None
    mechanism: str = MECHANISMS[0]
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def tls(self) -> bool:
        return self.security.endswith("SSL")

    @property
    def sasl(self) -> bool:
        return self.security.startswith("SASL")


@dataclass(frozen=True)
class Settings:
    """``database_url``: SQLite or PostgreSQL. ``timezone``: where "today" is. ``workers``: web processes.

    ``signing_key``, ``master_key``: the keys themselves or the paths of their files; None: where ``init`` makes them.
    ``smtp_url``, ``mail_from``: the server and the sender of mail; None: no mail is sent.
    ``kafka``: None: there is none.
    """

    database_url: str
    timezone: ZoneInfo
    workers: int
    signing_key: str | None = field(default=None, repr=False)
    master_key: str | None = field(default=None, repr=False)
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    kafka: Kafka | None = None

    def today(self) -> str:
        return datetime.now(self.timezone).date().isoformat()


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment. Raises ``BadSetting``."""
    given = os.environ if environment is None else environment
    default = f"sqlite:///{user_data_path('vertikal') / 'vertikal.db'}"
    zone, workers = given.get("VERTIKAL_TIMEZONE", "Europe/Moscow"), given.get("VERTIKAL_WORKERS", "2")
    if not workers.isdecimal() or not 1 <= int(workers) <= 64:
        raise BadSetting(f"VERTIKAL_WORKERS must be a number from 1 to 64, not {workers!r}")
    try:
        timezone = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadSetting(f"VERTIKAL_TIMEZONE: unknown time zone {zone!r}") from error
    signing_key, master_key = (given.get(f"VERTIKAL_{name}_KEY") or None for name in ("SIGNING", "MASTER"))
    url = given.get("VERTIKAL_DATABASE_URL") or default
    smtp_url, mail_from = (given.get(f"VERTIKAL_{name}") or None for name in ("SMTP_URL", "MAIL_FROM"))
    return Settings(url, timezone, int(workers), signing_key, master_key, smtp_url, mail_from, _kafka(given))


def _kafka(given: Mapping[str, str]) -> Kafka | None:
    servers = given.get("VERTIKAL_KAFKA")
    if not servers:
        return None
    if not all(re.fullmatch(r"[^\s:,]+:[0-9]{1,5}", each) for each in servers.split(",")):
        raise BadSetting(f"VERTIKAL_KAFKA must be host:port[,host:port…], not {servers!r}")
    names = ("SECURITY", "CA", "MECHANISM", "USER", "PASSWORD")
    security, ca, mechanism, user, password = (given.get(f"VERTIKAL_KAFKA_{name}") or None for name in names)
    found = Kafka(servers, security or SECURITIES[0], ca, mechanism or MECHANISMS[0], user, password)
    for name, value, known in (("SECURITY", found.security, SECURITIES), ("MECHANISM", found.mechanism, MECHANISMS)):
        if value not in known:
            raise BadSetting(f"VERTIKAL_KAFKA_{name} must be one of {', '.join(known)}, not {value!r}")
    if found.sasl != bool(user and password) or (not found.sasl and (user or password or mechanism)):
        raise BadSetting(
            "VERTIKAL_KAFKA_USER and _PASSWORD (and _MECHANISM) go with a VERTIKAL_KAFKA_SECURITY of SASL_SSL or "
            "SASL_PLAINTEXT"
        )
    if ca and not found.tls:
        raise BadSetting("VERTIKAL_KAFKA_CA goes with a VERTIKAL_KAFKA_SECURITY of SSL or SASL_SSL")
    return found


def now() -> datetime:
    """The clock of production; tests and the sample region bring their own."""
    return datetime.now(UTC)
