"""``vertikal doctor``: is everything in order, and if not, what to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from ..events.database import reading
from ..projections.book import Book
from . import projector, store
from .settings import Settings

FREE_MIN_BYTES = 1 << 30


@dataclass(frozen=True)
class Finding:
    check: str
    ok: bool
    found: str


def examine(settings: Settings) -> list[Finding]:
    """Every check; the later ones only where the database can be used."""
    zone = Finding("time zone", True, f"{settings.timezone.key}, today is {settings.today()}")
    try:
        engine = store.open_store(settings.database_url, "reader")
    except (SQLAlchemyError, store.NotReady) as error:
        return [zone, Finding("database", False, str(error).splitlines()[0])]
    return [zone, Finding("database", True, engine.url.render_as_string()), *_examine_store(engine)]


def _examine_store(engine: Engine) -> list[Finding]:
    wrong = store.check(engine)
    with reading(engine) as connection:
        blocked = Book().open(connection).volume.blocked
        stuck = connection.execute(select(func.count()).select_from(blocked)).scalar() or 0
    lag = projector.behind(engine)
    findings = [
        Finding("log and ledger", not wrong, "; ".join(wrong) or "positions are gapless, the cursor is within the log"),
        Finding("figures", lag == 0, f"{lag} events behind: run `vertikal project`" if lag else "up to the log"),
        Finding("blocked events", stuck == 0, f"{stuck} events could not be applied" if stuck else "none"),
    ]
    if engine.dialect.name == "sqlite" and engine.url.database:
        free = shutil.disk_usage(Path(engine.url.database).parent).free
        findings.append(Finding("free disk", free >= FREE_MIN_BYTES, f"{free >> 20} MiB"))
    return findings
