"""The tables of the ledger. Everything here can be dropped and built again from the log."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

from ..events.tables import Code, Position

metadata = MetaData()

cursor = Table(
    "cursor",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("position", Position, nullable=False, comment="the last position that the ledger holds"),
)

entities = Table(
    "entities",
    metadata,
    Column("model", Code, primary_key=True),
    Column("key", Code, primary_key=True),
    Column("body", LargeBinary, nullable=False, comment="JSON: state, positions of its events, why it is blocked"),
    sqlite_with_rowid=False,
)

places = Table(
    "places",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("path", Code, nullable=False, unique=True, comment="codes from the root down, joined with /"),
    Column("organisation", Code, nullable=False, index=True, comment="the last code of the path"),
    Column("kind", Code, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("measure", Code, nullable=False),
    Column("dimensions", Code, nullable=False, comment="canonical JSON object"),
    Column(
        "summary", Integer, nullable=False, comment="1: balances of all accounts with these dimensions among theirs"
    ),
    UniqueConstraint("measure", "summary", "dimensions"),
)

postings = Table(
    "postings",
    metadata,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("position", Position, primary_key=True, autoincrement=False, comment="the event that brought it"),
    Column("date", Integer, primary_key=True, autoincrement=False, comment="YYYYMMDD: the day on which it is true"),
    Column("moved", Integer, primary_key=True, autoincrement=False, comment="1: moves what another row posted"),
    Column("amount", BigInteger, nullable=False),
    # Rows come in the order of positions, which is what a BRIN index is for: it costs next to nothing.
    Index("postings_by_position", "position", postgresql_using="brin"),
    sqlite_with_rowid=False,
)

balances = Table(
    "balances",
    metadata,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("date", Integer, primary_key=True, autoincrement=False, comment="YYYYMMDD"),
    Column("amount", BigInteger, nullable=False, comment="postings of the place and all below it, of this day"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70},  # amounts change in place
)

blocked = Table(
    "blocked",
    metadata,
    Column("model", Code, primary_key=True),
    Column("key", Code, primary_key=True),
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("organisation", Code, primary_key=True),
    Column("reason", Text, nullable=False),
    Index("blocked_by_organisation", "organisation"),
)
