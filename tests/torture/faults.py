"""Faults inside a writer: commits that come late, and transactions that never commit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from tests.torture.plan import Plan


class Mistake(Exception):
    """Something in the program that is no error of the database."""


def injure(engine: Engine, plan: Plan, dice: random.Random, note: Callable[[str], None]) -> None:
    """From now on commits of write transactions are late, and some are broken; ``note`` is told the kind of each.

    SQLAlchemy calls the hook when everything is written and the position is taken, just before COMMIT.
    """
    event.listen(engine, "commit", partial(_before_commit, plan, dice, note))


def _before_commit(plan: Plan, dice: random.Random, note: Callable[[str], None], connection: Connection) -> None:
    if not connection.get_execution_options().get("writes", False):
        return
    time.sleep(plan.delay_s_max * dice.random() ** 4)
    if dice.random() >= plan.broken:
        return
    kind = dice.choice(("rolled back", "mistake", "torn"))
    note(kind)
    if kind == "rolled back":
        raise OperationalError("COMMIT", None, Exception("injected"))
    if kind == "mistake":
        raise Mistake
    raw = connection.connection.dbapi_connection
    if raw is not None:
        raw.close()
