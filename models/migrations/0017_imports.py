"""Lists of people that come in beside the request which brought them."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS imports (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        status TEXT NOT NULL,
        mode TEXT NOT NULL,
        dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
        total INTEGER NOT NULL CHECK (total > 0),
        done INTEGER NOT NULL CHECK (done BETWEEN 0 AND total),
        failed INTEGER NOT NULL CHECK (failed BETWEEN 0 AND done),
        added INTEGER NOT NULL CHECK (added BETWEEN 0 AND done - failed),
        withheld TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        finished_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK ((finished_at IS NULL) = (status IN ('WAITING', 'RUNNING')))
    )
    """,
    "CREATE INDEX IF NOT EXISTS imports_open ON imports (id) WHERE finished_at IS NULL",
    """
    CREATE TABLE IF NOT EXISTS import_chunks (
        organization_id TEXT NOT NULL,
        import_id TEXT NOT NULL,
        first_row INTEGER NOT NULL,
        people TEXT NOT NULL,
        PRIMARY KEY (organization_id, import_id, first_row)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS import_errors (
        organization_id TEXT NOT NULL,
        import_id TEXT NOT NULL,
        row_number INTEGER NOT NULL,
        line INTEGER,
        email TEXT NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL,
        field TEXT NOT NULL,
        PRIMARY KEY (organization_id, import_id, row_number)
    )
    """,
)


class Migration(BaseMigration):
    """Imports."""

    dependencies = [("models", "0016_invitations")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES)]  # noqa: RUF012  # the same
