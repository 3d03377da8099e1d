"""A process that reads: it follows the log by position and writes down what it was given."""

from __future__ import annotations

import time

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from tests.torture.controls import DOORS
from tests.torture.doors import Door, Entry
from tests.torture.journal import Journal
from tests.torture.plan import STOP_READING, Plan
from vertikal.events.database import connect, reading

LIMIT_MAX, PAUSE_S = 100, 0.005


def main(plan: Plan, life: int) -> None:
    """Read until the writers are done and nothing is left; only the first life may begin at the beginning."""
    if life:
        raise RuntimeError("a reader whose cursor is gone cannot go on")
    engine = connect(plan.url)
    door, dice, seen = DOORS[plan.door](engine), plan.dice("tail"), Journal(plan.path("seen"))
    after = 0
    print("ready", flush=True)
    while True:
        last = plan.ends(STOP_READING)
        found = _next(engine, door, after, dice.randint(1, LIMIT_MAX))
        if found:
            seen.add((entry.position, entry.source, entry.id) for entry in found)
            after = found[-1].position
        elif found is not None and last:
            return
        else:
            time.sleep(PAUSE_S)


def _next(engine: Engine, door: Door, after: int, limit: int) -> list[Entry] | None:
    """What comes next; None where the database did not answer."""
    try:
        with reading(engine) as connection:
            return door.read(connection, after, limit)
    except DBAPIError:
        return None
