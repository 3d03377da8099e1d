"""Road maps and their activities, as of a date, as known at a position of the log."""

from __future__ import annotations

from collections.abc import Sequence

from ..read_models.roadmap_views import View, views
from ..read_models.roadmaps import Activity, Roadmap
from . import entities
from .book import Opened


def roadmap(ledger: Opened, code: str, known_at: int) -> Roadmap | None:
    """A road map, whenever it was adopted; None where none was known."""
    found: Roadmap | None = entities.state(ledger, "roadmaps", code, known_at)
    return found


def adopted(ledger: Opened, as_of: str, known_at: int) -> list[Roadmap]:
    """All that exist on a date, by code."""
    found: list[Roadmap] = entities.states(ledger, "roadmaps", "", known_at)
    return sorted((each for each in found if each.adopted_on <= as_of), key=lambda each: each.roadmap)


def activities(ledger: Opened, codes: Sequence[str], as_of: str, known_at: int) -> dict[str, list[View]]:
    """The activities of road maps as they are shown on a date, in the order of the plans."""
    nodes = ledger.tree(known_at).nodes

    def ended(organisation: str) -> str | None:
        node = nodes.get(organisation)
        return node.ended if node else None

    return {code: views(found, as_of, ended) for code, found in states(ledger, codes, known_at).items()}


def states(ledger: Opened, codes: Sequence[str], known_at: int) -> dict[str, list[Activity]]:
    """The activities of road maps as they are kept, by road map: of many at once, as one statement each is slow."""
    found: dict[str, list[Activity]] = {code: [] for code in codes}
    for each in entities.states_of(ledger, "activities", [f"{code}/" for code in codes], known_at):
        found[each.roadmap].append(each)
    return found
