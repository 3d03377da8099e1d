"""Rebuild of all read models, against a bare fold of the same models in memory; that its memory does not grow.

The log is rebuilt where it is short, and twice at its end: the second time against live figures of the whole log, as
in production. That time counts.
"""

from __future__ import annotations

import gc
from itertools import islice

from sqlalchemy import Engine

from benchmarks import remake
from benchmarks.logs import SIZES, Logs, analyse
from benchmarks.projection import BareFold
from benchmarks.remake import WORKERS, Remade
from benchmarks.results import Result, timed
from vertikal.events import log
from vertikal.events.database import connect, reading
from vertikal.sample import region
from vertikal.services import demo, projector, store
from vertikal.services.settings import read_settings

FOLDED_MAX, FOLLOWED_MAX = 200_000, 50_000  # events of the bare fold, and of the live projector
RATE_MIN, SHARE_MIN = 60_000, 0.3
GROWTH_MAX, WORKER_MB_MAX = 1.1, 500


def measure(name: str, logs: Logs, size: str) -> list[Result]:
    """Rates, phases and peaks; the targets are those of PostgreSQL."""
    asked, url = SIZES[size], logs.fresh()
    engine, settings, sample = connect(url), read_settings({}), region(asked.scale)
    store.create(engine)
    followed = min(FOLLOWED_MAX, asked.earlier)
    demo.record(engine, settings, islice(sample, followed), lambda _: None)
    live = followed / timed(lambda: projector.catch_up(engine))
    demo.record(engine, settings, islice(sample, asked.earlier - followed), lambda _: None)
    analyse(engine)
    short = remake.apart(url)
    demo.record(engine, settings, sample, lambda _: None)
    analyse(engine)
    first, whole = remake.apart(url), remake.apart(url)
    logs.keep(asked.scale, url)
    return [*_speed(name, first, whole, _bare(engine)), _followed(name, followed, live), *_memory(name, short, whole)]


def _bare(engine: Engine) -> float:
    """Events per second of the bare fold on one core, without the collector of cycles, like a worker's.

    It does not follow turns of the tree and takes no retraction back: its figures are not compared.
    """
    with reading(engine) as connection:
        leaves = [each.leaf for each in log.read(connection, 0, FOLDED_MAX)]
    gc.disable()
    try:
        return len(leaves) / timed(lambda: BareFold().apply(leaves))
    finally:
        gc.enable()


def _speed(name: str, first: Remade, whole: Remade, bare: float) -> list[Result]:
    title, aimed = f"rebuild of {whole.events:,} events, {WORKERS} workers", name == "PostgreSQL"
    core, finished = whole.rate / WORKERS, whole.seconds + whole.finishing
    share = core / bare
    return [
        Result(title, name, whole.rate, "events/s", None, None, f"≥ {RATE_MIN:,}/s" if aimed else None,
               whole.rate >= RATE_MIN if aimed else None, detail={"seconds": whole.phases, "first": first.rate}),
        Result(f"{title}: share of a bare in-memory fold, per core", name, core, "events/s", bare, share,
               f"ratio ≥ {SHARE_MIN}" if aimed else None, share >= SHARE_MIN if aimed else None),
        Result(f"{title}: with catch-up, comparison and digest", name, whole.events / finished, "events/s",
               detail={"seconds": {"rebuild": whole.seconds, "catch-up, comparison, digest": whole.finishing}}),
    ]  # fmt: skip


def _followed(name: str, events: int, rate: float) -> Result:
    return Result(f"the live projector, first {events:,} events", name, rate, "events/s")


def _memory(name: str, short: Remade, whole: Remade) -> list[Result]:
    title = f"rebuild of {whole.events:,} and of {short.events:,} events: most memory"
    worker, parent = whole.worker_mb / short.worker_mb, whole.parent_mb / short.parent_mb
    return [
        Result(f"{title} of a worker", name, whole.worker_mb, "MB", short.worker_mb, worker,
               f"ratio ≤ {GROWTH_MAX}", worker <= GROWTH_MAX),
        Result(f"{title} of a worker, absolutely", name, whole.worker_mb, "MB", None, None,
               f"< {WORKER_MB_MAX} MB", whole.worker_mb < WORKER_MB_MAX),
        Result(f"{title} of the process that began them", name, whole.parent_mb, "MB", short.parent_mb, parent,
               f"ratio ≤ {GROWTH_MAX}", parent <= GROWTH_MAX),
    ]  # fmt: skip
