"""What the database knows of Kafka: offsets beside their events, what was refused, how far the log was relayed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

CODE = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("kafka_offsets", "refused_messages", "kafka_relay")


def upgrade() -> None:
    _make_offsets()
    _make_refused()
    op.create_table(
        "kafka_relay",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("position", POSITION, nullable=False, comment="every event up to here is acknowledged by Kafka"),
        _count("epoch", "how often a relay was elected: the last one counts"),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("relayed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _grant()


def _make_offsets() -> None:
    op.create_table(
        "kafka_offsets",
        sa.Column("topic", CODE, nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "topic_id", sa.Text(), nullable=False, comment="Kafka's id of the topic: another one after it was made anew"
        ),
        _count("next", "the first offset that is not taken yet"),
        sa.Column("leader_epoch", sa.Integer(), nullable=False, comment="of the last message taken; -1: unknown"),
        _count("epoch", "how often the partition was claimed: the last claim counts"),
        sa.Column("holder", sa.Text(), nullable=False, comment="who claimed it last: host and process"),
        sa.Column("claimed_at", sa.Text(), nullable=False),
        _count("received", "accepted + duplicates + refused + conflicts"),
        _count("accepted"),
        _count("duplicates"),
        _count("refused"),
        _count("conflicts"),
        _count("fenced", "how often a replaced consumer was kept from writing"),
        _count("lost", "offsets that went unread, each conceded by an operator"),
        _count("end", "the end of the partition when it was last looked at"),
        sa.Column("seen_at", sa.Text(), nullable=False, comment="when that was"),
        sa.Column("stopped", sa.Text(), comment="the alarm: why nothing more is taken until an operator acts"),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )


def _make_refused() -> None:
    op.create_table(
        "refused_messages",
        sa.Column("id", POSITION, nullable=False),
        sa.Column("topic", CODE, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        _count("offset"),
        _count("sent_at", "Kafka's timestamp, milliseconds since 1970"),
        sa.Column("key", sa.LargeBinary()),
        sa.Column("value", sa.LargeBinary(), comment="as it came, but for personal data, which is cut out"),
        sa.Column("headers", sa.Text(), nullable=False, comment="JSON: [[name, base64 of the value or null], …]"),
        sa.Column("organisation", CODE, comment="whose signature it carries; null: none that holds"),
        sa.Column("role", sa.Text()),
        sa.Column("event", sa.Text(), comment="the id of the event, where one could be read"),
        sa.Column("status", sa.Text(), nullable=False, comment="rejected or conflict"),
        sa.Column("reasons", sa.Text(), nullable=False, comment="JSON: reasons by field path, of the last attempt"),
        sa.Column("refused_at", sa.Text(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False, comment="1: vertikal.refused has it"),
        sa.Column("settled_at", sa.Text(), comment="when it was submitted again with success; null: open"),
        sa.Column("position", POSITION, comment="of the event in the log, once it is settled"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refused_messages_open", "refused_messages", ["settled_at", "id"], unique=False)
    columns = ["published", "topic", "partition"]
    op.create_index("refused_messages_unpublished", "refused_messages", columns, unique=False)


def _grant() -> None:
    for table in TABLES:
        op.execute(f"GRANT SELECT ON {table} TO vertikal_ingest")
    for table in ("kafka_offsets", "refused_messages"):
        op.execute(f"GRANT INSERT, UPDATE ON {table} TO vertikal_ingest")
    op.execute("GRANT USAGE ON SEQUENCE refused_messages_id_seq TO vertikal_ingest")
    op.execute("GRANT SELECT, INSERT, UPDATE ON kafka_relay TO vertikal_projector")
    op.execute("GRANT SELECT ON kafka_offsets, kafka_relay TO vertikal_reader")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} OWNER TO vertikal_owner")


def _count(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, comment=comment)
