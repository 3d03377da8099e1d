"""PostgreSQL roles: who runs what may do only that. Login users are made members of these by the administrator.

``vertikal_owner`` owns the tables and runs ``init``; ``vertikal_ingest`` serves the web and takes events;
``vertikal_projector`` keeps the figures; ``vertikal_reader`` asks. None but the owner could change what was said, and
the triggers refuse that to the owner, too.
"""

from alembic import op
from sqlalchemy import Connection, inspect, text

revision = "0003"
down_revision = "0002"

ROLES = ("vertikal_owner", "vertikal_ingest", "vertikal_projector", "vertikal_reader")
LEDGER = ("cursor", "entities", "places", "accounts", "postings", "balances", "blocked")
LOG = ("events", "head", "declarations", "retractions", "sources")
ADDED_BY_INGEST = ("events", "tree", "declarations", "retractions", "sources", "checkpoints", "cosignatures")
SECRET = ("tokens", "person_keys")

MAKE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} NOLOGIN; END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'this user may not make roles: have the administrator run CREATE ROLE {role} NOLOGIN';
END $$
"""
JOIN = """
DO $$ BEGIN
    IF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
        EXECUTE format('GRANT {role} TO %I', current_user);
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'this user is no member of {role}: have the administrator run GRANT {role} TO %', current_user;
END $$
"""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for role in ROLES:
        op.execute(MAKE.format(role=role))
        op.execute(JOIN.format(role=role))
    _grant(connection)


def _grant(connection: Connection) -> None:
    schema = connection.execute(text("SELECT current_schema()")).scalar()
    tables = inspect(connection).get_table_names()
    op.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {", ".join(ROLES)}')
    op.execute(f'GRANT CREATE ON SCHEMA "{schema}" TO vertikal_owner')
    for table in tables:
        op.execute(f"GRANT SELECT ON {table} TO vertikal_ingest")
        if table not in SECRET:
            op.execute(f"GRANT SELECT ON {table} TO vertikal_reader")
    for table in ADDED_BY_INGEST:
        op.execute(f"GRANT INSERT ON {table} TO vertikal_ingest")
    op.execute("GRANT UPDATE ON head TO vertikal_ingest")
    op.execute("GRANT UPDATE (retracted) ON declarations TO vertikal_ingest")
    op.execute("GRANT INSERT, DELETE ON person_keys TO vertikal_ingest")
    op.execute("GRANT INSERT, UPDATE ON witnessed TO vertikal_ingest")
    op.execute("GRANT INSERT ON access_journal TO vertikal_ingest")
    op.execute("GRANT USAGE ON SEQUENCE access_journal_id_seq TO vertikal_ingest")
    for table in LOG:
        op.execute(f"GRANT SELECT ON {table} TO vertikal_projector")
    op.execute("GRANT SELECT ON alembic_version TO vertikal_projector")
    for table in LEDGER:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO vertikal_projector")
    for table in tables:
        op.execute(f"ALTER TABLE {table} OWNER TO vertikal_owner")
