"""Sums of what was posted, at any place, as known at any position, from a bounded number of rows.

At a school they are sums of its postings. Above the schools, now: of balances. As known earlier: of the closed epochs
up to then, and of the postings behind the last of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, select, union_all

from ..read_models.indicator import Part
from .book import Opened, Place
from .closings import of_run, runs
from .numbers import LEAF
from .questions import Question, narrowing, summary_suffices
from .tables import accounts, holders

PLACE, ACCOUNT = ("place",), ("account",)


@dataclass(frozen=True)
class Source:
    """Rows that amounts are summed from."""

    rows: FromClause
    place: ColumnElement[Any]
    account: ColumnElement[Any]
    date: ColumnElement[Any]
    amount: ColumnElement[Any]
    within: tuple[ColumnElement[bool], ...] = ()


def by_place(ledger: Opened, question: Question, part: Part, at: Iterable[Place]) -> dict[int, int]:
    """Amounts of a part of a figure by place."""
    return {
        place: amount
        for some in _apart(at)
        for (place,), amount in _grouped(ledger, question, part, PLACE, some).items()
    }


def by_account(ledger: Opened, question: Question, part: Part, at: Iterable[Place]) -> dict[int, int]:
    """Amounts of a part of a figure by account, over all the places."""
    sums = defaultdict[int, int](int)
    for some in _apart(at):
        for (account,), amount in _grouped(ledger, question, part, ACCOUNT, some).items():
            sums[account] += amount
    return sums


def by_place_and_account(
    ledger: Opened, question: Question, part: Part, at: Iterable[Place]
) -> dict[tuple[int, ...], int]:
    """Amounts of a part of a figure by place and account."""
    return {
        key: amount
        for some in _apart(at)
        for key, amount in _grouped(ledger, question, part, (*PLACE, *ACCOUNT), some).items()
    }


def _apart(at: Iterable[Place]) -> tuple[list[Place], list[Place]]:
    """Schools, and all else: they are summed from other rows."""
    places = list(at)
    return [place for place in places if place.kind == LEAF], [place for place in places if place.kind != LEAF]


def _grouped(
    ledger: Opened, question: Question, part: Part, by: tuple[str, ...], at: list[Place]
) -> dict[tuple[int, ...], int]:
    """Sums at places that are all schools, or none of them is; by place they may be read from summaries."""
    if not at:
        return {}
    leaf = at[0].kind == LEAF
    summary = by == PLACE and not leaf and summary_suffices(question, part)
    branches: list[Select[Any]] = []
    for source in _sources(ledger, question.known_at, leaf=leaf, summary=summary):
        asked = narrowing(ledger, question, part, source.account, source.date, summary=summary)
        if asked is None:
            return {}
        here = source.place.in_([place.id for place in at])
        key = [{"place": source.place, "account": source.account}[name].label(name) for name in by]
        selected = select(*key, source.amount.label("amount")).select_from(source.rows)
        branches.append(selected.where(here, *asked, *source.within))
    if not branches:
        return {}
    lines = union_all(*branches).subquery("lines")
    keys, total = [lines.c[name] for name in by], func.sum(lines.c.amount)
    sums = select(*keys, total).group_by(*keys).having(total != 0)
    return {tuple(key): int(amount) for *key, amount in ledger.connection.execute(sums)}


def _sources(ledger: Opened, known_at: int, *, leaf: bool, summary: bool) -> Iterator[Source]:
    volume = ledger.volume
    postings = volume.postings
    if leaf:
        within = (postings.c.position <= known_at,) if known_at < ledger.position else ()
        yield _plain(postings, *within)
    elif known_at >= ledger.position:
        yield _plain(volume.balances)
    else:
        closed, covered = runs(min(known_at, ledger.closed))
        for run in closed:
            yield _plain(volume.closings, *of_run(volume, run))
        if covered < known_at:
            yield _rolled_up(postings, covered, known_at, summary=summary)


def _plain(table: Any, *within: ColumnElement[bool]) -> Source:
    return Source(table, table.c.place, table.c.account, table.c.date, table.c.amount, within)


def _rolled_up(postings: Any, after: int, until: int, *, summary: bool) -> Source:
    """Postings of a few positions at all who hold them.

    ``MATERIALIZED``, which both databases understand, has them cut out before anything else is asked of them.
    """
    columns = (postings.c.place, postings.c.account, postings.c.date, postings.c.amount)
    few = select(*columns).where(postings.c.position.between(after + 1, until)).cte("few").prefix_with("MATERIALIZED")
    rows: FromClause = few.join(holders, holders.c.place == few.c.place)
    account = few.c.account
    if summary:
        rows, account = rows.join(accounts, accounts.c.id == few.c.account), accounts.c.summed_in
    return Source(rows, holders.c.holder, account, few.c.date, few.c.amount)
