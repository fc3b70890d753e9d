"""One way to break each invariant by hand, and what else is necessarily broken by it."""

from dataclasses import dataclass

ACME = "(SELECT organization_id FROM organizations WHERE slug = 'acme')"
BETA = "(SELECT organization_id FROM organizations WHERE slug = 'beta')"
OCTOBER = "1790812800000000"
CY = f"(SELECT id FROM members WHERE organization_id = {ACME} AND name = 'cy')"
BO = f"(SELECT id FROM members WHERE organization_id = {ACME} AND name = 'bo')"


@dataclass(frozen=True, slots=True)
class Break:
    """The invariant that is broken by some statements, and those that cannot but break with it."""

    invariant: str
    statements: tuple[str, ...]
    also: frozenset[str] = frozenset()


def broken(invariant: str, *statements: str, also: tuple[str, ...] = ()) -> Break:
    """Return a breakage."""
    return Break(invariant, statements, frozenset(also))


LINE = f"(SELECT min(id) FROM invoice_lines WHERE organization_id = {ACME})"
DUE = f"(SELECT id FROM invoices WHERE organization_id = {ACME} AND status = 'FINALIZED')"
PAID = f"(SELECT id FROM invoices WHERE organization_id = {ACME} AND status = 'PAID')"
VOIDED = f"(SELECT id FROM invoices WHERE organization_id = {ACME} AND status = 'VOIDED')"
NEWEST = f"(SELECT max(sequence) FROM events WHERE organization_id = {ACME})"

BREAKAGES = (
    broken(
        "alerts.alerts_are_told_once",
        f"UPDATE events SET kind = 'Forgotten' WHERE organization_id = {ACME} AND kind = 'SpendLimitThresholdReached'",
        also=("audit.events_are_those_the_audit_recorded",),
    ),
    broken("alerts.told_alerts_exist", f"DELETE FROM limit_alerts WHERE organization_id = {ACME}"),
    broken(
        "alerts.dedup_ids_are_unique",
        "DROP INDEX limit_alerts_dedup",
        f"""UPDATE limit_alerts SET dedup_id = (SELECT min(dedup_id) FROM limit_alerts WHERE organization_id = {ACME})
            WHERE organization_id = {ACME}""",
    ),
    broken(
        "audit.records_form_one_chain",
        f"UPDATE audit_records SET actor = 'somebody else' WHERE organization_id = {ACME} AND sequence = 2",
    ),
    broken(
        "audit.events_are_those_the_audit_recorded",
        f"""UPDATE events SET payload = replace(payload, '"', '"x') WHERE organization_id = {ACME} AND sequence = 2""",
    ),
    broken(
        "contracts.instalments_add_up_to_the_total",
        """UPDATE contracts SET document = replace(document, '"QUARTERLY"', '"WEEKLY"')""",
    ),
    broken("contracts.columns_say_what_the_document_says", "UPDATE contracts SET ends_at = ends_at + 1"),
    broken(
        "credits.balances_stay_between_nothing_and_the_grant",
        f"""UPDATE credit_entries SET amount_minor = amount_minor * 2
            WHERE organization_id = {ACME} AND kind = 'DRAWN' AND invoice_id = {DUE}""",
        also=("credits.invoices_drew_what_they_say",),
    ),
    broken(
        "credits.grants_are_on_the_ledger_once",
        f"""UPDATE credit_grants SET amount_minor = amount_minor + 1 WHERE organization_id = {ACME}""",
    ),
    broken(
        "credits.invoices_drew_what_they_say",
        f"""DELETE FROM credit_entries WHERE organization_id = {ACME} AND kind = 'DRAWN' AND invoice_id = {DUE}""",
    ),
    broken(
        "credits.entries_move_the_way_of_their_kind",
        f"""UPDATE credit_entries SET kind = 'DRAWN' WHERE organization_id = {ACME} AND kind = 'RETURNED'""",
        also=("credits.invoices_drew_what_they_say",),
    ),
    broken(
        "groups.memberships_of_a_member_do_not_overlap",
        "UPDATE group_memberships SET ends_at = ends_at + 1 WHERE ends_at IS NOT NULL",
    ),
    broken(
        "holds.counters_hold_what_is_reserved",
        "UPDATE reservations SET status = 'RELEASED', ended_at = expires_at WHERE status = 'HELD'",
    ),
    broken(
        "holds.settlements_are_their_usage",
        "UPDATE reservations SET settled_nanos = settled_nanos - 1 WHERE external_id = 'settled-0'",
    ),
    broken(
        "holds.reservations_ended_as_they_say",
        "UPDATE reservations SET excess_nanos = 0 WHERE external_id = 'settled-1'",
    ),
    broken(
        "invoices.lines_add_up_to_the_subtotal",
        f"""UPDATE invoices SET subtotal_minor = subtotal_minor + 1, total_minor = total_minor + 1
            WHERE organization_id = {ACME} AND id = {DUE}""",
        also=("issued.digests_reproduce",),
    ),
    broken(
        "invoices.shares_add_up_to_the_line",
        f"""UPDATE invoice_shares SET amount_minor = amount_minor + 1 WHERE id = (
            SELECT min(id) FROM invoice_shares WHERE organization_id = {ACME})""",
        also=("issued.digests_reproduce",),
    ),
    broken(
        "invoices.shares_belong_to_a_line",
        f"""UPDATE invoice_shares SET line_position = 99 WHERE organization_id = {ACME} AND invoice_id = {DUE}""",
        also=("issued.digests_reproduce",),
    ),
    broken(
        "invoices.subtotal_and_tax_are_the_total",
        f"UPDATE invoices SET tax_minor = tax_minor + 1 WHERE organization_id = {ACME} AND id = {DUE}",
        also=("issued.digests_reproduce",),
    ),
    broken(
        "invoices.issued_invoices_are_complete",
        "UPDATE invoices SET due_at = 1 WHERE status = 'DRAFT'",
    ),
    broken(
        "invoices.issued_invoices_close_their_boundary",
        f"DELETE FROM billing_closes WHERE organization_id = {ACME} AND invoice_id = {DUE}",
    ),
    broken(
        "invoices.closed_boundaries_have_their_invoice",
        """INSERT INTO billing_closes (organization_id, boundary_at, invoice_id, closed_at)
           SELECT organization_id, boundary_at, id, boundary_at FROM invoices WHERE status = 'DRAFT'""",
    ),
    broken(
        "issued.digests_reproduce",
        f"UPDATE invoice_lines SET description = 'Something else' WHERE organization_id = {ACME} AND id = {LINE}",
    ),
    broken(
        "answers.kept_answers_can_be_given_again",
        f"""UPDATE idempotency_keys SET answer = '{{"type": "Nobody", "value": {{}}}}' WHERE organization_id = {ACME}
            AND operation = 'services.closing.void'""",
    ),
    broken(
        "answers.answers_kept_for_accounts_can_be_given_again",
        "UPDATE idempotency_keys SET digest = 'none' WHERE operation = 'organizations.create' AND key = 'open-beta'",
    ),
    broken(
        "limits.limits_at_a_place_follow_each_other",
        f"UPDATE spend_limits SET version = version + 1 WHERE organization_id = {ACME} AND level = 'ORGANIZATION'",
    ),
    broken(
        "log.cursors_do_not_run_ahead",
        "CREATE TABLE readers (organization_id TEXT, id TEXT, cursor BIGINT)",
        f"INSERT INTO readers (organization_id, id, cursor) VALUES ({ACME}, 'r', {NEWEST} + 1)",
    ),
    broken(
        "log.head_is_the_number_of_events",
        f"UPDATE organizations SET event_sequence = event_sequence + 1 WHERE organization_id = {ACME}",
    ),
    broken(
        "log.no_number_is_missing",
        f"DELETE FROM events WHERE organization_id = {ACME} AND sequence = 4",
        also=("log.head_is_the_number_of_events", "audit.events_are_those_the_audit_recorded"),
    ),
    broken(
        "numbers.follow_each_other",
        f"UPDATE invoices SET number = 'BILLGRAPH-000099' WHERE id = {PAID}",
        also=("numbers.series_stand_at_their_last_number", "issued.digests_reproduce"),
    ),
    broken("numbers.series_stand_at_their_last_number", "UPDATE number_series SET last_number = last_number + 1"),
    broken(
        "payments.payments_stay_within_the_total",
        f"UPDATE payments SET amount_minor = amount_minor + 1 WHERE organization_id = {ACME} AND invoice_id = {PAID}",
    ),
    broken(
        "payments.credit_notes_stay_within_the_total",
        f"UPDATE credit_notes SET amount_minor = 999999 WHERE organization_id = {ACME}",
        also=("payments.status_follows_the_money",),
    ),
    broken(
        "payments.credit_notes_give_back_their_tax",
        f"UPDATE credit_notes SET tax_minor = 999999 WHERE organization_id = {ACME}",
    ),
    broken(
        "payments.status_follows_the_money",
        f"UPDATE invoices SET status = 'PAID' WHERE organization_id = {ACME} AND id = {DUE}",
    ),
    broken(
        "payments.money_is_in_the_invoice_currency",
        f"UPDATE payments SET currency = 'EUR' WHERE organization_id = {ACME} AND invoice_id = {PAID}",
    ),
    broken(
        "references.named_rows_exist",
        f"""INSERT INTO identities (organization_id, issuer, subject, member_id, linked_at)
            VALUES ({ACME}, 'i', 's', 'gone', 1)""",
    ),
    broken(
        "references.rows_belong_to_an_organization",
        """INSERT INTO identities (organization_id, issuer, subject, member_id, linked_at)
           VALUES ('gone', 'i', 's', 'm', 1)""",
    ),
    broken(
        "seats.intervals_of_a_member_do_not_overlap",
        f"""UPDATE seat_intervals SET ends_at = ends_at + 1
            WHERE organization_id = {ACME} AND member_id = {BO} AND ends_at IS NOT NULL""",
    ),
    broken(
        "seats.active_members_hold_one_seat",
        f"""UPDATE seat_intervals SET ends_at = starts_at + 1
            WHERE organization_id = {ACME} AND member_id = {BO} AND ends_at IS NULL""",
    ),
    broken(
        "seats.seats_have_the_role_of_their_member",
        f"UPDATE members SET role = 'auditor' WHERE organization_id = {ACME} AND name = 'cy'",
        f"""UPDATE role_intervals SET role = 'auditor' WHERE organization_id = {ACME} AND ends_at IS NULL
            AND member_id = {CY}""",
    ),
    broken(
        "seats.the_history_of_roles_ends_with_the_role_of_today",
        f"DELETE FROM role_intervals WHERE organization_id = {ACME} AND member_id = {BO} AND ends_at IS NULL",
    ),
    broken(
        "spend.spent_is_what_usage_cost",
        *(
            f"""UPDATE spend_counters SET spent_nanos = spent_nanos {by}
                WHERE organization_id = {ACME} AND interval = 'WEEK' AND level = 'MEMBER' AND {who}
                  AND period_start = (SELECT min(period_start) FROM spend_counters WHERE interval = 'WEEK')"""
            for by, who in (("+ 1", f"subject = {BO}"), ("- 1", f"subject = {CY}"))
        ),
    ),
    broken(
        "spend.counters_stand_at_a_window",
        f"""INSERT INTO spend_counters
                (organization_id, period_start, interval, level, subject, spent_nanos, held_nanos)
            VALUES ({ACME}, {OCTOBER} + 1, 'MONTH', 'ORGANIZATION', {ACME}, 0, 0)""",
    ),
    broken(
        "spend.children_add_up_to_the_organization",
        f"""UPDATE spend_counters SET held_nanos = 5
            WHERE organization_id = {ACME} AND level = 'ORGANIZATION' AND interval = 'DAY'
              AND period_start = {OCTOBER}""",
        also=("holds.counters_hold_what_is_reserved",),
    ),
    broken(
        "usage.usage_counts_in_the_month_it_occurred",
        f"""UPDATE usage_events SET occurred_at = occurred_at + 40 * 86400000000
            WHERE organization_id = {ACME} AND external_id = 'moved'""",
        also=("usage.rollups_are_the_events", "spend.spent_is_what_usage_cost"),
    ),
    broken(
        "usage.rollups_are_the_events",
        f"""UPDATE usage_rollups SET cost_nanos = cost_nanos + 1
            WHERE organization_id = {ACME} AND day = '2026-10-11'""",
    ),
    broken(
        "usage.corrections_change_the_quantity_alone",
        f"UPDATE usage_events SET model = 'other' WHERE organization_id = {ACME} AND external_id = 'fix-3'",
    ),
    broken(
        "usage.billed_adjustments_name_a_closed_boundary",
        f"UPDATE usage_adjustments SET billed_boundary_at = 7 WHERE organization_id = {ACME}",
    ),
)
