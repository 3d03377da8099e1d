"""One suite for both databases: every test that takes ``store`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.databases import Databases, Fill, PostgreSQL, SQLite
from tests.memory import in_memory
from tests.postgresql import postgresql
from tests.terminal import Terminal
from vertikal.events import log
from vertikal.events.database import connect, reading, writing
from vertikal.events.notes import Signer
from vertikal.events.sealing import MasterKey
from vertikal.projections.book import Book
from vertikal.read_models import MODELS
from vertikal.read_models import staff as staff_model
from vertikal.services import access, keys, projector, queries
from vertikal.services import store as stores
from vertikal.services.access import Party
from vertikal.services.intake import Answer, Intake
from vertikal.services.settings import Settings, read_settings
from vertikal.services.web import app as web

TODAY = "2023-06-01"


def pytest_configure() -> None:
    """Keep ``tmp_path`` in memory."""
    if folder := in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


@dataclass
class Clock:
    """A clock that tests set; it also moves by a second each time it is read, as real ones do."""

    time: datetime = datetime(2020, 9, 1, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SQLite:
    return SQLite(tmp_path_factory.mktemp("filled"))


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: str) -> Iterator[PostgreSQL]:
    databases = PostgreSQL(postgresql_server)
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Databases of each kind; a server is started for those only who need it."""
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


@pytest.fixture
def begun(request: pytest.FixtureRequest) -> Fill | None:
    """What the test's database is a copy of, by the most that the test asks for; None: it is not yet made."""
    asked = request.fixturenames
    return region if "vertical" in asked else made if "store" in asked else None


@pytest.fixture
def database_url(databases: Databases, begun: Fill | None, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own; not yet made, unless the test asks for what is in it."""
    with databases.fresh(tmp_path / "vertikal.db", begun) as url:
        yield url


SIGNER, MASTER = Signer.generate("obr.example/log"), MasterKey.generate()


@pytest.fixture
def engine(settings: Settings, begun: Fill | None) -> Iterator[Engine]:
    """A made database; empty, unless the test asks for more."""
    opened = stores.init(settings)[0] if begun is None else connect(settings.database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return settings_of(database_url)


def settings_of(url: str) -> Settings:
    keys = {"VERTIKAL_SIGNING_KEY": SIGNER.text(), "VERTIKAL_MASTER_KEY": MASTER.text()}
    return read_settings({"VERTIKAL_DATABASE_URL": url, **keys})


@pytest.fixture
def terminal(database_url: str) -> Terminal:
    """The command line with the test's database."""
    return Terminal(database_url)


class Vertikal:
    """A Vertikal in one process: send events, project, ask; the words of the tests."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.clock = Clock()
        self.book = Book()  # one for all readings, as a process has it
        self.settings = settings
        self.intake = Intake(engine, self.clock, settings.timezone, keys.master_if_any(settings))
        self._ids = 0

    def event(self, type_: str, subject: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A valid envelope around ``data``; ``more`` replaces attributes."""
        self._ids += 1
        return {
            "specversion": "1.0",
            "id": f"e{self._ids}",
            "source": "/regions/obr",
            "type": type_,
            "subject": subject,
            "time": "2020-09-01T10:00:00+03:00",
            "data": data,
            **more,
        }

    def submit(self, *events: Any, party: Party | None = None, **options: bool) -> Answer:
        return self.intake.submit(party or Party("obr", "region"), list(events), **options)

    def accept(self, *events: Any, party: Party | None = None) -> int:
        """Send events that must be accepted, and project; the position of the last."""
        answer = self.submit(*events, party=party)
        assert answer.refused == 0, [outcome.errors for outcome in answer.results if outcome.errors]
        projector.catch_up(self.engine)
        return answer.head

    def send(self, type_: str, subject: str, data: dict[str, Any], **more: Any) -> int:
        """Send one event in the role that the contract allows the region's side, and project; its position."""
        party = more.pop("party", Party("obr", "region"))
        return self.accept(self.event(type_, subject, data, **more), party=party)

    def register(self, code: str, kind: str, parent: str | None = None, valid_from: str = "2019-09-01") -> int:
        data = {"code": code, "kind": kind, "name": code.upper(), "valid_from": valid_from}
        return self.send("organisation.registered", code, data | ({"parent": parent} if parent else {}))

    def ask(self, indicator: str, organisation: str, **given: Any) -> dict[str, Any]:
        """The answer of the ledger, as of ``TODAY`` unless ``as_of`` says otherwise."""
        parameters = {"organisation": organisation, "as_of": TODAY, **{k: str(v) for k, v in given.items()}}
        with reading(self.engine) as connection:
            ledger = self.book.open(connection)
            return queries.answer(ledger, queries.ask(ledger, indicator, parameters, TODAY))

    def figure(self, indicator: str, organisation: str, **given: Any) -> tuple[int, int | None]:
        answer = self.ask(indicator, organisation, **given)
        return answer["numerator"], answer["denominator"]

    def postings(self, indicator: str, organisation: str, **given: Any) -> list[dict[str, Any]]:
        """All postings of a figure, through the pages of the API's cursor."""
        parameters = {"organisation": organisation, "as_of": TODAY, **{k: str(v) for k, v in given.items()}}
        items, cursor = [], None
        with reading(self.engine) as connection:
            ledger = self.book.open(connection)
            question = queries.ask(ledger, indicator, parameters, TODAY)
            while True:
                page = queries.provenance(ledger, question, cursor, 3)
                items += page["items"]
                cursor = page["next"]
                if cursor is None:
                    return items

    def token(self, organisation: str, role: str) -> str:
        with writing(self.engine) as connection:
            return access.create(connection, Party(organisation, role), self.clock())


def made(url: str) -> None:
    """An empty, made database."""
    engine, *_ = stores.init(settings_of(url))
    engine.dispose()


def region(url: str) -> None:
    """A region with two municipalities: gorodets with schools s1 and s2, chemal with school s3; s9 under the region."""
    engine, *_ = stores.init(settings_of(url))
    store = Vertikal(engine, settings_of(url))
    store.register("obr", "region")
    store.register("gorodets", "municipality", "obr")
    store.register("chemal", "municipality", "obr")
    for code, parent in (("s1", "gorodets"), ("s2", "gorodets"), ("s3", "chemal"), ("s9", "obr")):
        store.register(code, "school", parent)
    engine.dispose()


@pytest.fixture
def store(engine: Engine, settings: Settings) -> Vertikal:
    """A Vertikal: empty, unless the test asks for ``vertical``."""
    return Vertikal(engine, settings)


@pytest.fixture
def vertical(store: Vertikal) -> Vertikal:
    """The region of ``region``, and one who goes on where that ended."""
    return going_on(store)


def going_on(store: Vertikal) -> Vertikal:
    """Clock and ids behind those of the log."""
    with reading(store.engine) as connection:
        head = log.read_head(connection)
    store.clock.time = datetime.fromisoformat(head.recorded_at)
    store._ids = head.position
    return store


@pytest.fixture(scope="session")
def routes() -> Flask:
    """All routes; describing them takes longer than most tests."""
    return web.described()


@pytest.fixture
def client(vertical: Vertikal, routes: Flask) -> FlaskClient:
    """The HTTP API over ``vertical``."""
    web.serve(routes, vertical.settings, vertical.engine, vertical.clock)
    return routes.test_client()


@pytest.fixture
def thirteen_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read model with a mistake: it cannot take a staff report of thirteen teachers."""

    def fail(state: Any, event: Any) -> Any:
        if event["data"]["teachers"] == 13:
            raise ValueError("неудобное число")
        return original(state, event)

    original = staff_model.evolve
    model = next(each for each in MODELS if each.name == "staff")
    monkeypatch.setitem(model.__dict__, "evolve", fail)
