"""Our rebuild against projections of the ``eventsourcing`` library, on the same events and the same server.

Ours makes all read models of the log, with balances, postings and closed epochs. Theirs counts events per school and
municipality: once by the documented way (a runner that follows the application and writes counts and position of every
event in a transaction), once batched by hand (pages of its notification log, a dictionary, a transaction per page).
Their events carry what is counted, so that they look nothing up. Both run in one process: they cannot be divided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent, DomainEventProtocol
from eventsourcing.persistence import InfrastructureFactory, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import Environment
from psycopg.sql import SQL
from sqlalchemy.engine import make_url

from benchmarks import remake
from benchmarks.logs import SIZES, Logs
from benchmarks.results import Result, timed
from vertikal.sample import Scale, region

STORED_AT_ONCE, PAGE = 1_000, 5_000
FOLLOWED = 20_000  # events of the documented way; how many follow does not matter to it
BATCHED_MIN, DOCUMENTED_MIN = 2.0, 40.0
WAIT_S = 600.0
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Told(DomainEvent):
    """An event of the sample, and the organisations under which it is counted."""

    event: dict[str, Any]
    counted: list[str]


class Schools(Application[UUID]):
    """The application whose log is projected."""


class Numbers(PostgresTrackingRecorder):
    """Events per organisation, and the position up to which they are counted."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.sql_create_statements.append(SQL(CREATE).format())

    def add(self, counts: Counts, tracking: Tracking) -> None:
        """Add counts and move the position, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(SQL(ADD), (list(counts), list(counts.values())), prepare=True)

    def all(self) -> Counts:
        with self.datastore.get_connection() as connection:
            return {row["organisation"]: row["events"] for row in connection.execute("SELECT * FROM numbers")}


CREATE = "CREATE TABLE IF NOT EXISTS numbers (organisation text PRIMARY KEY, events bigint NOT NULL)"
ADD = (
    "INSERT INTO numbers SELECT * FROM unnest(%s::text[], %s::bigint[]) "
    "ON CONFLICT (organisation) DO UPDATE SET events = numbers.events + excluded.events"
)


class Following(Projection[Numbers]):
    """The documented way: every event with its position in a transaction of its own."""

    until, reached = FOLLOWED, Event()

    def process_event(self, domain_event: DomainEventProtocol[UUID], tracking: Tracking) -> None:
        assert isinstance(domain_event, Told)
        self.view.add(Counter(domain_event.counted), tracking)
        if tracking.notification_id == self.until:
            self.reached.set()


def measure(name: str, logs: Logs, size: str) -> list[Result]:
    """Events per second of ours against both of theirs; nothing on SQLite, which its runner does not follow."""
    if name != "PostgreSQL":
        return []
    scale, environment = SIZES[size].scale, _environment(logs.fresh())
    stored = _store(environment, scale)  # what must be counted
    documented = _documented(environment)
    batched = _batched(environment, _environment(logs.fresh()), stored)
    made = remake.apart(logs.filled(scale))
    title, found = f"rebuild of {made.events:,} events against", []
    for of, rate, least in (("batched by hand", batched, BATCHED_MIN), ("documented", documented, DOCUMENTED_MIN)):
        ratio = made.rate / rate
        found.append(Result(f"{title} the library's projection, {of}", name, made.rate, "events/s", rate, ratio,
                            f"ratio ≥ {least:.0f}", ratio >= least))  # fmt: skip
    return found


def _environment(url: str) -> dict[str, str]:
    """How the library is told of a database."""
    given = make_url(url)
    host = given.host or given.query.get("host") or ""
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": given.database or "",
        "POSTGRES_HOST": host if isinstance(host, str) else host[0],
        "POSTGRES_PORT": str(given.port or 5432),
        "POSTGRES_USER": given.username or "",
        "POSTGRES_PASSWORD": given.password or "",
    }


def _store(environment: Mapping[str, str], scale: str | Scale) -> Counts:
    """Record the sample, a thousand events at once; how many there are per school and municipality."""
    counts: Counter[str] = Counter()
    with Schools(dict(environment)) as schools:
        told = _told(scale)
        while some := list(islice(told, STORED_AT_ONCE)):
            schools.recorder.insert_events([schools.mapper.to_stored_event(each) for each in some])
            for each in some:
                counts.update(each.counted)
    return counts


def _told(scale: str | Scale) -> Iterator[Told]:
    """The sample as events of the library: an aggregate is what an event is about."""
    versions: Counter[str] = Counter()
    parents: dict[str, str] = {}
    for each in region(scale):
        event = each.event
        about, data = event["subject"], event["data"]
        if event["type"] == "organisation.registered" and data["kind"] == "school":
            parents[about] = data["parent"]
        versions[about] += 1
        counted = [about, parents[about]] if about in parents else [about]
        yield Told(uuid5(NAMESPACE_URL, about), versions[about], each.at, dict(event), counted)


def _documented(environment: Mapping[str, str]) -> float:
    """Events per second of a projection runner, until it has counted so many."""
    with Schools(dict(environment)) as schools:
        last = schools.recorder.max_notification_id() or 0
    Following.until, Following.reached = min(FOLLOWED, last), Event()
    given = {"application_class": Schools, "projection_class": Following, "view_class": Numbers}

    def run() -> None:
        with ProjectionRunner(**given, env=dict(environment)):
            assert Following.reached.wait(WAIT_S), "the projection did not get there"

    return Following.until / timed(run)


def _batched(environment: Mapping[str, str], elsewhere: Mapping[str, str], due: Counts) -> float:
    """Events per second of pages that are counted in a dictionary and written at once, position included."""
    factory = InfrastructureFactory[Numbers].construct(Environment("batched", dict(elsewhere)))
    with factory, Schools(dict(environment)) as schools:
        view = factory.tracking_recorder(Numbers)
        seconds = timed(lambda: _count(schools, view))
        events = schools.recorder.max_notification_id() or 0
        assert view.all() == due, "the library counted something else"
    return events / seconds


def _count(schools: Schools, view: Numbers) -> None:
    last = 0
    while page := schools.recorder.select_notifications(last, PAGE, inclusive_of_start=False):
        counts: Counter[str] = Counter()
        for notification in page:
            told = schools.mapper.to_domain_event(notification)
            assert isinstance(told, Told)
            counts.update(told.counted)
        last = page[-1].id
        view.add(counts, Tracking(schools.name, last))
