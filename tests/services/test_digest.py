"""What was issued stays as it was, whatever happens afterwards."""

import os
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.money import Money
from models import invoices as rows
from models.database import Database
from services import closing, corrections, issuing, payments, profiles, seats
from services.usage import Overage
from tests.services.books import Books, a_use, books, days_later

NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)
AFTERWARDS = ("pay", "credit", "late", "correct", "move", "rename", "void", "close")
numbers = count()
EXAMPLES = int(os.environ.get("BILLING_EXAMPLES", "10"))
"""How many organizations are tried; BILLING_EXAMPLES asks for more."""


async def recomputed(ours: Books, invoice_id: str) -> tuple[str | None, str]:
    """Return the digest that is kept and the one that the rows give now."""
    invoice = await rows.find(ours.reader, ours.organization_id, invoice_id)
    assert invoice is not None
    lines = await rows.lines_of(ours.reader, ours.organization_id, [invoice_id])
    shares = await rows.shares_of(ours.reader, ours.organization_id, [invoice_id])
    return invoice.digest, issuing.digest(invoice, lines, shares)


async def happens(ours: Books, what: str, invoice_id: str, member_id: str, at: datetime) -> None:
    """Do one thing after the invoice was issued; whether it is refused does not matter here."""
    dollar, number = Money.parse("1.00", "USD"), next(numbers)
    match what:
        case "pay":
            paid = {"method": payments.MethodKind.CARD, "reference": "r", "received_at": at}
            await ours.do(
                payments.record_payment, payments.RecordPayment, invoice_id=invoice_id, amount=dollar, at=at, **paid
            )
        case "credit":
            note = {"invoice_id": invoice_id, "amount": dollar, "reason": "goodwill"}
            await ours.do(payments.issue_credit_note, payments.IssueCreditNote, at=at, **note)
        case "late":
            late = a_use(f"late-{number}", member_id, 7, at=days_later(25))
            await ours.use(late, at=at, overage=Overage.RECORD)
        case "correct":
            fix: dict[str, Any] = {"event_id": "1", "correction_id": f"fix-{number}", "quantity": 1}
            await ours.do(corrections.correct, corrections.Correct, at=at, **fix)
        case "move":
            tier = "chat" if number % 2 else "chat_code"
            await ours.do(seats.change_tier, seats.ChangeTier, member_id=member_id, tier=tier, at=at)
        case "rename":
            await ours.do(profiles.update, profiles.Update, name=f"Acme {number}", locale="ru-RU", at=at)
        case "void":
            await ours.do(closing.void, closing.Void, invoice_id=invoice_id, reason="mistake", at=at)
        case "close":
            later = datetime(2026, 12, 1, 2, tzinfo=UTC)
            await ours.do(closing.close, closing.Close, period="2026-11", at=later)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(afterwards=st.lists(st.sampled_from(AFTERWARDS), max_size=8))
async def test_a_finalized_digest_never_changes(database: Database, afterwards: list[str]) -> None:
    """Whatever is paid, credited, corrected, moved, renamed, voided or closed later, the invoice says what it said."""
    ours = await books(database, slug=f"acme-{next(numbers)}")
    bo = await ours.add("bo", tier="chat", add_ons=("hipaa",))
    await ours.use(a_use("1", bo, 1234, at=days_later(20)), at=days_later(20))
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)
    issued, _ = await recomputed(ours, closed.invoice_id)

    for position, what in enumerate(afterwards, start=1):
        await happens(ours, what, closed.invoice_id, bo, NOVEMBER + timedelta(hours=position))

    kept, now = await recomputed(ours, closed.invoice_id)
    assert issued is not None
    assert issued == kept == now


async def test_a_changed_amount_is_found_by_the_digest(database: Database) -> None:
    ours = await books(database)
    await ours.add("bo", tier="chat")
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    await database.writer.execute_query("UPDATE invoice_lines SET amount_minor = amount_minor - 1")

    kept, now = await recomputed(ours, closed.invoice_id)
    assert kept != now
