"""May the boundary of a voided invoice have another one? Of those that stand there is one for each boundary."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define


class Migration(BaseMigration):
    """Months that are billed again."""

    dependencies = [("models", "0018_tax_of_credit_notes")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [  # noqa: RUF012  # the same
        Define(
            """CREATE UNIQUE INDEX IF NOT EXISTS invoices_standing ON invoices (organization_id, boundary_at)
               WHERE status <> 'VOIDED'""",
            "DROP INDEX IF EXISTS invoices_boundary",
            """CREATE INDEX IF NOT EXISTS usage_adjustments_origin
               ON usage_adjustments (organization_id, origin_period_start)""",
            "CREATE INDEX IF NOT EXISTS invoices_of_boundary ON invoices (organization_id, boundary_at)",
        ),
    ]
