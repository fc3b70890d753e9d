"""Requests to raise a spend limit, and what was decided about them."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS limit_increases (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        limit_id TEXT NOT NULL,
        place TEXT NOT NULL,
        asked_minor INTEGER NOT NULL CHECK (asked_minor > 0),
        reason TEXT NOT NULL,
        until_at INTEGER,
        status TEXT NOT NULL CHECK (status IN ('PENDING', 'APPROVED', 'DECLINED', 'WITHDRAWN', 'EXPIRED')),
        requested_by TEXT NOT NULL,
        requested_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        decided_by TEXT,
        decided_at INTEGER,
        note TEXT,
        granted_minor INTEGER CHECK (granted_minor > 0 AND granted_minor <= asked_minor),
        granted_until_at INTEGER,
        granted_limit_id TEXT,
        former_limit_id TEXT,
        ended_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK ((status = 'APPROVED') = (granted_minor IS NOT NULL))
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS limit_increases_open ON limit_increases (organization_id, member_id, place)
       WHERE status = 'PENDING'""",
    "CREATE INDEX IF NOT EXISTS limit_increases_member ON limit_increases (organization_id, member_id, id)",
    """CREATE INDEX IF NOT EXISTS limit_increases_waiting ON limit_increases (organization_id, expires_at)
       WHERE status = 'PENDING'""",
    """CREATE INDEX IF NOT EXISTS limit_increases_running ON limit_increases (organization_id, granted_until_at)
       WHERE granted_until_at IS NOT NULL AND ended_at IS NULL""",
)


class Migration(BaseMigration):
    """Raises can be asked for."""

    dependencies = [("models", "0007_tax_exemptions")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES)]  # noqa: RUF012  # Tortoise reads a plain class attribute
