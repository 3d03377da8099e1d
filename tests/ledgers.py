"""A volume of the ledger as the database holds it, in the form of a refold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import Engine, select

from tests.refold import Amounts, rolled_up
from vertikal.events.database import reading
from vertikal.projections import comparing
from vertikal.projections.ledger import date_of
from vertikal.projections.tables import VOLUMES, accounts, places
from vertikal.read_models import MEASURES


def posted(engine: Engine, known_at: int, volume: str = "a") -> Amounts:
    """What the ledger holds up to a position, at each organisation's own path."""
    postings = VOLUMES[volume].postings
    amounts: defaultdict[Any, int] = defaultdict(int)
    statement = select(places.c.path, accounts.c.measure, accounts.c.dimensions, postings.c.date, postings.c.amount)
    statement = statement.join(places, places.c.id == postings.c.place)
    statement = statement.join(accounts, accounts.c.id == postings.c.account).where(postings.c.position <= known_at)
    with reading(engine) as connection:
        for path, measure, dimensions, date, amount in connection.execute(statement):
            amounts[path, measure, values_of(measure, orjson.loads(dimensions)), date_of(date)] += amount
    return {key: amount for key, amount in amounts.items() if amount}


def balanced(engine: Engine, volume: str = "a") -> Amounts:
    """Every balance, at every place; of schools, the sums of their postings."""
    with reading(engine) as connection:
        return {
            (path, measure, values_of(measure, dimensions), date): amount
            for path, measure, dimensions, date, amount in comparing.balances(connection, VOLUMES[volume])
        }


def above_schools(amounts: Amounts, schools: Collection[str]) -> Amounts:
    """Amounts at each organisation's own path, rolled up to all places but the schools."""
    return {key: amount for key, amount in rolled_up(amounts).items() if key[0].rpartition("/")[2] not in schools}


def values_of(measure: str, dimensions: dict[str, str]) -> tuple[str, ...]:
    return tuple(dimensions[name] for name in MEASURES[measure].dimensions)
