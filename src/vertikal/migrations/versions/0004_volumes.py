"""The ledger in two volumes, with closed epochs; one can be built beside the other.

The ledger of before is dropped: the projector makes it anew from the log.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

CODE = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DROPPED = ("blocked", "balances", "postings", "accounts", "places", "entities", "cursor")
COMMON = ("volumes", "building", "places", "holders", "accounts")
OF_A_VOLUME = ("entities", "postings", "balances", "closings", "blocked")


def upgrade() -> None:
    for table in DROPPED:
        op.drop_table(table)
    _make_common()
    for volume in ("a", "b"):
        _make_entities(volume)
        _make_postings(volume)
        _make_blocked(volume)
    if op.get_bind().dialect.name == "postgresql":
        _grant([*COMMON, *(f"{table}_{volume}" for table in OF_A_VOLUME for volume in ("a", "b"))])


def _grant(tables: list[str]) -> None:
    for table in tables:
        op.execute(f"GRANT SELECT ON {table} TO vertikal_ingest, vertikal_reader")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO vertikal_projector")
        op.execute(f"ALTER TABLE {table} OWNER TO vertikal_owner")


def _number(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), autoincrement=False, nullable=False, comment=comment)


def _position(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, POSITION, autoincrement=False, nullable=False, comment=comment)


def _make_common() -> None:
    op.create_table(
        "volumes",
        sa.Column("name", CODE, nullable=False),
        sa.Column("live", sa.Integer(), nullable=False, comment="1: figures are read here; true of one volume"),
        _position("position", "the last position of the log that the volume holds"),
        _position("closed", "the position up to which its epochs are closed"),
        sa.Column("models", sa.Text(), nullable=False, comment="the read models that made it, with their versions"),
        sa.Column("digest", sa.Text(), comment="SHA-256 over its balances, when that was last computed"),
        sa.Column("digest_position", POSITION, comment="the position that the digest is of"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "building",
        sa.Column("step", CODE, nullable=False, comment="a step of the rebuild under way that is done"),
        sa.Column("detail", sa.Text(), comment="of the step 'plan': what is being built"),
        sa.PrimaryKeyConstraint("step"),
    )
    op.create_table(
        "places",
        _number("id"),
        sa.Column("path", CODE, nullable=False, comment="codes from the root down, joined with /"),
        sa.Column("organisation", CODE, nullable=False, comment="the last code of the path"),
        sa.Column("kind", CODE, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("path"),
    )
    op.create_index(op.f("ix_places_organisation"), "places", ["organisation"], unique=False)
    op.create_table(
        "holders",
        _number("place"),
        _number("holder", "itself or above; never a school"),
        sa.PrimaryKeyConstraint("place", "holder"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "accounts",
        _number("id"),
        sa.Column("measure", CODE, nullable=False),
        sa.Column("dimensions", CODE, nullable=False, comment="canonical JSON object"),
        sa.Column(
            "summary", sa.Integer(), nullable=False, comment="1: sums all accounts with these dimensions among theirs"
        ),
        sa.Column("summed_in", sa.Integer(), comment="the summary that the account is part of"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("measure", "summary", "dimensions"),
    )


def _make_entities(volume: str) -> None:
    op.create_table(
        f"entities_{volume}",
        sa.Column("model", CODE, nullable=False, comment="with its version"),
        sa.Column("key", CODE, nullable=False),
        sa.Column(
            "body", sa.LargeBinary(), nullable=False, comment="JSON: state, positions of its events, why it is blocked"
        ),
        sa.PrimaryKeyConstraint("model", "key"),
        sqlite_with_rowid=False,
    )


def _make_postings(volume: str) -> None:
    """Postings, and what is summed from them."""
    op.create_table(
        f"postings_{volume}",
        _number("place"),
        _number("account"),
        _position("position", "the event that brought it"),
        _number("date", "YYYYMMDD: the day on which it is true"),
        _number("moved", "1: moves what another row posted"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", "account", "position", "date", "moved"),
        sqlite_with_rowid=False,
    )
    columns = ["position", "place", "account", "date", "amount"]
    op.create_index(f"postings_{volume}_by_position", f"postings_{volume}", columns, unique=False)
    op.create_table(
        f"balances_{volume}",
        _number("place", "never a school: its postings are few"),
        _number("account"),
        _number("date", "YYYYMMDD"),
        sa.Column(
            "amount", sa.BigInteger(), nullable=False, comment="postings of the place and all below it, of this day"
        ),
        sa.PrimaryKeyConstraint("place", "account", "date"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        f"closings_{volume}",
        _number("place"),
        _number("account"),
        _number("level"),
        _number("epoch"),
        _number("date", "YYYYMMDD"),
        sa.Column(
            "amount", sa.BigInteger(), nullable=False, comment="what the positions of the epoch brought to this day"
        ),
        sa.PrimaryKeyConstraint("place", "account", "level", "epoch", "date"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        f"closings_{volume}_by_epoch",
        f"closings_{volume}",
        ["level", "epoch"],
        unique=False,
        postgresql_using="brin",
    )


def _make_blocked(volume: str) -> None:
    op.create_table(
        f"blocked_{volume}",
        sa.Column("model", CODE, nullable=False),
        sa.Column("key", CODE, nullable=False),
        _position("position"),
        sa.Column("organisation", CODE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "key", "position", "organisation"),
    )
    op.create_index(f"blocked_{volume}_by_organisation", f"blocked_{volume}", ["organisation"], unique=False)
