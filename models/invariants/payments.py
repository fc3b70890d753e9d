"""Is an invoice as paid as it says?

A credit note may come after the payment: then more came back than was due, and the organization has a balance. What
was paid and drawn from prepaid credit never exceeds the total, and neither do all credit notes together.
"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_SETTLED = """
    WITH settled AS (
        SELECT i.id, coalesce(i.number, i.id) AS name, i.status, i.total_minor, i.credits_minor,
               coalesce((SELECT sum(p.amount_minor) FROM payments p
                         WHERE p.organization_id = i.organization_id AND p.invoice_id = i.id), 0) AS paid,
               coalesce((SELECT sum(n.amount_minor) FROM credit_notes n
                         WHERE n.organization_id = i.organization_id AND n.invoice_id = i.id), 0) AS noted
        FROM invoices i WHERE i.organization_id = :organization_id
    )
"""
_OVERPAID = Statement(f"""{_SETTLED}
    SELECT 'payments and prepaid credit of invoice ' || name AS what, 'up to ' || CAST(total_minor AS TEXT) AS expected,
           CAST(paid + credits_minor AS BIGINT) AS found
    FROM settled WHERE paid + credits_minor > 0 AND paid + credits_minor > total_minor ORDER BY id LIMIT :most
""")  # noqa: S608  # a constant
_OVERNOTED = Statement(f"""{_SETTLED}
    SELECT 'credit notes of invoice ' || name AS what, 'up to ' || CAST(total_minor AS TEXT) AS expected,
           CAST(noted AS BIGINT) AS found
    FROM settled WHERE noted > 0 AND noted > total_minor ORDER BY id LIMIT :most
""")  # noqa: S608  # a constant
_TAX_NOTED = Statement("""
    SELECT 'tax of the credit notes of invoice ' || name AS what,
           CASE WHEN noted = total_minor THEN CAST(tax AS TEXT) ELSE 'up to ' || CAST(tax AS TEXT) END AS expected,
           CAST(tax_noted AS BIGINT) AS found
    FROM (
        SELECT i.id, coalesce(i.number, i.id) AS name, i.total_minor, i.tax_minor + i.included_tax_minor AS tax,
               sum(n.amount_minor) AS noted, sum(n.tax_minor) AS tax_noted
        FROM invoices i
        JOIN credit_notes n ON n.organization_id = i.organization_id AND n.invoice_id = i.id
        WHERE i.organization_id = :organization_id
        GROUP BY i.id, i.number, i.total_minor, i.tax_minor, i.included_tax_minor
    ) AS notes
    WHERE tax_noted > tax OR noted = total_minor AND tax_noted <> tax ORDER BY id LIMIT :most
""")
_STATUSES = Statement(f"""{_SETTLED}
    SELECT 'status of invoice ' || name || ', of which ' || CAST(total_minor - credits_minor - paid - noted AS TEXT)
               || ' is due' AS what,
           CASE WHEN status IN ('DRAFT', 'VOIDED') THEN 'open, as money has moved'
                WHEN total_minor - credits_minor - paid - noted <= 0 THEN 'PAID'
                ELSE 'FINALIZED or UNCOLLECTIBLE' END AS expected,
           status AS found
    FROM settled
    WHERE status IN ('DRAFT', 'VOIDED') AND paid + noted > 0
       OR status = 'PAID' AND total_minor - credits_minor - paid - noted > 0
       OR status IN ('FINALIZED', 'UNCOLLECTIBLE') AND total_minor - credits_minor - paid - noted <= 0
    ORDER BY id LIMIT :most
""")  # noqa: S608  # a constant
_CURRENCIES = Statement("""
    SELECT 'currency of payment or credit note ' || m.id AS what, i.currency AS expected, m.currency AS found
    FROM (
        SELECT organization_id, id, invoice_id, currency FROM payments WHERE organization_id = :organization_id
        UNION ALL
        SELECT organization_id, id, invoice_id, currency FROM credit_notes WHERE organization_id = :organization_id
    ) AS m
    JOIN invoices i ON i.organization_id = m.organization_id AND i.id = m.invoice_id
    WHERE m.currency <> i.currency ORDER BY m.id LIMIT :most
""")


@of_organization
async def payments_stay_within_the_total(books: Books) -> Differences:
    """Payments and prepaid credit together never exceed the total of their invoice."""
    return await books.differing(_OVERPAID)


@of_organization
async def credit_notes_stay_within_the_total(books: Books) -> Differences:
    """All credit notes of an invoice together never exceed its total."""
    return await books.differing(_OVERNOTED)


@of_organization
async def credit_notes_give_back_their_tax(books: Books) -> Differences:
    """Credit notes give back no more tax than their invoice has, and all of it once they give all of it back."""
    return await books.differing(_TAX_NOTED)


@of_organization
async def status_follows_the_money(books: Books) -> Differences:
    """An invoice is PAID exactly when nothing is due; on drafts and voided ones no money has moved."""
    return await books.differing(_STATUSES)


@of_organization
async def money_is_in_the_invoice_currency(books: Books) -> Differences:
    """Payments and credit notes are in the currency of their invoice."""
    return await books.differing(_CURRENCIES)
