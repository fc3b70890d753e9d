"""Organizations, people, seats, plans, spend control, usage, invoices and the event log."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    # --- organizations -------------------------------------------------------------------------------------------
    """
    CREATE TABLE IF NOT EXISTS organizations (
        organization_id TEXT NOT NULL PRIMARY KEY,
        slug TEXT NOT NULL,
        name TEXT NOT NULL,
        seller TEXT NOT NULL,
        currency TEXT NOT NULL,
        time_zone TEXT NOT NULL,
        locale TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('EVALUATION', 'ACTIVE', 'READ_ONLY', 'CLOSED')),
        bill_to TEXT NOT NULL,
        invoice_grace_seconds INTEGER NOT NULL CHECK (invoice_grace_seconds >= 0),
        evaluation_ends_at INTEGER,
        test_clock_at INTEGER,
        event_sequence INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS organizations_slug ON organizations (slug)",
    """
    CREATE TABLE IF NOT EXISTS idempotency_keys (
        organization_id TEXT NOT NULL,
        key TEXT NOT NULL,
        operation TEXT NOT NULL,
        digest TEXT NOT NULL,
        answer TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, key)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS events (
        organization_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        kind TEXT NOT NULL,
        version INTEGER NOT NULL,
        occurred_at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        request_id TEXT NOT NULL,
        member_id TEXT,
        payload TEXT NOT NULL,
        PRIMARY KEY (organization_id, sequence)
    )
    """,
    # --- people --------------------------------------------------------------------------------------------------
    """
    CREATE TABLE IF NOT EXISTS roles (
        organization_id TEXT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        billable INTEGER NOT NULL CHECK (billable IN (0, 1)),
        built_in INTEGER NOT NULL CHECK (built_in IN (0, 1)),
        permissions TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, key)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS members (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        external_id TEXT,
        email TEXT NOT NULL,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'DEACTIVATED')),
        created_at INTEGER NOT NULL,
        deactivated_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS members_email ON members (organization_id, email)",
    """CREATE UNIQUE INDEX IF NOT EXISTS members_external_id ON members (organization_id, external_id)
       WHERE external_id IS NOT NULL""",
    """
    CREATE TABLE IF NOT EXISTS identities (
        organization_id TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        member_id TEXT NOT NULL,
        linked_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, issuer, subject)
    )
    """,
    "CREATE INDEX IF NOT EXISTS identities_account ON identities (issuer, subject)",
    """
    CREATE TABLE IF NOT EXISTS sessions (
        token_hash TEXT NOT NULL PRIMARY KEY,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        email TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        authenticated_at INTEGER NOT NULL,
        last_seen_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked_at INTEGER
    )
    """,
    "CREATE INDEX IF NOT EXISTS sessions_by_account ON sessions (issuer, subject)",
    "CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires_at)",
    """
    CREATE TABLE IF NOT EXISTS seat_intervals (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        role TEXT NOT NULL,
        billable INTEGER NOT NULL CHECK (billable IN (0, 1)),
        tier TEXT,
        add_ons TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK (ends_at IS NULL OR ends_at > starts_at)
    )
    """,
    "CREATE INDEX IF NOT EXISTS seat_intervals_member ON seat_intervals (organization_id, member_id, starts_at)",
    "CREATE INDEX IF NOT EXISTS seat_intervals_end ON seat_intervals (organization_id, ends_at)",
    """CREATE UNIQUE INDEX IF NOT EXISTS seat_intervals_open ON seat_intervals (organization_id, member_id)
       WHERE ends_at IS NULL""",
    # --- plans ---------------------------------------------------------------------------------------------------
    """
    CREATE TABLE IF NOT EXISTS catalog_plans (
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        currency TEXT NOT NULL,
        document TEXT NOT NULL,
        published_at INTEGER NOT NULL,
        PRIMARY KEY (key, currency, version)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS subscriptions (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        plan_key TEXT NOT NULL,
        plan_version INTEGER NOT NULL,
        document TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK (ends_at IS NULL OR ends_at > starts_at)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS subscriptions_open ON subscriptions (organization_id)
       WHERE ends_at IS NULL""",
    """
    CREATE TABLE IF NOT EXISTS contracts (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        number TEXT NOT NULL,
        document TEXT NOT NULL,
        version INTEGER NOT NULL,
        effective_at INTEGER NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS contracts_effective ON contracts (organization_id, effective_at)",
    """
    CREATE TABLE IF NOT EXISTS contract_reviews (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        contract_number TEXT NOT NULL,
        reason TEXT NOT NULL CHECK (reason IN ('BAND_CROSSED', 'QUARTERLY', 'BEFORE_RENEWAL')),
        period_key TEXT NOT NULL,
        seats_used INTEGER NOT NULL,
        band_up_to INTEGER NOT NULL,
        report TEXT NOT NULL,
        raised_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS contract_reviews_once
       ON contract_reviews (organization_id, contract_number, reason, period_key)""",
    # --- spend control -------------------------------------------------------------------------------------------
    """
    CREATE TABLE IF NOT EXISTS spend_limits (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        level TEXT NOT NULL CHECK (level IN ('ORGANIZATION', 'SEAT_TIER', 'MEMBER')),
        subject TEXT NOT NULL,
        scope TEXT NOT NULL CHECK (scope IN ('POOLED', 'PER_MEMBER')),
        cap_nanos INTEGER NOT NULL CHECK (cap_nanos >= 0),
        thresholds TEXT NOT NULL,
        version INTEGER NOT NULL,
        set_by TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS spend_limits_open ON spend_limits (organization_id, level, subject, scope)
       WHERE ends_at IS NULL""",
    """
    CREATE TABLE IF NOT EXISTS spend_counters (
        organization_id TEXT NOT NULL,
        period_start INTEGER NOT NULL,
        level TEXT NOT NULL,
        subject TEXT NOT NULL,
        spent_nanos INTEGER NOT NULL CHECK (spent_nanos >= 0),
        held_nanos INTEGER NOT NULL CHECK (held_nanos >= 0),
        PRIMARY KEY (organization_id, period_start, level, subject)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS limit_alerts (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        dedup_id TEXT NOT NULL,
        limit_id TEXT NOT NULL,
        limit_version INTEGER NOT NULL,
        level TEXT NOT NULL,
        subject TEXT NOT NULL,
        scope TEXT NOT NULL,
        member_id TEXT,
        threshold INTEGER NOT NULL,
        cap_nanos INTEGER NOT NULL,
        spent_nanos INTEGER NOT NULL,
        period_start INTEGER NOT NULL,
        period_end INTEGER NOT NULL,
        raised_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS limit_alerts_dedup ON limit_alerts (organization_id, dedup_id)",
    # --- usage ---------------------------------------------------------------------------------------------------
    """
    CREATE TABLE IF NOT EXISTS usage_events (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        external_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        member_id TEXT NOT NULL,
        tier TEXT NOT NULL,
        meter TEXT NOT NULL,
        model TEXT NOT NULL,
        direction TEXT NOT NULL,
        quantity INTEGER NOT NULL CHECK (quantity >= 0),
        cost_nanos INTEGER NOT NULL CHECK (cost_nanos >= 0),
        price_version TEXT NOT NULL,
        overage TEXT NOT NULL CHECK (overage IN ('NONE', 'RECORDED')),
        supersedes TEXT,
        occurred_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        period_start INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS usage_events_external ON usage_events (organization_id, external_id)",
    """CREATE UNIQUE INDEX IF NOT EXISTS usage_events_supersedes ON usage_events (organization_id, supersedes)
       WHERE supersedes IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS usage_events_member
       ON usage_events (organization_id, period_start, member_id, occurred_at)""",
    """
    CREATE TABLE IF NOT EXISTS usage_rollups (
        organization_id TEXT NOT NULL,
        period_start INTEGER NOT NULL,
        subscription_id TEXT NOT NULL,
        day TEXT NOT NULL,
        member_id TEXT NOT NULL,
        tier TEXT NOT NULL,
        meter TEXT NOT NULL,
        model TEXT NOT NULL,
        direction TEXT NOT NULL,
        price_version TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        cost_nanos INTEGER NOT NULL,
        events INTEGER NOT NULL,
        PRIMARY KEY (
            organization_id, period_start, subscription_id, day, member_id, tier, meter, model, direction,
            price_version)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS usage_adjustments (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        reason TEXT NOT NULL CHECK (reason IN ('LATE', 'CORRECTED')),
        usage_id TEXT NOT NULL,
        external_id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        tier TEXT NOT NULL,
        meter TEXT NOT NULL,
        model TEXT NOT NULL,
        direction TEXT NOT NULL,
        price_version TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        cost_nanos INTEGER NOT NULL,
        origin_period_start INTEGER NOT NULL,
        origin_invoice TEXT,
        recorded_at INTEGER NOT NULL,
        billed_boundary_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """CREATE INDEX IF NOT EXISTS usage_adjustments_unbilled ON usage_adjustments (organization_id, id)
       WHERE billed_boundary_at IS NULL""",
    # --- invoices and money --------------------------------------------------------------------------------------
    """
    CREATE TABLE IF NOT EXISTS number_series (
        series TEXT NOT NULL PRIMARY KEY,
        last_number INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS invoices (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        number TEXT,
        status TEXT NOT NULL CHECK (status IN ('DRAFT', 'FINALIZED', 'PAID', 'VOIDED', 'UNCOLLECTIBLE')),
        boundary_at INTEGER NOT NULL,
        period_start INTEGER NOT NULL,
        period_end INTEGER NOT NULL,
        currency TEXT NOT NULL,
        subtotal_minor INTEGER NOT NULL,
        tax_minor INTEGER NOT NULL,
        included_tax_minor INTEGER NOT NULL,
        total_minor INTEGER NOT NULL,
        credits_minor INTEGER NOT NULL CHECK (credits_minor >= 0),
        balance_before_minor INTEGER NOT NULL,
        plan_key TEXT NOT NULL,
        plan_version INTEGER NOT NULL,
        locale TEXT NOT NULL,
        bill_to TEXT NOT NULL,
        digest TEXT,
        issued_at INTEGER,
        due_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS invoices_boundary ON invoices (organization_id, boundary_at)",
    "CREATE UNIQUE INDEX IF NOT EXISTS invoices_number ON invoices (number)",
    """
    CREATE TABLE IF NOT EXISTS invoice_lines (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        invoice_id TEXT NOT NULL,
        position INTEGER NOT NULL,
        key TEXT NOT NULL,
        item_key TEXT NOT NULL,
        description TEXT NOT NULL,
        period_start INTEGER NOT NULL,
        period_end INTEGER NOT NULL,
        quantity TEXT NOT NULL,
        unit TEXT NOT NULL,
        amount_minor INTEGER NOT NULL,
        explanation TEXT NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS invoice_lines_position
       ON invoice_lines (organization_id, invoice_id, position)""",
    """
    CREATE TABLE IF NOT EXISTS invoice_shares (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        invoice_id TEXT NOT NULL,
        line_position INTEGER NOT NULL,
        member_id TEXT NOT NULL,
        model TEXT NOT NULL,
        direction TEXT NOT NULL,
        quantity TEXT NOT NULL,
        cost_nanos INTEGER NOT NULL,
        amount_minor INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """CREATE INDEX IF NOT EXISTS invoice_shares_member
       ON invoice_shares (organization_id, invoice_id, member_id, line_position)""",
    """
    CREATE TABLE IF NOT EXISTS billing_closes (
        organization_id TEXT NOT NULL,
        boundary_at INTEGER NOT NULL,
        invoice_id TEXT,
        closed_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, boundary_at)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS payments (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        invoice_id TEXT NOT NULL,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL,
        method TEXT NOT NULL,
        reference TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS payments_invoice ON payments (organization_id, invoice_id)",
    """
    CREATE TABLE IF NOT EXISTS payment_methods (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('BANK_TRANSFER', 'CARD', 'DIRECT_DEBIT')),
        label TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS payment_methods_open ON payment_methods (organization_id)
       WHERE ends_at IS NULL""",
    """
    CREATE TABLE IF NOT EXISTS credit_notes (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        number TEXT NOT NULL,
        invoice_id TEXT NOT NULL,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL,
        reason TEXT NOT NULL,
        issued_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS credit_grants (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
        currency TEXT NOT NULL,
        priority INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('PROMOTIONAL', 'PAID')),
        reason TEXT NOT NULL,
        granted_at INTEGER NOT NULL,
        expires_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS credit_entries (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        grant_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('GRANTED', 'DRAWN', 'RETURNED', 'EXPIRED')),
        amount_minor INTEGER NOT NULL,
        invoice_id TEXT,
        occurred_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE INDEX IF NOT EXISTS credit_entries_grant ON credit_entries (organization_id, grant_id)",
    """
    CREATE TABLE IF NOT EXISTS dunning_steps (
        organization_id TEXT NOT NULL,
        invoice_id TEXT NOT NULL,
        step TEXT NOT NULL,
        taken_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, invoice_id, step)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS credit_notes_number ON credit_notes (number)",
    "CREATE INDEX IF NOT EXISTS credit_notes_invoice ON credit_notes (organization_id, invoice_id)",
)


class Migration(BaseMigration):
    """The first schema."""

    initial = True
    operations = [Define(*TABLES)]  # noqa: RUF012  # Tortoise reads a plain class attribute
