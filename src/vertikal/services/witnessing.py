"""A witness: cosigns the checkpoints of a log that it was told to trust, and only while they continue each other.

The rules and the status codes are those of c2sp.org/tlog-witness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sqlalchemy import Connection, Engine, select, update

from ..events import log, merkle, tree
from ..events.database import inserting, reading, writing
from ..events.merkle import check_consistency, root_of
from ..events.notes import AddCheckpoint, Checkpoint, NoteError, Signer, Verifier, open_note, text_of
from ..events.tables import witnessed
from . import proving
from .refusals import Refusal

TIMEOUT_S, ANSWER_MAX = 30, 64 << 10


class Declined(Exception):
    """No cosignature; ``size`` is that of the last checkpoint cosigned, where the log should begin there."""

    def __init__(self, status: int, reason: str, size: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.size = size


def trust(connection: Connection, verifier: Verifier) -> None:
    """Begin to witness the log with this key; a log that is witnessed already gets it as its new key."""
    row = {"origin": verifier.name, "verifier": str(verifier), "size": 0, "root": root_of(())}
    statement = inserting(connection, witnessed).values(row)
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


def submit(engine: Engine, signer: Signer, url: str, witness: Verifier) -> str:
    """Have a witness cosign the present checkpoint, keep the cosignature; the note with it. Raises ``Refusal``."""
    note = proving.checkpoint(engine, signer)
    offered = Checkpoint.parse(text_of(note))
    answer = _post(url, AddCheckpoint(0, (), note))
    if answer.status == 409:
        old = _size_of(answer.body)
        with reading(engine) as connection:
            hashes = merkle.consistency(old, offered.size, tree.blocks(connection)) if old <= offered.size else []
        answer = _post(url, AddCheckpoint(old, tuple(hashes), note))
    if answer.status != 200:
        raise Refusal(502, f"свидетель отказал ({answer.status}): {answer.body[:300]}")
    try:
        lines = answer.body.splitlines()
        opened = open_note(f"{text_of(note)}\n" + "".join(f"{line}\n" for line in lines), [witness])
    except NoteError as error:
        raise Refusal(502, f"подпись свидетеля не подтверждена: {error}") from error
    line = opened.signatures[0].line
    with writing(engine) as connection:
        log.lock(connection)
        proving.add_cosignature(connection, offered.size, witness, line)
    return proving.checkpoint_of(engine, offered.size)


@dataclass(frozen=True)
class _Answer:
    status: int
    body: str


def _post(url: str, request: AddCheckpoint) -> _Answer:
    if not url.startswith(("http://", "https://")):
        raise Refusal(400, "адрес свидетеля начинается с http:// или https://")
    address = url.rstrip("/").removesuffix("/add-checkpoint") + "/add-checkpoint"
    sent = Request(address, request.text().encode(), {"Content-Type": "text/plain"})  # noqa: S310  # checked above
    try:
        with urlopen(sent, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return _Answer(answer.status, answer.read(ANSWER_MAX).decode())
    except HTTPError as error:
        return _Answer(error.code, error.read(ANSWER_MAX).decode("utf-8", "replace"))
    except (URLError, OSError, UnicodeDecodeError) as error:
        raise Refusal(503, f"свидетель недоступен: {error}") from error


def _size_of(body: str) -> int:
    if not body.strip().isdecimal():
        raise Refusal(502, f"свидетель ответил не размером: {body[:100]}")
    return int(body.strip()[:19])


def _require_continuation(submitted: AddCheckpoint, offered: Checkpoint, size: int, root: bytes) -> None:
    if submitted.old > offered.size:
        raise Declined(400, "прежний размер больше нового")
    if submitted.old != size:
        raise Declined(409, "прежний размер другой", size)
    if size == offered.size and root != offered.root:
        raise Declined(409, "журнал того же размера с другим корнем", size)
    if not check_consistency(size, offered.size, submitted.hashes, root, offered.root):
        raise Declined(422, "доказательство непрерывности не сходится")
