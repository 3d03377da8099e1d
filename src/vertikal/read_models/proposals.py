"""What people decided of proposals: a rule proposes, a person adopts or declines; the last word holds."""

from __future__ import annotations

import msgspec

from .indicator import Indicator
from .model import Event, Keys, Model


class Proposal(msgspec.Struct, frozen=True):
    """``decided``: ``adopted`` or ``declined``; ``on``: the local date of that."""

    proposal: str
    rule: str
    version: str
    organisation: str
    decided: str
    on: str
    event_id: str
    reason: str = ""


def keys(event: Event) -> Keys:
    return (event["data"]["proposal"],)


def evolve(_: Proposal | None, event: Event) -> Proposal:
    data = event["data"]
    of = (data["proposal"], data["rule"], str(data["version"]), data["organisation"])
    decided = event["type"].removeprefix("proposal.")
    return Proposal(*of, decided, event["time"][:10], event["id"], data.get("reason", ""))


MODELS = (Model("proposals", ("proposal.adopted", "proposal.declined"), Proposal, keys, evolve, lambda _: {}),)
INDICATORS: tuple[Indicator, ...] = ()
