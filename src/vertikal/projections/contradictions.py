"""Contradictions and claims as they are read: the states behind the rules, and the events behind what these found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..contracts.catalogue import CATALOGUE
from ..events import log, registry
from ..read_models.claims import supported_by
from ..read_models.cohorts import Cohort
from ..read_models.contradictions import names
from ..read_models.contradictions.claims import Stated, of_claim
from ..read_models.contradictions.found import NAMES, VERSIONS, Contradiction, Origin
from ..read_models.contradictions.roadmaps import of_roadmap
from ..read_models.recommendations import OPEN, proposal_view
from ..read_models.roadmaps import Activity, Roadmap
from . import entities, membership, roadmaps
from .book import Opened

KINDS = tuple(sorted(VERSIONS))
OF_CLAIMS = {"counted_listed", "claim_without_events", "plan_called_done"}
OF_ROADMAPS = {"before_order", "percent_without_denominator", "plan_called_done"}
NAMED = ("organisation.registered", "organisation.renamed")


class Reading:
    """The ledger as of a date, as known at a position, in the subtree of an organisation as it is ``today``.

    Remembers what it has read, for the length of one answer.
    """

    def __init__(self, ledger: Opened, organisation: str | None, as_of: str, known_at: int, today: str) -> None:
        self.ledger = ledger
        self.as_of, self.known_at = as_of, known_at
        self._organisation, self._today = organisation, today
        self._tree = ledger.tree(known_at)
        self._activities: dict[str, tuple[Activity, ...]] = {}

    def find(self, kinds: Collection[str] = KINDS, *, decided: bool = False) -> list[Contradiction]:
        """All contradictions of some kinds, in their order; those that people decided about only if asked for."""
        found: list[Contradiction] = []
        if OF_CLAIMS & set(kinds):
            found += self.of_claims(self.claims())
        if OF_ROADMAPS & set(kinds):
            found += self._of_roadmaps(kinds)
        if names.RULE in kinds:
            found += [each for each in self._two_names() if decided or each.decided in (None, OPEN)]
        wanted = (each for each in found if each.kind in kinds and self._within(each.organisation))
        return sorted(wanted, key=lambda each: each.sorts_as)

    def claims(self) -> list[Stated]:
        """The claims made by the date, with the number of events that support each."""
        held = [
            (each.key, claim)
            for each in entities.states(self.ledger, "claims", "", self.known_at)
            for claim in each.claims
            if claim.on <= self.as_of and self._within(claim.organisation)
        ]
        evidence = entities.some(self.ledger, "evidence", {key for key, _ in held}, self.known_at)
        stated = [Stated(claim, key, supported_by(claim, evidence.get(key))) for key, claim in held]
        return sorted(stated, key=lambda each: each.sorts_as)

    def of_claims(self, claims: Iterable[Stated]) -> Iterator[Contradiction]:
        """What contradicts these claims."""
        claims = list(claims)
        spoken_of = {name: {each.claim.about.get(name, "") for each in claims} - {""} for name in ("roadmap", "cohort")}
        self._read_activities(spoken_of["roadmap"])
        cohorts = entities.some(self.ledger, "cohorts", spoken_of["cohort"], self.known_at)
        for stated in claims:
            about = stated.claim.about
            members = self._members(cohorts.get(about.get("cohort", "")), stated.claim.on)
            activities = self._activities.get(about.get("roadmap", ""))
            yield from of_claim(replace(stated, members=members, activities=activities))

    def _of_roadmaps(self, kinds: Collection[str]) -> Iterator[Contradiction]:
        concerned: list[Roadmap] = [
            each
            for each in entities.states(self.ledger, "roadmaps", "", self.known_at)
            if self._concerns(each) and (set(kinds) != {"before_order"} or each.act is not None)
        ]
        self._read_activities(each.roadmap for each in concerned)
        keys = {f"roadmap/{each.roadmap}" for each in concerned} if "plan_called_done" in kinds else set()
        evidence = entities.some(self.ledger, "evidence", keys, self.known_at)
        for roadmap in concerned:
            behind = evidence.get(f"roadmap/{roadmap.roadmap}")
            told_ahead = behind.ahead if behind else ()
            yield from of_roadmap(roadmap, self._activities[roadmap.roadmap], told_ahead, self.as_of)

    def _two_names(self) -> Iterator[Contradiction]:
        """Organisations of one kind under one parent, of those that stand on the date."""
        siblings: dict[tuple[str, str], dict[str, str]] = {}
        for node in self._tree.nodes.values():
            parent = node.parent(self.as_of)
            if parent is not None and node.stands(self.as_of) and self._within(parent):
                siblings.setdefault((parent, node.kind), {})[node.code] = node.name(self.as_of)
        found = [
            names.two_names(parent, {code: named[code] for code in (first, second)}, confidence)
            for (parent, _), named in siblings.items()
            for first, second, confidence in names.alike(named)
        ]
        said = entities.some(self.ledger, "proposals", (str(each.proposal) for each in found), self.known_at)
        whose = {str(each.proposal): each.organisation for each in found}
        shown = {id_: proposal_view(each, self.as_of, whose[id_]) for id_, each in said.items()}
        decided = {id_: view["status"] for id_, view in shown.items() if view is not None}
        return (replace(each, decided=decided.get(str(each.proposal))) for each in found)

    def _within(self, code: str) -> bool:
        return self._organisation is None or self._tree.within(code, self._organisation, self._today)

    def _concerns(self, roadmap: Roadmap) -> bool:
        """Whether the road map, or a target of it, may lie in the subtree: it is owned there, or above."""
        return self._within(roadmap.owner) or self._tree.within(str(self._organisation), roadmap.owner, self._today)

    def _read_activities(self, codes: Iterable[str]) -> None:
        unread = sorted(set(codes) - self._activities.keys())
        found = roadmaps.states(self.ledger, unread, self.known_at)
        self._activities |= {code: tuple(each) for code, each in found.items()}

    def _members(self, cohort: Cohort | None, on: str) -> tuple[str, ...] | None:
        view = membership.view(self.ledger, cohort, on, self.known_at) if cohort else None
        return tuple(member["school"] for member in view["members"]) if view else None


def views(ledger: Opened, found: Iterable[Contradiction], known_at: int) -> list[dict[str, Any]]:
    """In the shape of ``/v1/contradictions``, each with the events behind it."""
    found = list(found)
    events = behind(ledger, [origin for each in found for origin in each.origins], known_at)
    return [_view(each, events) for each in found]


def _view(each: Contradiction, events: dict[Origin, list[tuple[int, str]]]) -> dict[str, Any]:
    behind = sorted({event for origin in each.origins for event in events[origin]})
    view: dict[str, Any] = {
        "kind": each.kind,
        "version": VERSIONS[each.kind],
        "about": each.about,
        "organisation": each.organisation,
        "text": each.text,
        "figures": each.figures,
        "events": [{"event_id": id_, "position": position} for position, id_ in behind],
    }
    if each.confidence is not None:
        view |= {"confidence": each.confidence, "proposal": each.proposal, "decided": each.decided}
    return view


def behind(ledger: Opened, origins: Collection[Origin], known_at: int) -> dict[Origin, list[tuple[int, str]]]:
    """(position, id) of the events that each origin means; they are read by the positions that entities hold."""
    read: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for model in {origin.model for origin in origins}:
        keys = {origin.key for origin in origins if origin.model == model}
        of = _naming(ledger, keys, known_at) if model == NAMES else entities.events(ledger, model, keys, known_at)
        read |= {(model, key): events for key, events in of.items()}
    return {
        origin: [(at, event["id"]) for at, event in read.get((origin.model, origin.key), ()) if origin.holds(event)]
        for origin in origins
    }


def _naming(ledger: Opened, codes: Iterable[str], known_at: int) -> dict[str, list[tuple[int, Any]]]:
    """The standing events that named organisations, from what the registry says was declared."""
    connection = ledger.connection
    declared = registry.owners(connection, [("organisation", code) for code in codes])
    positions = {at for each in declared.values() for at, _ in each if at <= known_at}
    read = log.read_at(connection, positions - registry.undone(connection, positions, known_at))
    events = {at: CATALOGUE.upcast(recorded.event) for at, recorded in read.items()}
    return {
        code: [(at, events[at]) for at, _ in each if at in events and events[at]["type"] in NAMED]
        for (_, code), each in declared.items()
    }
