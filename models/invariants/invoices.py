"""Does every invoice add up, and is every month that was closed billed once?"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_SUBTOTALS = Statement("""
    SELECT 'lines of invoice ' || coalesce(i.number, i.id) AS what, i.subtotal_minor AS expected,
           CAST(coalesce(sum(l.amount_minor), 0) AS BIGINT) AS found
    FROM invoices i
    LEFT JOIN invoice_lines l ON l.organization_id = i.organization_id AND l.invoice_id = i.id
    WHERE i.organization_id = :organization_id
    GROUP BY i.id, i.number, i.subtotal_minor HAVING coalesce(sum(l.amount_minor), 0) <> i.subtotal_minor
    ORDER BY i.id LIMIT :most
""")
_SHARES = Statement("""
    SELECT 'shares of line ' || CAST(l.position AS TEXT) || ' of invoice ' || l.invoice_id AS what,
           l.amount_minor AS expected, CAST(sum(s.amount_minor) AS BIGINT) AS found
    FROM invoice_shares s
    JOIN invoice_lines l
      ON l.organization_id = s.organization_id AND l.invoice_id = s.invoice_id AND l.position = s.line_position
    WHERE s.organization_id = :organization_id
    GROUP BY l.id, l.invoice_id, l.position, l.amount_minor HAVING sum(s.amount_minor) <> l.amount_minor
    ORDER BY l.invoice_id, l.position LIMIT :most
""")
_ORPHANS = Statement("""
    SELECT 'line ' || CAST(s.line_position AS TEXT) || ' of invoice ' || s.invoice_id AS what,
           'a line' AS expected, 'shares of none' AS found
    FROM invoice_shares s
    WHERE s.organization_id = :organization_id AND NOT EXISTS (
        SELECT 1 FROM invoice_lines l
        WHERE l.organization_id = s.organization_id AND l.invoice_id = s.invoice_id AND l.position = s.line_position)
    GROUP BY s.invoice_id, s.line_position ORDER BY s.invoice_id, s.line_position LIMIT :most
""")
_TOTALS = Statement("""
    SELECT 'total of invoice ' || coalesce(number, id) AS what, subtotal_minor + tax_minor AS expected,
           total_minor AS found
    FROM invoices WHERE organization_id = :organization_id AND total_minor <> subtotal_minor + tax_minor
    ORDER BY id LIMIT :most
""")
_ISSUED = Statement("""
    SELECT 'number, digest, date of issue and due date of invoice ' || id AS what,
           CASE status WHEN 'DRAFT' THEN 'none of them on a DRAFT' ELSE 'all of them on one that is ' || status END
               AS expected,
           coalesce(number, '-') || ' ' || coalesce(digest, '-') || ' ' || coalesce(CAST(issued_at AS TEXT), '-') || ' '
               || coalesce(CAST(due_at AS TEXT), '-') AS found
    FROM invoices
    WHERE organization_id = :organization_id AND (
        status = 'DRAFT' AND (number IS NOT NULL OR digest IS NOT NULL OR issued_at IS NOT NULL OR due_at IS NOT NULL)
        OR status <> 'DRAFT' AND (number IS NULL OR digest IS NULL OR issued_at IS NULL OR due_at IS NULL))
    ORDER BY id LIMIT :most
""")
_UNCLOSED = Statement("""
    SELECT 'close of boundary ' || CAST(i.boundary_at AS TEXT) AS what, 'invoice ' || i.id AS expected,
           coalesce(c.invoice_id, 'no invoice') AS found
    FROM invoices i
    LEFT JOIN billing_closes c ON c.organization_id = i.organization_id AND c.boundary_at = i.boundary_at
    WHERE i.organization_id = :organization_id AND i.status <> 'DRAFT'
      AND (c.boundary_at IS NULL OR (i.status <> 'VOIDED' AND coalesce(c.invoice_id, '') <> i.id))
    ORDER BY i.id LIMIT :most
""")
_CLOSED = Statement("""
    SELECT 'invoice of the boundary closed at ' || CAST(c.boundary_at AS TEXT) AS what,
           'issued for that boundary' AS expected, coalesce(i.status, 'none') AS found
    FROM billing_closes c
    LEFT JOIN invoices i ON i.organization_id = c.organization_id AND i.id = c.invoice_id
    WHERE c.organization_id = :organization_id
      AND (c.invoice_id IS NOT NULL AND (i.id IS NULL OR i.boundary_at <> c.boundary_at OR i.status = 'DRAFT')
           OR c.invoice_id IS NULL AND EXISTS (
               SELECT 1 FROM invoices o
               WHERE o.organization_id = c.organization_id AND o.boundary_at = c.boundary_at AND o.status <> 'VOIDED'))
    ORDER BY c.boundary_at LIMIT :most
""")


@of_organization
async def lines_add_up_to_the_subtotal(books: Books) -> Differences:
    """The lines of an invoice add up to its subtotal."""
    return await books.differing(_SUBTOTALS)


@of_organization
async def shares_add_up_to_the_line(books: Books) -> Differences:
    """Where a line is divided among members, their shares add up to it."""
    return await books.differing(_SHARES)


@of_organization
async def shares_belong_to_a_line(books: Books) -> Differences:
    """Every member's share is a share of a line."""
    return await books.differing(_ORPHANS)


@of_organization
async def subtotal_and_tax_are_the_total(books: Books) -> Differences:
    """Subtotal and tax add up to the total."""
    return await books.differing(_TOTALS)


@of_organization
async def issued_invoices_are_complete(books: Books) -> Differences:
    """An issued invoice has its number, digest, date of issue and due date; a draft has none of them."""
    return await books.differing(_ISSUED)


@of_organization
async def issued_invoices_close_their_boundary(books: Books) -> Differences:
    """The boundary of an issued invoice is closed on it; that of a voided one may be closed on another."""
    return await books.differing(_UNCLOSED)


@of_organization
async def closed_boundaries_have_their_invoice(books: Books) -> Differences:
    """A boundary is closed on an issued invoice of that boundary, or on none where none stands."""
    return await books.differing(_CLOSED)
