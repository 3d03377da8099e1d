"""Who is a school with low results: the question, the verdicts, and what changed them since a moment of knowledge."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..projections import membership, scores
from ..projections.book import Opened
from ..projections.scores import Count
from ..read_models.assessments import BELOW_MINIMUM, PARTICIPANTS
from ..read_models.cohorts import SHNOR
from ..rules import shnor
from ..rules.shnor import Outcome, Results, Scores, Verdict
from ..rules.versions import in_force, years_to
from . import queries, rules
from .queries import Errors
from .refusals import Refusal
from .rules import Chosen, Subject

READERS: dict[str, Callable[[str], Any]] = {
    "threshold": rules.read_share,
    "comparator": partial(rules.read_word, words=shnor.COMPARATORS),
    "min_procedures": partial(rules.read_count, most=100),
    "consecutive_years": partial(rules.read_count, most=10),
    "combine": partial(rules.read_word, words=shnor.READINGS),
    "margin": rules.read_share,
}
MEASURES = (PARTICIPANTS, BELOW_MINIMUM)
COUNTS = tuple(Count(measure.name, measure) for measure in MEASURES)


@dataclass(frozen=True)
class Question:
    """``known_from``: the earlier moment that the verdicts are compared with."""

    subject: Subject
    chosen: Chosen
    known_from: int | None = None

    def asked(self, known_at: int) -> scores.Asked:
        """The results that the verdicts of a moment rest on."""
        parameters = self.chosen.parameters
        years = years_to(self.subject.year, parameters.consecutive_years)
        return scores.Asked(years, parameters.procedures, self.subject.as_of, known_at)


def ask(ledger: Opened, given: Mapping[str, str | None], today: str) -> Question:
    """The question that request parameters ask. Raises ``Refusal`` naming every parameter that is wrong."""
    errors: Errors = {}
    text = given.get("known_from")
    known_from = queries.read(errors, "known_from", lambda: queries.read_known_at(ledger, text)) if text else None
    subject, chosen = rules.ask(ledger, given, today, shnor.VERSIONS, READERS, errors)
    if known_from is not None and known_from > subject.known_at:
        problem = f"начало позже конца: позиция {known_from} больше {subject.known_at}"
        raise Refusal(400, "параметры запроса не приняты", errors={"known_from": [problem]})
    return Question(subject, chosen, known_from)


def answer(ledger: Opened, question: Question, cursor: str | None, limit: int) -> dict[str, Any]:
    """A page of verdicts in the shape of ``/v1/rules/shnor``, by code of the school."""
    subject = question.subject
    listed = _listed(ledger, subject, subject.known_at)
    before = set() if question.known_from is None else _listed(ledger, subject, question.known_from)
    codes, following = rules.page(sorted(listed | before), cursor, limit)
    verdicts = _verdicts(ledger, question, listed.intersection(codes), subject.known_at)
    members, tree = _members(ledger, subject), ledger.tree(subject.known_at)
    found = {
        **rules.head(ledger, subject, question.chosen.shown("shnor")),
        "schools": [
            _shown(code, tree.nodes[code].name(subject.as_of), verdict, members.get(code, []))
            for code, verdict in sorted(verdicts.items())
        ],
        "next": following,
    }
    if question.known_from is None:
        return found
    then = _verdicts(ledger, question, before.intersection(codes), question.known_from)
    changed = _changed(ledger, question, question.known_from, then, verdicts)
    return {**found, "known_from": queries.known_at(ledger, question.known_from), "changed": changed}


def verdicts(ledger: Opened, organisation: str, year: str, as_of: str, known_at: int) -> dict[str, Verdict]:
    """The verdicts of a school year over the schools below an organisation, by the version of the rule in force."""
    version = in_force(shnor.VERSIONS, year)
    if version is None:
        return {}
    subject = Subject(organisation, year, as_of, known_at)
    question = Question(subject, Chosen(version, version.parameters, ()))
    return _verdicts(ledger, question, _listed(ledger, subject, known_at), known_at)


def _listed(ledger: Opened, subject: Subject, known_at: int) -> set[str]:
    return set(scores.standing(ledger.tree(known_at), subject.organisation, subject.as_of))


def _verdicts(ledger: Opened, question: Question, schools: Collection[str], known_at: int) -> dict[str, Verdict]:
    sums = scores.of_schools(ledger, question.asked(known_at), schools, COUNTS)
    year, parameters = question.subject.year, question.chosen.parameters
    return {school: shnor.judge(_results(of), year, parameters) for school, of in sums.items()}


def _results(sums: scores.Sums) -> Results:
    return {
        key: Scores(amounts.get(PARTICIPANTS.name, 0), amounts.get(BELOW_MINIMUM.name, 0))
        for key, amounts in sums.items()
    }


def _members(ledger: Opened, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """The cohorts of schools with low results that each school is in: it leaves them by an act, not by the rule."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for cohort in membership.of_kind(ledger, SHNOR, subject.known_at):
        view = membership.view(ledger, cohort, subject.as_of, subject.known_at)
        for each in view["members"] if view else ():
            spell = {name: each[name] for name in ("from", "to", "basis")}
            found[each["school"]].append({"cohort": cohort.cohort, **spell})
    return found


def _shown(school: str, name: str, verdict: Verdict, members: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "school": school,
        "name": name,
        "meets": verdict.readings,
        "verdict": verdict.meets,
        "conditions": {"several": verdict.several, "repeated": verdict.repeated},
        "watch": verdict.watch,
        "members": members,
        "procedures": [_procedure(each) for each in verdict.outcomes],
    }


def _procedure(outcome: Outcome) -> dict[str, Any]:
    participants, below_minimum = outcome.scores
    return {
        **outcome.key._asdict(),
        "participants": participants,
        "below_minimum": below_minimum,
        "share": queries.ratio(below_minimum, participants),
        "low": outcome.low,
        "near": outcome.near,
        "note": rules.LIMITED_NOTE if outcome.limited else None,
    }


def _changed(
    ledger: Opened, question: Question, known_from: int, then: dict[str, Verdict], now: dict[str, Verdict]
) -> list[dict[str, Any]]:
    """The schools whose verdict, or place in the list, is another than it was, each with the events that did it."""
    listed = {code: (then.get(code), now.get(code)) for code in sorted(then.keys() | now.keys())}
    other = {code: pair for code, pair in listed.items() if _readings(pair[0]) != _readings(pair[1])}
    by_school = defaultdict[str, set[int]](set)
    turned = {code: shnor.turned(before, after) for code, (before, after) in other.items() if before and after}
    asked = question.asked(question.subject.known_at)
    for change in scores.changes(ledger, asked, known_from, turned, *MEASURES) if turned else ():
        if change.key in turned[change.school]:
            by_school[change.school].add(change.position)
    for code in other.keys() - turned.keys():
        by_school[code] = set(_replanted(ledger, question.subject, code, known_from))
    events = scores.events(ledger, {position for each in by_school.values() for position in each})
    return [
        {
            "school": code,
            "from": _readings(before),
            "to": _readings(after),
            "events": [events[position] for position in sorted(by_school[code])],
        }
        for code, (before, after) in other.items()
    ]


def _replanted(ledger: Opened, subject: Subject, code: str, known_from: int) -> list[int]:
    """Why a school came into the list or left it: what was told of it and of those above it."""
    trees = (ledger.tree(known_from), ledger.tree(subject.known_at))
    codes = {above for tree in trees for above in tree.path(code, subject.as_of)}
    return scores.replanted(ledger, codes, known_from, subject.known_at)


def _readings(verdict: Verdict | None) -> dict[str, bool | None] | None:
    return None if verdict is None else verdict.readings
