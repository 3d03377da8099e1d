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
    at = held(connection, volume)
    lines = union_all(*_all_balances(connection, volume, at)).subquery("lines")
    key = (places.c.path, accounts.c.measure, accounts.c.dimensions, lines.c.date)
    total = func.sum(lines.c.amount)
    statement = (
        select(*key, total)
        .join(places, places.c.id == lines.c.place)
        .join(accounts, accounts.c.id == lines.c.account)
        .where(accounts.c.summary == 0)
        .group_by(*key)
        .having(total != 0)
        .order_by(*key)
    )
    streamed = statement.execution_options(stream_results=True, yield_per=FETCHED)
    for path, measure, dimensions, date, amount in connection.execute(streamed):
        yield path, measure, orjson.loads(dimensions), date_of(date), int(amount)


def _all_balances(connection: Connection, volume: Volume, at: int) -> list[Select[Any]]:
    """The balances of a volume as of a position that it holds: of schools, sums of their postings."""
    kept, postings = volume.balances, volume.postings
    columns = (kept.c.place, kept.c.account, kept.c.date, kept.c.amount)
    schools = select(places.c.id).where(places.c.kind == LEAF)
    own = (postings.c.place, postings.c.account, postings.c.date, func.sum(postings.c.amount).label("amount"))
    leaves = select(*own).where(postings.c.place.in_(schools), postings.c.position <= at).group_by(*own[:3])
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
