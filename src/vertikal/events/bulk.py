"""Many rows at once, as fast as each database takes them: arrays to PostgreSQL, a prepared statement to SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

from psycopg2.extensions import Binary
from sqlalchemy import Connection, Integer, LargeBinary, Table

Rows = Sequence[tuple[Any, ...]]


def insert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows given in the order of the table's columns."""
    _write(connection, table, rows, "")


def replace(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; a row with the same primary key is replaced."""
    _write(connection, table, rows, _on_conflict(table, "excluded.{0}"))


def add(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; to a row with the same primary key the other columns are added."""
    _write(connection, table, rows, _on_conflict(table, f"{table.name}.{{0}} + excluded.{{0}}"))


def copy(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; the fastest way, without a thought for rows that are there already."""
    if connection.dialect.name != "postgresql" or not rows:
        insert(connection, table, rows)
        return
    types = [column.type for column in table.columns]
    if all(isinstance(type_, Integer) for type_ in types):
        line = "\t".join(["%d"] * len(types)) + "\n"
        text = "".join([line % row for row in rows])
    else:
        binary = [isinstance(type_, LargeBinary) for type_ in types]
        text = "".join(["\t".join(map(_copied, row, binary)) + "\n" for row in rows])
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table.name} FROM STDIN", StringIO(text))


def _copied(cell: Any, binary: bool) -> str:
    if binary:
        return "\\\\x" + cell.hex()
    return str(cell).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _on_conflict(table: Table, value: str) -> str:
    keys = ", ".join(column.name for column in table.primary_key)
    updates = ", ".join(f"{c.name} = {value.format(c.name)}" for c in table.columns if not c.primary_key)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {updates}"


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
        return "{" + ",".join(map(str, cells)).replace("None", "NULL") + "}"
    return [cell if cell is None else Binary(cell) for cell in cells] if isinstance(type_, LargeBinary) else cells
