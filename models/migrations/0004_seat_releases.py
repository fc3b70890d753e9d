"""Seats that are given back and kept until what is paid for is used up."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS seat_releases (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        role TEXT NOT NULL,
        billable INTEGER NOT NULL CHECK (billable IN (0, 1)),
        tier TEXT,
        add_ons TEXT NOT NULL,
        requested_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        ended_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK (due_at > requested_at)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS seat_releases_waiting ON seat_releases (organization_id, member_id)
       WHERE ended_at IS NULL""",
    """CREATE INDEX IF NOT EXISTS seat_releases_due ON seat_releases (organization_id, due_at)
       WHERE ended_at IS NULL""",
)


class Migration(BaseMigration):
    """Seat releases."""

    dependencies = [("models", "0003_spend_levels")]  # noqa: RUF012  # Tortoise reads plain class attributes
    operations = [Define(*TABLES)]  # noqa: RUF012
