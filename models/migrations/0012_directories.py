"""Directories that push people: their tokens, and what they say of users and groups."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS scim_tokens (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        token_hash TEXT NOT NULL,
        ending TEXT NOT NULL,
        role TEXT NOT NULL,
        permissions TEXT NOT NULL,
        created_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS scim_tokens_hash ON scim_tokens (token_hash)",
    """
    CREATE TABLE IF NOT EXISTS directory_users (
        organization_id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        document TEXT NOT NULL,
        given_role TEXT,
        given_tier TEXT,
        updated_at INTEGER NOT NULL,
        removed_at INTEGER,
        PRIMARY KEY (organization_id, member_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS directory_groups (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        external_id TEXT,
        version INTEGER NOT NULL CHECK (version > 0),
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS directory_groups_name ON directory_groups (organization_id, name_key)",
    """
    CREATE TABLE IF NOT EXISTS directory_group_members (
        organization_id TEXT NOT NULL,
        group_id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        PRIMARY KEY (organization_id, group_id, member_id)
    )
    """,
    """CREATE INDEX IF NOT EXISTS directory_group_members_member
       ON directory_group_members (organization_id, member_id)""",
    """
    CREATE TABLE IF NOT EXISTS group_mappings (
        organization_id TEXT NOT NULL PRIMARY KEY,
        rules TEXT NOT NULL,
        default_role TEXT NOT NULL,
        default_tier TEXT,
        applied_after TEXT,
        set_by TEXT NOT NULL,
        set_at INTEGER NOT NULL
    )
    """,
)


class Migration(BaseMigration):
    """Directories."""

    dependencies = [("models", "0011_who_is_asking")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES)]  # noqa: RUF012  # the same
