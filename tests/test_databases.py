"""What tests copy is what they would have made, and no test sees another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from tests.conftest import Vertikal, region, settings_of
from tests.databases import Databases
from vertikal.events.database import connect, reading
from vertikal.services import store as stores

TABLES = [table for part in stores.PARTS for table in part.sorted_tables]
BY_CHANCE = {"created_at", "time", "at"}  # the clock of the machine, not that of the test


def content(url: str) -> dict[str, list[Any]]:
    engine = connect(url)
    with reading(engine) as connection:
        found = {table.name: sorted(map(repr, connection.execute(rows(table)))) for table in TABLES}
    engine.dispose()
    return found


def rows(table: Table) -> Any:
    return select(*(column for column in table.c if column.name not in BY_CHANCE))


def test_a_copy_holds_what_making_it_anew_would_have_put_there(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh(tmp_path / "copy.db", region) as copy, databases.fresh(tmp_path / "new.db") as new:
        region(new)
        copied = content(copy)
        assert copied == content(new)
    assert copied["events"]
    assert copied["postings_a"] == []


def test_what_a_test_writes_is_in_its_own_copy_only(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh(tmp_path / "one.db", region) as one, databases.fresh(tmp_path / "other.db", region) as other:
        before = content(other)
        engine = connect(one)
        store = Vertikal(engine, settings_of(one))
        store._ids = 7
        store.register("s7", "school", "obr")
        engine.dispose()
        assert content(one) != before
        assert content(other) == before
    with databases.fresh(tmp_path / "later.db", region) as later:
        assert content(later) == before
