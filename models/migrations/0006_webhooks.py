"""Endpoints that are told what happens, what was sent to them, and who may open one."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS webhook_endpoints (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        url TEXT NOT NULL,
        description TEXT NOT NULL,
        kinds TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('ENABLED', 'DISABLED')),
        disabled_reason TEXT CHECK (disabled_reason IN ('MANUAL', 'FAILING', 'GONE')),
        disabled_at INTEGER,
        cursor INTEGER NOT NULL CHECK (cursor >= 0),
        secret TEXT NOT NULL,
        previous_secret TEXT,
        previous_until INTEGER,
        failing_since INTEGER,
        failures INTEGER NOT NULL CHECK (failures >= 0),
        created_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id),
        CHECK ((status = 'DISABLED') = (disabled_reason IS NOT NULL)),
        CHECK ((status = 'DISABLED') = (disabled_at IS NOT NULL)),
        CHECK ((previous_secret IS NULL) = (previous_until IS NULL)),
        CHECK ((failures = 0) = (failing_since IS NULL))
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS webhook_deliveries (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        endpoint_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        kind TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED')),
        replayed INTEGER NOT NULL CHECK (replayed IN (0, 1)),
        attempts INTEGER NOT NULL CHECK (attempts >= 0),
        created_at INTEGER NOT NULL,
        next_attempt_at INTEGER,
        leased_until INTEGER,
        attempted_at INTEGER,
        finished_at INTEGER,
        response_status INTEGER,
        response_excerpt TEXT,
        fault TEXT,
        duration_ms INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK ((status = 'PENDING') = (next_attempt_at IS NOT NULL)),
        CHECK ((status = 'PENDING') = (finished_at IS NULL))
    )
    """,
    """CREATE INDEX IF NOT EXISTS webhook_deliveries_endpoint
       ON webhook_deliveries (organization_id, endpoint_id, id)""",
    """CREATE INDEX IF NOT EXISTS webhook_deliveries_due
       ON webhook_deliveries (organization_id, endpoint_id, next_attempt_at) WHERE status = 'PENDING'""",
    """CREATE INDEX IF NOT EXISTS webhook_deliveries_finished
       ON webhook_deliveries (finished_at) WHERE status <> 'PENDING'""",
)

# The built-in roles of organizations that are there already get what those of new ones have.
ROLES = (
    """
    UPDATE roles SET permissions = substr(permissions, 1, length(permissions) - 1) || ',"webhooks.read"]'
    WHERE built_in = 1 AND key IN ('primary_owner', 'owner', 'billing_admin', 'auditor')
      AND permissions NOT LIKE '%"webhooks.read"%'
    """,
    """
    UPDATE roles SET permissions = substr(permissions, 1, length(permissions) - 1) || ',"webhooks.write"]'
    WHERE built_in = 1 AND key IN ('primary_owner', 'owner') AND permissions NOT LIKE '%"webhooks.write"%'
    """,
)


class Migration(BaseMigration):
    """Webhooks."""

    dependencies = [("models", "0005_list_prices")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES, *ROLES)]  # noqa: RUF012
