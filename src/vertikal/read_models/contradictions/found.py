"""A contradiction as a rule tells it, and the events that it names as its ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSIONS = {
    "before_order": 1,
    "claim_without_events": 1,
    "counted_listed": 1,
    "percent_without_denominator": 1,
    "plan_called_done": 1,
    "two_names": 1,
}
"""The rules by kind. Who changes what a rule finds counts its version up."""

TEXT_MAX = 120
NAMES = "organisations"  # what named them stands in the registry of the log, not in an entity


@dataclass(frozen=True)
class Origin:
    """Events behind a contradiction: those of an entity, narrowed to ids, or to types (and subjects)."""

    model: str
    key: str
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def holds(self, event: Mapping[str, Any]) -> bool:
        return (
            (not self.ids or event["id"] in self.ids)
            and (not self.types or event["type"] in self.types)
            and (not self.subjects or event["subject"] in self.subjects)
        )


@dataclass(frozen=True)
class Contradiction:
    """What a rule found. ``key`` is unique within its kind; ``proposal`` is where a person is to decide."""

    kind: str
    key: str
    organisation: str
    about: dict[str, Any]
    text: str
    figures: dict[str, int | str]
    origins: tuple[Origin, ...] = ()
    confidence: str | None = None
    proposal: str | None = None
    decided: str | None = None

    @property
    def sorts_as(self) -> str:
        return f"{self.kind}/{self.key}"


def short(text: str) -> str:
    """The beginning of what somebody wrote, as much as a list shows."""
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
