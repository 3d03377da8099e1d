"""Latency of indicator queries, through the whole web application, on a small and on a large log."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask.testing import FlaskClient

from benchmarks.results import Result, median, timed
from vertikal.events.database import connect, writing
from vertikal.events.log import read_head
from vertikal.sample import Scale, region
from vertikal.services import access, demo, projector, store
from vertikal.services.settings import now, read_settings
from vertikal.services.web.app import create_app

SCALES = {
    "10⁴": Scale(3, 30, 40, 35.0, 18, 0, 8, 8, 2),
    "10⁶": Scale(25, 764, 130, 190.0, 112, 60, 34, 24, 1),
}
QUERIES = (
    "trained_teachers?organisation=obr&period=2021",
    "trained_managers?organisation=gorodets&period=2020/2021",
    "roadmap_done?organisation=obr",
    "roadmap_overdue?organisation=obr&as_of=2022-03-01",
    "below_minimum?organisation=obr&period=2021/2022",
    "quality?organisation=gorodets-s16&period=2021",
)
ROUNDS = 60
RATIO_MAX = 1.5


def measure(name: str, urls: Callable[[], str]) -> list[Result]:
    """p50 and p99 over all queries in turn, on each size of log."""
    clients = {size: _client(urls(), scale) for size, scale in SCALES.items()}
    found: dict[str, list[float]] = {size: [] for size in clients}
    for _ in range(ROUNDS):
        for query in QUERIES:
            for size, (client, header, _count) in clients.items():
                found[size].append(timed(partial(_get, client, header, query)) * 1_000)
    small, large = found.values()
    ratio = median(large) / median(small)
    sizes = " and ".join(f"{count:,}" for _, _, count in clients.values())
    title = f"current query at {sizes} events: p50"
    return [
        Result(title, name, median(large), "ms", median(small), ratio, f"ratio ≤ {RATIO_MAX}", ratio <= RATIO_MAX),
        Result("current query on the large log: p99", name, sorted(large)[len(large) * 99 // 100], "ms"),
    ]


def _client(url: str, scale: Scale) -> tuple[FlaskClient, dict[str, str], int]:
    engine, settings = connect(url), read_settings({"VERTIKAL_DATABASE_URL": url})
    store.create(engine)
    demo.record(engine, settings, region(scale), lambda _: None)
    projector.catch_up(engine)
    with writing(engine) as connection:
        token = access.create(connection, access.Party("obr", "region"), now())
        count = read_head(connection).position
        connection.exec_driver_sql("ANALYZE")
    client = create_app(settings, engine).test_client()
    header = {"Authorization": f"Bearer {token}"}
    for query in QUERIES:
        _get(client, header, query)
    return client, header, count


def _get(client: FlaskClient, header: dict[str, str], query: str) -> None:
    response = client.get(f"/v1/indicators/{query}", headers=header)
    assert response.status_code == 200, response.text
