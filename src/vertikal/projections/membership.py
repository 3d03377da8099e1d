"""Which schools belong to cohorts, as of a date, as known at a position of the log."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ..read_models import cohorts
from ..read_models.cohorts import Cohort
from . import entities
from .book import Opened
from .organisations import Tree


def cohort(ledger: Opened, code: str, known_at: int) -> Cohort | None:
    """A cohort with all its inclusions and exclusions; None where none is defined."""
    found: Cohort | None = entities.state(ledger, "cohorts", code, known_at)
    return found if found is not None and found.kind is not None else None


def of_kind(ledger: Opened, kind: str, known_at: int) -> list[Cohort]:
    """All cohorts of a kind, by code."""
    return [each for each in entities.states(ledger, "cohorts", "", known_at) if each.kind == kind]


def view(ledger: Opened, of: Cohort, as_of: str, known_at: int) -> dict[str, Any] | None:
    """A cohort as of a date, in the shape of ``/v1/cohorts/{id}``; None where none is defined."""
    if of.kind is None:
        return None
    tree = ledger.tree(known_at)
    spells = (_bounded(spell, tree) for spell in cohorts.spells(of))
    members = [each for each in spells if each["from"] <= as_of and (each["to"] is None or as_of < each["to"])]
    head = {"cohort": of.cohort, "kind": of.kind, "title": of.title, "owner": of.owner, "period": of.period}
    return {**head, "size": len(members), "members": members}


def schools(ledger: Opened, among: list[Cohort], as_of: str, known_at: int) -> dict[str, tuple[str, ...]]:
    """The cohorts that each school belongs to; a school that was closed belongs to none."""
    tree = ledger.tree(known_at)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in among:
        for spell in (_bounded(spell, tree) for spell in cohorts.spells(each)):
            if spell["from"] <= as_of and (spell["to"] is None or as_of < spell["to"]):
                found[spell["school"]].append(each.cohort)
    return {code: tuple(of) for code, of in sorted(found.items())}


def _bounded(spell: dict[str, Any], tree: Tree) -> dict[str, Any]:
    """A time of membership that ends, at the latest, with the school."""
    node = tree.nodes.get(spell["school"])
    ends = [end for end in (spell["to"], node.ended if node else None) if end is not None]
    return {**spell, "to": min(ends, default=None)}
