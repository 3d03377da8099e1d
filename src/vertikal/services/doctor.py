"""``vertikal doctor``: is everything in order, and if not, what to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ..events.database import reading
from ..projections import blocked
from ..projections.book import live
from ..projections.engine import OtherModels, require_own_models
from . import projector, store
from .settings import Settings

FREE_MIN_BYTES = 1 << 30
WHAT_TO_DO = (
    "events could not be applied: see `vertikal project --blocked`, repair the model, then run `vertikal rebuild`"
)


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
        stuck = blocked.count(connection, live(connection))
    findings = [
        Finding("log and ledger", not wrong, "; ".join(wrong) or "positions are gapless, the cursor is within the log"),
        _examine_figures(engine),
        Finding("blocked events", stuck == 0, f"{stuck} {WHAT_TO_DO}" if stuck else "none"),
    ]
    if engine.dialect.name == "sqlite" and engine.url.database:
        free = shutil.disk_usage(Path(engine.url.database).parent).free
        findings.append(Finding("free disk", free >= FREE_MIN_BYTES, f"{free >> 20} MiB"))
    return findings


def _examine_figures(engine: Engine) -> Finding:
    lag = projector.behind(engine)
    try:
        with reading(engine) as connection:
            require_own_models(connection)
    except OtherModels as error:
        return Finding("figures", False, f"{lag} events behind: {error}")
    return Finding("figures", lag == 0, f"{lag} events behind: run `vertikal project`" if lag else "up to the log")
