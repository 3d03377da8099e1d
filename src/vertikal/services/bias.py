"""Signs of biased marking: each school's shares beside those of its region, subject by subject and grade by grade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from ..projections import scores
from ..projections.book import Opened
from ..projections.organisations import Tree
from ..projections.scores import Count
from ..read_models.assessments import BELOW_MINIMUM, GOOD, MARKED, PARTICIPANTS
from ..rules import bias, shnor
from ..rules.bias import Shares
from . import queries, rules
from .queries import Errors
from .rules import Chosen, Subject

PROCEDURES = ("vpr", "oge", "ege", "diagnostic")
READERS: dict[str, Callable[[str], Any]] = {
    "low_under": rules.read_share,
    "good_above": rules.read_share,
    "least": partial(rules.read_count, most=1_000),
}
PARTICIPATED, LOW, MARKS, GOOD_MARKS = COUNTS = (
    Count("participants", PARTICIPANTS),
    Count("below_minimum", BELOW_MINIMUM),
    Count("marks", MARKED),
    Count("good", MARKED, {"mark": GOOD}),
)
Amounts = Mapping[str, int]


@dataclass(frozen=True)
class Question:
    """``region``: what the schools are compared with."""

    subject: Subject
    chosen: Chosen
    procedure: str
    region: str

    @property
    def asked(self) -> scores.Asked:
        return scores.Asked((self.subject.year,), (self.procedure,), self.subject.as_of, self.subject.known_at)


def ask(ledger: Opened, given: Mapping[str, str | None], today: str) -> Question:
    """The question that request parameters ask. Raises ``Refusal`` naming every parameter that is wrong."""
    errors: Errors = {}
    wanted = given.get("procedure") or PROCEDURES[0]
    procedure = queries.read(errors, "procedure", lambda: rules.read_word(wanted, PROCEDURES))
    subject, chosen = rules.ask(ledger, given, today, bias.VERSIONS, READERS, errors)
    region = _region(ledger.tree(subject.known_at), subject)
    return Question(subject, chosen, procedure or wanted, region)


def answer(
    ledger: Opened, question: Question, cursor: str | None, limit: int, *, hide_small: bool = False
) -> dict[str, Any]:
    """A page of schools in the shape of ``/v1/rules/bias``. ``hide_small``: small cells of the region are not told."""
    subject, tree = question.subject, ledger.tree(question.subject.known_at)
    listed = scores.standing(tree, subject.organisation, subject.as_of)
    codes, following = rules.page(listed, cursor, limit)
    of_schools = scores.of_schools(ledger, question.asked, codes, COUNTS)
    of_region = scores.of_organisation(ledger, question.asked, question.region, COUNTS)
    parameters = question.chosen.parameters
    regional = {key: _shares(amounts, parameters.least, hide_small) for key, amounts in of_region.items()}
    return {
        **rules.head(ledger, subject, question.chosen.shown("bias")),
        "procedure": question.procedure,
        "region": question.region,
        "unavailable": bias.UNAVAILABLE,
        "schools": [
            {
                "school": code,
                "name": tree.nodes[code].name(subject.as_of),
                "results": [
                    _compared(key, amounts, regional.get(key, Shares(None, None)), parameters)
                    for key, amounts in sorted(of_schools[code].items())
                    if amounts.get(PARTICIPATED.name)
                ],
            }
            for code in codes
        ],
        "next": following,
    }


def _region(tree: Tree, subject: Subject) -> str:
    """The region above an organisation; where there is none, the highest."""
    path = tree.path(subject.organisation, subject.as_of)
    return next((code for code in path if code in tree.nodes and tree.nodes[code].kind == "region"), path[0])


def _compared(key: shnor.Key, amounts: Amounts, region: Shares, parameters: bias.Parameters) -> dict[str, Any]:
    school, participants = _shares(amounts, parameters.least), amounts[PARTICIPATED.name]
    return {
        "subject": key.subject,
        "grade": key.grade,
        "participants": participants,
        "low": {"school": _text(school.low), "region": _text(region.low)},
        "good": {"school": _text(school.good), "region": _text(region.good)},
        "signs": bias.signs(school, region, parameters),
        "note": _note(participants, parameters.least),
    }


def _note(participants: int, least: int) -> str | None:
    if participants < least:
        return f"меньше {least} участников: доли не показываются, признаки не определяются"
    return rules.LIMITED_NOTE if participants < shnor.LIMITED else None


def _shares(amounts: Amounts, least: int, hide_small: bool = False) -> Shares:
    low, good = (
        None if hide_small and 0 < amounts.get(part.name, 0) < queries.SMALL
        else bias.share(amounts.get(part.name, 0), amounts.get(whole.name, 0), least)
        for part, whole in ((LOW, PARTICIPATED), (GOOD_MARKS, MARKS))
    )  # fmt: skip
    return Shares(low, good)


def _text(share: Fraction | None) -> str | None:
    return None if share is None else queries.ratio(share.numerator, share.denominator)
