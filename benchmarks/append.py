"""Batch append with everything on, against a bare bulk insert of its rows, and against itself without the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from unittest.mock import patch

from sqlalchemy import Engine, insert, select

from benchmarks.results import Result, median, timed
from vertikal.events import merkle, tree
from vertikal.events.database import connect, reading, writing
from vertikal.events.tables import events
from vertikal.sample import region
from vertikal.services import store
from vertikal.services.access import Party
from vertikal.services.demo import SampleClock, batches
from vertikal.services.intake import BATCH_MAX, Intake
from vertikal.services.settings import read_settings

BATCHES = 60
TARGETS = {"SQLite": (0.35, 10_000), "PostgreSQL": (0.5, 15_000)}  # share of a bare insert, events per second
TREE_MIN = 0.8


def measure(name: str, urls: Callable[[], str]) -> list[Result]:
    """Full batches of 1,000: ours, without the tree, and bare, in turn; the medians are compared."""
    engines = [connect(urls()) for _ in range(3)]
    for engine in engines:
        store.create(engine)
    taken = list(_taken(*engines))
    ours, treeless, bare = (BATCH_MAX / median([each[side] for each in taken]) for side in range(3))
    share_min, rate_min = TARGETS[name]
    title = "append, batches of 1,000"
    return [
        Result(f"{title}: share of a bare bulk insert", name, ours, "events/s", bare, ours / bare,
               f"ratio ≥ {share_min}", ours / bare >= share_min),
        Result(f"{title}: rate", name, ours, "events/s", None, None, f"≥ {rate_min:,}/s", ours >= rate_min),
        Result(f"{title}: share of the same without the tree", name, ours, "events/s", treeless, ours / treeless,
               f"ratio ≥ {TREE_MIN}", ours / treeless >= TREE_MIN),
    ]  # fmt: skip


def _taken(ours: Engine, treeless: Engine, bare: Engine) -> Iterator[tuple[float, float, float]]:
    """Seconds of each side per full batch; smaller ones are sent, too, but not measured.

    Ours and the one without tree go first by turns, for whoever is second finds caches warm.
    """
    sample = batches(region("large"))
    clock = SampleClock(datetime.min.replace(tzinfo=UTC))
    with_tree, without = (Intake(engine, clock, read_settings({}).timezone) for engine in (ours, treeless))
    found = 0
    while found < BATCHES:
        batch = next(sample)
        clock.time = batch[-1].at
        party, sent = Party(*batch[0].sender), [each.event for each in batch]
        sides = (partial(with_tree.submit, party, sent), partial(_without_tree, partial(without.submit, party, sent)))
        turn = found % 2
        first = timed(sides[turn])
        second = timed(sides[1 - turn])
        inserted = timed(partial(_insert, bare, _rows(ours, len(batch))))
        if len(batch) == BATCH_MAX:
            found += 1
            yield (second, first, inserted) if turn else (first, second, inserted)


def _without_tree(append: Callable[[], object]) -> None:
    """The same append without hashing leaves and growing the tree; what a leaf hash would be is left empty."""
    with patch.object(merkle, "leaf_hash", lambda _: b""), patch.object(tree, "grow", lambda *_: None):
        append()


def _rows(engine: Engine, count: int) -> list[dict[str, object]]:
    """The rows that the last ``count`` events became."""
    with reading(engine) as connection:
        last = select(events).order_by(events.c.position.desc()).limit(count)
        return [dict(row) for row in reversed(connection.execute(last).mappings().all())]


def _insert(engine: Engine, rows: list[dict[str, object]]) -> None:
    with writing(engine) as connection:
        connection.execute(insert(events), rows)
