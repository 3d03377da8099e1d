"""What a volume must hold, all of it, by a refold of the log."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain

import orjson
from sqlalchemy import select

from tests.conftest import Vertikal
from tests.ledgers import above_schools, balanced, posted, values_of
from tests.refold import Amounts, refold, rolled_up
from tests.test_ledger import SCHOOLS, recorded
from vertikal.events.database import reading
from vertikal.projections import closings
from vertikal.projections.ledger import date_of
from vertikal.projections.tables import VOLUMES, accounts, places


def check(store: Vertikal, volume: str = "a") -> None:
    """Postings at every position, balances, closed epochs and figures as known then are those of a refold."""
    events = recorded(store)
    head = len(events)
    known = [refold(events, position) for position in range(head + 1)]
    assert [posted(store.engine, position, volume) for position in range(head + 1)] == known
    assert balanced(store.engine, volume) == rolled_up(known[head])
    assert closed(store, volume) == expected_closings(known)
    for position in range(1, head + 1):
        teachers = sum_of(known[position], "obr", "staff_teachers", "2021-12-31")
        assert store.figure("trained_teachers", "obr", as_of="2021-12-31", known_at=position)[1] == teachers


def sum_of(amounts: Amounts, path: str, measure: str, until: str) -> int:
    return sum(
        amount
        for (at, of, _, date), amount in rolled_up(amounts).items()
        if (at, of) == (path, measure) and date <= until
    )


def closed(store: Vertikal, volume: str) -> dict[tuple[int, int], Amounts]:
    """What each closed epoch holds, above the schools."""
    table = VOLUMES[volume].closings
    statement = (
        select(table.c.level, table.c.epoch, places.c.path, accounts.c.measure, accounts.c.dimensions, table.c.date)
        .add_columns(table.c.amount)
        .join(places, places.c.id == table.c.place)
        .join(accounts, accounts.c.id == table.c.account)
        .where(accounts.c.summary == 0)
    )
    found: defaultdict[tuple[int, int], Amounts] = defaultdict(dict)
    with reading(store.engine) as connection:
        for row in connection.execute(statement):
            values = values_of(row.measure, orjson.loads(row.dimensions))
            found[row.level, row.epoch][row.path, row.measure, values, date_of(row.date)] = row.amount
    return dict(found)


def expected_closings(known: list[Amounts]) -> dict[tuple[int, int], Amounts]:
    """The differences of what was known at the ends of each epoch that is whole; empty ones are not there."""
    found = {}
    for level, number in chain.from_iterable(closings.levels(len(known) - 1)):
        width = closings.EPOCH * closings.MERGED**level
        before, after = (above_schools(known[at], SCHOOLS) for at in (number * width, (number + 1) * width))
        rows = {key: more for key in before | after if (more := after.get(key, 0) - before.get(key, 0))}
        if rows:
            found[level, number] = rows
    return found
