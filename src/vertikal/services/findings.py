"""What the findings of a cycle rest on: each cited figure as it was when the analysis was published, and as it is now.

The event is never rewritten: ``then`` is what it says. ``now`` is the same question, to the same day, with what became
known since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..projections.book import Opened
from ..read_models.cycle_states import Cycle
from . import cited, monitoring
from .access import Sight
from .refusals import Refusal

NAMED = ("indicator", "organisation", "period", "as_of", "known_at")
UNANSWERABLE = (400, 404, 422)  # a period without meaning, or an organisation whose registration was taken back
Seen = Callable[[str], Sight]


def of_cycle(ledger: Opened, cycle: Cycle, as_of: str, known_at: int, sight: Seen) -> list[dict[str, Any]]:
    """The findings published by a date, each with its figures; of one said again in its analysis, the latest."""
    told = {
        (said.data["analysis"], finding["finding"]): (said, finding)
        for said in cycle.until("analysis.published", as_of)
        for finding in said.data["findings"]
    }
    return [
        {
            "analysis": analysis,
            "finding": code,
            "text": finding["text"],
            "on": said.on,
            "event_id": said.event_id,
            "figures": [_figure(ledger, cycle, each, known_at, sight) for each in finding["figures"]],
        }
        for (analysis, code), (said, finding) in told.items()
    ]


def _figure(ledger: Opened, cycle: Cycle, figure: cited.Cited, known_at: int, sight: Seen) -> dict[str, Any]:
    """``now`` and ``changed`` are null where the figure cannot be asked for now, or the reader may not see it."""
    now, changed = _now(ledger, cycle, figure, known_at, sight)
    named = {name: figure[name] for name in NAMED}
    return {**named, "then": cited.as_cited(figure), "now": now, "changed": changed}


def _now(
    ledger: Opened, cycle: Cycle, figure: cited.Cited, known_at: int, sight: Seen
) -> tuple[dict[str, Any] | None, bool | None]:
    try:
        seen = sight(figure["organisation"])
        if seen is Sight.NOTHING:
            return None, None
        held = cited.held(ledger, figure, cycle, known_at, hide_small=seen is Sight.TOTALS)
    except Refusal as refusal:
        if refusal.status not in UNANSWERABLE:
            raise
        return None, None
    if held is None:  # what was recorded was taken back
        return monitoring.NO_DATA, True
    return (None, None) if held.hidden else (dict(held.shown), any(held.differs(figure)))
