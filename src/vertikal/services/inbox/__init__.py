"""The inbox: what awaits whom, found in the read models each time it is asked for, less what people have judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ...projections import contradictions, entities
from ...projections.book import Opened
from ...read_models.recommendations import OPEN, proposal_view
from ...rules.proposals import Proposal
from . import activities, cycles, schools
from .look import Look

FINDERS = (activities.find, schools.find, cycles.find)
View = dict[str, Any]


def awaiting(ledger: Opened, organisation: str, as_of: str, known_at: int) -> list[View]:
    """What awaits an organisation and those below it, in the shape of ``/v1/inbox``, the most urgent first."""
    return views(ledger, found(ledger, organisation, as_of, known_at), known_at)


def found(ledger: Opened, organisation: str, as_of: str, known_at: int) -> list[Proposal]:
    """The open proposals: of one identity one, without those adopted, declined or postponed by the date."""
    look = Look(ledger, organisation, as_of, known_at)
    by_code = {
        each.proposal: replace(each, role=look.tree.nodes[each.organisation].kind)
        for finder in FINDERS
        for each in finder(look)
        if look.stands(each.organisation)
    }
    said = judged(ledger, by_code, as_of, known_at)
    return sorted(
        (each for code, each in by_code.items() if said.get(code, {"status": OPEN})["status"] == OPEN),
        key=lambda each: each.sorts_as,
    )


def judged(ledger: Opened, codes: Iterable[str], as_of: str, known_at: int) -> dict[str, View]:
    """What people made of proposals by a date, in the shape of ``/v1/proposals``."""
    said = entities.some(ledger, "proposals", codes, known_at)
    shown = {code: proposal_view(each, as_of) for code, each in said.items()}
    return {code: view for code, view in shown.items() if view is not None}


def views(ledger: Opened, proposals: Iterable[Proposal], known_at: int) -> list[View]:
    """Proposals as they are shown, each with the events behind it."""
    shown = list(proposals)
    events = contradictions.behind(ledger, [origin for each in shown for origin in each.origins], known_at)
    return [
        {
            "proposal": each.proposal,
            "rule": each.rule,
            "version": each.version,
            "organisation": each.organisation,
            "role": each.role,
            "about": dict(each.about),
            "since": each.since,
            "urgency": each.urgency,
            "text": each.text,
            "figures": dict(each.figures),
            "events": [
                {"event_id": id_, "position": position}
                for position, id_ in sorted({event for origin in each.origins for event in events[origin]})
            ],
            "settles": list(each.settles),
            "event": each.draft,
        }
        for each in shown
    ]
