"""Many rows at once, as fast as each database takes them: a prepared statement to SQLite, to PostgreSQL COPY, or arrays
where a row may be there already."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

import psycopg2
from psycopg2.extensions import Binary
from sqlalchemy import Connection, Integer, LargeBinary, Table
from sqlalchemy.exc import DBAPIError

Rows = Sequence[tuple[Any, ...]]
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
COPY_CHUNK = 1 << 16


def insert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows given in the order of the table's columns. Raises SQLAlchemy's exceptions, as all here do."""
    if rows and connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        _write(connection, table, rows, "")


def replace(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; a row with the same primary key is replaced."""
    _write(connection, table, rows, _on_conflict(table, "excluded.{0}"))


def add(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; to a row with the same primary key the other columns are added."""
    _write(connection, table, rows, _on_conflict(table, f"{table.name}.{{0}} + excluded.{{0}}"))


def _on_conflict(table: Table, value: str) -> str:
    keys = ", ".join(column.name for column in table.primary_key)
    updates = ", ".join(f"{c.name} = {value.format(c.name)}" for c in table.columns if not c.primary_key)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {updates}"


def _copy(connection: Connection, table: Table, rows: Rows) -> None:
    """In the text format of COPY, which costs the server half of what an INSERT does."""
    columns = ", ".join(column.name for column in table.columns)
    statement = f"COPY {table.name} ({columns}) FROM STDIN"
    lines = StringIO(_lines(table, rows))
    try:
        connection.connection.cursor().copy_expert(statement, lines, COPY_CHUNK)
    except psycopg2.Error as error:  # past SQLAlchemy, which would have made it one of its own
        raise DBAPIError.instance(statement, None, error, psycopg2.Error, dialect=connection.dialect) from error


def _lines(table: Table, rows: Rows) -> str:
    if all(isinstance(column.type, Integer) and not column.nullable for column in table.columns):
        line = "\t".join(["%d"] * len(table.columns)) + "\n"
        return "".join([line % row for row in rows])
    return "".join(["\t".join(map(_cell, row)) + "\n" for row in rows])


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if value is None:
        return "\\N"
    return str(value) if isinstance(value, int) else f"\\\\x{bytes(value).hex()}"


def _write(connection: Connection, table: Table, rows: Rows, conflict: str) -> None:
    if not rows:
        return
    columns = list(table.columns)
    into = f"INSERT INTO {table.name} ({', '.join(column.name for column in columns)}) "
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"{into}VALUES ({marks}){conflict}", list(rows))
        return
    arrays = ", ".join(f"%s::{_array_type(column.type)}[]" for column in columns)
    values = tuple(
        _array(column.type, list(cells)) for column, cells in zip(columns, zip(*rows, strict=True), strict=True)
    )
    connection.exec_driver_sql(f"{into}SELECT * FROM unnest({arrays}){conflict}", values)  # noqa: S608


def _array_type(type_: Any) -> str:
    if isinstance(type_, Integer):  # BIGINT is one too; the column narrows it where it must
        return "bigint"
    return "bytea" if isinstance(type_, LargeBinary) else "text"


def _array(type_: Any, cells: list[Any]) -> Any:
    """Numbers as one literal: the driver quotes lists item by item, which costs more than the insert itself."""
    if isinstance(type_, Integer):
        return "{" + ",".join(map(str, cells)) + "}"
    return [cell if cell is None else Binary(cell) for cell in cells] if isinstance(type_, LargeBinary) else cells
