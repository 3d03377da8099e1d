"""Single events from 1, 8 and 32 senders at once: group commit against single-row commits, locked and unlocked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import count

from sqlalchemy import Engine, insert, update

from benchmarks.results import Result
from vertikal.events import log
from vertikal.events.database import connect, writing
from vertikal.events.tables import events, head
from vertikal.services import store
from vertikal.services.access import Party
from vertikal.services.intake import ACCEPTED, Intake
from vertikal.services.settings import now, read_settings

SENDERS = (1, 8, 32)
SECONDS = 5.0
RATIO_MIN, P99_MAX_MS = 4.0, 50.0
REGION = Party("obr", "region")
Send = Callable[[int], None]


def measure(name: str, ours_url: str, bare_url: str) -> list[Result]:
    """Rates and latencies for every number of senders; the last one is held against the targets."""
    ours, bare = _ours(ours_url), connect(bare_url, pool_size=max(SENDERS))
    store.create(bare)
    numbers = count(1)
    results = []
    for senders in SENDERS:
        alone, _ = _run(senders, lambda _: _insert(bare, next(numbers), locked=False))
        locked, _ = _run(senders, lambda _: _insert(bare, next(numbers), locked=True))
        rate, latencies = _run(senders, ours)
        p50, p99 = (sorted(latencies)[int(len(latencies) * share)] * 1_000 for share in (0.5, 0.99))
        ratio, last = rate / locked, senders == SENDERS[-1] and name == "PostgreSQL"
        title = f"single events, {senders} at once"
        results += [
            Result(f"{title}: group commit against locked single rows", name, rate, "events/s", locked, ratio,
                   f"ratio ≥ {RATIO_MIN:.0f}" if last else None, ratio >= RATIO_MIN if last else None),
            Result(f"{title}: single rows without a lock", name, alone, "rows/s"),
            Result(f"{title}: p50", name, p50, "ms"),
            Result(f"{title}: p99", name, p99, "ms", None, None,
                   f"< {P99_MAX_MS:.0f} ms" if last else None, p99 < P99_MAX_MS if last else None),
        ]  # fmt: skip
    return results


def _ours(url: str) -> Send:
    """One event through the whole door."""
    engine = connect(url)
    store.create(engine)
    intake = Intake(engine, now, read_settings({}).timezone)
    region = {"code": "obr", "kind": "region", "name": "Область", "valid_from": "2019-09-01"}
    intake.submit(REGION, [_event("0", "organisation.registered", region)])
    numbers = count(1)

    def send(_: int) -> None:
        staff = {"organisation": "obr", "on": "2020-09-20", "teachers": 30, "managers": 3}
        outcome = intake.submit(REGION, [_event(str(next(numbers)), "staff.reported", staff)]).results[0]
        assert outcome.status == ACCEPTED

    return send


def _event(id_: str, type_: str, data: Mapping[str, object]) -> dict[str, object]:
    return {
        "specversion": "1.0", "id": id_, "source": "/regions/obr", "type": type_, "subject": "obr",
        "time": "2020-09-01T10:00:00+03:00", "data": data,
    }  # fmt: skip


def _insert(engine: Engine, number: int, *, locked: bool) -> None:
    """One row of the size of an event in a transaction of its own, as an event store without group commit writes it."""
    row = {
        "source": "/regions/obr", "id": str(number), "type": "staff.reported", "subject": "obr",
        "recorded_at": "2020-09-01T07:00:00.000000Z", "leaf": b"x" * 500, "hash": b"h" * 32,
    }  # fmt: skip
    with writing(engine) as connection:
        if locked:
            position = log.lock(connection).position + 1
            connection.execute(update(head).values(position=position))
        else:
            position = -number
        connection.execute(insert(events).values(position=position, **row))


def _run(senders: int, send: Send) -> tuple[float, list[float]]:
    """Events per second over all senders, and the seconds that each event took."""
    latencies: list[list[float]] = [[] for _ in range(senders)]
    stop = time.perf_counter() + SECONDS

    def work(sender: int) -> None:
        while (start := time.perf_counter()) < stop:
            send(sender)
            latencies[sender].append(time.perf_counter() - start)

    threads = [threading.Thread(target=work, args=(sender,)) for sender in range(senders)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [each for own in latencies for each in own]
    return len(taken) / (time.perf_counter() - begun), taken
