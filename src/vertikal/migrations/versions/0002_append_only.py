"""What is said stays said: the database itself refuses to change or remove it, whoever asks."""

from alembic import op

revision = "0002"
down_revision = "0001"

APPEND_ONLY = (
    "events",
    "tree",
    "retractions",
    "sources",
    "log_keys",
    "checkpoints",
    "cosignatures",
    "access_journal",
)
NEVER_REMOVED = ("head", "declarations")

POSTGRESQL_FUNCTIONS = """
CREATE FUNCTION vertikal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION vertikal_refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.position < OLD.position OR NEW.recorded_at < OLD.recorded_at THEN
        RAISE EXCEPTION 'append-only: the head never goes back' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER head_never_goes_back BEFORE UPDATE ON head
    FOR EACH ROW EXECUTE FUNCTION vertikal_refuse_going_back();
"""
POSTGRESQL = """
CREATE TRIGGER {table}_{name} BEFORE {operations} ON {table} FOR EACH ROW EXECUTE FUNCTION vertikal_refuse();
CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION vertikal_refuse();
"""
SQLITE = """
CREATE TRIGGER {table}_never_{operation} BEFORE {operation} ON {table}
BEGIN SELECT RAISE(ABORT, 'append-only: {operation} of {table} is refused'); END
"""
SQLITE_HEAD = """
CREATE TRIGGER head_never_goes_back BEFORE UPDATE ON head
WHEN NEW.position < OLD.position OR NEW.recorded_at < OLD.recorded_at
BEGIN SELECT RAISE(ABORT, 'append-only: the head never goes back'); END
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL_FUNCTIONS)
        for table in APPEND_ONLY:
            op.execute(POSTGRESQL.format(table=table, name="append_only", operations="UPDATE OR DELETE"))
        for table in NEVER_REMOVED:
            op.execute(POSTGRESQL.format(table=table, name="never_removed", operations="DELETE"))
        return
    op.execute(SQLITE_HEAD)
    for table in APPEND_ONLY:
        op.execute(SQLITE.format(table=table, operation="UPDATE"))
    for table in (*APPEND_ONLY, *NEVER_REMOVED):
        op.execute(SQLITE.format(table=table, operation="DELETE"))
