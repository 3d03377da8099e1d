"""What changed in an inbox since its subscriber was last told: arithmetic over lists, no database and no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

Item = dict[str, Any]
KEPT = ("proposal", "organisation", "text")  # of a proposal that was told: enough to say later what has ended


@dataclass(frozen=True)
class Change:
    """``appeared``: proposals as the inbox shows them, most urgent first; ``ended``: what had been told of others."""

    appeared: list[Item]
    ended: list[Item]

    def __bool__(self) -> bool:
        return bool(self.appeared or self.ended)


def difference(told: Sequence[Item], items: Iterable[Item]) -> Change:
    """What to tell whoever knows of ``told``, now that ``items`` wait."""
    known = {each["proposal"] for each in told}
    waiting = {each["proposal"]: each for each in items}
    appeared = [each for proposal, each in waiting.items() if proposal not in known]
    ended = [each for each in told if each["proposal"] not in waiting]
    return Change(sorted(appeared, key=lambda each: -each["urgency"]), ended)


def after(told: Sequence[Item], change: Change) -> list[Item]:
    """What is known to whoever knew of ``told`` and was told of ``change``."""
    ended = {each["proposal"] for each in change.ended}
    kept = [each for each in told if each["proposal"] not in ended]
    return kept + [{name: each[name] for name in KEPT} for each in change.appeared]


def message(id_: str, organisation: str, as_of: str, known_at: int, change: Change) -> str:
    """The body of a delivery, JSON: what a webhook posts, and what an e-mail is made of."""
    head = {"id": id_, "organisation": organisation, "as_of": as_of, "known_at": known_at}
    return orjson.dumps({**head, "appeared": change.appeared, "ended": change.ended}).decode()
