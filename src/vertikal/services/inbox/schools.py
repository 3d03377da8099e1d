"""Proposals about schools and reports: who crossed the threshold, who is silent, what a report claims, who has two
names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...contracts.assessments import KEY
from ...projections import contradictions, entities, membership, reporting
from ...projections.reporting import Awaited
from ...read_models.assessments import PARTICIPANTS, Result
from ...read_models.cohorts import SHNOR, Cohort
from ...read_models.contradictions.claims import Stated
from ...read_models.contradictions.found import Origin
from ...read_models.contradictions.names import RULE as TWO_NAMES
from ...read_models.periods import day_after, school_year
from ...rules.proposals import Proposal
from ...rules.shnor import Verdict
from .. import shnor
from .look import Look, shown

YEARS = 3  # a school without results in all of them is not judged
BOTH = 10  # how much more urgent it is that both readings of the rule are met
READINGS = {True: "по обоим прочтениям правила", False: "по прочтению «или»"}


def claims(look: Look) -> Iterator[Proposal]:
    """Claims of reports that no event supports."""
    for each in _told(look).claims():
        if not each.supported_by and look.stands(each.claim.organisation):
            yield _claimed(look, each)


def names(look: Look) -> Iterator[Proposal]:
    """Two organisations that may be one, in the words of the contradictions, which name the same proposal."""
    for pair in _told(look).find((TWO_NAMES,)):
        since = max(look.tree.nodes[code].registered for code in pair.about["organisations"])
        yield Proposal(
            TWO_NAMES,
            pair.organisation,
            {"organisations": pair.about["organisations"]},
            since,
            look.urgency(TWO_NAMES, since),
            f"{pair.text}; уверенность {pair.confidence}",
            figures={"confidence": pair.confidence, "names": pair.about["names"]},
            settles=("organisation.merged", "organisation.renamed"),
            origins=pair.origins,
            code=pair.proposal,
        )


def _told(look: Look) -> contradictions.Reading:
    return contradictions.Reading(look.ledger, look.organisation, look.as_of, look.known_at, look.as_of)


def thresholds(look: Look) -> Iterator[Proposal]:
    """Schools that meet the rule in the latest school year that they have data of, and are in no cohort of it."""
    cohorts = membership.of_kind(look.ledger, SHNOR, look.known_at)
    members = membership.schools(look.ledger, cohorts, look.as_of, look.known_at)
    judged: dict[str, tuple[str, Verdict]] = {}
    for year in _years(look):
        for school, verdict in shnor.verdicts(look.ledger, look.organisation, year, look.as_of, look.known_at).items():
            if school not in judged and verdict.several is not None:
                judged[school] = (year, verdict)
    for school, (year, verdict) in judged.items():
        with_whom = look.above(school)
        if verdict.any and school not in members and look.stands(with_whom):
            yield _crossed(look, school, with_whom, year, verdict, cohorts)


def _years(look: Look) -> list[str]:
    """The school years that there are results of up to the date, the latest first."""
    accounts = look.ledger.accounts.get(PARTICIPANTS.name, ())
    known = {account.dimensions["year"] for account in accounts}
    return sorted((year for year in known if year <= school_year(look.as_of)), reverse=True)[:YEARS]


def _crossed(look: Look, school: str, with_whom: str, year: str, verdict: Verdict, cohorts: list[Cohort]) -> Proposal:
    low = [each for each in verdict.outcomes if each.low]
    keys = [code for each in low for code, _ in KEY.codes({"school": school, **each.key._asdict()})]
    since = _known_since(look, keys)
    counted = ", ".join(
        f"{each.key.procedure} {each.key.subject} {each.key.grade} кл. {each.key.year}: "
        f"{each.scores.below_minimum} из {each.scores.participants}"
        for each in low
    )
    readings = READINGS[verdict.all is True]
    return Proposal(
        "threshold_crossed",
        with_whom,
        {"school": school, "year": year},
        since,
        look.urgency("threshold_crossed", since, BOTH if verdict.all else 0),
        f"{shown(look.name(school))} отвечает правилу ШНОР {readings} ({year}): {counted}",
        (tuple(sorted((*map(str, each.key), *each.scores) for each in low)), verdict.all),
        {
            "meets": verdict.readings,
            "procedures": [{**each.key._asdict(), **each.scores._asdict()} for each in low],
        },
        _included(look, school, year, cohorts),
        ("school.included",),
        tuple(Origin("results", key) for key in keys),
    )


def _known_since(look: Look, keys: list[str]) -> str:
    """The date of the latest of the results."""
    found: Mapping[str, Result] = entities.some(look.ledger, "results", keys, look.known_at)
    return max((each.date for each in found.values() if each.date), default=look.as_of)


def _included(look: Look, school: str, year: str, cohorts: list[Cohort]) -> dict[str, Any] | None:
    """Into the cohort that is nearest above the school on the date; None where there is none."""
    path = look.tree.path(school, look.as_of)
    running = [
        each
        for each in cohorts
        if each.period and each.period["start"] <= look.as_of <= each.period["end"] and each.owner in path
    ]
    if not running:
        return None
    nearest = max(running, key=lambda each: (path.index(str(each.owner)), each.cohort))
    basis = f"Отвечает правилу ШНОР, {year} учебный год"
    data = {"cohort": nearest.cohort, "school": school, "from": look.as_of, "basis": basis}
    return {"type": "school.included", "subject": school, "data": data}


def silent(look: Look) -> Iterator[Proposal]:
    """Whoever has not reported by the day, and after some days whoever is above it."""
    days = look.parameters("report_silent").days
    for each in reporting.awaited(look.ledger, look.as_of, look.known_at, look.below.__contains__):
        since = day_after(each.due.due)
        if each.silent and since <= look.as_of and look.exists(each.organisation):
            late = look.days(since) >= days
            with_whom = look.above(each.organisation) if late else each.organisation
            if look.stands(with_whom):
                yield _unheard(look, each, with_whom, since)


def _unheard(look: Look, each: Awaited, with_whom: str, since: str) -> Proposal:
    of, due = each.expectation, each.due
    name = shown(look.name(each.organisation))
    return Proposal(
        "report_silent",
        with_whom,
        {"organisation": each.organisation, "expectation": of.expectation, "type": of.type},
        since,
        look.urgency("report_silent", since),
        f"нет отчёта «{of.type}» за {due.start} — {due.end} от {name}; срок {due.due}",
        (of.source, due.start, due.end, due.due),
        {"due": due.due, "period": {"start": due.start, "end": due.end}, "days": look.days(since) + 1},
        settles=(of.type,),
        origins=(Origin("expectations", each.entity),),
    )


def _claimed(look: Look, stated: Stated) -> Proposal:
    claim = stated.claim
    return Proposal(
        "claim_unsupported",
        claim.organisation,
        {"claim": claim.claim, **claim.about},
        claim.on,
        look.urgency("claim_unsupported", claim.on),
        f"утверждение без подтверждающих событий: «{shown(claim.text)}»",
        (claim.event_id, stated.supported_by),
        {"supported_by": stated.supported_by, "counted": claim.counted},
        settles=("activity.completed", "effectiveness.assessed", "event.retracted"),
        origins=(Origin("claims", stated.key, ids=(claim.event_id,)),),
    )
