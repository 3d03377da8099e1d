"""One engine for both databases; the rest of the code does not know which it talks to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Engine, ExceptionContext, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

BUSY_TIMEOUT_S = 5
IDLE_MAX_S = 60  # a projector that is frozen in a transaction keeps others from their work no longer
FOR_ALL_ROWS = ("work_mem = '128MB'", "maintenance_work_mem = '256MB'", "cursor_tuple_fraction = 1")
Role = Literal["ingest", "projector", "reader"]


def connect(url: str, role: Role | None = None, *, pool_size: int = 8) -> Engine:
    """The engine of a database URL; ``postgresql://`` without a driver is understood.

    Raises ``ArgumentError`` for any other. ``role``: what its connections may do on PostgreSQL; None: all that the
    user of the URL may. A connection that is lost is an ``OperationalError`` or an ``InterfaceError``.

    SQLite: WAL, so that readers never wait; synchronous=FULL, so that what was acknowledged survives a power cut.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    if parsed.drivername == "postgresql+psycopg2":
        engine = create_engine(parsed, pool_pre_ping=True, pool_size=pool_size)
        event.listen(engine, "handle_error", _name_lost_connection)
        if role is not None:
            event.listen(engine, "connect", partial(_take_role, role))
        return engine
    if parsed.drivername != "sqlite":
        raise ArgumentError(f"a database is sqlite:///FILE or postgresql://…, not {parsed.drivername}")
    engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def writing(engine: Engine, *, snapshot: bool = False) -> Iterator[Connection]:
    """A write transaction; with ``snapshot`` all its statements see one state of the database.

    On SQLite it begins as one (``BEGIN IMMEDIATE``): a deferred transaction that turns into a write fails at once when
    another writer was faster, whatever the busy timeout.
    """
    options: dict[str, Any] = {"writes": True}
    if snapshot and engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read transaction in which all statements see one state of the database."""
    options: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.execution_options(**options).begin() as connection:
        yield connection


def inserting(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that may say what is to be done ON CONFLICT: both databases can, each has its own."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)


def take_all(connection: Connection) -> None:
    """Have PostgreSQL plan the statements of this transaction for all of their rows, and sort and sum in memory."""
    if connection.dialect.name == "postgresql":
        for setting in FOR_ALL_ROWS:
            connection.exec_driver_sql(f"SET LOCAL {setting}")


def _take_role(role: Role, connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE vertikal_{role}")
        if role == "projector":
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_MAX_S}s'")
    connection.commit()


def _name_lost_connection(context: ExceptionContext) -> OperationalError | None:
    """psycopg2 reports a server that ends in the middle of a query as a bare ``DatabaseError``."""
    if not context.is_disconnect or isinstance(context.sqlalchemy_exception, (OperationalError, InterfaceError)):
        return None
    return OperationalError(
        context.statement, context.parameters, context.original_exception, connection_invalidated=True
    )


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    # recursive_triggers: a REPLACE asks the triggers against DELETE. secure_delete: a destroyed key leaves no bytes.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON", "secure_delete=ON")
    for pragma in (*pragmas, "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
