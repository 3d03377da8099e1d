"""From commit to visible: how long after an event is acknowledged the figures hold it, at 500 events a second.

A sender, the projector and whoever looks are three processes. Events go through the door in the order of the sample,
at most five at a time, when they are due; one that is late is sent at once, and the rate that was reached is told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import Engine

from benchmarks.logs import Logs
from benchmarks.results import Result, percentile
from vertikal.events.database import connect, reading
from vertikal.projections.book import held
from vertikal.sample import Recorded, region
from vertikal.services import demo, projector, store
from vertikal.services.access import Party
from vertikal.services.intake import Intake
from vertikal.services.settings import read_settings

BEFORE, RATE, SECONDS, TOGETHER = 20_000, 500, 20, 5
LOOK_S, SETTLE_S = 0.002, 3.0
P99_MAX_MS, RATE_MIN = 250.0, 0.98
Moments = list[tuple[int, float]]  # positions and when they were there, by the clock of the machine


def measure(name: str, logs: Logs, _: str) -> list[Result]:
    """p50 and p99 of the time from the acknowledgement of a batch to figures that hold it."""
    url = logs.fresh()
    engine = connect(url)
    store.create(engine)
    demo.record(engine, read_settings({}), islice(region("region"), BEFORE), lambda _: None)
    projector.catch_up(engine)
    with _projecting(url):
        time.sleep(SETTLE_S)
        with subprocess.Popen([sys.executable, "-m", "benchmarks.latency", url], stdout=subprocess.PIPE) as sender:
            seen = _watch(engine)
            told = json.loads(sender.communicate()[0])
    taken = [_lag(seen, position, moment) * 1_000 for position, moment in told]
    rate = RATE * SECONDS / (told[-1][1] - told[0][1])
    return _results(name, taken, rate)


def _results(name: str, taken: list[float], rate: float) -> list[Result]:
    title, detail = f"commit to visible at {RATE} events/s", {"events/s": rate, "samples": len(taken)}
    p99, kept = percentile(taken, 0.99), rate >= RATE * RATE_MIN
    return [
        Result(f"{title}: rate that was reached", name, rate, "events/s", None, None, f"≥ {RATE * RATE_MIN:.0f}", kept),
        Result(f"{title}: p50", name, percentile(taken, 0.5), "ms", detail=detail),
        Result(f"{title}: p99", name, p99, "ms", None, None, f"< {P99_MAX_MS:.0f} ms", p99 < P99_MAX_MS and kept),
    ]


def _watch(engine: Engine) -> Moments:
    """What the figures held, and when that was first seen, until they hold the last event that is sent."""
    seen: Moments = []
    last = BEFORE + RATE * SECONDS
    while not seen or seen[-1][0] < last:
        with reading(engine) as connection:
            position = held(connection)
        if not seen or position != seen[-1][0]:
            seen.append((position, time.monotonic()))
        time.sleep(LOOK_S)
    return seen


def _lag(seen: Moments, position: int, moment: float) -> float:
    """Seconds from a moment until a position was seen; nothing where the figures were faster than the answer."""
    return max(0.0, seen[bisect_left(seen, (position, 0.0))][1] - moment)


@contextmanager
def _projecting(url: str) -> Iterator[None]:
    environment = {**os.environ, "VERTIKAL_DATABASE_URL": url}
    process = subprocess.Popen([sys.executable, "-m", "vertikal", "project"], env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """``URL``: send, and tell the last position of every batch and when it was acknowledged."""
    engine, clock = connect(sys.argv[1]), demo.SampleClock(datetime.min.replace(tzinfo=UTC))
    intake = Intake(engine, clock, read_settings({}).timezone)
    told: Moments = []
    sent, begun = 0, time.monotonic()
    for batch in _batches():
        sent += len(batch)
        time.sleep(max(0.0, begun + sent / RATE - time.monotonic()))
        clock.time = batch[-1].at
        answer = intake.submit(Party(*batch[0].sender), [each.event for each in batch])
        assert not answer.refused, answer
        told.append((answer.head, time.monotonic()))
    print(json.dumps(told))


def _batches() -> Iterator[list[Recorded]]:
    for batch in demo.batches(islice(region("region"), BEFORE, BEFORE + RATE * SECONDS)):
        for start in range(0, len(batch), TOGETHER):
            yield batch[start : start + TOGETHER]


if __name__ == "__main__":
    main()
