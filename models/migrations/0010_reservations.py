"""Spend that is reserved before it happens: each hold with the chain and the windows it was put on."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS reservations (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        external_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('HELD', 'SETTLED', 'RELEASED', 'EXPIRED')),
        member_id TEXT NOT NULL,
        tier TEXT NOT NULL,
        group_id TEXT NOT NULL,
        month_start INTEGER NOT NULL,
        week_start INTEGER NOT NULL,
        day_start INTEGER NOT NULL,
        held_nanos INTEGER NOT NULL CHECK (held_nanos >= 0),
        settled_nanos INTEGER CHECK (settled_nanos >= 0),
        excess_nanos INTEGER NOT NULL CHECK (excess_nanos >= 0),
        over_limit INTEGER NOT NULL CHECK (over_limit IN (0, 1)),
        usage_ids TEXT NOT NULL,
        reserved_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        ended_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK (expires_at > reserved_at),
        CHECK ((status = 'HELD') = (ended_at IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS reservations_external ON reservations (organization_id, external_id)",
    """CREATE INDEX IF NOT EXISTS reservations_due ON reservations (organization_id, expires_at, id)
       WHERE status = 'HELD'""",
    "CREATE INDEX IF NOT EXISTS reservations_member ON reservations (organization_id, member_id, id)",
)


class Migration(BaseMigration):
    """Reservations."""

    dependencies = [("models", "0009_unusual_spend")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES)]  # noqa: RUF012  # Tortoise reads a plain class attribute
