"""``/v1/support``, ``/v1/mentors``, ``/v1/agreements``, ``/v1/contests``: who helps which school, since when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Response

from ...contracts.fields import Choice, Term
from ...contracts.support import KINDS, LEVELS, MENTOR_KINDS
from ...projections import entities
from ...projections.book import Opened
from ...projections.organisations import Tree
from ...read_models import agreements, mentors
from ...read_models.contests import Entered
from ...read_models.support import Support
from .lists import Entry, ListQuery, paged
from .organisations import read_clocks
from .service import Routes, answered, opened, party, service, wait_for

routes = Routes("support", __name__, description="Поддержка школ")

Query = dict[str, Any]
Read = Callable[[Opened, Query, str, int], Iterator[Entry]]


class SupportQuery(ListQuery):
    kind = Choice(*KINDS, optional=True)
    level = Choice(*LEVELS, optional=True)


class MentorsQuery(ListQuery):
    kind = Choice(*MENTOR_KINDS, optional=True)


class ContestsQuery(ListQuery):
    level = Term(optional=True)


@routes.get("/v1/support")
@routes.arguments(SupportQuery, location="query")
@routes.doc(
    summary="Оказанная поддержка",
    description="Мероприятия до даты as_of включительно, которые провели или получили организации своего подчинения.",
)
def get_support(query: Query) -> Response:
    return _listed(query, _supports)


@routes.get("/v1/mentors")
@routes.arguments(MentorsQuery, location="query")
@routes.doc(
    summary="Кураторы и наставники школ", description="Кто закреплён за школами на дату as_of; mentor — псевдоним."
)
def get_mentors(query: Query) -> Response:
    return _listed(query, _mentors)


@routes.get("/v1/agreements")
@routes.arguments(ListQuery, location="query")
@routes.doc(summary="Договоры школ о сотрудничестве", description="Действующие на дату as_of; to — последний день.")
def get_agreements(query: Query) -> Response:
    return _listed(query, _agreements)


@routes.get("/v1/contests")
@routes.arguments(ContestsQuery, location="query")
@routes.doc(summary="Участие в конкурсах", description="Заявки до даты as_of включительно.")
def get_contests(query: Query) -> Response:
    return _listed(query, _contests)


def _listed(query: Query, read: Read) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        body = paged(ledger, query, known_at, read(ledger, query, as_of, known_at))
    return answered(body, ledger, query)


def _supports(ledger: Opened, query: Query, as_of: str, known_at: int) -> Iterator[Entry]:
    """Each where the reader finds it: at the first organisation that it looks for among those concerned."""
    tree, under, today = ledger.tree(known_at), query.get("organisation"), service().settings.today()
    each: Support
    for each in entities.states(ledger, "supports", "", known_at):
        if each.held_on > as_of or not _asked(query, each):
            continue
        seen = [code for code in (each.holder, *each.organisations) if party().covers(tree, code, today)]
        found = [code for code in seen if under is None or tree.within(code, under, today)]
        if found:
            yield Entry(each.support, found[0], _support(each, frozenset(seen)))


def _support(each: Support, seen: frozenset[str]) -> dict[str, Any]:
    """What took place; of the organisations that got help, those that the reader may see."""
    return {
        "support": each.support,
        "kind": each.kind,
        "level": each.level,
        "subject": each.subject,
        "held_by": each.holder,
        "organisations": [code for code in each.organisations if code in seen],
        "held_on": each.held_on,
        "times": each.times,
        "participants": each.participants,
    }


def _mentors(ledger: Opened, query: Query, as_of: str, known_at: int) -> Iterator[Entry]:
    tree = ledger.tree(known_at)
    for each in entities.states(ledger, "mentorships", "", known_at):
        for item in mentors.mentorships(each) if _stands(tree, each.school, as_of) else ():
            in_force = item["from"] <= as_of and (item["to"] is None or as_of < item["to"])
            if in_force and query.get("kind") in (None, item["kind"]):
                yield Entry(f"{item['mentorship']}/{each.school}", each.school, item)


def _agreements(ledger: Opened, _: Query, as_of: str, known_at: int) -> Iterator[Entry]:
    tree = ledger.tree(known_at)
    for each in entities.states(ledger, "agreements", "", known_at):
        for item in agreements.in_force(each, as_of) if _stands(tree, each.school, as_of) else ():
            yield Entry(f"{item['agreement']}/{each.school}", each.school, item)


def _contests(ledger: Opened, query: Query, as_of: str, known_at: int) -> Iterator[Entry]:
    each: Entered
    for each in entities.states(ledger, "contests", "", known_at):
        if each.on <= as_of and _asked(query, each):
            item = {"entry": each.entry, "organisation": each.organisation, "contest": each.contest}
            yield Entry(
                each.entry, each.organisation, {**item, "level": each.level, "people": each.people, "on": each.on}
            )


def _asked(query: Query, each: Support | Entered) -> bool:
    """Whether it is of the kind and of the level that are asked for, if any are."""
    return all(query.get(name) in (None, getattr(each, name, None)) for name in ("kind", "level"))


def _stands(tree: Tree, code: str, on: str) -> bool:
    """Whether a school was not closed by then: what is in force ends with it."""
    node = tree.nodes.get(code)
    return node is None or node.ended is None or on < node.ended
