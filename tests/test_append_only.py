"""The database itself refuses to change what was said; on PostgreSQL every service may do only what is its own."""

from __future__ import annotations

import importlib

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.conftest import Vertikal
from vertikal.events.database import connect, reading, writing
from vertikal.events.tables import events, head
from vertikal.services import projector
from vertikal.services import store as stores

STEP = importlib.import_module("vertikal.migrations.versions.0002_append_only")
ROLES = ("ingest", "projector", "reader")


def attempt(engine: Engine, statement: str) -> str | None:
    """The refusal of a statement, None where it went through."""
    try:
        with writing(engine) as connection:
            connection.execute(text(statement))
    except DBAPIError as error:
        return str(error.orig)
    return None


def whole_log(engine: Engine) -> list[tuple[object, ...]]:
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(events).order_by(events.c.position))]


def column_of(engine: Engine, table: str) -> str:
    with reading(engine) as connection:
        return str(list(connection.execute(text(f"SELECT * FROM {table}")).keys())[-1])  # noqa: S608  # our own names


def fill(store: Vertikal) -> None:
    """At least one row in every table that only grows."""
    rows = {
        "tree": "(1, 0, :bytes)",
        "retractions": "(7, 6, 0)",
        "log_keys": "('a', 0, 9)",
        "checkpoints": "(1, 'note')",
        "cosignatures": "(1, 'a', 'line')",
        "access_journal": "(1, 'a', 'b', 'c', 'd')",
    }
    with writing(store.engine) as connection:
        for table, row in rows.items():
            connection.execute(text(f"INSERT INTO {table} VALUES {row}"), {"bytes": b"0"} if ":bytes" in row else {})  # noqa: S608


@pytest.mark.parametrize("table", STEP.APPEND_ONLY)
def test_no_row_of_the_log_can_be_changed(vertical: Vertikal, table: str) -> None:
    fill(vertical)
    column = column_of(vertical.engine, table)
    refusal = attempt(vertical.engine, f"UPDATE {table} SET {column} = {column}")  # noqa: S608
    assert refusal is not None
    assert "append-only" in refusal


@pytest.mark.parametrize("table", [*STEP.APPEND_ONLY, *STEP.NEVER_REMOVED])
def test_no_row_of_the_log_can_be_removed(vertical: Vertikal, table: str) -> None:
    fill(vertical)
    refusal = attempt(vertical.engine, f"DELETE FROM {table}")  # noqa: S608
    assert refusal is not None
    assert "append-only" in refusal


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize("table", [*STEP.APPEND_ONLY, *STEP.NEVER_REMOVED])
def test_no_table_of_the_log_can_be_emptied(vertical: Vertikal, table: str) -> None:
    """TRUNCATE asks no trigger that asks rows; SQLite has none."""
    refusal = attempt(vertical.engine, f"TRUNCATE {table}")
    assert refusal is not None
    assert "append-only" in refusal


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_an_event_cannot_be_replaced_by_an_insertion(vertical: Vertikal) -> None:
    before = whole_log(vertical.engine)
    copied = "SELECT position, source, id, 'x', subject, recorded_at, leaf, hash FROM events WHERE position = 2"
    refusal = attempt(vertical.engine, f"INSERT OR REPLACE INTO events {copied}")
    assert refusal is not None
    assert "append-only" in refusal
    assert whole_log(vertical.engine) == before


@pytest.mark.parametrize(
    "backwards", [{"position": 0}, {"recorded_at": "1999-01-01T00:00:00.000000Z"}], ids=["position", "time"]
)
def test_the_head_never_goes_back(vertical: Vertikal, backwards: dict[str, object]) -> None:
    with pytest.raises(DBAPIError, match="never goes back"), writing(vertical.engine) as connection:
        connection.execute(update(head).values(backwards))


def test_control_without_the_triggers_an_event_can_be_changed(vertical: Vertikal) -> None:
    with writing(vertical.engine) as connection:
        if vertical.engine.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER events_append_only ON events"))
        else:
            connection.execute(text("DROP TRIGGER events_never_UPDATE"))
    assert attempt(vertical.engine, "UPDATE events SET type = 'x'") is None


# Roles


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("statement", ["UPDATE events SET type = 'x'", "DELETE FROM events", "TRUNCATE events"])
def test_no_service_has_the_right_to_change_the_log(
    vertical: Vertikal, database_url: str, role: str, statement: str
) -> None:
    refusal = attempt(connect(database_url, role), statement)  # type: ignore[arg-type]
    assert refusal is not None
    assert "permission denied" in refusal


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("projector", "INSERT INTO events SELECT * FROM events"),
        ("projector", "SELECT * FROM person_keys"),
        ("projector", "SELECT * FROM tokens"),
        ("reader", "INSERT INTO events SELECT * FROM events"),
        ("reader", "SELECT * FROM person_keys"),
        ("reader", "SELECT * FROM tokens"),
        ("reader", "UPDATE balances_a SET amount = 0"),
        ("ingest", "UPDATE balances_a SET amount = 0"),
        ("ingest", "INSERT INTO log_keys VALUES ('x', 0, 9)"),
        ("ingest", "INSERT INTO tokens (hash, organisation, role, created_at) VALUES ('a', 'b', 'admin', 'c')"),
    ],
)
def test_a_service_may_do_only_what_is_its_own(
    vertical: Vertikal, database_url: str, role: str, statement: str
) -> None:
    refusal = attempt(connect(database_url, role), statement)  # type: ignore[arg-type]
    assert refusal is not None
    assert "permission denied" in refusal


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_each_service_can_do_its_work_in_its_role(vertical: Vertikal, database_url: str) -> None:
    ingest = Vertikal(stores.open_store(database_url, "ingest"), vertical.settings)
    data = {"organisation": "s1", "on": "2020-09-20", "teachers": 30, "managers": 3}
    assert ingest.submit(vertical.event("staff.reported", "s1", data)).accepted == 1
    assert projector.catch_up(stores.open_store(database_url, "projector")) == 1
    reader = Vertikal(stores.open_store(database_url, "reader"), vertical.settings)
    assert reader.figure("trained_teachers", "s1", period=2021) == (0, 30)


# The tables


def test_the_migrations_make_the_tables_that_the_code_describes(engine: Engine) -> None:
    described = MetaData()
    for part in stores.PARTS:
        for table in part.tables.values():
            table.to_metadata(described)
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [each for each in compare_metadata(context, described) if "alembic_version" not in str(each)]
    assert differences == []


def test_init_twice_changes_nothing(engine: Engine) -> None:
    assert stores.create(engine) is False


def test_a_database_of_another_version_is_not_used(engine: Engine, database_url: str) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(stores.NotReady, match="vertikal init"):
        stores.open_store(database_url)


def test_nothing_is_served_from_a_log_whose_head_lies(vertical: Vertikal) -> None:
    with writing(vertical.engine) as connection:
        connection.execute(update(head).values(position=head.c.position + 1))
    with pytest.raises(stores.NotReady, match="the head says"):
        stores.require_sound(vertical.engine)
