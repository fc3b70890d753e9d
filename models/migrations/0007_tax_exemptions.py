"""Tax exemptions by certificate, and everything else an invoice says about people and tax, frozen with it."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Change, Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS tax_exemptions (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        certificate TEXT NOT NULL,
        jurisdiction TEXT NOT NULL,
        reason TEXT NOT NULL,
        valid_from INTEGER NOT NULL,
        valid_until INTEGER,
        recorded_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id),
        CHECK (valid_until IS NULL OR valid_until > valid_from)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS tax_exemptions_certificate
       ON tax_exemptions (organization_id, jurisdiction, certificate)""",
    """
    CREATE TABLE IF NOT EXISTS sellers (
        key TEXT NOT NULL PRIMARY KEY,
        document TEXT NOT NULL
    )
    """,
)


class Migration(BaseMigration):
    """Tax exemptions, sellers and frozen facts."""

    dependencies = [("models", "0006_webhooks")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [  # noqa: RUF012  # Tortoise reads a plain class attribute
        Define(*TABLES),
        Change("invoices", "frozen", "ALTER TABLE invoices ADD COLUMN frozen TEXT"),
    ]
