"""One suite for both databases: every test that takes ``store`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from tests.postgresql import postgresql
from tests.terminal import Terminal
from vertikal.events.database import reading, writing
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
from vertikal.services.web.app import create_app

TODAY = "2023-06-01"


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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own, not yet made."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'vertikal.db'}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"test_{uuid4().hex}"
    with fresh_database(server, name) as url:
        yield url


class fresh_database:  # noqa: N801  # a context manager reads like a function
    """A database of a server, dropped at the end."""

    def __init__(self, server: str, name: str) -> None:
        self._admin = create_engine(
            make_url(server).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
        )
        self._name = name
        self._url = make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)

    def __enter__(self) -> str:
        with self._admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {self._name}"))
        return self._url

    def __exit__(self, *_: object) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {self._name} WITH (FORCE)"))
        self._admin.dispose()


SIGNER, MASTER = Signer.generate("obr.example/log"), MasterKey.generate()


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An empty, made database."""
    made, *_ = stores.init(settings)
    yield made
    made.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    keys = {"VERTIKAL_SIGNING_KEY": SIGNER.text(), "VERTIKAL_MASTER_KEY": MASTER.text()}
    return read_settings({"VERTIKAL_DATABASE_URL": database_url, **keys})


@pytest.fixture
def terminal(database_url: str) -> Terminal:
    """The command line with the test's database."""
    return Terminal(database_url)


class Vertikal:
    """A Vertikal in one process: send events, project, ask; the words of the tests."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.clock = Clock()
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
            ledger = Book().open(connection)
            return queries.answer(ledger, queries.ask(ledger, indicator, parameters, TODAY))

    def figure(self, indicator: str, organisation: str, **given: Any) -> tuple[int, int | None]:
        answer = self.ask(indicator, organisation, **given)
        return answer["numerator"], answer["denominator"]

    def postings(self, indicator: str, organisation: str, **given: Any) -> list[dict[str, Any]]:
        """All postings of a figure, through the pages of the API's cursor."""
        parameters = {"organisation": organisation, "as_of": TODAY, **{k: str(v) for k, v in given.items()}}
        items, cursor = [], None
        with reading(self.engine) as connection:
            ledger = Book().open(connection)
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


@pytest.fixture
def store(engine: Engine, settings: Settings) -> Vertikal:
    """An empty Vertikal."""
    return Vertikal(engine, settings)


@pytest.fixture
def vertical(store: Vertikal) -> Vertikal:
    """A region with two municipalities: gorodets with schools s1 and s2, chemal with school s3; s9 under the region."""
    store.register("obr", "region")
    store.register("gorodets", "municipality", "obr")
    store.register("chemal", "municipality", "obr")
    for code, parent in (("s1", "gorodets"), ("s2", "gorodets"), ("s3", "chemal"), ("s9", "obr")):
        store.register(code, "school", parent)
    return store


@pytest.fixture
def client(vertical: Vertikal) -> FlaskClient:
    """The HTTP API over ``vertical``."""
    return create_app(vertical.settings, vertical.engine, vertical.clock).test_client()


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
