"""Are two volumes the same? Every balance of both at one position, and a digest that any database gives alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Select, func, select, union_all

from .book import held
from .closings import rolled_up
from .ledger import date_of
from .numbers import LEAF
from .tables import Volume, accounts, places

Balance = tuple[str, str, dict[str, str], str, int]  # path, measure, dimensions, date, amount
FETCHED = 10_000  # rows at a time: memory does not grow with the ledger


@dataclass(frozen=True)
class Difference:
    """A balance that two volumes hold differently."""

    path: str
    measure: str
    dimensions: str
    date: str
    one: int
    other: int


def differences(connection: Connection, one: Volume, other: Volume, limit: int) -> tuple[int, list[Difference]]:
    """The position at which two volumes are compared, the last that both hold, and up to ``limit`` differences."""
    at = min(held(connection, one), held(connection, other))
    if not at:
        return at, []
    lines = union_all(
        *_signed(_all_balances(connection, one, at), 1, 0), *_signed(_all_balances(connection, other, at), 0, 1)
    ).subquery("lines")
    sums = (func.sum(lines.c.one), func.sum(lines.c.other))
    key = (lines.c.place, lines.c.account, lines.c.date)
    differing = select(*key, sums[0].label("one"), sums[1].label("other")).group_by(*key).having(sums[0] != sums[1])
    differing_ = differing.order_by(*key).limit(limit).subquery("differing")
    statement = (
        select(places.c.path, accounts.c.measure, accounts.c.dimensions, *differing_.c[2:])
        .join(places, places.c.id == differing_.c.place)
        .join(accounts, accounts.c.id == differing_.c.account)
    )
    rows = connection.execute(statement)
    return at, [
        Difference(path, measure, dims, date_of(date), int(a), int(b)) for path, measure, dims, date, a, b in rows
    ]


def digest(connection: Connection, volume: Volume) -> tuple[int, str]:
    """The position of a volume, and SHA-256 over its balances: one line each, by the names of what it counts.

    A line is the JSON list [path, measure, dimensions, date, amount]; lines are in the order of these. Zero is no
    balance. Numbers of places and accounts, and times, are no part of it.
    """
    at, hash_ = held(connection, volume), hashlib.sha256()
    for balance in balances(connection, volume):
        hash_.update(orjson.dumps(balance, option=orjson.OPT_APPEND_NEWLINE))
    return at, hash_.hexdigest()


def balances(connection: Connection, volume: Volume) -> Iterator[Balance]:
    """Every balance that is not zero, of schools too, in the order of their names; read as a stream."""
    names = select(accounts.c.measure, accounts.c.dimensions).where(accounts.c.summary == 0)
    paths = connection.execute(select(places.c.path).order_by(places.c.path)).scalars().all()
    named = [(name, orjson.loads(dims)) for name, dims in connection.execute(names.order_by(*names.selected_columns))]
    # Rows are sorted by the ranks of their names, which are numbers.
    place = select(places.c.id, func.row_number().over(order_by=places.c.path).label("rank")).subquery()
    rank = func.row_number().over(order_by=names.selected_columns)
    account = names.with_only_columns(accounts.c.id, rank.label("rank")).subquery()
    lines = union_all(*_all_balances(connection, volume, held(connection, volume))).subquery("lines")
    key, total = (place.c.rank, account.c.rank, lines.c.date), func.sum(lines.c.amount)
    statement = (
        select(*key, total)
        .join(place, place.c.id == lines.c.place)
        .join(account, account.c.id == lines.c.account)
        .group_by(*key)
        .having(total != 0)
        .order_by(*key)
    )
    streamed = statement.execution_options(stream_results=True, yield_per=FETCHED)
    for placed, counted, date, amount in connection.execute(streamed):
        yield paths[placed - 1], *named[counted - 1], date_of(date), int(amount)


def _all_balances(connection: Connection, volume: Volume, at: int) -> list[Select[Any]]:
    """Rows that sum to the balances of a volume as of a position that it holds: of schools, their postings."""
    kept, postings = volume.balances, volume.postings
    columns = (kept.c.place, kept.c.account, kept.c.date, kept.c.amount)
    schools = select(places.c.id).where(places.c.kind == LEAF)
    own = (postings.c.place, postings.c.account, postings.c.date, postings.c.amount)
    leaves = select(*own).where(postings.c.place.in_(schools), postings.c.position <= at)
    found = [select(*columns), leaves]
    if held(connection, volume) > at:
        place, account, rows = rolled_up(volume)
        later = rows.where(postings.c.position > at)
        amount = (-postings.c.amount).label("amount")
        found.append(later.add_columns(place.label("place"), account.label("account"), postings.c.date, amount))
    return found


def _signed(branches: list[Select[Any]], one: int, other: int) -> list[Select[Any]]:
    """The branches with their amount in one of two columns."""
    found = []
    for branch in branches:
        lines = branch.subquery()
        found.append(select(*lines.c[:3], (lines.c.amount * one).label("one"), (lines.c.amount * other).label("other")))
    return found
