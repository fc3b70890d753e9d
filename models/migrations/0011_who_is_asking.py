"""Identity providers, e-mail domains, API clients, signing keys, and what a session knows of how it was opened."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

_SESSIONS = """
    CREATE TABLE IF NOT EXISTS {name} (
        token_hash TEXT NOT NULL PRIMARY KEY,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        email TEXT NOT NULL,
        name TEXT NOT NULL,
        organization_id TEXT,
        provider_id TEXT,
        provider_session TEXT,
        id_token TEXT,
        user_agent TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        authenticated_at INTEGER NOT NULL,
        last_seen_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked_at INTEGER
    )
"""

PROVIDERS = (
    """
    CREATE TABLE IF NOT EXISTS identity_providers (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        issuer TEXT NOT NULL,
        client_id TEXT NOT NULL,
        client_authentication TEXT NOT NULL
            CHECK (client_authentication IN ('NONE', 'CLIENT_SECRET', 'PRIVATE_KEY_JWT')),
        client_secret TEXT,
        algorithms TEXT NOT NULL,
        scopes TEXT NOT NULL,
        api_audience TEXT,
        provisioning TEXT NOT NULL,
        is_enforced INTEGER NOT NULL CHECK (is_enforced IN (0, 1)),
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        deleted_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK ((client_authentication = 'CLIENT_SECRET') = (client_secret IS NOT NULL))
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS identity_providers_client
       ON identity_providers (organization_id, issuer, client_id) WHERE deleted_at IS NULL""",
    "CREATE INDEX IF NOT EXISTS identity_providers_issuer ON identity_providers (issuer) WHERE deleted_at IS NULL",
    """
    CREATE TABLE IF NOT EXISTS email_domains (
        organization_id TEXT NOT NULL,
        domain TEXT NOT NULL,
        provider_id TEXT NOT NULL,
        token TEXT NOT NULL,
        added_at INTEGER NOT NULL,
        verified_at INTEGER,
        PRIMARY KEY (organization_id, domain)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS email_domains_verified ON email_domains (domain) WHERE verified_at IS NOT NULL",
    """
    CREATE TABLE IF NOT EXISTS access_policies (
        organization_id TEXT NOT NULL PRIMARY KEY,
        step_up_seconds INTEGER CHECK (step_up_seconds > 0),
        updated_at INTEGER NOT NULL
    )
    """,
)
SESSIONS = (
    # Made anew rather than altered: SQLite cannot add a column only where it is missing. Run twice, it keeps every row.
    "DROP TABLE IF EXISTS sessions_next",
    _SESSIONS.format(name="sessions_next"),
    """
    INSERT INTO sessions_next (token_hash, issuer, subject, email, name, user_agent, created_at, authenticated_at,
        last_seen_at, expires_at, revoked_at)
    SELECT token_hash, issuer, subject, email, name, '', created_at, authenticated_at, last_seen_at, expires_at,
        revoked_at FROM sessions
    """,
    "DROP TABLE sessions",
    _SESSIONS.format(name="sessions"),
    "INSERT INTO sessions SELECT * FROM sessions_next",
    "DROP TABLE sessions_next",
    "CREATE INDEX IF NOT EXISTS sessions_by_account ON sessions (issuer, subject)",
    "CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at)",
    """CREATE INDEX IF NOT EXISTS sessions_by_provider_session ON sessions (issuer, provider_session)
       WHERE provider_session IS NOT NULL""",
)
CLIENTS = (
    """
    CREATE TABLE IF NOT EXISTS api_clients (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        is_partner INTEGER NOT NULL CHECK (is_partner IN (0, 1)),
        scopes TEXT NOT NULL,
        jwks TEXT,
        created_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS api_client_secrets (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        secret_hash TEXT NOT NULL,
        ending TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS api_client_secrets_client ON api_client_secrets (organization_id, client_id)",
    """
    CREATE TABLE IF NOT EXISTS api_client_grants (
        organization_id TEXT NOT NULL,
        client_organization_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        scopes TEXT NOT NULL,
        granted_by TEXT NOT NULL,
        granted_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, client_organization_id, client_id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS api_client_grants_client ON api_client_grants (client_organization_id, client_id)",
    """
    CREATE TABLE IF NOT EXISTS spent_tokens (
        scope TEXT NOT NULL,
        token_hash TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (scope, token_hash)
    )
    """,
    "CREATE INDEX IF NOT EXISTS spent_tokens_expiry ON spent_tokens (expires_at)",
    """
    CREATE TABLE IF NOT EXISTS signing_keys (
        kid TEXT NOT NULL PRIMARY KEY,
        algorithm TEXT NOT NULL,
        public TEXT NOT NULL,
        private TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        replaced_at INTEGER
    )
    """,
)
# The lists of permissions are sorted, and nothing sorts before "access": the new ones go to the front.
ROLES = (
    """
    UPDATE roles SET permissions = '["access.read","access.write",' || substr(permissions, 2)
    WHERE built_in = 1 AND key IN ('primary_owner', 'owner') AND permissions NOT LIKE '["access.read"%'
    """,
    """
    UPDATE roles SET permissions = '["access.read",' || substr(permissions, 2)
    WHERE built_in = 1 AND key IN ('billing_admin', 'auditor') AND permissions NOT LIKE '["access.read"%'
    """,
)


class Migration(BaseMigration):
    """Who is asking."""

    dependencies = [("models", "0010_reservations")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*PROVIDERS, *SESSIONS, *CLIENTS, *ROLES)]  # noqa: RUF012  # the same
