"""The first tables: the log, the ledger, access."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

CODE = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _make_log()
    _make_proofs()
    _make_ledger()
    _make_access()


def _make_log() -> None:
    """What was said, and what it has named."""
    op.create_table(
        "events",
        sa.Column("position", POSITION, autoincrement=False, nullable=False),
        sa.Column("source", CODE, nullable=False),
        sa.Column("id", CODE, nullable=False),
        sa.Column("type", CODE, nullable=False),
        sa.Column("subject", CODE, nullable=False),
        sa.Column("recorded_at", CODE, nullable=False),
        sa.Column(
            "leaf", sa.LargeBinary(), nullable=False, comment="RFC 8785 form of {event, recorded_at}: the Merkle leaf"
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="RFC 6962 hash of the leaf"),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("source", "id"),
    )
    op.create_index("events_by_subject", "events", ["subject", "position"], unique=False)
    op.create_index("events_by_time", "events", ["recorded_at", "position"], unique=False)
    op.create_table(
        "tree",
        sa.Column(
            "level", sa.Integer(), autoincrement=False, nullable=False, comment="k: subtrees of 256^k leaves, k from 1"
        ),
        sa.Column("number", POSITION, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="the subtree's root; only full subtrees are kept"),
        sa.PrimaryKeyConstraint("level", "number"),
    )
    op.create_table(
        "head",
        sa.Column(
            "one", sa.Integer(), autoincrement=False, nullable=False, comment="always 1: the row that writers lock"
        ),
        sa.Column("position", POSITION, nullable=False),
        sa.Column("recorded_at", CODE, nullable=False),
        sa.Column(
            "organisations", POSITION, nullable=False, comment="position of the last event that changed the tree"
        ),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "declarations",
        sa.Column("kind", CODE, nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("position", POSITION, autoincrement=False, nullable=False),
        sa.Column("owner", CODE, nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=True, comment="JSON: what a check needs beyond the name"),
        sa.Column("retracted", sa.Integer(), nullable=False, comment="1 while the event that declared it is retracted"),
        sa.PrimaryKeyConstraint("kind", "code", "position"),
    )
    op.create_index("declarations_by_position", "declarations", ["position"], unique=False)
    op.create_table(
        "retractions",
        sa.Column("by", POSITION, autoincrement=False, nullable=False, comment="position of the retraction"),
        sa.Column("target", POSITION, nullable=False, comment="position of the event that it concerns in the end"),
        sa.Column(
            "stands",
            sa.Integer(),
            nullable=False,
            comment="1: a retraction was itself retracted, the event stands again",
        ),
        sa.PrimaryKeyConstraint("by"),
    )
    op.create_index(op.f("ix_retractions_target"), "retractions", ["target"], unique=False)
    op.create_table(
        "sources",
        sa.Column("source", CODE, nullable=False),
        sa.Column("organisation", CODE, nullable=False, comment="whose token used the source first"),
        sa.PrimaryKeyConstraint("source"),
    )


def _make_proofs() -> None:
    """What proves the log to others, and the keys of persons."""
    op.create_table(
        "log_keys",
        sa.Column("verifier", CODE, nullable=False, comment="public key of the log as a C2SP verifier key"),
        sa.Column("since", POSITION, nullable=False, comment="size of the log when it was taken into use"),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, … in the order of use"),
        sa.PrimaryKeyConstraint("verifier"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", POSITION, autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False, comment="C2SP signed note over origin, size and root"),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "cosignatures",
        sa.Column("size", POSITION, autoincrement=False, nullable=False),
        sa.Column("witness", CODE, nullable=False, comment="verifier key of the witness"),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness"),
    )
    op.create_table(
        "witnessed",
        sa.Column("origin", CODE, nullable=False, comment="a log of others that this one is a witness of"),
        sa.Column("verifier", CODE, nullable=False, comment="its public key"),
        sa.Column("size", POSITION, nullable=False, comment="of the last checkpoint cosigned"),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin"),
    )
    op.create_table(
        "person_keys",
        sa.Column("person", CODE, nullable=False, comment="pseudonym"),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False, comment="the person's key, wrapped by the master key"),
        sa.Column("created_at", CODE, nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )


def _make_ledger() -> None:
    """What it means."""
    op.create_table(
        "cursor",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("position", POSITION, nullable=False, comment="the last position that the ledger holds"),
        sa.PrimaryKeyConstraint("one"),
    )
    op.create_table(
        "entities",
        sa.Column("model", CODE, nullable=False),
        sa.Column("key", CODE, nullable=False),
        sa.Column(
            "body", sa.LargeBinary(), nullable=False, comment="JSON: state, positions of its events, why it is blocked"
        ),
        sa.PrimaryKeyConstraint("model", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "places",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", CODE, nullable=False, comment="codes from the root down, joined with /"),
        sa.Column("organisation", CODE, nullable=False, comment="the last code of the path"),
        sa.Column("kind", CODE, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("path"),
    )
    op.create_index(op.f("ix_places_organisation"), "places", ["organisation"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measure", CODE, nullable=False),
        sa.Column("dimensions", CODE, nullable=False, comment="canonical JSON object"),
        sa.Column(
            "summary",
            sa.Integer(),
            nullable=False,
            comment="1: balances of all accounts with these dimensions among theirs",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("measure", "summary", "dimensions"),
    )
    op.create_table(
        "postings",
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event that brought it"),
        sa.Column(
            "date", sa.Integer(), autoincrement=False, nullable=False, comment="YYYYMMDD: the day on which it is true"
        ),
        sa.Column(
            "moved", sa.Integer(), autoincrement=False, nullable=False, comment="1: moves what another row posted"
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "place", "position", "date", "moved"),
        sqlite_with_rowid=False,
    )
    op.create_index("postings_by_position", "postings", ["position"], unique=False, postgresql_using="brin")
    op.create_table(
        "balances",
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("date", sa.Integer(), autoincrement=False, nullable=False, comment="YYYYMMDD"),
        sa.Column(
            "amount", sa.BigInteger(), nullable=False, comment="postings of the place and all below it, of this day"
        ),
        sa.PrimaryKeyConstraint("place", "account", "date"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blocked",
        sa.Column("model", CODE, nullable=False),
        sa.Column("key", CODE, nullable=False),
        sa.Column("position", POSITION, autoincrement=False, nullable=False),
        sa.Column("organisation", CODE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "key", "position", "organisation"),
    )
    op.create_index("blocked_by_organisation", "blocked", ["organisation"], unique=False)


def _make_access() -> None:
    """Who may ask, and who read."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of the token; the token itself is not kept"),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "access_journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
