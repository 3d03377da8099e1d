"""What people decided of proposals: a rule proposes, a person adopts or declines."""

from __future__ import annotations

from bisect import insort
from typing import Any

import msgspec

from .indicator import Indicator
from .model import Event, Keys, Model


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What became of a proposal: ``adopted`` or ``declined``, on the local date of ``time``."""

    on: str
    status: str
    data: dict[str, Any]


class Proposal(msgspec.Struct, frozen=True):
    """The outcomes of one proposal, by date; the latest holds."""

    outcomes: tuple[Outcome, ...] = ()


def keys(event: Event) -> Keys:
    return (event["data"]["proposal"],)


def evolve(proposal: Proposal | None, event: Event) -> Proposal:
    outcomes = list(proposal.outcomes if proposal else ())
    outcome = Outcome(event["time"][:10], event["type"].removeprefix("proposal."), event["data"])
    insort(outcomes, outcome, key=lambda each: each.on)
    return Proposal(tuple(outcomes))


def outcome_at(proposal: Proposal, as_of: str) -> str | None:
    """What had become of it by a date; None where nobody had decided yet."""
    return next((outcome.status for outcome in reversed(proposal.outcomes) if outcome.on <= as_of), None)


MODELS = (Model("proposals", ("proposal.adopted", "proposal.declined"), Proposal, keys, evolve, lambda _: {}),)
INDICATORS: tuple[Indicator, ...] = ()
