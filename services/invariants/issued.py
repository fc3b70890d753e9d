"""Does every issued invoice still say what it said?"""

from models import invoices as rows
from models.invariants.invariant import Books, Difference, Differences, of_organization
from services.issuing import digest

BATCH = 50


@of_organization
async def digests_reproduce(books: Books) -> Differences:
    """The digest made when an invoice was issued is the digest of its rows today."""
    found: list[Difference] = []
    after = ""
    while batch := await rows.issued_after(books.client, books.organization_id, after, limit=BATCH):
        after = batch[-1].id
        found += [each for invoice in batch for each in await _changed(books, invoice)]
        if len(found) >= books.most:
            break
    return found[: books.most]


async def _changed(books: Books, invoice: rows.Invoice) -> Differences:
    lines = await rows.lines_of(books.client, books.organization_id, [invoice.id])
    shares = await rows.shares_of(books.client, books.organization_id, [invoice.id])
    now = digest(invoice, lines, shares)
    what = f"digest of invoice {invoice.number or invoice.id}"
    return [] if now == invoice.digest else [Difference(what, str(invoice.digest), now)]
