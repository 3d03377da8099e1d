"""The database as a whole: made by ``vertikal init``, checked before anything is served."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, insert, inspect, select
from sqlalchemy.exc import DataError

from ..events import log
from ..events import tables as events
from ..events.database import Role, connect, reading, writing
from ..projections import tables as projections
from ..projections.book import held
from ..read_models import VERSIONS
from . import access, keys, proving
from .notices import tables as notices
from .settings import Settings
from .stream import tables as stream

PARTS = (events.metadata, projections.metadata, access.metadata, notices.metadata, stream.metadata)
NEVER = "1970-01-01T00:00:00.000000Z"


class NotReady(Exception):
    """The database cannot be used as it is; the text says what to do."""


def create(engine: Engine) -> bool:
    """Make what is missing, or bring it up to date; whether there was anything to do. Raises ``NotReady``."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    with writing(engine) as connection:
        if _revision(connection) == _newest():
            return False
        if _revision(connection) is None and inspect(connection).has_table(events.events.name):
            raise NotReady("the database was made before its tables had versions: make a new one")
        steps = _steps()
        steps.attributes["connection"] = connection
        command.upgrade(steps, "head")
        if connection.execute(select(func.count()).select_from(events.head)).scalar() == 0:
            connection.execute(insert(events.head).values(one=1, position=0, recorded_at=NEVER, organisations=0))
        if connection.execute(select(func.count()).select_from(projections.volumes)).scalar() == 0:
            for number, name in enumerate(projections.VOLUMES):
                row = {"name": name, "live": int(number == 0), "position": 0, "closed": 0, "models": VERSIONS}
                connection.execute(insert(projections.volumes).values(row))
    return True


def init(settings: Settings) -> tuple[Engine, bool, list[Path]]:
    """The database of the settings with its keys, made where they are missing: whether it was, and the files of keys.

    Raises ``NotReady``, ``BadSetting``.
    """
    engine = connect(settings.database_url)
    made = create(engine)
    files = keys.make(settings)
    with writing(engine) as connection:
        proving.take_into_use(connection, keys.signer(settings).verifier, log.lock(connection).position)
    return engine, made, files


def begin(settings: Settings, origin: str) -> Engine:
    """A database to restore a log of this name into, made where it is missing, and its keys; none signs yet."""
    engine = connect(settings.database_url)
    create(engine)
    keys.make(settings, origin)
    return engine


def open_store(url: str, role: Role | None = None) -> Engine:
    """The engine of a database that is ready. Raises ``NotReady``; connection errors are SQLAlchemy's.

    ``role``: what may be done through it, where the database knows roles.
    """
    engine = connect(url, role)
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    revision = _read_revision(engine) if file is None or Path(file).exists() else None
    if revision is None:
        raise NotReady(f"no Vertikal database at {engine.url.render_as_string()}: run `vertikal init` first")
    if revision != _newest():
        raise NotReady(f"the database is of version {revision}, this release needs {_newest()}: run `vertikal init`")
    return engine


def _read_revision(engine: Engine) -> str | None:
    try:
        with reading(engine) as connection:
            return _revision(connection)
    except DataError:  # the role is not known to a server on which `vertikal init` never ran
        return None


def require_sound(engine: Engine) -> None:
    """Raises ``NotReady`` where ``check`` finds anything: nothing is served from such a log."""
    found = check(engine)
    if found:
        raise NotReady("; ".join(found))


def check(engine: Engine) -> list[str]:
    """What is wrong with the log: the head must be the number of events and the last position."""
    with reading(engine) as connection:
        head = connection.execute(select(events.head.c.position)).scalar()
        count, last = connection.execute(select(func.count(), func.max(events.events.c.position))).one()
        seen = held(connection)
    found = []
    if not head == count == (last or 0):
        found.append(f"log: the head says {head}, there are {count} events, the last has position {last}")
    if seen > (head or 0):
        found.append(f"ledger: its cursor {seen} lies behind the head {head}")
    return found


def _steps() -> Config:
    config = Config()
    config.set_main_option("script_location", "vertikal:migrations")
    return config


@cache
def _newest() -> str | None:
    return ScriptDirectory.from_config(_steps()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
