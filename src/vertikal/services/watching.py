"""How far the figures are, in numbers: for whoever watches over the service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..events import log
from ..projections import blocked
from ..projections.book import Opened
from ..projections.closings import EPOCH
from ..projections.engine import OtherModels, require_own_models


def progress(ledger: Opened, now: datetime) -> dict[str, Any]:
    """Where log and figures are, and what is left to do.

    ``lag_seconds``: the age of the oldest event that is not applied. ``blocked``: events that could not be.
    ``closing``: epochs still to close. ``stopped``: why nothing is applied until somebody acts.
    """
    oldest = log.recorded_at(ledger.connection, ledger.position + 1)
    return {
        "head": ledger.head,
        "projected": ledger.position,
        "lag": ledger.head - ledger.position,
        "lag_seconds": _seconds_since(oldest, now) if oldest else 0,
        "oldest_unapplied": {"position": ledger.position + 1, "recorded_at": oldest} if oldest else None,
        "blocked": blocked.count(ledger.connection, ledger.volume),
        "closing": (ledger.position - ledger.closed) // EPOCH,
        "stopped": _stopped(ledger),
    }


def _seconds_since(recorded_at: str, now: datetime) -> float:
    """Never negative: the time of recording may run ahead of a clock that was set back."""
    return max(0.0, round((now - datetime.fromisoformat(recorded_at)).total_seconds(), 3))


def _stopped(ledger: Opened) -> str | None:
    try:
        require_own_models(ledger.connection)
    except OtherModels as error:
        return str(error)
    return None
