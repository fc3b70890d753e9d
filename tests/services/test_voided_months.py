"""A month whose invoice was voided is billed again: once, under a new number, and with nothing lost or billed twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

from billing.money import Money
from models import adjustments, usage
from models import invoices as rows
from models.database import Database
from services import closing, corrections, credits, verification
from services.outcomes import Refused
from services.usage import Overage
from tests.services.books import START, Books, a_use, books, days_later

NOVEMBER, DECEMBER, JANUARY = (datetime(2026, 11, 1, 2, tzinfo=UTC), datetime(2026, 12, 1, 2, tzinfo=UTC),
                               datetime(2027, 1, 1, 2, tzinfo=UTC))  # fmt: skip
HOUR = timedelta(hours=1)


async def close(ours: Books, month: str, at: datetime, **more: Any) -> rows.Invoice:
    """Close a month and return its invoice."""
    closed = await ours.do(closing.close, closing.Close, period=month, at=at, **more)
    assert isinstance(closed, closing.Closed), closed
    assert closed.invoice_id is not None
    found = await rows.find(ours.reader, ours.organization_id, closed.invoice_id)
    assert found is not None
    return found


async def void(ours: Books, invoice: rows.Invoice, at: datetime) -> None:
    """Take an invoice back."""
    answer = await ours.do(closing.void, closing.Void, invoice_id=invoice.id, reason="wrong", at=at)
    assert isinstance(answer, closing.StatusMoved), answer


async def reported_late(ours: Books, event_id: str, member_id: str, cents: int, at: datetime) -> None:
    """Report usage of October when October is closed."""
    await ours.use(a_use(event_id, member_id, cents, at=days_later(20)), at=at, overage=Overage.RECORD)


async def is_sound(ours: Books) -> bool:
    """Return whether everything that must always be true is."""
    return await verification.of_organization(ours.reader, ours.organization_id) == []


async def test_the_month_gets_another_invoice_and_the_voided_one_stays_as_it_is(database: Database) -> None:
    ours = await books(database)
    await ours.add("bo", tier="chat")
    first = await close(ours, "2026-10", NOVEMBER)
    await void(ours, first, NOVEMBER + HOUR)

    second = await close(ours, "2026-10", NOVEMBER + 2 * HOUR)
    again = await close(ours, "2026-10", NOVEMBER + 3 * HOUR)
    kept = await rows.find(ours.reader, ours.organization_id, first.id)

    assert kept is not None
    assert (kept.number, kept.status, kept.digest) == ("BILLGRAPH-000001", "VOIDED", first.digest)
    assert (second.number, second.status, second.total_minor) == ("BILLGRAPH-000002", "FINALIZED", 20_00)
    assert second.frozen["replaces"] == "BILLGRAPH-000001"
    assert again.id == second.id, "a month that is billed is not billed again"
    assert await rows.billed_minor(ours.reader, ours.organization_id) == 20_00


async def test_prepaid_credit_comes_back_and_is_drawn_by_the_new_invoice(database: Database) -> None:
    ours = await books(database)
    await ours.add("bo", tier="chat")
    await ours.do(credits.grant, credits.Grant, amount=Money.parse("15.00", "USD"), reason="promotion")
    first = await close(ours, "2026-10", NOVEMBER)
    await void(ours, first, NOVEMBER + HOUR)

    second = await close(ours, "2026-10", NOVEMBER + 2 * HOUR)
    left = await credits.balance(ours.reader, ours.organization_id, "USD", at=NOVEMBER + 2 * HOUR)

    assert (first.credits_minor, second.credits_minor, left.settled.minor) == (15_00, 15_00, 0)
    assert await is_sound(ours)


async def test_late_usage_that_waits_is_on_the_new_invoice_and_on_no_other(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("in time", bo, 100))
    first = await close(ours, "2026-10", NOVEMBER)
    await void(ours, first, NOVEMBER + HOUR)
    await reported_late(ours, "late", bo, 50, NOVEMBER + HOUR)

    second = await close(ours, "2026-10", NOVEMBER + 2 * HOUR)
    waiting = await adjustments.unbilled(ours.reader, ours.organization_id, before=DECEMBER)

    assert (first.total_minor, second.total_minor, waiting) == (1_00, 1_50, [])
    assert await is_sound(ours)


async def test_late_usage_that_another_invoice_billed_is_not_billed_again(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("one", bo, 100), a_use("two", bo, 100))
    october = await close(ours, "2026-10", NOVEMBER)
    await reported_late(ours, "late", bo, 50, NOVEMBER + HOUR)
    corrected = await ours.do(
        corrections.correct, corrections.Correct, event_id="one", correction_id="fix", quantity=40 * 10_000, at=NOVEMBER
    )
    assert not isinstance(corrected, Refused)
    november = await close(ours, "2026-11", DECEMBER)
    await void(ours, october, DECEMBER + HOUR)

    again = await close(ours, "2026-10", DECEMBER + 2 * HOUR)

    assert (october.total_minor, november.total_minor, again.total_minor) == (2_00, 50 - 60, 2_00)
    assert await is_sound(ours)


async def test_what_a_voided_invoice_billed_of_an_earlier_month_waits_for_the_next(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await close(ours, "2026-10", NOVEMBER)
    await reported_late(ours, "late", bo, 50, NOVEMBER + HOUR)
    november = await close(ours, "2026-11", DECEMBER)
    await void(ours, november, DECEMBER + HOUR)

    december = await close(ours, "2026-12", JANUARY)
    again = await close(ours, "2026-11", JANUARY + HOUR)

    assert (november.total_minor, december.total_minor, again.total_minor) == (20_50, 20_50, 20_00)
    assert await is_sound(ours)


def a_metered_plan(price: dict[str, str], **counted: str) -> dict[str, Any]:
    """Return a plan that bills one meter and nothing else."""
    quantity = {"kind": "USAGE", "meter": "tokens", **counted}
    return {
        "key": "metered",
        "version": 1,
        "name": {"en": "Metered"},
        "currency": "USD",
        "tax": {"mode": "EXCLUSIVE", "percent": "0"},
        "tiers": [],
        "items": [{"key": "meter", "name": {"en": "Meter"}, "quantity": quantity, "price": price}],
    }


async def test_a_meter_that_is_counted_by_the_event_leaves_out_what_was_billed_elsewhere(database: Database) -> None:
    ours = await books(database, plan=a_metered_plan({"model": "UNIT", "unit": "1"}, aggregation="MAX"))
    bo = await ours.add("bo")
    await ours.use(a_use("in time", bo, 0, quantity=7))
    october = await close(ours, "2026-10", NOVEMBER)
    late = a_use("late", bo, 0, quantity=9, at=days_later(20))
    await ours.use(late, at=NOVEMBER + HOUR, overage=Overage.RECORD)
    await close(ours, "2026-11", DECEMBER)
    await void(ours, october, DECEMBER + HOUR)

    again = await close(ours, "2026-10", DECEMBER + 2 * HOUR)

    assert again.total_minor == october.total_minor == 7_00


async def test_more_events_than_can_be_billed_one_by_one_are_refused_and_not_cut(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(usage, "EVENTS_MAX", 2)
    ours = await books(database, plan=a_metered_plan({"model": "PERCENTAGE", "percent": "1", "fixed": "0.25"}))
    bo = await ours.add("bo")
    await ours.use(*(a_use(f"{number}", bo, 0, quantity=100) for number in range(3)), at=START)

    answer = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    assert isinstance(answer, Refused)
    assert (answer.code.value, answer.field) == ("TOO_MANY_EVENTS", ("period",))
    assert "more than 2 events of 'tokens'" in answer.message
