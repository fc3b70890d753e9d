"""People who were asked to come."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS invitations (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        email TEXT NOT NULL,
        role TEXT NOT NULL,
        tier TEXT,
        token_hash TEXT NOT NULL,
        invited_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        accepted_at INTEGER,
        revoked_at INTEGER,
        member_id TEXT,
        PRIMARY KEY (organization_id, id),
        CHECK (expires_at > created_at),
        CHECK ((accepted_at IS NULL) = (member_id IS NULL)),
        CHECK (accepted_at IS NULL OR revoked_at IS NULL)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS invitations_token ON invitations (token_hash)",
    """CREATE UNIQUE INDEX IF NOT EXISTS invitations_email ON invitations (organization_id, email)
       WHERE accepted_at IS NULL AND revoked_at IS NULL""",
)


class Migration(BaseMigration):
    """Invitations."""

    dependencies = [("models", "0015_role_history")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES)]  # noqa: RUF012  # the same
