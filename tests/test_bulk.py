"""Rows written at once: every value comes back as it was, on both databases, and failures are SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Integer, LargeBinary, MetaData, Table, Text, select
from sqlalchemy.exc import DataError, IntegrityError

from vertikal.events import bulk
from vertikal.events.database import connect, reading, writing

TABLE = Table(
    "things",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("word", Text),
    Column("content", LargeBinary),
    Column("amount", Integer, nullable=False),
)
Row = tuple[int, str | None, bytes | None, int]
WORDS = ["", "\\", "\\N", "\\.", "\t", "\n", "\r\n", "\b", "\x01", "a\\tb", "'", '"', "{}", "NULL", "Ё", "😀", "\u2028"]

words = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    with writing(made) as connection:
        TABLE.create(connection)
    yield made
    made.dispose()


def written(engine: Engine, rows: list[Row]) -> list[Row]:
    with writing(engine) as connection:
        connection.execute(TABLE.delete())
        bulk.insert(connection, TABLE, rows)
    with reading(engine) as connection:
        found = connection.execute(select(TABLE).order_by(TABLE.c.number))
        return [(number, word, content if content is None else bytes(content), amount)
                for number, word, content, amount in found]  # fmt: skip


def test_awkward_words_and_bytes_come_back_as_they_were(engine: Engine) -> None:
    rows: list[Row] = [(number, word, word.encode(), -number) for number, word in enumerate(WORDS)]
    assert written(engine, [*rows, (99, None, None, 0)]) == [*rows, (99, None, None, 0)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(words, st.none() | st.binary(), st.integers(-(2**31), 2**31 - 1))))
def test_whatever_is_written_comes_back(engine: Engine, values: list[tuple[str | None, bytes | None, int]]) -> None:
    rows: list[Row] = [(number, *value) for number, value in enumerate(values)]
    assert written(engine, rows) == rows


def test_nothing_is_written_of_no_rows(engine: Engine) -> None:
    assert written(engine, []) == []


def test_a_row_that_is_there_already_fails_as_every_statement_does(engine: Engine) -> None:
    with pytest.raises(IntegrityError):
        written(engine, [(1, "a", b"", 1), (1, "b", b"", 1)])
    assert written(engine, [(2, "c", b"", 1)]) == [(2, "c", b"", 1)]


def test_a_value_that_postgresql_does_not_take_fails_as_every_statement_does(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite takes any integer of 64 bits")
    with pytest.raises(DataError):
        written(engine, [(1, "a", b"", 2**40)])
