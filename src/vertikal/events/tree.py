"""The Merkle tree as the log keeps it: leaf hashes beside the events, roots of full subtrees in a table of their own.

Nothing stored is ever changed: an append adds its leaf hashes and, for every 256ᵏ leaves that it completes, one root.
An append costs one hash an event and a row for every 255; a proof reads at most two blocks of 256 hashes a level.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from . import bulk, merkle
from .tables import events, tree


def grow(connection: Connection, size: int, added: Sequence[bytes]) -> None:
    """Keep the roots that leaf hashes complete behind the first ``size`` leaves; in the transaction of the append."""
    bulk.insert(connection, tree, list(merkle.completed(size, added, blocks(connection))))


def root(connection: Connection, size: int) -> bytes:
    """The root of the first ``size`` events."""
    return merkle.root(size, blocks(connection))


def blocks(connection: Connection) -> merkle.Blocks:
    """How the arithmetic reads what is stored."""

    def read(level: int, number: int) -> list[bytes]:
        first = number * merkle.BLOCK
        if level == 0:  # leaf i is the event at position i + 1
            column, key, first, where = events.c.hash, events.c.position, first + 1, []
        else:
            column, key, where = tree.c.hash, tree.c.number, [tree.c.level == level]
        within = key.between(first, first + merkle.BLOCK - 1)
        return [
            bytes(hash_) for hash_ in connection.execute(select(column).where(within, *where).order_by(key)).scalars()
        ]

    return read
