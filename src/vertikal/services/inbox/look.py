"""What a rule of proposals looks at: the ledger as of a date, as known at a position, below an organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from ...projections.book import Opened
from ...projections.organisations import Tree
from ...rules import proposals
from ...rules.proposals import Parameters


@dataclass(frozen=True)
class Look:
    """``organisation`` is the root of the subtree whose proposals are asked for."""

    ledger: Opened
    organisation: str
    as_of: str
    known_at: int

    @cached_property
    def tree(self) -> Tree:
        return self.ledger.tree(self.known_at)

    @cached_property
    def below(self) -> frozenset[str]:
        """The organisations of the subtree, on the date."""
        return frozenset(code for code in self.tree.nodes if self.tree.within(code, self.organisation, self.as_of))

    @cached_property
    def _above(self) -> frozenset[str]:
        """Whoever was ever above an organisation of the subtree, itself included."""
        parents = {parent for code in self.below for _, parent in self.tree.nodes[code].parents}
        return frozenset(code for each in (*parents, self.organisation) for code in self.tree.path(each, self.as_of))

    def concerns(self, owner: str) -> bool:
        """Whether a plan of ``owner`` may name organisations of the subtree: it is below or above, or acts there."""
        node = self.tree.nodes.get(owner)
        acts_for = node.parent(self.as_of) if node and node.kind in ("centre", "institute") else None
        return owner in self.below or owner in self._above or acts_for in self._above

    def stands(self, code: str) -> bool:
        """Whether proposals may stand with an organisation: it is below, and there on the date."""
        return code in self.below and self.exists(code)

    def exists(self, code: str) -> bool:
        """Whether an organisation is registered by the date, and not closed or merged."""
        node = self.tree.nodes.get(code)
        return node is not None and node.stands(self.as_of)

    def above(self, code: str) -> str:
        """The nearest one above that is there on the date; the root stays where it is."""
        path = self.tree.path(code, self.as_of)[:-1]
        return next((each for each in reversed(path) if self.exists(each)), code)

    def name(self, code: str) -> str:
        """What an organisation is called on the date."""
        node = self.tree.nodes.get(code)
        return node.name(self.as_of) if node else code

    def days(self, since: str) -> int:
        """How many days have passed since a day; negative before it."""
        return (date.fromisoformat(self.as_of) - date.fromisoformat(since)).days

    def urgency(self, rule: str, since: str, more: int = 0) -> int:
        return proposals.urgency(rule, self.days(since), more)

    def parameters(self, rule: str) -> Parameters:
        return proposals.in_force(rule).parameters


def moved(on: str, days: int) -> str:
    """The day so many days behind (or, negative, before) another."""
    return (date.fromisoformat(on) + timedelta(days=days)).isoformat()


def shown(text: str, most: int = 160) -> str:
    """A text of others, cut to what a line can hold."""
    return text if len(text) <= most else text[: most - 1] + "…"
