"""A month becomes an invoice once, in order, and the preview said so before."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from billing.money import Money
from jobs import due as job
from models import invoices as rows
from models.database import Database
from services import closing, drafts, payments, seats
from services.outcomes import RefusalCode, Refused
from tests.services.books import Books, a_use, books, days_later

NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 2, tzinfo=UTC)


async def an_october(database: Database) -> Books:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat", add_ons=("hipaa",))
    cy = await ours.add("cy", tier="chat", at=days_later(15) + timedelta(hours=12))
    for number, (member, cents) in enumerate([(bo, 333), (cy, 333), (bo, 334)]):
        at = days_later(20)
        await ours.use(a_use(str(number), member, cents, at=at), at=at)
    return ours


async def test_the_invoice_is_what_the_preview_said(database: Database) -> None:
    ours = await an_october(database)
    preview = await drafts.upcoming(database.reader, await ours.organization(), at=days_later(30))

    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    assert preview is not None
    assert isinstance(closed, closing.Closed)
    lines = await rows.lines_of(database.reader, ours.organization_id, [closed.invoice_id])
    assert [(line.description, line.quantity, line.amount_minor) for line in lines] == [
        (line.description, line.quantity_text, line.amount.minor) for line in preview.draft.lines
    ]
    assert {line.description: line.amount_minor for line in lines} == {
        "Chat seat": 30_00,
        "HIPAA": 5_00,
        "Usage: atlas, input": 10_00,
    }


async def test_total_lines_members_and_events_are_the_same_money(database: Database) -> None:
    ours = await an_october(database)
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    invoice = await rows.find(database.reader, ours.organization_id, closed.invoice_id)
    lines = await rows.lines_of(database.reader, ours.organization_id, [closed.invoice_id])
    shares = await rows.shares_of(database.reader, ours.organization_id, [closed.invoice_id])

    assert invoice is not None
    assert invoice.total_minor == sum(line.amount_minor for line in lines) == sum(s.amount_minor for s in shares)
    assert sum(share.cost_nanos for share in shares) == 10_000_000_000


async def test_a_closed_month_closes_to_the_same_invoice(database: Database) -> None:
    ours = await an_october(database)

    first, again = await asyncio.gather(
        ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER),
        ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER),
    )

    assert first == again
    assert await rows.count(database.reader, ours.organization_id) == 1
    assert len(await ours.facts("InvoiceFinalized")) == 1


@pytest.mark.parametrize(
    ("period", "at", "code"),
    [
        ("2026-10", days_later(30), RefusalCode.PERIOD_NOT_OVER),
        ("2026-11", DECEMBER, RefusalCode.PERIOD_OUT_OF_ORDER),
        ("2026-08", NOVEMBER, RefusalCode.PERIOD_OUT_OF_ORDER),
        ("October", NOVEMBER, RefusalCode.INPUT_INVALID),
        ("2026-13", NOVEMBER, RefusalCode.INPUT_INVALID),
    ],
)
async def test_a_month_that_cannot_close_is_refused(
    database: Database, period: str, at: datetime, code: RefusalCode
) -> None:
    ours = await an_october(database)

    answer = await ours.do(closing.close, closing.Close, period=period, at=at)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.field) == (code, ("period",))
    assert await rows.count(database.reader, ours.organization_id) == 0


async def test_numbers_of_a_seller_run_without_gaps_over_all_organizations(database: Database) -> None:
    several = [await books(database, slug=slug) for slug in ("a1", "b1", "c1")]
    for ours in several:
        await ours.add("bo", tier="chat")

    await asyncio.gather(*(ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER) for ours in several))

    numbers = []
    for ours in several:
        page = await rows.page_of(database.reader, ours.organization_id, rows.Window(10))
        numbers += [invoice.number for invoice in page.rows]
    assert sorted(numbers) == ["BILLGRAPH-000001", "BILLGRAPH-000002", "BILLGRAPH-000003"]


async def test_the_job_closes_every_month_that_is_over_and_none_twice(database: Database) -> None:
    ours = await an_october(database)

    first = [report async for report in job.carry_out(database.reader, ours.dispatcher, at=DECEMBER)]
    again = [report async for report in job.carry_out(database.reader, ours.dispatcher, at=DECEMBER)]

    assert [report.what for report in first] == ["2026-10", "2026-11"]
    assert again == []


async def test_a_seat_changed_in_the_month_is_billed_for_its_part(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.do(seats.change_tier, seats.ChangeTier, member_id=bo, tier=None, at=days_later(15) + timedelta(hours=12))

    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    (line,) = await rows.lines_of(database.reader, ours.organization_id, [closed.invoice_id])
    assert (line.quantity, line.amount_minor) == ("0.5", 10_00)


async def test_payments_and_credits_reach_the_total_and_never_pass_it(database: Database) -> None:
    ours = await an_october(database)
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    def dollars(text: str) -> Money:
        return Money.parse(text, "USD")

    async def pay(amount: str) -> payments.PaymentRecorded | Refused:
        answer: payments.PaymentRecorded | Refused = await ours.do(
            payments.record_payment,
            payments.RecordPayment,
            invoice_id=closed.invoice_id,
            amount=dollars(amount),
            method=payments.MethodKind.BANK_TRANSFER,
            reference="wire",
            received_at=NOVEMBER,
            at=NOVEMBER,
        )
        return answer

    async def credit(amount: str) -> payments.CreditNoteIssued | Refused:
        answer: payments.CreditNoteIssued | Refused = await ours.do(
            payments.issue_credit_note,
            payments.IssueCreditNote,
            invoice_id=closed.invoice_id,
            amount=dollars(amount),
            reason="goodwill",
            at=NOVEMBER,
        )
        return answer

    assert isinstance(await pay("45.01"), Refused)
    part = await pay("20.00")
    assert isinstance(part, payments.PaymentRecorded)
    assert part.due == dollars("25.00")
    note = await credit("5.00")
    assert isinstance(note, payments.CreditNoteIssued)
    assert note.number == "BILLGRAPH-CN-000001"
    rest = await pay("20.00")
    assert isinstance(rest, payments.PaymentRecorded)
    invoice = await rows.find(database.reader, ours.organization_id, closed.invoice_id)
    assert invoice is not None
    assert invoice.status == "PAID"
    late = await pay("1.00")
    assert isinstance(late, Refused)
    assert late.code is RefusalCode.STATUS_CONFLICT
    assert isinstance(await credit("40.01"), Refused)
