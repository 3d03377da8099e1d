"""Recommendations, from issue to answer and decision; and proposals that somebody adopted or declined.

Each addressee owes an answer from the day of the issue on. What counts is its first answer, accepted or declined. An
addressee may decide on it in a cycle of its own: the recommendation tells that cycle from when on it may.
"""

from __future__ import annotations

from bisect import insort
from typing import Any

import msgspec

from . import heard
from .indicator import Dimensions, Indicator, Part, Selection
from .model import Cells, Event, Keys, Kind, Measure, Model, Sums, steps
from .periods import Period

ADDRESSED = Measure("recommendations_addressed", Kind.STOCK, ("issued",), kept=("issued",))
ANSWERED = Measure("recommendations_answered", Kind.STOCK, ("issued",), kept=("issued",))


OPEN, POSTPONED = "open", "postponed"


class Answer(msgspec.Struct, frozen=True, array_like=True):
    on: str
    organisation: str
    answer: str
    text: str | None = None


class Decided(msgspec.Struct, frozen=True, array_like=True):
    """A decision that names the recommendation, and whose it is."""

    on: str
    organisation: str
    cycle: str
    decision: str


class Recommendation(msgspec.Struct, frozen=True):
    """The last issue under one code, with all answers and decisions by date; ``on`` is empty while none stands."""

    recommendation: str = ""
    cycle: str = ""
    owner: str = ""
    on: str = ""
    finding: str = ""
    addressees: tuple[str, ...] = ()
    text: str = ""
    due: str | None = None
    answers: tuple[Answer, ...] = ()
    decisions: tuple[Decided, ...] = ()

    @property
    def carried_to(self) -> dict[str, str]:
        """The cycles of addressees that decide on it, other than the one in which it was issued; and whose they are."""
        theirs = (each for each in self.decisions if each.organisation in self.addressees)
        return {each.cycle: each.organisation for each in theirs if each.cycle != self.cycle}


def keys(event: Event) -> Keys:
    data = event["data"]
    if event["type"] == "decision.taken":
        return tuple(dict.fromkeys(data["recommendations"]))
    return (data["recommendation"],)


def evolve(recommendation: Recommendation | None, event: Event) -> Recommendation:
    data, on = event["data"], event["time"][:10]
    now = recommendation or Recommendation()
    match event["type"]:
        case "recommendation.issued":
            return Recommendation(
                data["recommendation"],
                data["cycle"],
                event["owner"],
                on,
                data["finding"],
                tuple(dict.fromkeys(data["addressees"])),
                data["text"],
                data.get("due"),
                now.answers,
                now.decisions,
            )
        case "recommendation.answered":
            answer = Answer(on, data["organisation"], data["answer"], data.get("text"))
            return msgspec.structs.replace(now, answers=_inserted(now.answers, answer))
        case "decision.taken":
            decided = Decided(on, event["owner"], data["cycle"], data["decision"])
            return msgspec.structs.replace(now, decisions=_inserted(now.decisions, decided))
    return now


def hearing(_: str, values: tuple[str, ...]) -> tuple[str, str]:
    """Whether it is sound in a cycle."""
    cycle, recommendation = values
    return recommendation, cycle


def measures(recommendation: Recommendation, sums: Sums) -> Cells:
    """One for each addressee from the issue on, and one from its first answer on."""
    if not recommendation.on:
        return {}
    issued, first = recommendation.on, {each.organisation: each.on for each in reversed(recommendation.answers)}
    cells: Cells = {(code, ADDRESSED.name, (issued,), issued): 1 for code in recommendation.addressees}
    for code in recommendation.addressees:
        if code in first:
            cells[code, ANSWERED.name, (issued,), max(issued, first[code])] = 1
    return cells | _given(recommendation, sums)


def _given(recommendation: Recommendation, sums: Sums) -> Cells:
    """What other cycles hear of it: that it is issued to them, and sound in its own."""
    issued, own = recommendation.on, recommendation.cycle
    dates = {issued, *(on for on in heard.dates(sums) if on > issued)}
    sound = steps(dates, lambda on: int(heard.total(sums, own, on) > 0))
    return {
        (organisation, heard.GIVEN.name, (cycle, recommendation.recommendation), on): amount
        for cycle, organisation in recommendation.carried_to.items()
        for on, amount in sound.items()
    }


def view(recommendation: Recommendation, as_of: str) -> dict[str, Any] | None:
    """The recommendation as of a date, in the shape of ``/v1/recommendations``; None before its issue."""
    if not recommendation.on or recommendation.on > as_of:
        return None
    latest = {each.organisation: each for each in recommendation.answers if each.on <= as_of}
    answered = [latest[code] for code in recommendation.addressees if code in latest]
    return {
        "recommendation": recommendation.recommendation,
        "cycle": recommendation.cycle,
        "organisation": recommendation.owner,
        "on": recommendation.on,
        "finding": recommendation.finding,
        "addressees": list(recommendation.addressees),
        "text": recommendation.text,
        "due": recommendation.due,
        "answers": [msgspec.structs.asdict(each) for each in answered],
        "unanswered": [code for code in recommendation.addressees if code not in latest],
        "decided": any(each.on <= as_of for each in recommendation.decisions),
        "decisions": _decisions(recommendation, as_of),
    }


def _decisions(recommendation: Recommendation, as_of: str) -> list[dict[str, str]]:
    """Who has decided on it, each decision as it was taken last."""
    told = {(each.cycle, each.decision): each for each in recommendation.decisions if each.on <= as_of}
    return [msgspec.structs.asdict(each) for each in sorted(told.values(), key=lambda each: each.on)]


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What became of a proposal: ``adopted``, with the event that was written, or ``declined``, with the reason."""

    on: str
    status: str
    data: dict[str, Any]


class Proposal(msgspec.Struct, frozen=True):
    """The outcomes of one proposal, by date; the latest holds."""

    outcomes: tuple[Outcome, ...] = ()


def proposal_keys(event: Event) -> Keys:
    return (event["data"]["proposal"],)


def evolve_proposal(proposal: Proposal | None, event: Event) -> Proposal:
    outcome = Outcome(event["time"][:10], event["type"].removeprefix("proposal."), event["data"])
    return Proposal(_inserted(proposal.outcomes if proposal else (), outcome))


def proposal_view(proposal: Proposal, as_of: str, organisation: str | None = None) -> dict[str, Any] | None:
    """The proposal as of a date, in the shape of ``/v1/proposals``; None before anybody has judged it.

    ``organisation``: the one that it stands with; what others say of it is not heeded. What was declined until a day is
    ``postponed`` up to that day, and open again from then on.
    """
    outcomes = [
        outcome
        for outcome in proposal.outcomes
        if outcome.on <= as_of and organisation in (None, outcome.data["organisation"])
    ]
    if not outcomes:
        return None
    last = outcomes[-1]
    named = {name: last.data[name] for name in ("proposal", "rule", "version", "organisation")}
    told = {name: last.data.get(name) for name in ("reason", "event", "until")}
    status = last.status if told["until"] is None else POSTPONED if as_of < told["until"] else OPEN
    return {**named, "status": status, "on": last.on, **told}


def issued(period: Period, as_of: str) -> Selection:
    """Recommendations issued in the period, with what was answered up to ``as_of``, be that behind the period."""
    return Selection(None, as_of, lambda dimensions: _lies_in(period, dimensions))


def _lies_in(period: Period, dimensions: Dimensions) -> bool:
    return period.start <= dimensions["issued"] <= period.end


def _inserted(ordered: tuple[Any, ...], item: Any) -> tuple[Any, ...]:
    """With ``item`` behind everything of its date."""
    items = list(ordered)
    insort(items, item, key=lambda each: each.on)
    return tuple(items)


MODELS = (
    Model(
        "recommendations",
        ("recommendation.issued", "recommendation.answered", "decision.taken"),
        Recommendation,
        keys,
        evolve,
        measures,
        (ADDRESSED, ANSWERED, heard.GIVEN),
        version=2,
        hears=(heard.SOUND,),
        hearing=hearing,
    ),
    Model(
        "proposals", ("proposal.adopted", "proposal.declined"), Proposal, proposal_keys, evolve_proposal, lambda _: {}
    ),
)
INDICATORS = (
    Indicator(
        "recommendations_answered",
        "Доля адресных рекомендаций, на которые дан ответ",
        "Share of recommendations answered by their addressees",
        (Part(ANSWERED, issued),),
        (Part(ADDRESSED, issued),),
        unit="recommendations",
        better="more",
        source="Адресные рекомендации по результатам анализа и ответы адресатов",
    ),
)
