"""Gathers what is left of a run: the answers, the log, what the reader saw, and the figures beside a refold."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from sqlalchemy import Engine, select

from tests.ledgers import balanced, posted
from tests.refold import Amounts, refold, rolled_up
from tests.torture.controls import DOORS
from tests.torture.doors import Entry
from tests.torture.journal import lines_of
from tests.torture.oracle import Answer, Observed
from tests.torture.plan import Plan
from tests.torture.writers import ANSWER, UNKNOWN, WRONG
from vertikal.events import log, tree
from vertikal.events.database import reading
from vertikal.events.tables import events
from vertikal.services import store

MOMENTS = 3  # at how many positions figures as known then are held against a refold


def observe(plan: Plan, engine: Engine, broken: list[str]) -> Observed:
    """Everything that the oracle judges. ``broken``: what was noticed during the run."""
    door = DOORS[plan.door](engine)
    with reading(engine) as connection:
        whole = door.whole(connection)
    answers = {path.name: _answers(lines_of(path)) for path in sorted(plan.path("").glob("sent-*"))}
    seen = [Entry(*line) for line in lines_of(plan.path("seen"))]
    observed = Observed(answers, whole, seen, broken=[*broken, *_said(plan, WRONG)])
    if door.production:
        observed.unsound = list(unsound(engine))
        observed.differing = list(differing(plan, engine))
    return observed


def faults(plan: Plan) -> Counter[str]:
    """How many transactions were broken in which way, and how many outcomes were unknown at first."""
    counted = Counter(line[0] for path in plan.path("").glob("faults-*") for line in lines_of(path))
    return counted + Counter({UNKNOWN: len(_said(plan, UNKNOWN))})


def answered(plan: Plan) -> int:
    """How many events were acknowledged so far."""
    return sum(line[0] == ANSWER for path in plan.path("").glob("sent-*") for line in lines_of(path))


def _answers(lines: list[list[str]]) -> list[Answer]:
    return [Answer(line[1], line[2], line[3], line[4]) for line in lines if line[0] == ANSWER]  # type: ignore[arg-type]  # a position


def _said(plan: Plan, word: str) -> list[str]:
    paths = sorted(plan.path("").glob("sent-*"))
    return [f"{path.name}: {line[1:]}" for path in paths for line in lines_of(path) if line[0] == word]


def unsound(engine: Engine) -> Iterator[str]:
    """The head must be the last event's, times must not decrease, the tree must have the root of the leaves."""
    yield from store.check(engine)
    columns = (events.c.position, events.c.recorded_at, events.c.leaf)
    with reading(engine) as connection:
        rows = connection.execute(select(*columns).order_by(events.c.position)).all()
        if tree.root(connection, len(rows)) != _root([hashlib.sha256(b"\0" + row.leaf).digest() for row in rows]):
            yield "the root of the tree is not that of the leaves"
    for before, after in pairwise(rows):
        if after.recorded_at < before.recorded_at:
            yield f"{after.position} was recorded before {before.position}"


def _root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written there."""

    @cache
    def over(start: int, stop: int) -> bytes:
        if stop - start == 1:
            return hashes[start]
        middle = start + (1 << ((stop - start - 1).bit_length() - 1))
        return hashlib.sha256(b"\1" + over(start, middle) + over(middle, stop)).digest()

    return over(0, len(hashes)) if hashes else hashlib.sha256().digest()


def differing(plan: Plan, engine: Engine) -> Iterator[str]:
    """Postings at the end and at some earlier positions, balances at the end."""
    with reading(engine) as connection:
        recorded = log.read(connection, 0, log.read_head(connection).position)
    dice, last = plan.dice("moments"), len(recorded)
    for known_at in (*(dice.randint(0, last) for _ in range(MOMENTS - 1)), last):
        expected = refold(recorded, known_at)
        yield from _differences(f"postings at {known_at}", posted(engine, known_at), expected)
    yield from _differences("balances", balanced(engine), rolled_up(expected))


def _differences(title: str, held: Amounts, expected: Amounts) -> Iterator[str]:
    for key in sorted(held.keys() | expected.keys()):
        if held.get(key, 0) != expected.get(key, 0):
            yield f"{title}, {key}: {held.get(key, 0)} instead of {expected.get(key, 0)}"
