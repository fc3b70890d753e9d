"""Does everything that is named exist?

There are no foreign keys, because a table's key starts with the organization and history outlives what it names. What
a column of a given name points at is written here once, and holds for every table that has such a column.
"""

from functools import cache

from models import catalog
from models.invariants.invariant import Books, Difference, Differences, Shelf, of_database, of_organization
from models.sql import Statement

TARGETS = {
    "grant_id": ("credit_grants", "id"),
    "group_id": ("groups", "id"),
    "invoice_id": ("invoices", "id"),
    "limit_id": ("spend_limits", "id"),
    "member_id": ("members", "id"),
    "role": ("roles", "key"),
    "subscription_id": ("subscriptions", "id"),
    "supersedes": ("usage_events", "id"),
    "usage_id": ("usage_events", "id"),
}
"""Where a column of this name points; an empty text and NULL point nowhere."""
ACCOUNT_TABLES = frozenset({"idempotency_keys"})
"""Tables whose rows may belong to an account that has no organization yet."""


@of_organization
async def named_rows_exist(books: Books) -> Differences:
    """A member, invoice, limit, grant, role or usage event that a row names exists in the same organization."""
    found: list[Difference] = []
    for column, (target, key) in sorted(TARGETS.items()):
        if target not in await catalog.tables_with(books.client, "organization_id", key):
            continue
        for table in await catalog.tables_with(books.client, "organization_id", column):
            found += await books.differing(_dangling(table, column, target, key))
    return found[: books.most]


@of_database
async def rows_belong_to_an_organization(shelf: Shelf) -> Differences:
    """Every row belongs to an organization that exists."""
    found: list[Difference] = []
    for table in await catalog.tables_with(shelf.client, "organization_id"):
        if table not in ACCOUNT_TABLES:
            found += await shelf.differing(_ownerless(table))
    return found[: shelf.most]


@cache
def _dangling(table: str, column: str, target: str, key: str) -> Statement:
    return Statement(f"""
        SELECT '{column} of {table}' AS what, 'a row of {target}' AS expected, t.{column} AS found
        FROM {table} t
        WHERE t.organization_id = :organization_id AND t.{column} IS NOT NULL AND t.{column} <> '' AND NOT EXISTS (
            SELECT 1 FROM {target} x WHERE x.organization_id = t.organization_id AND x.{key} = t.{column})
        GROUP BY t.{column} ORDER BY t.{column} LIMIT :most
    """)  # noqa: S608  # names from the database's own catalogue and the table above


@cache
def _ownerless(table: str) -> Statement:
    return Statement(f"""
        SELECT 'organization of {table}' AS what, 'a row of organizations' AS expected, t.organization_id AS found
        FROM {table} t
        WHERE t.organization_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM organizations o WHERE o.organization_id = t.organization_id)
        GROUP BY t.organization_id ORDER BY t.organization_id LIMIT :most
    """)  # noqa: S608  # names from the database's own catalogue
