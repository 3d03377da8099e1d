"""What the database knows of Kafka: how far each partition was taken, what was refused, how far the log was relayed."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

from ...events.tables import Code, Position

metadata = MetaData()

offsets = Table(
    "kafka_offsets",
    metadata,
    Column("topic", Code, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("topic_id", Text, nullable=False, comment="Kafka's id of the topic: another one after it was made anew"),
    Column("next", BigInteger, nullable=False, comment="the first offset that is not taken yet"),
    Column("leader_epoch", Integer, nullable=False, comment="of the last message taken; -1: unknown"),
    Column("epoch", BigInteger, nullable=False, comment="how often the partition was claimed: the last claim counts"),
    Column("holder", Text, nullable=False, comment="who claimed it last: host and process"),
    Column("claimed_at", Text, nullable=False),
    Column("received", BigInteger, nullable=False, comment="accepted + duplicates + refused + conflicts"),
    Column("accepted", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("conflicts", BigInteger, nullable=False),
    Column("fenced", BigInteger, nullable=False, comment="how often a replaced consumer was kept from writing"),
    Column("lost", BigInteger, nullable=False, comment="offsets that went unread, each conceded by an operator"),
    Column("end", BigInteger, nullable=False, comment="the end of the partition when it was last looked at"),
    Column("seen_at", Text, nullable=False, comment="when that was"),
    Column("stopped", Text, comment="the alarm: why nothing more is taken until an operator acts"),
)

refused_messages = Table(
    "refused_messages",
    metadata,
    Column("id", Position, primary_key=True),
    Column("topic", Code, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("sent_at", BigInteger, nullable=False, comment="Kafka's timestamp, milliseconds since 1970"),
    Column("key", LargeBinary),
    Column("value", LargeBinary, comment="as it came, but for personal data, which is cut out"),
    Column("headers", Text, nullable=False, comment="JSON: [[name, base64 of the value or null], …]"),
    Column("organisation", Code, comment="whose signature it carries; null: none that holds"),
    Column("role", Text),
    Column("event", Text, comment="the id of the event, where one could be read"),
    Column("status", Text, nullable=False, comment="rejected or conflict"),
    Column("reasons", Text, nullable=False, comment="JSON: reasons by field path, of the last attempt"),
    Column("refused_at", Text, nullable=False),
    Column("published", Integer, nullable=False, comment="1: vertikal.refused has it"),
    Column("settled_at", Text, comment="when it was submitted again with success; null: open"),
    Column("position", Position, comment="of the event in the log, once it is settled"),
    Index("refused_messages_open", "settled_at", "id"),
    Index("refused_messages_unpublished", "published", "topic", "partition"),
)

relay = Table(
    "kafka_relay",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("position", Position, nullable=False, comment="every event up to here is acknowledged by Kafka"),
    Column("epoch", BigInteger, nullable=False, comment="how often a relay was elected: the last one counts"),
    Column("holder", Text, nullable=False),
    Column("relayed_at", Text, nullable=False),
)
