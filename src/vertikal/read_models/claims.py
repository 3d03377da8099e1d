"""Claims of reports, and the events that support them.

A claim about a road map is supported by the done marks on it up to the claim's date; one about a cycle, and no road
map, by the assessments of effectiveness of that cycle. A claim about neither has no evidence. Events are counted: a
done mark that a later mark replaces still counts, for it was made; one that is retracted does not.

Claims stand twice: in ``claims``, which is small and is what lists read, and beside their evidence, which is not.
"""

from __future__ import annotations

import msgspec

from .indicator import Indicator, Part, flow
from .model import Cells, Event, Keys, Kind, Measure, Model, add

CLAIMS = Measure("claims", Kind.FLOW, ("roadmap",))
SUPPORTED = Measure("claims_supported", Kind.FLOW, ("roadmap",))


class Claim(msgspec.Struct, frozen=True):
    """What a report says. ``about`` names a road map, a cycle, a cohort, an indicator, or none of them."""

    claim: str
    organisation: str
    text: str
    about: dict[str, str]
    on: str
    event_id: str
    counted: int | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """A code is unique with its organisation only."""
        return self.organisation, self.claim


class Claims(msgspec.Struct, frozen=True):
    """All claims about one thing; the same code of an organisation again replaces the first."""

    key: str
    claims: tuple[Claim, ...] = ()


class Ahead(msgspec.Struct, frozen=True, array_like=True):
    """A done mark that was told before the day on which it says that the activity was done."""

    activity: str
    organisation: str
    on: str
    told: str
    event_id: str


class Evidence(msgspec.Struct, frozen=True):
    """The claims about one thing, and how many events of each date may support them."""

    claims: tuple[Claim, ...] = ()
    events: dict[str, int] = {}
    ahead: tuple[Ahead, ...] = ()


def keys(event: Event) -> Keys:
    data = event["data"]
    match event["type"]:
        case "activity.completed":
            return (f"roadmap/{data['roadmap']}",)
        case "effectiveness.assessed":
            return (f"cycle/{data['cycle']}",)
    about = data["about"]
    if "roadmap" in about:
        return (f"roadmap/{about['roadmap']}",)
    if "cycle" in about:
        return (f"cycle/{about['cycle']}",)
    return (f"claim/{data['organisation']}/{data['claim']}",)


def evolve_claims(claims: Claims | None, event: Event) -> Claims:
    return Claims(keys(event)[0], _with(claims.claims if claims else (), event))


def evolve(evidence: Evidence | None, event: Event) -> Evidence:
    """Marks are many and claims few, so a mark costs one entry of a small dictionary."""
    before = evidence or Evidence()
    match event["type"]:
        case "activity.completed":
            data, told = event["data"], event["time"][:10]
            on, ahead = data["completed_on"], before.ahead
            if on > told:
                ahead = (*ahead, Ahead(data["activity"], data["organisation"], on, told, event["id"]))
        case "effectiveness.assessed":
            on, ahead = event["time"][:10], before.ahead
        case _:
            return Evidence(_with(before.claims, event), before.events, before.ahead)
    return Evidence(before.claims, {**before.events, on: before.events.get(on, 0) + 1}, ahead)


def measures(evidence: Evidence) -> Cells:
    """One for each claim, and one for each that is supported, on the claim's date."""
    cells: Cells = {}
    if not evidence.claims:
        return cells
    first = min(evidence.events, default=None)
    for claim in evidence.claims:
        dimensions = (claim.about.get("roadmap", ""),)
        add(cells, (claim.organisation, CLAIMS.name, dimensions, claim.on), 1)
        if first is not None and first <= claim.on:
            add(cells, (claim.organisation, SUPPORTED.name, dimensions, claim.on), 1)
    return cells


def supported_by(claim: Claim, evidence: Evidence | None) -> int:
    """How many events support a claim."""
    return sum(count for on, count in evidence.events.items() if on <= claim.on) if evidence else 0


def _with(claims: tuple[Claim, ...], event: Event) -> tuple[Claim, ...]:
    data = event["data"]
    said = (data["claim"], data["organisation"], data["text"], data["about"], data["on"], event["id"])
    claim = Claim(*said, data.get("counted"))
    return (*(each for each in claims if each.identity != claim.identity), claim)


CLAIM, DONE, ASSESSED = "claim.made", "activity.completed", "effectiveness.assessed"
MODELS = (
    Model("claims", (CLAIM,), Claims, keys, evolve_claims, lambda _: {}),
    Model("evidence", (CLAIM, DONE, ASSESSED), Evidence, keys, evolve, measures, (CLAIMS, SUPPORTED)),
)
INDICATORS = (
    Indicator(
        "evidence_share",
        "Доля утверждений, подтверждённых событиями",
        "Share of claims that events support",
        (Part(SUPPORTED, flow),),
        (Part(CLAIMS, flow),),
        unit="claims",
        better="more",
        source="Утверждения отчётов; отметки о выполнении и оценки эффективности",
        dimensions=("roadmap",),
    ),
)
