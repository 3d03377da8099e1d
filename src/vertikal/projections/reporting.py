"""Who was expected to report, who did, and who is silent: as of a date, as known at a position of the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..read_models import periods, reporting
from ..read_models.reporting import TRACKED, Due, Expectation, Reports
from . import entities
from .book import Opened


@dataclass(frozen=True)
class Awaited:
    """A report that is due from one organisation, and what came of its type; None where nothing did."""

    organisation: str
    expectation: Expectation
    due: Due
    reports: Reports | None

    @property
    def key(self) -> str:
        """Unique among all, and short enough for a cursor; sorts by organisation and day."""
        of = self.expectation
        source = hashlib.sha256(of.source.encode()).hexdigest()[:16]
        return f"{self.organisation}/{self.due.due}/{of.expectation}/{of.type}/{source}"

    @property
    def entity(self) -> str:
        """The key of the expectation itself."""
        of = self.expectation
        return f"{of.source} {of.expectation} {of.type}"

    @property
    def silent(self) -> bool:
        """Whether it is known that nothing came."""
        return self.expectation.type in TRACKED and not reporting.received(self.reports, self.due)


def awaited(ledger: Opened, as_of: str, known_at: int, seen: Callable[[str], bool]) -> list[Awaited]:
    """What is due by ``as_of`` from organisations that are ``seen``, and what is known to have come."""
    listed = [
        (code, each, due)
        for each in entities.states(ledger, "expectations", "", known_at)
        for code, due in each.of.items()
        if due.due <= as_of and seen(code)
    ]
    wanted = {reporting.key(each.type, code) for code, each, _ in listed if each.type in TRACKED}
    found = entities.some(ledger, "reports", wanted, known_at)
    return [Awaited(code, each, due, found.get(reporting.key(each.type, code))) for code, each, due in listed]


def view(each: Awaited, as_of: str) -> dict[str, Any]:
    """In the shape of ``/v1/reporting``; what is not tracked is null."""
    of, due, tracked = each.expectation, each.due, each.expectation.type in TRACKED
    facts = each.reports.facts if each.reports else {}
    return {
        "organisation": each.organisation,
        "expectation": of.expectation,
        "source": of.source,
        "type": of.type,
        "period": {"start": due.start, "end": due.end},
        "due": due.due,
        "since": periods.day_after(due.due),
        "tracked": tracked,
        "received": reporting.received(each.reports, due) if tracked else None,
        "timely": reporting.timely(each.reports, due) if tracked else None,
        "last": max((on for on in facts if on <= as_of), default=None),
    }
