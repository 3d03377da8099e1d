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
    Column("leaf", LargeBinary, nullable=False, comment="RFC 8785 form of {event, recorded_at}: the Merkle leaf"),
    Column("hash", LargeBinary, nullable=False, comment="RFC 6962 hash of the leaf"),
    UniqueConstraint("source", "id"),
    Index("events_by_subject", "subject", "position"),
    Index("events_by_time", "recorded_at", "position"),
)

tree = Table(
    "tree",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False, comment="k: subtrees of 256^k leaves, k from 1"),
    Column("number", Position, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False, comment="the subtree's root; only full subtrees are kept"),
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

log_keys = Table(
    "log_keys",
    metadata,
    Column("verifier", Code, primary_key=True, comment="public key of the log as a C2SP verifier key"),
    Column("since", Position, nullable=False, comment="size of the log when it was taken into use"),
    Column("number", Integer, nullable=False, unique=True, comment="1, 2, … in the order of use"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Position, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False, comment="C2SP signed note over origin, size and root"),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", Position, primary_key=True, autoincrement=False),
    Column("witness", Code, primary_key=True, comment="verifier key of the witness"),
    Column("line", Text, nullable=False),
)

witnessed = Table(
    "witnessed",
    metadata,
    Column("origin", Code, primary_key=True, comment="a log of others that this one is a witness of"),
    Column("verifier", Code, nullable=False, comment="its public key"),
    Column("size", Position, nullable=False, comment="of the last checkpoint cosigned"),
    Column("root", LargeBinary, nullable=False),
)

person_keys = Table(
    "person_keys",
    metadata,
    Column("person", Code, primary_key=True, comment="pseudonym"),
    Column("wrapped", LargeBinary, nullable=False, comment="the person's key, wrapped by the master key"),
    Column("created_at", Code, nullable=False),
)
