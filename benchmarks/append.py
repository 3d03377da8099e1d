"""Batch append with everything on, against a bare bulk insert of the very same rows into the same table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sqlalchemy import Engine, insert, select

from benchmarks.results import Result, median, timed
from vertikal.events.database import connect, reading, writing
from vertikal.events.tables import events
from vertikal.sample import region
from vertikal.services import store
from vertikal.services.access import Party
from vertikal.services.demo import SampleClock, batches
from vertikal.services.intake import BATCH_MAX, Intake
from vertikal.services.settings import read_settings

BATCHES = 60
RATIO_MIN, RATE_MIN = 0.35, 10_000


def measure(name: str, ours_url: str, bare_url: str) -> list[Result]:
    """Full batches of 1,000, ours and bare in turn; the medians are compared."""
    ours_engine, bare_engine = connect(ours_url), connect(bare_url)
    for engine in (ours_engine, bare_engine):
        store.create(engine)
    pairs = list(_pairs(ours_engine, bare_engine))
    ours, bare = (BATCH_MAX / median([pair[side] for pair in pairs]) for side in (0, 1))
    ratio = ours / bare
    return [
        Result("append, batches of 1,000: share of a bare bulk insert", name, ours, "events/s", bare, ratio,
               f"ratio ≥ {RATIO_MIN}", ratio >= RATIO_MIN),
        Result("append, batches of 1,000: rate", name, ours, "events/s", None, None,
               f"≥ {RATE_MIN:,}/s", ours >= RATE_MIN),
    ]  # fmt: skip


def _pairs(ours: Engine, bare: Engine) -> Iterator[tuple[float, float]]:
    """Seconds of (our append, bare insert) per full batch; smaller ones are sent, too, but not measured."""
    sample = batches(region("large"))
    first = next(sample)
    clock = SampleClock(first[0].at)
    intake = Intake(ours, clock, read_settings({}).timezone)
    found, batch = 0, first
    while found < BATCHES:
        clock.time = batch[-1].at
        took = timed(partial(intake.submit, Party(*batch[0].sender), [each.event for each in batch]))
        inserted = timed(partial(_insert, bare, _rows(ours, len(batch))))
        if len(batch) == BATCH_MAX:
            found += 1
            yield took, inserted
        batch = next(sample)


def _rows(engine: Engine, count: int) -> list[dict[str, object]]:
    """The rows that the last ``count`` events became."""
    with reading(engine) as connection:
        last = select(events).order_by(events.c.position.desc()).limit(count)
        return [dict(row) for row in reversed(connection.execute(last).mappings().all())]


def _insert(engine: Engine, rows: list[dict[str, object]]) -> None:
    with writing(engine) as connection:
        connection.execute(insert(events), rows)
