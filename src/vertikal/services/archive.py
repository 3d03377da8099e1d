"""``export`` and ``restore``: a whole log into a bundle, and a working database out of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select

from ..contracts.catalogue import CATALOGUE
from ..events import bundle, log, merkle, registry, tree
from ..events.bundle import Trailer
from ..events.database import reading, writing
from ..events.notes import Checkpoint, Signer, Verifier, text_of
from ..events.tables import checkpoints, events, sources
from . import keys, proving, store
from .refusals import Refusal
from .settings import Settings

CHUNK = 1_000
Progress = Callable[[int], None]


def export(engine: Engine, signer: Signer, path: Path, progress: Progress) -> str:
    """Write the whole log into a bundle; the checkpoint that signs it.

    An interrupted export goes on where it was, unless what it left is of another log: then it begins anew.
    Raises ``OSError``, ``LogChanged``, ``KeyNotInUse``.
    """
    note = proving.checkpoint(engine, signer)
    size = Checkpoint.parse(text_of(note)).size
    bundle.write(
        path,
        lambda after: _leaves(engine, after, size),
        lambda _: _trailer(engine, size),
        progress,
        lambda done, root: done <= size and root == _root(engine, done),
    )
    return note


def restore(settings: Settings, path: Path, progress: Progress) -> Engine:
    """A database like the one that the bundle came from; the bundle must have been verified. Figures are not made yet.

    An interrupted restoration goes on. Raises ``Refusal`` where the database holds anything else, and ``NotReady``.
    """
    trailer = bundle.read_trailer(path)
    origin = Checkpoint.parse(text_of(trailer.checkpoints[-1])).origin
    engine = store.begin(settings, origin)
    with reading(engine) as connection:
        done = log.read_head(connection).position
        begun_here = not connection.execute(select(func.count()).select_from(sources)).scalar()
    if done and not begun_here:
        raise Refusal(409, "в базе уже есть события: восстановление возможно только в пустую базу")
    leaves = bundle.read(path)
    _require_same(engine, islice(leaves, done), done)
    progress(done)
    while chunk := list(islice(leaves, CHUNK)):
        with writing(engine) as connection:
            _take(connection, chunk)
        progress(len(chunk))
    with writing(engine) as connection:
        _finish(connection, trailer)
        proving.take_into_use(connection, keys.signer(settings).verifier, log.lock(connection).position)
    return engine


def _root(engine: Engine, size: int) -> bytes:
    with reading(engine) as connection:
        return tree.root(connection, size)


def _require_same(engine: Engine, leaves: Iterator[bytes], done: int) -> None:
    """Raises ``Refusal`` where an interrupted restoration was of another bundle."""
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier.append(merkle.leaf_hash(leaf))
    with reading(engine) as connection:
        if frontier.size != done or frontier.root() != tree.root(connection, done):
            raise Refusal(409, "в базе начато восстановление из другого пакета: нужна пустая база")


def _leaves(engine: Engine, after: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """(leaf, hash kept beside it) behind a position, up to a size; each chunk in a transaction of its own."""
    while after < size:
        within = events.c.position.between(after + 1, min(after + CHUNK, size))
        with reading(engine) as connection:
            rows = connection.execute(select(events.c.leaf, events.c.hash).where(within).order_by(events.c.position))
            found = [(bytes(leaf), bytes(hash_)) for leaf, hash_ in rows]
        yield from found
        after += CHUNK


def _trailer(engine: Engine, size: int) -> Trailer:
    with reading(engine) as connection:
        bound = connection.execute(select(sources.c.source, sources.c.organisation).order_by(sources.c.source))
        return Trailer(
            tuple(map(str, proving.public_keys(connection))),
            tuple({"source": source, "organisation": organisation} for source, organisation in bound),
            tuple(proving.kept_checkpoints(connection, size)),
        )


def _take(connection: Connection, leaves: list[bytes]) -> None:
    """Write leaves with everything that follows from them: what they declare and what they take back."""
    at = log.lock(connection)
    log.write_again(connection, at, leaves)
    declared: list[registry.Declared] = []
    retractions = []
    for position, leaf in enumerate(leaves, at.position + 1):
        event = log.Recorded(position, leaf).event
        contract = CATALOGUE.find(event["type"], int(event["dataschema"].rpartition("/")[2]))
        if contract is None:
            raise Refusal(422, f"позиция {position}: тип «{event['type']}» этой версии программы неизвестен")
        declared += registry.declared_by(contract, event, position)
        if event["type"] == "event.retracted":
            retractions.append((position, event))
    registry.record(connection, declared)
    for position, event in retractions:
        target, stands = log.retracted_by(connection, event)
        registry.retract(connection, target.position, position, stands=stands)


def _finish(connection: Connection, trailer: Trailer) -> None:
    """What stands beside the events; its presence says that the restoration is complete."""
    for key in trailer.keys:
        proving.take_into_use(connection, Verifier.parse(key), 0)
    rows = [{"size": Checkpoint.parse(text_of(note)).size, "note": note} for note in trailer.checkpoints]
    connection.execute(insert(checkpoints), rows)
    registry.bind_sources(connection, {each["source"]: each["organisation"] for each in trailer.sources})
