"""Where a figure comes from: its postings, and what changed it between two moments of knowledge.

Both are read from the postings that the figure is the sum of. So the postings up to ``known_at`` sum to the figure,
and the changes of a window (``known_from``, ``known_to``] sum to the figure at its end less the figure at its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import CTE, ColumnElement, FromClause, Select, func, literal_column, select, tuple_, union_all

from ..events.tables import events as log_events
from ..read_models.indicator import Dimensions, Part
from .book import Opened, Place
from .ledger import date_of
from .questions import Question, Side, narrowing
from .tables import accounts, places

SLICE = 5_000  # positions of a wide window that are read at first; then ever more
WIDER = 4


@dataclass(frozen=True)
class Posting:
    """One line of provenance: the event at ``position`` changed a side of the figure by ``amount`` on ``date``."""

    event_id: str
    position: int
    type: str
    source: str
    organisation: str
    date: str
    side: Side
    amount: int
    dimensions: Dimensions


def provenance(
    ledger: Opened, question: Question, after: Sequence[int] | None, limit: int
) -> tuple[list[Posting], list[int] | None]:
    """Up to ``limit`` postings of a figure and where to go on; all of them sum to numerator and denominator."""
    parts = [(side, part) for side, parts in question.sides() for part in parts]
    start, key = (after[0], list(after[1:])) if after else (0, [])
    found: list[tuple[list[int], Posting]] = []
    for number in range(start, len(parts)):
        side, part = parts[number]
        selected = _posting_rows(ledger, question, part, key, limit + 1 - len(found))
        found += [([number, *row[:5]], _posting(row, side)) for row in selected]
        if len(found) > limit:
            return [posting for _, posting in found[:limit]], found[limit - 1][0]
        key = []
    return [posting for _, posting in found], None


def changes(
    ledger: Opened, question: Question, known_from: int, after: Sequence[int] | None, limit: int
) -> tuple[list[Posting], list[int] | None]:
    """Up to ``limit`` changes of a figure behind ``known_from``, up to its ``known_at``, and where to go on.

    Events stand in the order of the log. An event that leaves a side of the figure as it was is no change of that
    side, whatever it moved within: all its postings there are left out.
    """
    sides = [side for side, _ in question.sides()]
    start, found = (after[0] - 1 if after else known_from), list[Any]()
    for since, until in _slices(start, question.known_at):
        statement = _changes(ledger, question, since, until)
        if statement is not None:
            if after:
                statement = statement.where(tuple_(*statement.selected_columns[:5]) > tuple_(*after))
            found += ledger.connection.execute(statement.limit(limit + 1 - len(found))).all()
        if len(found) > limit:
            break
    shown = [_posting(row, sides[row.side]) for row in found[:limit]]
    return shown, list(found[limit - 1][:5]) if len(found) > limit else None


def _slices(since: int, until: int) -> Iterator[tuple[int, int]]:
    """Windows that make up one window, ever wider: a page out of a long one is read without reading all of it."""
    width = SLICE
    while since < until:
        end = min(since + width, until)
        yield since, end
        since, width = end, width * WIDER


def _changes(ledger: Opened, question: Question, since: int, until: int) -> Select[Any] | None:
    """What the events of a window add to each side, where they add anything; in the order of the log."""
    lines = _lines(ledger, question, since, until)
    if lines is None:
        return None
    key = [lines.c[name] for name in ("position", "side", "account", "place", "date")]
    amount = func.sum(lines.c.amount)
    net = func.sum(amount).over(partition_by=(lines.c.position, lines.c.side)).label("net")
    sums = select(*key, amount.label("amount"), net).group_by(*key).subquery("sums")
    event = (log_events.c.id, log_events.c.type, log_events.c.source)
    return (
        select(*sums.c[:5], sums.c.amount, places.c.organisation, accounts.c.dimensions, *event)
        .join(places, places.c.id == sums.c.place)
        .join(accounts, accounts.c.id == sums.c.account)
        .join(log_events, log_events.c.position == sums.c.position)
        .where(sums.c.net != 0, sums.c.amount != 0)
        .order_by(*sums.c[:5])
    )


def _lines(ledger: Opened, question: Question, since: int, until: int) -> CTE | None:
    """The postings of a figure in a window, each with the number of its side."""
    under = question.posted(ledger)
    table = _window(ledger, question, under, since, until)
    within = (table.c.position > since, table.c.position <= until, table.c.place.in_([place.id for place in under]))
    columns = [table.c[name] for name in ("position", "account", "place", "date", "amount")]
    selected = []
    for number, (_, parts) in enumerate(question.sides()):
        for part in parts:
            conditions = narrowing(ledger, question, part, table.c.account, table.c.date)
            if conditions is not None and under:
                side: ColumnElement[int] = literal_column(str(number)).label("side")
                selected.append(select(side, *columns).where(*within, *conditions))
    return union_all(*selected).cte("lines") if selected else None


def _window(ledger: Opened, question: Question, under: Sequence[Place], since: int, until: int) -> FromClause:
    """The postings as they are best read: a window narrower than the figure by position, others by account and place.

    The first is said by ``MATERIALIZED``, which both databases understand: the window is cut out before anything else.
    """
    postings = ledger.volume.postings
    if until - since > _breadth(ledger, question, under):
        return postings
    window = select(postings).where(postings.c.position > since, postings.c.position <= until)
    return window.cte("window_").prefix_with("MATERIALIZED")


def _breadth(ledger: Opened, question: Question, under: Sequence[Place]) -> int:
    """At how many places in the order of accounts the postings of a figure may stand."""
    measures = {part.measure.name for _, parts in question.sides() for part in parts}
    return len(under) * sum(len(ledger.accounts.get(name, ())) for name in measures)


def _posting_rows(ledger: Opened, question: Question, part: Part, after: list[int], limit: int) -> Sequence[Any]:
    postings = ledger.volume.postings
    conditions = narrowing(ledger, question, part, postings.c.account, postings.c.date)
    under = question.posted(ledger)
    if conditions is None or not under:
        return []
    order = [postings.c[name] for name in ("position", "account", "place", "date", "moved")]
    event = (log_events.c.id, log_events.c.type, log_events.c.source)
    statement = (
        select(*order, postings.c.amount, places.c.organisation, accounts.c.dimensions, *event)
        .join(places, places.c.id == postings.c.place)
        .join(accounts, accounts.c.id == postings.c.account)
        .join(log_events, log_events.c.position == postings.c.position)
        .where(postings.c.position <= question.known_at, postings.c.place.in_([place.id for place in under]))
        .where(*conditions)
    )
    if after:
        statement = statement.where(tuple_(*order) > tuple_(*after))
    return ledger.connection.execute(statement.order_by(*order).limit(limit)).all()


def _posting(row: Any, side: Side) -> Posting:
    date, amount, dimensions = date_of(row.date), int(row.amount), orjson.loads(row.dimensions)
    return Posting(row.id, row.position, row.type, row.source, row.organisation, date, side, amount, dimensions)
