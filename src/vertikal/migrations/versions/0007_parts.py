"""What several processes fold of one window, until it is settled: unlogged, for it can be made again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

CODE = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("projection_window", "projection_parts", "staged_entities", "staged_postings", "staged_blocked")


def upgrade() -> None:
    _make(
        "projection_window",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("volume", CODE, nullable=False),
        _position("base", "the position that the volume holds"),
        _position("until", "every part is to be folded up to here"),
        sa.PrimaryKeyConstraint("one"),
    )
    _make(
        "projection_parts",
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        _position("reached", "all its events up to here are at hand"),
        _position("staged", "its events up to here, the end of a window, are folded"),
        _position("checksum", "over the hashes of those of the window"),
        sa.PrimaryKeyConstraint("part"),
    )
    _make(
        "staged_entities",
        sa.Column("model", CODE, nullable=False, comment="with its version"),
        sa.Column("key", CODE, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("positions", sa.Text(), nullable=False, comment="JSON: the events of the window that made it so"),
        sa.Column("released", sa.Integer(), nullable=False, comment="1: what blocked it before is gone"),
    )
    op.create_index("staged_entities_by_key", "staged_entities", ["model", "key"], unique=False)
    _make(
        "staged_postings",
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        _position("position"),
        sa.Column("date", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
    )
    _make(
        "staged_blocked",
        sa.Column("model", CODE, nullable=False),
        sa.Column("key", CODE, nullable=False),
        _position("position"),
        sa.Column("organisation", CODE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            op.execute(f"GRANT SELECT ON {table} TO vertikal_ingest, vertikal_reader")
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO vertikal_projector")
            op.execute(f"ALTER TABLE {table} OWNER TO vertikal_owner")


def _make(name: str, *columns: sa.schema.SchemaItem) -> None:
    unlogged = ["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else []
    op.create_table(name, *columns, prefixes=unlogged)


def _position(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, POSITION, nullable=False, comment=comment)
