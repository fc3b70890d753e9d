"""A record of every command, chained so that a change of any of them shows."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS audit_records (
        organization_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        method TEXT NOT NULL,
        issuer TEXT NOT NULL,
        request_id TEXT NOT NULL,
        operation TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('DONE', 'REFUSED', 'FORBIDDEN')),
        code TEXT,
        message TEXT,
        input TEXT NOT NULL,
        changes TEXT NOT NULL,
        previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (organization_id, sequence)
    )
    """,
    "CREATE INDEX IF NOT EXISTS audit_records_operation ON audit_records (organization_id, operation, sequence)",
    "CREATE INDEX IF NOT EXISTS audit_records_actor ON audit_records (organization_id, actor, sequence)",
    # The end of each chain, beside it: without this, records cut off at the end would not be missed.
    """
    CREATE TABLE IF NOT EXISTS audit_heads (
        organization_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (organization_id)
    )
    """,
)


class Migration(BaseMigration):
    """The audit chain."""

    dependencies = [("models", "0001_first_light")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES)]  # noqa: RUF012  # Tortoise reads a plain class attribute
