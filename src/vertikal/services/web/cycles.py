"""``/v1/cycles``, ``/v1/recommendations``, ``/v1/proposals``: the management cycle and what it asks of whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response

from ...contracts.fields import Choice
from ...projections import entities
from ...projections.book import Opened
from ...read_models import recommendations
from ...read_models.cycle_states import Cycle
from .. import cycles
from .lists import Entry, ListQuery, paged
from .organisations import ClocksQuery, read_clocks
from .service import Routes, answered, opened, party, require_sight, service, sight, wait_for

routes = Routes("cycles", __name__, description="Управленческие циклы")


class CyclesQuery(ListQuery):
    open = Choice("true", "false", optional=True)


@routes.get("/v1/cycles")
@routes.arguments(CyclesQuery, location="query")
@routes.doc(
    summary="Управленческие циклы своего подчинения",
    description="Открытые на дату as_of или раньше, с полнотой; open=true|false — открытые или закрытые.",
)
def get_cycles(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        found: list[Cycle] = entities.states(ledger, "cycles", "", known_at)
        views = cycles.briefs(ledger, found, as_of, known_at)
        wanted = [view for view in views if query.get("open") in (None, "true" if view["open"] else "false")]
        entries = [Entry(view["cycle"], view["organisation"], view) for view in wanted]
        body = paged(ledger, query, known_at, entries)
    return answered(body, ledger, query)


@routes.get("/v1/cycles/<code>")
@routes.arguments(ClocksQuery, location="query")
@routes.doc(
    summary="Управленческий цикл",
    description=(
        "Девять компонентов с подтверждениями, разорванные связи, значения показателей на дату as_of и выводы анализа: "
        "значения, на которые они опираются, — тогда и сейчас."
    ),
)
def get_cycle(query: dict[str, Any], code: str) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        _, opening = cycles.opened(ledger, code, known_at)
        require_sight(ledger, opening.data["organisation"], known_at)
        body = cycles.detail(ledger, code, as_of, known_at, lambda other: sight(ledger, other, known_at))
    return answered(body, ledger, query)


@routes.get("/v1/recommendations")
@routes.arguments(ListQuery, location="query")
@routes.doc(
    summary="Адресные рекомендации",
    description="Данные организациями своего подчинения или адресованные им, с ответами на дату as_of.",
)
def get_recommendations(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        found = entities.states(ledger, "recommendations", "", known_at)
        views = (view for each in found if (view := recommendations.view(each, as_of)) is not None)
        entries = [entry for view in views for entry in _seen(ledger, query, view, known_at)]
        body = paged(ledger, query, known_at, entries)
    return answered(body, ledger, query)


@routes.get("/v1/proposals")
@routes.arguments(ListQuery, location="query")
@routes.doc(summary="Рассмотренные предложения", description="Принятые и отклонённые на дату as_of, с причиной.")
def get_proposals(query: dict[str, Any]) -> Response:
    wait_for(query.get("min_position"))
    with opened() as ledger:
        as_of, known_at = read_clocks(ledger, query)
        found = entities.states(ledger, "proposals", "", known_at)
        views = (view for each in found if (view := recommendations.proposal_view(each, as_of)) is not None)
        body = paged(ledger, query, known_at, [Entry(view["proposal"], view["organisation"], view) for view in views])
    return answered(body, ledger, query)


def _seen(ledger: Opened, query: dict[str, Any], view: dict[str, Any], known_at: int) -> Iterator[Entry]:
    """A recommendation as the reader sees it: whole where it issued it, else with its own addressees alone.

    Where ``organisation`` is asked for, it is found by whichever lies below that: the issuer or an addressee.
    """
    reader, today, tree = party(), service().settings.today(), ledger.tree(known_at)
    under, parties = query.get("organisation"), (view["organisation"], *view["addressees"])
    seen = {code for code in parties if reader.covers(tree, code, today)}
    if view["organisation"] not in seen:
        narrowed = {name: [code for code in view[name] if code in seen] for name in ("addressees", "unanswered")}
        answers = [answer for answer in view["answers"] if answer["organisation"] in seen]
        decisions = [each for each in view["decisions"] if reader.covers(tree, each["organisation"], today)]
        view = {**view, **narrowed, "answers": answers, "decisions": decisions}
    found = [code for code in parties if code in seen and (under is None or tree.within(code, under, today))]
    if found:
        yield Entry(view["recommendation"], found[0], view)
