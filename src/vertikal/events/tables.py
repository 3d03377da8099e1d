"""The tables of the log: the events, their head, and what they have named."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.dialects import postgresql

metadata = MetaData()

# SQLite makes only INTEGER (not BIGINT) primary keys an alias of the row number.
Position = BigInteger().with_variant(Integer, "sqlite")

# Codes compare byte by byte on both databases: fast, and ranges of keys mean the same everywhere.
Code = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

events = Table(
    "events",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("source", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("type", Code, nullable=False),
    Column("subject", Code, nullable=False),
    Column("recorded_at", Code, nullable=False),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the canonical bytes as sent"),
    Column("leaf", LargeBinary, nullable=False, comment="RFC 8785 form of {event, recorded_at}: the Merkle leaf"),
    UniqueConstraint("source", "id"),
    Index("events_by_subject", "subject", "position"),
    Index("events_by_time", "recorded_at", "position"),
)

head = Table(
    "head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False, comment="always 1: the row that writers lock"),
    Column("position", Position, nullable=False),
    Column("recorded_at", Code, nullable=False),
    Column("organisations", Position, nullable=False, comment="position of the last event that changed the tree"),
)

declarations = Table(
    "declarations",
    metadata,
    Column("kind", Code, primary_key=True),
    Column("code", Code, primary_key=True),
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("owner", Code),
    Column("detail", LargeBinary, comment="JSON: what a check needs beyond the name"),
    Column("retracted", Integer, nullable=False, comment="1 while the event that declared it is retracted"),
    Index("declarations_by_position", "position"),
)

retractions = Table(
    "retractions",
    metadata,
    Column("by", Position, primary_key=True, autoincrement=False, comment="position of the retraction"),
    Column("target", Position, nullable=False, index=True, comment="position of the event that it concerns in the end"),
    Column("stands", Integer, nullable=False, comment="1: a retraction was itself retracted, the event stands again"),
)

sources = Table(
    "sources",
    metadata,
    Column("source", Code, primary_key=True),
    Column("organisation", Code, nullable=False, comment="whose token used the source first"),
)
