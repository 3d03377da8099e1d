"""The tables of the ledger. Everything here can be dropped and built again from the log.

There are two volumes of it, of the same tables: one is live, in the other the next is built (or the last one rests).
The numbers of places and accounts are common to both. What several processes fold stands beside them until all
have done so: see ``parts``.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

from ..events.tables import Code, Position

metadata = MetaData()

volumes = Table(
    "volumes",
    metadata,
    Column("name", Code, primary_key=True),
    Column("live", Integer, nullable=False, comment="1: figures are read here; true of one volume"),
    Column("position", Position, nullable=False, comment="the last position of the log that the volume holds"),
    Column("closed", Position, nullable=False, comment="the position up to which its epochs are closed"),
    Column("models", Text, nullable=False, comment="the read models that made it, with their versions"),
    Column("digest", Text, comment="SHA-256 over its balances, when that was last computed"),
    Column("digest_position", Position, comment="the position that the digest is of"),
)

building = Table(
    "building",
    metadata,
    Column("step", Code, primary_key=True, comment="a step of the rebuild under way that is done"),
    Column("detail", Text, comment="of the step 'plan': what is being built"),
)

places = Table(
    "places",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("path", Code, nullable=False, unique=True, comment="codes from the root down, joined with /"),
    Column("organisation", Code, nullable=False, index=True, comment="the last code of the path"),
    Column("kind", Code, nullable=False),
)

holders = Table(
    "holders",
    metadata,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("holder", Integer, primary_key=True, autoincrement=False, comment="itself or above; never a school"),
    sqlite_with_rowid=False,
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("measure", Code, nullable=False),
    Column("dimensions", Code, nullable=False, comment="canonical JSON object"),
    Column("summary", Integer, nullable=False, comment="1: sums all accounts with these dimensions among theirs"),
    Column("summed_in", Integer, comment="the summary that the account is part of"),
    UniqueConstraint("measure", "summary", "dimensions"),
)


@dataclass(frozen=True)
class Volume:
    """One of the two: what the engine writes, and figures are read from."""

    name: str
    entities: Table
    postings: Table
    balances: Table
    closings: Table
    blocked: Table


def _volume(name: str) -> Volume:
    return Volume(name, _entities(name), _postings(name), _balances(name), _closings(name), _blocked(name))


def _entities(volume: str) -> Table:
    return Table(
        f"entities_{volume}",
        metadata,
        Column("model", Code, primary_key=True, comment="with its version"),
        Column("key", Code, primary_key=True),
        Column("body", LargeBinary, nullable=False, comment="JSON: state, positions of its events, why it is blocked"),
        sqlite_with_rowid=False,
    )


def _postings(volume: str) -> Table:
    return Table(
        f"postings_{volume}",
        metadata,
        Column("place", Integer, primary_key=True, autoincrement=False),
        Column("account", Integer, primary_key=True, autoincrement=False),
        Column("position", Position, primary_key=True, autoincrement=False, comment="the event that brought it"),
        Column("date", Integer, primary_key=True, autoincrement=False, comment="YYYYMMDD: the day on which it is true"),
        Column("moved", Integer, primary_key=True, autoincrement=False, comment="1: moves what another row posted"),
        Column("amount", BigInteger, nullable=False),
        # All that is asked of the postings of a few positions stands in the index itself.
        Index(f"postings_{volume}_by_position", "position", "place", "account", "date", "amount"),
        sqlite_with_rowid=False,
    )


def _balances(volume: str) -> Table:
    return Table(
        f"balances_{volume}",
        metadata,
        Column("place", Integer, primary_key=True, autoincrement=False, comment="never a school: its postings are few"),
        Column("account", Integer, primary_key=True, autoincrement=False),
        Column("date", Integer, primary_key=True, autoincrement=False, comment="YYYYMMDD"),
        Column("amount", BigInteger, nullable=False, comment="postings of the place and all below it, of this day"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},  # amounts change in place
    )


def _closings(volume: str) -> Table:
    return Table(
        f"closings_{volume}",
        metadata,
        Column("place", Integer, primary_key=True, autoincrement=False),
        Column("account", Integer, primary_key=True, autoincrement=False),
        Column("level", Integer, primary_key=True, autoincrement=False),
        Column("epoch", Integer, primary_key=True, autoincrement=False),
        Column("date", Integer, primary_key=True, autoincrement=False, comment="YYYYMMDD"),
        Column("amount", BigInteger, nullable=False, comment="what the positions of the epoch brought to this day"),
        Index(f"closings_{volume}_by_epoch", "level", "epoch", postgresql_using="brin"),  # rows come in this order
        sqlite_with_rowid=False,
    )


window = Table(
    "projection_window",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("volume", Code, nullable=False),
    Column("base", Position, nullable=False, comment="the position that the volume holds"),
    Column("until", Position, nullable=False, comment="every part is to be folded up to here"),
)

parts = Table(
    "projection_parts",
    metadata,
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("reached", Position, nullable=False, comment="all its events up to here are at hand"),
    Column("staged", Position, nullable=False, comment="its events up to here, the end of a window, are folded"),
    Column("checksum", Position, nullable=False, comment="over the hashes of those of the window"),
)

staged_entities = Table(
    "staged_entities",
    metadata,
    Column("model", Code, nullable=False, comment="with its version"),
    Column("key", Code, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("positions", Text, nullable=False, comment="JSON: the events of the window that made it so"),
    Column("released", Integer, nullable=False, comment="1: what blocked it before is gone"),
    Index("staged_entities_by_key", "model", "key"),
)

staged_postings = Table(
    "staged_postings",
    metadata,
    Column("place", Integer, nullable=False),
    Column("account", Integer, nullable=False),
    Column("position", Position, nullable=False),
    Column("date", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
)

staged_blocked = Table(
    "staged_blocked",
    metadata,
    Column("model", Code, nullable=False),
    Column("key", Code, nullable=False),
    Column("position", Position, nullable=False),
    Column("organisation", Code, nullable=False),
    Column("reason", Text, nullable=False),
)


def _blocked(volume: str) -> Table:
    return Table(
        f"blocked_{volume}",
        metadata,
        Column("model", Code, primary_key=True),
        Column("key", Code, primary_key=True),
        Column("position", Position, primary_key=True, autoincrement=False),
        Column("organisation", Code, primary_key=True),
        Column("reason", Text, nullable=False),
        Index(f"blocked_{volume}_by_organisation", "organisation"),
    )


VOLUMES = {name: _volume(name) for name in ("a", "b")}
