"""The built-in roles whose members take part may ask for more for themselves; who only reads may not."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

ROLES = """
    UPDATE roles SET permissions = substr(permissions, 1, length(permissions) - 1) || ',"self.write"]'
    WHERE built_in = 1 AND permissions NOT LIKE '%"self.write"%'
      AND key IN ('primary_owner', 'owner', 'billing_admin', 'member', 'project_administrator', 'team_member')
"""


class Migration(BaseMigration):
    """Asking for oneself."""

    dependencies = [("models", "0012_directories")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(ROLES)]  # noqa: RUF012
