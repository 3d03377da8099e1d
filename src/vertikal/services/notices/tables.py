"""Who is told of changes in an inbox, and each time that somebody is."""

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text, text

from ...events.tables import Code, Position

metadata = MetaData()

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("organisation", Code, nullable=False, comment="whose inbox, with those below it"),
    Column("channel", Code, nullable=False, comment="webhook or email"),
    Column("address", Text, nullable=False),
    Column("secret", LargeBinary, comment="of a webhook: what signs it, wrapped by the master key"),
    Column("told", Text, nullable=False, comment="JSON: the proposals that the receiver knows to be waiting"),
    Column("known_at", Position, nullable=False, comment="the position of the log that it was last told of"),
    Column("created_at", Code, nullable=False),
    Column("cancelled_at", Code),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Code, primary_key=True, comment="UUID: the receiver knows the same delivery by it"),
    Column("subscription", Integer, nullable=False),
    Column("appeared", Text, nullable=False, comment="JSON: ids of the proposals that are new"),
    Column("ended", Text, nullable=False, comment="JSON: ids of those that wait no longer"),
    Column("digest", Code, nullable=False, comment="SHA-256 of the body"),
    Column("body", Text, comment="what is sent, to the byte; kept until the delivery is over"),
    Column("made_at", Code, nullable=False),
    Column("attempts", Integer, nullable=False, comment="begun ones"),
    Column("next_attempt_at", Code, comment="None: the delivery is over"),
    Column("delivered_at", Code, comment="None and over: it was given up"),
    Column("last_status", Integer, comment="of HTTP or SMTP"),
    Column("last_error", Text),
    Index("deliveries_by_subscription", "subscription", "made_at"),
    Index(
        "deliveries_under_way",
        "subscription",
        unique=True,
        sqlite_where=text("next_attempt_at IS NOT NULL"),
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    ),
)
