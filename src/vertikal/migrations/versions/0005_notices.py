"""Subscriptions to changes of an inbox, and their deliveries.

The service that sends may not make a subscription, nor change whom one is sent to: administrators do.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

CODE = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNDER_WAY = sa.text("next_attempt_at IS NOT NULL")


def upgrade() -> None:
    _make_subscriptions()
    _make_deliveries()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("GRANT SELECT, UPDATE (told, known_at, cancelled_at) ON subscriptions TO vertikal_ingest")
        op.execute("GRANT SELECT, INSERT, UPDATE ON deliveries TO vertikal_ingest")
        for table in ("subscriptions", "deliveries"):
            op.execute(f"ALTER TABLE {table} OWNER TO vertikal_owner")


def _make_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation", CODE, nullable=False, comment="whose inbox, with those below it"),
        sa.Column("channel", CODE, nullable=False, comment="webhook or email"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), comment="of a webhook: what signs it, wrapped by the master key"),
        sa.Column(
            "told", sa.Text(), nullable=False, comment="JSON: the proposals that the receiver knows to be waiting"
        ),
        sa.Column("known_at", POSITION, nullable=False, comment="the position of the log that it was last told of"),
        sa.Column("created_at", CODE, nullable=False),
        sa.Column("cancelled_at", CODE),
        sa.PrimaryKeyConstraint("id"),
    )


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", CODE, nullable=False, comment="UUID: the receiver knows the same delivery by it"),
        sa.Column("subscription", sa.Integer(), nullable=False),
        sa.Column("appeared", sa.Text(), nullable=False, comment="JSON: ids of the proposals that are new"),
        sa.Column("ended", sa.Text(), nullable=False, comment="JSON: ids of those that wait no longer"),
        sa.Column("digest", CODE, nullable=False, comment="SHA-256 of the body"),
        sa.Column("body", sa.Text(), comment="what is sent, to the byte; kept until the delivery is over"),
        sa.Column("made_at", CODE, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="begun ones"),
        sa.Column("next_attempt_at", CODE, comment="None: the delivery is over"),
        sa.Column("delivered_at", CODE, comment="None and over: it was given up"),
        sa.Column("last_status", sa.Integer(), comment="of HTTP or SMTP"),
        sa.Column("last_error", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_by_subscription", "deliveries", ["subscription", "made_at"], unique=False)
    op.create_index(
        "deliveries_under_way",
        "deliveries",
        ["subscription"],
        unique=True,
        sqlite_where=UNDER_WAY,
        postgresql_where=UNDER_WAY,
    )
