"""Signed checkpoints: the log's word that it held these events, which it can never take back.

A checkpoint is signed when somebody asks for it and kept for good. Before a new one is signed, the last one kept must
still hold: a log that was changed behind the triggers' back gets no signature any more.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from ..events import log, merkle, tree
from ..events.database import reading, writing
from ..events.notes import Checkpoint, Signer, TlogProof, Verifier, add_signatures, sign, text_of
from ..events.tables import checkpoints, cosignatures, log_keys
from .refusals import Refusal


class LogChanged(Exception):
    """What was signed is no longer what is stored; the text says since which checkpoint."""


class KeyNotInUse(Exception):
    """The signing key at hand is not the one that the log is known by; the text says what to do."""


def checkpoint(engine: Engine, signer: Signer) -> str:
    """The signed note over the whole log as it is now, with what witnesses added.

    Raises ``LogChanged`` and ``KeyNotInUse``.
    """
    with reading(engine) as connection:
        kept = _kept(connection, log.read_head(connection).position)
    if kept is not None:
        return kept
    with writing(engine) as connection:
        size = log.lock(connection).position
        kept = _kept(connection, size)
        if kept is not None:
            return kept
        require_unchanged(connection)
        require_in_use(connection, signer.verifier)
        note = sign(Checkpoint(signer.verifier.name, size, tree.root(connection, size)).text(), signer)
        connection.execute(insert(checkpoints).values(size=size, note=note))
        return note


def checkpoint_of(engine: Engine, size: int) -> str:
    """The kept checkpoint of a size, with what witnesses added. Raises ``KeyError``."""
    with reading(engine) as connection:
        kept = _kept(connection, size)
    if kept is None:
        raise KeyError(size)
    return kept


def checkpoint_over(engine: Engine, signer: Signer, position: int) -> str:
    """The first kept checkpoint that covers a position, signed now where there is none.

    Raises ``LogChanged`` and ``KeyNotInUse``.
    """
    covering = select(func.min(checkpoints.c.size)).where(checkpoints.c.size >= position)
    with reading(engine) as connection:
        size = connection.execute(covering).scalar()
    return checkpoint(engine, signer) if size is None else checkpoint_of(engine, size)


def require_unchanged(connection: Connection) -> None:
    """Raises ``LogChanged`` where the stored tree no longer gives the root that was signed last."""
    row = connection.execute(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)).first()
    if row is None:
        return
    signed = Checkpoint.parse(text_of(row.note))
    try:
        holds = tree.root(connection, signed.size) == signed.root
    except ValueError:  # hashes are missing
        holds = False
    if not holds:
        raise LogChanged(f"журнал изменён: его первые {signed.size} событий не те, что были подписаны")


def require_in_use(connection: Connection, verifier: Verifier) -> None:
    """Raises ``KeyNotInUse``."""
    if verifier not in public_keys(connection):
        raise KeyNotInUse("this key does not sign for the log: run `vertikal init` to take it into use")


def take_into_use(connection: Connection, verifier: Verifier, size: int) -> None:
    """Note a public key of the log, unless it is known."""
    known = list(connection.execute(select(log_keys.c.verifier)).scalars())
    if str(verifier) not in known:
        connection.execute(insert(log_keys).values(verifier=str(verifier), since=size, number=len(known) + 1))


def rotate(engine: Engine, old: Signer, new: Signer) -> str:
    """Sign the log as it is with the old key and the new one, so that trust passes on. Raises ``LogChanged``."""
    note = checkpoint(engine, old)
    size = Checkpoint.parse(text_of(note)).size
    line = new.sign(text_of(note))
    with writing(engine) as connection:
        log.lock(connection)
        take_into_use(connection, new.verifier, size)
        add_cosignature(connection, size, new.verifier, line)
    return add_signatures(note, [line])


def add_cosignature(connection: Connection, size: int, verifier: Verifier, line: str) -> None:
    """Keep a further signature of a checkpoint; the first of each signer counts."""
    held = select(func.count()).where(cosignatures.c.size == size, cosignatures.c.witness == str(verifier))
    if connection.execute(held).scalar() == 0:
        connection.execute(insert(cosignatures).values(size=size, witness=str(verifier), line=line))


def inclusion(connection: Connection, position: int, size: int | None) -> dict[str, Any]:
    """The proof in the shape of ``/v1/log/proofs/inclusion``. Raises ``Refusal``."""
    size = _size(size, log.read_head(connection).position, "size")
    if not 1 <= position <= size:
        raise _wrong("position", f"позиция {position} дальше размера {size}")
    blocks = tree.blocks(connection)
    block, place = divmod(position - 1, merkle.BLOCK)
    return {
        "position": position,
        "size": size,
        "leaf_hash": _base64(blocks(0, block)[place]),
        "root": _base64(merkle.root(size, blocks)),
        "hashes": list(map(_base64, merkle.inclusion(position - 1, size, blocks))),
    }


def consistency(connection: Connection, old: int, new: int | None) -> dict[str, Any]:
    """The proof in the shape of ``/v1/log/proofs/consistency``. Raises ``Refusal``."""
    new = _size(new, log.read_head(connection).position, "new")
    old = _size(old, new, "old")
    blocks = tree.blocks(connection)
    return {
        "old": old,
        "new": new,
        "old_root": _base64(merkle.root(old, blocks)),
        "new_root": _base64(merkle.root(new, blocks)),
        "hashes": list(map(_base64, merkle.consistency(old, new, blocks))),
    }


def tlog_proof(connection: Connection, position: int, note: str) -> str:
    """The proof that the event at a position is in the log of a checkpoint, as a text. Raises ``Refusal``."""
    size = Checkpoint.parse(text_of(note)).size
    if not 1 <= position <= size:
        raise Refusal(404, f"в журнале нет позиции {position}")
    hashes = merkle.inclusion(position - 1, size, tree.blocks(connection))
    return TlogProof(position - 1, tuple(hashes), note).text()


def public_keys(connection: Connection) -> list[Verifier]:
    """Every public key that the log has had, the present one last."""
    statement = select(log_keys.c.verifier).order_by(log_keys.c.number)
    return [Verifier.parse(text) for text in connection.execute(statement).scalars()]


def kept_checkpoints(connection: Connection, up_to: int) -> Sequence[str]:
    """The signed notes of sizes up to this one, in rising size, with what witnesses added."""
    sizes = select(checkpoints.c.size).where(checkpoints.c.size <= up_to).order_by(checkpoints.c.size)
    return [str(_kept(connection, size)) for size in connection.execute(sizes).scalars().all()]


def _size(asked: int | None, most: int, name: str) -> int:
    if asked is not None and asked > most:
        raise _wrong(name, f"{asked} дальше конца журнала ({most})")
    return most if asked is None else asked


def _wrong(name: str, message: str) -> Refusal:
    return Refusal(400, "параметры запроса не приняты", errors={name: [message]})


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _kept(connection: Connection, size: int) -> str | None:
    note = connection.execute(select(checkpoints.c.note).where(checkpoints.c.size == size)).scalar()
    if note is None:
        return None
    lines = select(cosignatures.c.line).where(cosignatures.c.size == size).order_by(cosignatures.c.witness)
    return add_signatures(note, list(connection.execute(lines).scalars()))
