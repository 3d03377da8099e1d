"""The volume that is being built: emptied, filled without its indexes, put in the place of the live one.

What is done is noted in the transaction that does it, so that an interrupted rebuild goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import orjson
from sqlalchemy import Connection, delete, insert, select, text, update

from ..events import log
from ..read_models import MODELS, VERSIONS
from ..read_models.model import Model
from . import parts
from .book import held, live, resting
from .closings import EPOCH
from .engine import Engine
from .tables import VOLUMES, Volume, accounts, building, volumes

PARTITION_EVENTS = 50_000  # what a worker holds in memory at once
BATCH = 5_000
# Made again when the rows are there, which is faster than keeping them while rows come. SQLite keeps rows in the key.
KEYS = {
    "postings": "place, account, position, date, moved",
    "closings": "place, account, level, epoch, date",
    "balances": "place, account, date",
}


@dataclass(frozen=True)
class Plan:
    """What is being built: a volume up to a position of the log, by these read models, in so many partitions."""

    volume: str
    position: int
    models: str
    partitions: int
    chosen: tuple[str, ...]  # the read models that are made anew; the others are taken over

    @property
    def of(self) -> Volume:
        return VOLUMES[self.volume]


def unfinished(connection: Connection) -> Plan | None:
    """The rebuild that was interrupted, if the release is still the one that began it."""
    detail = connection.execute(select(building.c.detail).where(building.c.step == "plan")).scalar()
    plan = Plan(**{**(found := orjson.loads(detail)), "chosen": tuple(found["chosen"])}) if detail else None
    if plan is None or plan.models != VERSIONS or plan.of != resting(connection):
        return None
    return plan


def outdated(connection: Connection) -> list[str]:
    """The read models of which the live volume has none, or another version: they cannot be taken over from it."""
    made = connection.execute(select(volumes.c.models).where(volumes.c.live == 1)).scalar_one().split(", ")
    return [model.name for model in MODELS if model.stored_as not in made]


def begin(connection: Connection, chosen: Sequence[str]) -> Plan:
    """Empty the resting volume, and plan to build it up to the end of the log.

    Read models that are not ``chosen`` are taken over from the live volume; then it is built up to where that one is.
    The transaction must see one state of the database.
    """
    volume = resting(connection)
    whole = len(chosen) == len(MODELS)
    position = log.read_head(connection).position if whole else held(connection)
    plan = Plan(volume.name, position, VERSIONS, position // PARTITION_EVENTS + 1, tuple(chosen))
    postgresql = connection.dialect.name == "postgresql"
    for table in (volume.entities, volume.postings, volume.balances, volume.closings, volume.blocked):
        connection.execute(text(f"TRUNCATE {table.name}" if postgresql else f"DELETE FROM {table.name}"))  # noqa: S608
    if postgresql:
        for name in KEYS:
            table_name = f"{name}_{volume.name}"
            connection.execute(text(f"ALTER TABLE {table_name} DROP CONSTRAINT IF EXISTS {table_name}_pkey"))
        connection.execute(text(f"DROP INDEX IF EXISTS postings_{volume.name}_by_position"))
    empty = {"position": 0, "closed": 0, "models": VERSIONS, "digest": None, "digest_position": None}
    connection.execute(update(volumes).where(volumes.c.name == volume.name).values(empty))
    connection.execute(delete(building))
    connection.execute(insert(building).values(step="plan", detail=orjson.dumps(asdict(plan)).decode()))
    _take_over(connection, volume, [model for model in MODELS if model.name not in chosen])
    return plan


def _take_over(connection: Connection, volume: Volume, models: Sequence[Model]) -> None:
    """Copy what the live volume holds of read models that stay as they are."""
    source = live(connection)
    names = [model.stored_as for model in models]
    measures = [measure.name for model in models for measure in model.posts]
    counted = select(accounts.c.id).where(accounts.c.measure.in_(measures))
    for here, there, kept in (
        (volume.entities, source.entities, source.entities.c.model.in_(names)),
        (volume.blocked, source.blocked, source.blocked.c.model.in_(names)),
        (volume.postings, source.postings, source.postings.c.account.in_(counted)),
    ):
        connection.execute(
            insert(here).from_select([column.name for column in here.columns], select(there).where(kept))
        )


def index(connection: Connection, plan: Plan, *names: str) -> None:
    """Make the keys of tables that are filled."""
    if connection.dialect.name != "postgresql":
        return
    for name in names:
        table = f"{name}_{plan.volume}"
        connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({KEYS[name]})"))
        if name == "postings":
            columns = "position, place, account, date, amount"
            connection.execute(text(f"CREATE INDEX {table}_by_position ON {table} ({columns})"))
        connection.execute(text(f"ANALYZE {table}"))
    connection.execute(text("ANALYZE places, holders, accounts"))


def tidy(connection: Connection, plan: Plan, *names: str) -> None:
    """Let PostgreSQL read indexes alone where they hold all that is asked; outside a transaction, as VACUUM must be."""
    if connection.dialect.name == "postgresql":
        for name in names:
            connection.execute(text(f"VACUUM ANALYZE {name}_{plan.volume}"))


def done(connection: Connection) -> set[str]:
    """The steps that are done."""
    return set(connection.execute(select(building.c.step)).scalars())


def once(connection: Connection, step: str, work: Callable[[], None]) -> bool:
    """Do a step and note it, unless it is done: whether it was done now. The caller commits both or neither."""
    if connection.execute(select(building.c.step).where(building.c.step == step)).first() is not None:
        return False
    work()
    connection.execute(insert(building).values(step=step))
    return True


def complete(connection: Connection, plan: Plan) -> None:
    """From here on the volume is an ordinary one, which follows the log."""
    reached = {"position": plan.position, "closed": plan.position // EPOCH * EPOCH}
    connection.execute(update(volumes).where(volumes.c.name == plan.volume).values(reached))
    connection.execute(delete(building))


def swap(connection: Connection) -> Volume:
    """Make the resting volume the live one; it first takes what it lacks. The caller commits.

    The live projector waits, sees that its volume is not live any more, and goes on with the other.
    """
    parts.close_window(connection)
    connection.execute(select(volumes).order_by(volumes.c.name).with_for_update()).all()
    volume = resting(connection)
    until = held(connection)
    engine = Engine(volume.name)
    while (at := engine.held(connection)) < until:
        engine.apply(connection, log.read(connection, at, min(BATCH, until - at)))
    connection.execute(update(volumes).values(live=1 - volumes.c.live))
    return volume
