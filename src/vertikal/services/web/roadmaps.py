"""``/v1/roadmaps``: road maps with the state of every activity at every target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from flask import Response
from msgspec.structs import asdict

from ...contracts.fields import Choice, Code, Record, Text
from ...projections import roadmaps
from ...projections.book import Opened
from ...read_models.bodies import ALIASES, named
from ...read_models.roadmap_views import Filter, chosen, counts
from ...read_models.roadmaps import STATUSES, Roadmap
from ..refusals import Refusal
from .lists import Entry, ListQuery, paged
from .organisations import ClocksQuery, read_clocks
from .service import Routes, answered, opened, party, require_sight, service, wait_for

routes = Routes("roadmaps", __name__, description="Дорожные карты")
READ_AT_ONCE = 100
FILTERS = (
    "status=, overdue= и organisation= (с подчинёнными) отбирают исполнителей, "
    "responsible= и section= (пустой — без раздела) — мероприятия."
)


class TargetsQuery(Record):
    """Which targets of which activities."""

    organisation = Code(optional=True)
    status = Choice(*STATUSES, optional=True)
    overdue = Choice("true", "false", optional=True)
    responsible = Text(optional=True, at_most=500)
    section = Text(optional=True, at_least=0, at_most=2_000)


class RoadmapsQuery(ListQuery, TargetsQuery):
    pass


class RoadmapQuery(ClocksQuery, TargetsQuery):
    pass


@routes.get("/v1/roadmaps")
@routes.arguments(RoadmapsQuery, location="query")
@routes.doc(
    summary="Дорожные карты своего подчинения",
    description=f"Утверждённые на дату as_of, с числом исполнителей по состояниям. {FILTERS}",
)
def get_roadmaps(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        asked = _asked(ledger, query, as_of, known_at)
        reader, today, tree = party(), service().settings.today(), ledger.tree(known_at)
        heads = [
            each
            for each in roadmaps.adopted(ledger, as_of, known_at)
            if each.roadmap > query.get("cursor", "") and reader.covers(tree, each.owner, today)
        ]
        entries = islice(_entries(ledger, heads, asked, as_of, known_at), query.get("limit", 100) + 1)
        body = paged(ledger, {**query, "organisation": None}, known_at, entries)
    return answered(body, ledger, query)


@routes.get("/v1/roadmaps/<code>")
@routes.arguments(RoadmapQuery, location="query")
@routes.doc(
    summary="Дорожная карта",
    description=f"Мероприятия со сроками, отметками и результатами по исполнителям на дату as_of. {FILTERS}",
)
def get_roadmap(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        head = roadmaps.roadmap(ledger, code, known_at)
        if head is None:
            raise Refusal(404, f"дорожная карта «{code[:64]}» не найдена{_by_then(ledger, known_at)}")
        require_sight(ledger, head.owner, known_at)
        if head.adopted_on > as_of:
            raise Refusal(404, f"дорожная карта «{code[:64]}» утверждена {head.adopted_on}: на {as_of} её ещё нет")
        asked = _asked(ledger, query, as_of, known_at)
        found = chosen(roadmaps.activities(ledger, [code], as_of, known_at)[code], asked)
    shown = {"aliases": ALIASES.version, "targets": counts(found), "activities": found}
    return answered({**asdict(head), **shown}, ledger, query)


def _entries(ledger: Opened, heads: Sequence[Roadmap], asked: Filter, as_of: str, known_at: int) -> Iterator[Entry]:
    """Road maps with targets that are asked for; without filters also those without any, which are findings, too."""
    for start in range(0, len(heads), READ_AT_ONCE):
        part = heads[start : start + READ_AT_ONCE]
        activities = roadmaps.activities(ledger, [each.roadmap for each in part], as_of, known_at)
        for each in part:
            found = chosen(activities[each.roadmap], asked)
            owned = asked.within is None or asked.within(each.owner)
            if found or (owned and not asked.narrows):
                yield Entry(each.roadmap, each.owner, {**_brief(each), "targets": counts(found)})


def _asked(ledger: Opened, query: dict[str, Any], as_of: str, known_at: int) -> Filter:
    """What the parameters ask for. Raises a 400 for more than one body, a 404 or a 403 for an organisation."""
    code, overdue = query.get("organisation"), query.get("overdue")
    within = None
    if code is not None:
        require_sight(ledger, code, known_at)
        tree = ledger.tree(known_at)
        within = lambda target: tree.within(target, code, as_of)  # noqa: E731
    body = _body(query["responsible"]) if "responsible" in query else None
    return Filter(
        query.get("status"), None if overdue is None else overdue == "true", body, query.get("section"), within
    )


def _body(text: str) -> str:
    """The one body that a parameter names. Raises a 400."""
    names = named([text])
    if len(names) == 1:
        return names[0].body
    given = ", ".join(each.body for each in names) or "никого"
    problem = f"укажите одного ответственного; указано: {given[:200]}"
    raise Refusal(400, "параметры запроса не приняты", errors={"responsible": [problem]})


def _by_then(ledger: Opened, known_at: int) -> str:
    return "" if known_at == ledger.position else f" по сведениям на позицию {known_at}"


def _brief(roadmap: Roadmap) -> dict[str, Any]:
    named = {"roadmap": roadmap.roadmap, "owner": roadmap.owner, "title": roadmap.title}
    return {**named, "period": roadmap.period, "adopted_on": roadmap.adopted_on, "cohort": roadmap.cohort}
