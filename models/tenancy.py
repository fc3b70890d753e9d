"""What keeps one organization's rows from another, should a query forget to?

Every query names its organization; that is the first line. On PostgreSQL there can be a second: whatever is answered to
callers is read as a role of its own, which row level security confines to the rows of organizations the caller belongs
to. Everybody else, who writes and works for all organizations, is exempt by a policy that says so.

The role is the operator's to make, and the policies are not a part of the schema: `confine` puts them on every table
that names an organization, again after each migration, and `gaps` finds where they are missing.
"""

import re
from collections.abc import Callable, Iterable

from models.sql import Client, Statement

UNREADABLE = ("number_series", "signing_keys", "spent_tokens")
"""Tables that name no organization and hold nothing that is answered to anybody."""
_TOLD = "(SELECT string_to_array(current_setting('app.organizations', true), ','))::text[]"
"""What a connection was told; a subquery, so that it is read once for a statement and not once for a row."""
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TABLES = Statement("""
    SELECT c.relname AS name FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname
""")
_GAPS = Statement("""
    SELECT c.relname AS name FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
      AND NOT (
        row_security_active(c.oid)
        AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) = 2
        AND EXISTS (
            SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'confined'
              AND p.polroles = ARRAY[(SELECT oid FROM pg_roles WHERE rolname = current_user)]
        )
      )
    ORDER BY c.relname
""")
_ROLE_EXISTS = Statement("SELECT 1 AS found FROM pg_roles WHERE rolname = :role")
_SELF = Statement("SELECT current_user AS role, current_setting('is_superuser') AS super")


class NotConfined(RuntimeError):
    """The role that answers are read as is none, or sees more than it should: the second line would be none."""


def confined(reader: Client, organizations: Iterable[str]) -> Client:
    """Return `reader` kept to these organizations, where the database can keep it."""
    keep: Callable[[Iterable[str]], Client] | None = getattr(reader, "confined_to", None)
    return reader if keep is None else keep(organizations)


async def confine(client: Client, role: str) -> list[str]:
    """Confine `role` on every table that names an organization, exempt everybody else, and return the tables.

    `client` is the tables' owner. The role exists already, may log in, and is no superuser.
    """
    if not _ROLE.fullmatch(role):
        raise NotConfined(f"{role[:70]!r} is no plain name of a role: lower-case letters, digits and underscores")
    if await _ROLE_EXISTS.first(client, role=role) is None:
        raise NotConfined(f"there is no role {role!r}: make it, with LOGIN and a password")
    tables = [str(row["name"]) for row in await _TABLES.rows(client)]
    others = f"current_user <> '{role}'"
    for table in tables:
        await client.execute_script(f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            DROP POLICY IF EXISTS confined ON {table};
            DROP POLICY IF EXISTS everybody_else ON {table};
            CREATE POLICY confined ON {table} FOR SELECT TO {role} USING (organization_id = ANY ({_TOLD}));
            CREATE POLICY everybody_else ON {table} USING ({others}) WITH CHECK ({others})
        """)
    await client.execute_script(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    await client.execute_script(f"REVOKE ALL ON {', '.join(UNREADABLE)} FROM {role}")
    return tables


async def gaps(reader: Client) -> list[str]:
    """Return the tables that name an organization and whose rows `reader` is not kept from."""
    return [str(row["name"]) for row in await _GAPS.rows(reader)]


async def require_confined(reader: Client) -> None:
    """Raise `NotConfined` unless the role of `reader` is confined on every table."""
    found = await gaps(reader)
    if found:
        (row,) = await _SELF.rows(reader)
        why = "it is a superuser" if row["super"] == "on" else "run `billgraph confine` with it after each migration"
        raise NotConfined(f"the role {row['role']!r} sees all rows of {', '.join(found[:5])}: {why}")
