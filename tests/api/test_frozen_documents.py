"""A document that is made again says what it said when the invoice was issued, whatever was renamed since."""

from api.downloads import document_of
from api.house import remember_sellers
from api.settings import SellerDetails, Settings
from models import invoices, members
from models.database import Database
from models.paging import Window
from models.sql import Client
from services import closing, issuing, statements
from tests.services.books import Books, a_use, books, days_later


async def the_document(ours: Books, settings: Settings) -> str:
    (row,) = (await invoices.page_of(ours.reader, ours.organization_id, Window(1))).rows
    found = await statements.load(ours.reader, ours.organization_id, row.id)
    assert found is not None
    return repr(document_of(found, settings.printed_sellers))


async def test_a_renamed_member_and_seller_change_nothing_that_was_issued(database: Database) -> None:
    before = Settings(sellers={"BILLGRAPH": SellerDetails(legal_name="Billgraph Ltd", payment_lines=("IBAN 1",))})
    after = Settings(sellers={"BILLGRAPH": SellerDetails(legal_name="Billgraph Holding", payment_lines=("IBAN 2",))})
    await remember_sellers(database, before)
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.use(a_use("1", bo, 500))
    await ours.do(closing.close, closing.Close, period="2026-10", at=days_later(31))
    issued = await the_document(ours, before)

    async def rename(client: Client) -> None:
        await members.update(client, ours.organization_id, bo, name="Somebody Else")

    await database.runner.run(rename, lane=ours.organization_id)
    await remember_sellers(database, after)

    assert await the_document(ours, after) == issued
    assert "Billgraph Ltd" in issued
    assert "member_name='bo'" in issued


async def test_an_invoice_from_before_keeps_its_digest(database: Database) -> None:
    ours = await books(database)
    await ours.add("bo", tier="chat")
    await ours.do(closing.close, closing.Close, period="2026-10", at=days_later(31))
    (row,) = (await invoices.page_of(ours.reader, ours.organization_id, Window(1))).rows
    lines = await invoices.lines_of(ours.reader, ours.organization_id, [row.id])
    shares = await invoices.shares_of(ours.reader, ours.organization_id, [row.id])

    assert issuing.digest(row, lines, shares) == row.digest
    row.frozen = {**row.frozen, "members": {}}
    changed = issuing.digest(row, lines, shares)
    row.frozen = None

    assert changed != row.digest
    assert issuing.digest(row, lines, shares) not in {row.digest, changed}
