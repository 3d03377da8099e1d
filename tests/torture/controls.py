"""What must fail: three ways to give positions that are often taken for good enough.

On SQLite a number that is taken inside the write transaction is safe whatever takes it: there is one writer at a time
(AUTOINCREMENT would pass). What fails there is to count before the write transaction begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text

from tests.torture.doors import Door, Entry, IntakeDoor
from tests.torture.oracle import GAPLESS, ORDER, READER
from vertikal.events.database import reading, writing
from vertikal.services.access import Party
from vertikal.services.intake import ACCEPTED, DUPLICATE, Outcome


class SequenceDoor:
    """Positions from a sequence: taken at the insertion, visible at the commit."""

    production = False
    table = "CREATE TABLE numbered (position bigserial PRIMARY KEY, source text, id text, UNIQUE (source, id))"
    visible = "true"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def make(self) -> None:
        with writing(self.engine) as connection:
            connection.execute(text(self.table))

    def submit(
        self, party: Party, sent: Sequence[dict[str, Any]], *, atomic: bool = False, dry_run: bool = False
    ) -> list[Outcome]:
        del party, atomic
        if dry_run:
            return []
        with writing(self.engine) as connection:
            return [self.append(connection, event) for event in sent]

    def append(self, connection: Connection, event: dict[str, Any], position: int | None = None) -> Outcome:
        """Write an event that is not there yet; where no position is given, the table numbers it."""
        identity = {"source": event["source"], "id": event["id"]}
        found = "SELECT position FROM numbered WHERE source = :source AND id = :id"
        before = connection.execute(text(found), identity).scalar()
        if before is not None:
            return Outcome(event["id"], DUPLICATE, before)
        given = "DEFAULT" if position is None else str(position)
        insertion = f"INSERT INTO numbered VALUES ({given}, :source, :id) RETURNING position"  # noqa: S608  # a number
        return Outcome(event["id"], ACCEPTED, connection.execute(text(insertion), identity).scalar_one())

    def read(self, connection: Connection, after: int, limit: int) -> list[Entry]:
        where = f"position > :after AND {self.visible}"
        statement = f"SELECT position, source, id FROM numbered WHERE {where} ORDER BY position LIMIT :limit"  # noqa: S608
        return [Entry(*row) for row in connection.execute(text(statement), {"after": after, "limit": limit})]

    def whole(self, connection: Connection) -> list[Entry]:
        statement = "SELECT position, source, id FROM numbered ORDER BY position"
        return [Entry(*row) for row in connection.execute(text(statement))]


class FilteredDoor(SequenceDoor):
    """The same, but a reader is shown only what no running transaction can precede, in the order of transactions.

    Its cursor is a plain position, and positions are in another order: a transaction that began later may hold an
    earlier one.
    """

    visible = "xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


class CountingDoor(SequenceDoor):
    """Positions counted on from the last that could be seen before the write transaction began."""

    table = "CREATE TABLE numbered (position integer, source text, id text, UNIQUE (source, id))"

    def submit(
        self, party: Party, sent: Sequence[dict[str, Any]], *, atomic: bool = False, dry_run: bool = False
    ) -> list[Outcome]:
        del party, atomic
        if dry_run:
            return []
        with reading(self.engine) as connection:
            last = connection.execute(text("SELECT coalesce(max(position), 0) FROM numbered")).scalar_one()
        with writing(self.engine) as connection:
            return [self.append(connection, event, position) for position, event in enumerate(sent, last + 1)]


DOORS: dict[str, Callable[[Engine], Door]] = {
    "intake": IntakeDoor,
    "sequence": SequenceDoor,
    "xmin": FilteredDoor,
    "counting": CountingDoor,
}
MUST_FAIL = {GAPLESS, READER}
MAY_FAIL = {"counting": {ORDER}}  # two who count at once may also overtake an acknowledgement
CONTROLS = {"postgresql": ("sequence", "xmin"), "sqlite": ("counting",)}


def failed_as_it_must(door: str, claims: set[str]) -> bool:
    """Whether a run of a control broke what that control breaks, and nothing else."""
    return claims >= MUST_FAIL and claims <= MUST_FAIL | MAY_FAIL.get(door, set())
