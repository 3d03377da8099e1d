"""The ledger as the database holds it, in the form of a refold."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson
from sqlalchemy import Engine, select

from tests.refold import Amounts
from vertikal.events.database import reading
from vertikal.projections.ledger import date_of
from vertikal.projections.models import MEASURES
from vertikal.projections.tables import accounts, balances, places, postings


def posted(engine: Engine, known_at: int) -> Amounts:
    """What the ledger holds up to a position, at each organisation's own path."""
    amounts: defaultdict[Any, int] = defaultdict(int)
    statement = select(places.c.path, accounts.c.measure, accounts.c.dimensions, postings.c.date, postings.c.amount)
    statement = statement.join(places, places.c.id == postings.c.place)
    statement = statement.join(accounts, accounts.c.id == postings.c.account).where(postings.c.position <= known_at)
    with reading(engine) as connection:
        for row in connection.execute(statement):
            amounts[(*_key(row), date_of(row.date))] += row.amount
    return {key: amount for key, amount in amounts.items() if amount}


def balanced(engine: Engine) -> Amounts:
    """The balances, at every place."""
    statement = select(places.c.path, accounts.c.measure, accounts.c.dimensions, balances.c.date, balances.c.amount)
    statement = statement.join(places, places.c.id == balances.c.place)
    statement = statement.join(accounts, accounts.c.id == balances.c.account).where(accounts.c.summary == 0)
    with reading(engine) as connection:
        rows = connection.execute(statement).all()
    return {(*_key(row), date_of(row.date)): row.amount for row in rows if row.amount}


def _key(row: Any) -> tuple[str, str, tuple[str, ...]]:
    named = orjson.loads(row.dimensions)
    return row.path, row.measure, tuple(named[name] for name in MEASURES[row.measure].dimensions)
