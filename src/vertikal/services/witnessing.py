"""A witness: cosigns the checkpoints of a log that it was told to trust, and only while they continue each other.

The rules and the status codes are those of c2sp.org/tlog-witness.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ..events.merkle import check_consistency, root_of
from ..events.notes import AddCheckpoint, Checkpoint, NoteError, Signer, Verifier, open_note, text_of
from ..events.tables import witnessed


class Declined(Exception):
    """No cosignature; ``size`` is that of the last checkpoint cosigned, where the log should begin there."""

    def __init__(self, status: int, reason: str, size: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.size = size


def trust(connection: Connection, verifier: Verifier) -> None:
    """Begin to witness the log with this key; a log that is witnessed already gets it as its new key."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"origin": verifier.name, "verifier": str(verifier), "size": 0, "root": root_of(())}
    statement = insert(witnessed).values(row)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["origin"], set_={"verifier": statement.excluded.verifier})
    )


def cosign(connection: Connection, submitted: AddCheckpoint, signer: Signer, now: datetime) -> str:
    """The cosignature line for a checkpoint that continues the last one seen. Raises ``Declined``, ``NoteError``."""
    try:
        text = text_of(submitted.checkpoint)
        offered = Checkpoint.parse(text)
    except NoteError as error:
        raise Declined(400, f"контрольная точка не читается: {error}") from error
    seen = connection.execute(select(witnessed).where(witnessed.c.origin == offered.origin).with_for_update()).first()
    if seen is None:
        raise Declined(404, f"журнал «{offered.origin[:100]}» не заверяется")
    try:
        open_note(submitted.checkpoint, [Verifier.parse(seen.verifier)])
    except NoteError as error:
        raise Declined(403, f"подпись журнала не подтверждена: {error}") from error
    _require_continuation(submitted, offered, seen.size, bytes(seen.root))
    changed = update(witnessed).where(witnessed.c.origin == offered.origin)
    connection.execute(changed.values(size=offered.size, root=offered.root))
    return signer.cosign(text, int(now.timestamp()))


def _require_continuation(submitted: AddCheckpoint, offered: Checkpoint, size: int, root: bytes) -> None:
    if submitted.old > offered.size:
        raise Declined(400, "прежний размер больше нового")
    if submitted.old != size:
        raise Declined(409, "прежний размер другой", size)
    if size == offered.size and root != offered.root:
        raise Declined(409, "журнал того же размера с другим корнем", size)
    if not check_consistency(size, offered.size, submitted.hashes, root, offered.root):
        raise Declined(422, "доказательство непрерывности не сходится")
