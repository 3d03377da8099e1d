"""The inbox: what awaits whom, found in the read models each time it is asked for, less what people have judged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...projections import contradictions, entities
from ...projections.book import Opened
from ...read_models.contradictions.names import RULE as TWO_NAMES
from ...read_models.recommendations import OPEN, proposal_view
from ...rules.proposals import RULES, Proposal
from . import activities, cycles, schools
from .look import Look

FINDERS: Mapping[Callable[[Look], Iterator[Proposal]], frozenset[str]] = {
    activities.find: frozenset({"activity_overdue", "activity_due", "target_missed"}),
    schools.thresholds: frozenset({"threshold_crossed"}),
    schools.silent: frozenset({"report_silent"}),
    schools.claims: frozenset({"claim_unsupported"}),
    schools.names: frozenset({TWO_NAMES}),
    cycles.of_cycles: frozenset({"chain_broken", "target_missed"}),
    cycles.of_recommendations: frozenset({"recommendation_unanswered", "recommendation_undecided"}),
}
View = dict[str, Any]


def awaiting(ledger: Opened, organisation: str, as_of: str, known_at: int) -> list[View]:
    """What awaits an organisation and those below it, in the shape of ``/v1/inbox``, the most urgent first."""
    return views(ledger, found(ledger, organisation, as_of, known_at), known_at)


def found(
    ledger: Opened,
    organisation: str,
    as_of: str,
    known_at: int,
    rules: Collection[str] = RULES,
    unsettled: Collection[str] = (OPEN,),
) -> list[Proposal]:
    """The open proposals of some rules: without those adopted, declined or postponed by the date."""
    look = Look(ledger, organisation, as_of, known_at)
    by_code = {
        each.proposal: replace(each, role=look.tree.nodes[each.organisation].kind)
        for finder, of in FINDERS.items()
        if not of.isdisjoint(rules)
        for each in finder(look)
        if each.rule in rules and look.stands(each.organisation)
    }
    said = judged(ledger, {code: each.organisation for code, each in by_code.items()}, as_of, known_at)
    standing = (each for code, each in by_code.items() if said.get(code, {"status": OPEN})["status"] in unsettled)
    return sorted(standing, key=lambda each: each.cursor)


def rules_of(code: str) -> tuple[str, ...]:
    """The rules that a proposal of this identity may come from."""
    return tuple(rule for rule in RULES if code.startswith(f"{rule}-")) or (TWO_NAMES,)


def judged(ledger: Opened, whose: Mapping[str, str | None], as_of: str, known_at: int) -> dict[str, View]:
    """What became of proposals by a date, in the shape of ``/v1/proposals``.

    ``whose``: the organisation that each stands with, whose word alone counts; None: anybody's.
    """
    said = entities.some(ledger, "proposals", whose, known_at)
    shown = {code: proposal_view(each, as_of, whose[code]) for code, each in said.items()}
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
