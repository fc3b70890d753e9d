"""Does the ledger of prepaid credit fold to what was granted and drawn?"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_BALANCES = Statement("""
    SELECT 'balance of grant ' || grant_id || ' after entry ' || id AS what,
           CASE WHEN balance < 0 THEN 'at least 0' ELSE 'up to ' || CAST(amount AS TEXT) END AS expected,
           CAST(balance AS BIGINT) AS found
    FROM (
        SELECT e.id, e.grant_id, g.amount_minor AS amount,
               sum(e.amount_minor) OVER (PARTITION BY e.grant_id ORDER BY e.occurred_at, e.id) AS balance
        FROM credit_entries e
        JOIN credit_grants g ON g.organization_id = e.organization_id AND g.id = e.grant_id
        WHERE e.organization_id = :organization_id
    ) AS folded
    WHERE balance < 0 OR balance > amount ORDER BY id LIMIT :most
""")
_GRANTED = Statement("""
    SELECT 'entries that put grant ' || g.id || ' on the ledger, and their sum' AS what,
           '1, ' || CAST(g.amount_minor AS TEXT) AS expected,
           CAST(count(e.id) AS TEXT) || ', ' || CAST(coalesce(sum(e.amount_minor), 0) AS TEXT) AS found
    FROM credit_grants g
    LEFT JOIN credit_entries e ON e.organization_id = g.organization_id AND e.grant_id = g.id AND e.kind = 'GRANTED'
    WHERE g.organization_id = :organization_id
    GROUP BY g.id, g.amount_minor HAVING count(e.id) <> 1 OR sum(e.amount_minor) <> g.amount_minor
    ORDER BY g.id LIMIT :most
""")
_DRAWN = Statement("""
    SELECT 'credit drawn by invoice ' || coalesce(i.number, i.id)
               || CASE i.status WHEN 'VOIDED' THEN ', and given back' ELSE '' END AS what,
           CAST(i.credits_minor AS TEXT)
               || CASE i.status WHEN 'VOIDED' THEN ', ' || CAST(i.credits_minor AS TEXT) ELSE ', 0' END AS expected,
           CAST(coalesce(sum(CASE e.kind WHEN 'DRAWN' THEN -e.amount_minor END), 0) AS TEXT) || ', '
               || CAST(coalesce(sum(CASE e.kind WHEN 'RETURNED' THEN e.amount_minor END), 0) AS TEXT) AS found
    FROM invoices i
    LEFT JOIN credit_entries e ON e.organization_id = i.organization_id AND e.invoice_id = i.id
    WHERE i.organization_id = :organization_id
    GROUP BY i.id, i.number, i.status, i.credits_minor
    HAVING coalesce(sum(CASE e.kind WHEN 'DRAWN' THEN -e.amount_minor END), 0) <> i.credits_minor
        OR coalesce(sum(CASE e.kind WHEN 'RETURNED' THEN e.amount_minor END), 0)
           <> CASE i.status WHEN 'VOIDED' THEN i.credits_minor ELSE 0 END
    ORDER BY i.id LIMIT :most
""")
_SIGNS = Statement("""
    SELECT 'entry ' || id || ', ' || kind AS what,
           CASE WHEN kind IN ('GRANTED', 'RETURNED') THEN 'above 0' ELSE 'below 0' END AS expected,
           amount_minor AS found
    FROM credit_entries
    WHERE organization_id = :organization_id
      AND (kind IN ('GRANTED', 'RETURNED') AND amount_minor <= 0 OR kind IN ('DRAWN', 'EXPIRED') AND amount_minor >= 0)
    ORDER BY id LIMIT :most
""")


@of_organization
async def balances_stay_between_nothing_and_the_grant(books: Books) -> Differences:
    """After each entry a grant has at least nothing and at most what was granted."""
    return await books.differing(_BALANCES)


@of_organization
async def grants_are_on_the_ledger_once(books: Books) -> Differences:
    """A grant is put on the ledger by one entry of its whole amount."""
    return await books.differing(_GRANTED)


@of_organization
async def invoices_drew_what_they_say(books: Books) -> Differences:
    """The prepaid credit on an invoice is what it drew from the ledger; voided, it has given all of it back."""
    return await books.differing(_DRAWN)


@of_organization
async def entries_move_the_way_of_their_kind(books: Books) -> Differences:
    """Granting and returning add to a grant; drawing and expiring take from it."""
    return await books.differing(_SIGNS)
