"""Indicator queries over HTTP, one connection kept alive: current and by two clocks, on logs of several lengths."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection

from benchmarks.logs import SIZES, Logs, analyse
from benchmarks.remake import Remade
from benchmarks.results import Result, median, percentile, timed
from vertikal.events.database import connect, writing
from vertikal.events.log import read_head
from vertikal.read_models import INDICATORS
from vertikal.sample import Scale
from vertikal.services import access
from vertikal.services.settings import now

SCALES = (  # about 10⁵ and 10⁶ events
    Scale(25, 564, 45, 22.0, 14, 0, 8, 8, 2),
    Scale(25, 764, 130, 190.0, 112, 60, 34, 24, 1),
)
UNITS = ("obr", "gorodets", "gorodets-s16")  # region, municipality, school
QUERIES = (
    *(f"{code}?organisation={unit}&period=2021" for code in INDICATORS for unit in UNITS),
    "trained_managers?organisation=gorodets&period=2020/2021",
    "roadmap_done?organisation=obr",
    "below_minimum?organisation=obr&period=2021/2022",
    "trained_teachers?organisation=obr&period=2021&by=municipality",
    "roadmap_done?organisation=obr&by=municipality",
    "quality?organisation=gorodets&period=2021&by=school",
)
AS_OF = ("2021-03-01", "2021-12-31", "2022-06-30", "2023-09-01")
ROUNDS, LAST = 100, 10_000
SPREAD_MAX, P99_MAX_MS, CLOCKS_MAX = 1.3, 25.0, 3.0
START_S, SEED = 60.0, 20_231_229
Samples = dict[str, list[float]]  # milliseconds by query


@dataclass(frozen=True)
class Asked:
    """A served log and what its answers took."""

    connection: HTTPConnection
    header: Mapping[str, str]
    events: int
    current: Samples = field(default_factory=lambda: defaultdict(list))
    known: Samples = field(default_factory=lambda: defaultdict(list))


def measure(name: str, logs: Logs, size: str) -> list[Result]:
    """p50 and p99 of every log, asked in turn; the breakdown by query is in ``detail``."""
    urls = [logs.filled(scale) for scale in _scales(size)]
    with ExitStack() as stack:
        served = [Asked(stack.enter_context(_serving(url)), *_prepare(url)) for url in urls]
        chance = random.Random(SEED)
        for number in range(ROUNDS + 1):
            for query in QUERIES:
                earlier = f"{query}&as_of={chance.choice(AS_OF)}&known_at="
                moment = _moment(chance)
                for each in served:
                    taken = _ask(each, query), _ask(each, earlier + str(moment(each.events)))
                    if number:  # the first round warms up
                        each.current[query].append(taken[0])
                        each.known[query].append(taken[1])
    results = [*_spreads(name, served), *(result for each in served for result in _of(name, each))]
    return results + [result for url in urls if url in logs.made for result in _made(name, logs.made[url])]


def _scales(size: str) -> Iterator[str | Scale]:
    """Both shorter logs, and the longest with ``huge``; ``small`` is there to try the measurement out."""
    if size == "small":
        yield "small"
        return
    yield from SCALES
    if size == "huge":
        yield SIZES[size].scale


class _Moment:
    """A position of a log of any length: of its first tenth, any, or one of its last ones; each as often."""

    def __init__(self, kind: int, share: float) -> None:
        self._kind, self._share = kind, share

    def __call__(self, events: int) -> int:
        if self._kind == 0:
            return max(1, int(events / 10 * self._share))
        if self._kind == 1:
            return max(1, int(events * self._share))
        return max(1, events - int(LAST * self._share))


def _moment(chance: random.Random) -> _Moment:
    return _Moment(chance.randrange(3), chance.random())


def _spreads(name: str, served: list[Asked]) -> Iterator[Result]:
    """How far the logs lie apart: the slowest against the fastest."""
    sizes = ", ".join(f"{each.events:,}" for each in served)
    for title, share in (("p50", 0.5), ("p99", 0.99)):
        values = [percentile(_all(each.current), share) for each in served]
        ratio = max(values) / min(values)
        yield Result(f"current query over HTTP at {sizes} events: {title}", name, max(values), "ms", min(values),
                     ratio, f"ratio ≤ {SPREAD_MAX}", ratio <= SPREAD_MAX)  # fmt: skip


def _of(name: str, each: Asked) -> Iterator[Result]:
    title, current, known = f"at {each.events:,} events", _all(each.current), _all(each.known)
    p99, both = percentile(current, 0.99), (median(known), median(current))
    ratio = both[0] / both[1]
    yield Result(f"current query {title}: p99", name, p99, "ms", None, None, f"< {P99_MAX_MS:.0f} ms",
                 p99 < P99_MAX_MS, detail=_by_query(each.current))  # fmt: skip
    yield Result(f"two-clock query against a current one {title}: p50", name, *both[:1], "ms", both[1], ratio,
                 f"ratio ≤ {CLOCKS_MAX:.0f}", ratio <= CLOCKS_MAX, detail=_by_query(each.known))  # fmt: skip
    yield Result(f"two-clock query {title}: p99", name, percentile(known, 0.99), "ms")


def _made(name: str, made: Remade) -> Iterator[Result]:
    """The rebuild that made the figures, on the way: nobody compared it with live ones, as there were none."""
    title = f"the rebuild on the way, {made.events:,} events"
    yield Result(title, name, made.rate, "events/s", detail={"seconds": made.phases})
    yield Result(f"{title}: catch-up and digest", name, made.finishing, "s")
    yield Result(f"{title}: most memory of a worker", name, made.worker_mb, "MB")
    yield Result(f"{title}: most memory of the process that began them", name, made.parent_mb, "MB")


def _all(samples: Samples) -> list[float]:
    return [each for own in samples.values() for each in own]


def _by_query(samples: Samples) -> dict[str, dict[str, float]]:
    return {
        query: {"p50": round(median(own), 3), "p99": round(percentile(own, 0.99), 3)} for query, own in samples.items()
    }


def _ask(each: Asked, query: str) -> float:
    """Milliseconds that an answer takes."""
    return timed(partial(_get, each, query)) * 1_000


def _get(each: Asked, query: str) -> None:
    each.connection.request("GET", f"/v1/indicators/{query}", headers=dict(each.header))
    response = each.connection.getresponse()
    body = response.read()
    assert response.status == 200, (query, body.decode())


def _prepare(url: str) -> tuple[dict[str, str], int]:
    engine = connect(url)
    analyse(engine)
    with writing(engine) as connection:
        token = access.create(connection, access.Party("obr", "region"), now())
        count = read_head(connection).position
    engine.dispose()
    return {"Authorization": f"Bearer {token}"}, count


@contextmanager
def _serving(url: str) -> Iterator[HTTPConnection]:
    """``vertikal serve`` with one web process and no projector, and a connection to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["serve", "--port", str(port), "--without-projector", "--quiet"]
    environment = {**os.environ, "VERTIKAL_DATABASE_URL": url, "VERTIKAL_WORKERS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "vertikal", *arguments], env=environment)
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        _wait(connection, process)
        yield connection
    finally:
        connection.close()
        process.terminate()
        process.wait()


def _wait(connection: HTTPConnection, process: subprocess.Popen[bytes]) -> None:
    """Until it answers; the next request opens a connection of its own."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()
            return
        except OSError:
            connection.close()
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
