"""A database in which everything has happened once: three organizations after months of work."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from billing.money import Money
from billing.rating import Direction
from models import invoices
from models.database import Database, opened
from services import (
    balances,
    closing,
    corrections,
    credits,
    groups,
    members,
    organizations,
    payments,
    reservations,
    seats,
    settling,
)
from services import reservation_facts as facts
from services.usage import Overage
from tests import databases
from tests.services.books import Books, a_use, books, days_later
from tests.services.test_contracts import BAND, TERMS

HOUR = timedelta(hours=1)


def month(number: int) -> datetime:
    """Return the moment in which a month is closed: 11 is the first of November."""
    return datetime(2026 + (number - 1) // 12, (number - 1) % 12 + 1, 1, 2, tzinfo=UTC)


async def build(folder: Path, worker: str) -> str:
    """Return the URL of a database in which everything has happened."""
    url = await databases.prepare(folder, f"{worker}_lived_in")
    async with opened(url) as database:
        await _pooled(database)
        await _under_contract(database)
        await _with_a_draft(database)
    return url


async def _pooled(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat", add_ons=("hipaa",))
    cy = await ours.add("cy", tier="chat_code")
    dee = await ours.add("dee", tier="chat")
    await ours.add("eve", tier="chat")
    for key, at in (("research", days_later(0)), ("sales", days_later(2))):
        kept = await ours.do(groups.create, groups.CreateGroup, key=key, name=key.title())
        await ours.do(groups.assign, groups.AssignGroup, member_ids=(bo,), group_id=kept.group_id, at=at)
    await ours.cap("ORGANIZATION", "1000.00")
    await ours.cap("MEMBER", "20.00", bo)
    await ours.cap("SEAT_TIER", "500.00", "chat")
    for number, (member, cents) in enumerate([(bo, 1_234), (cy, 333), (dee, 7), (bo, 500), (cy, 1)]):
        at = days_later(number)
        await ours.use(a_use(f"use-{number}", member, cents, at=at), at=at)
    await _corrected(ours, "use-1", "fix-1", 111, days_later(6))
    await _corrected(ours, "fix-1", "fix-2", 222, days_later(7))
    await ours.do(seats.change_tier, seats.ChangeTier, member_id=bo, tier="chat_code", at=days_later(8))
    await ours.do(members.deactivate, members.Deactivate, member_id=dee, at=days_later(9))
    await ours.use(a_use("moved", bo, 100, at=days_later(10)), at=days_later(10))
    await _granted(ours, "3.00", days_later(11))

    october = await _closed(ours, "2026-10", month(11))
    await _paid(ours, october, "5.00", month(11))
    await ours.do(
        payments.issue_credit_note,
        payments.IssueCreditNote,
        invoice_id=october,
        amount=Money.parse("2.00", "USD"),
        reason="goodwill",
        at=month(11),
    )
    await _reserved(ours, cy)
    late = a_use("late", cy, 77, at=days_later(20))
    await ours.use(late, at=month(11) + HOUR, overage=Overage.RECORD)
    await _corrected(ours, "use-0", "fix-3", 1_000, month(11) + HOUR)
    await _granted(ours, "4.00", month(11) + HOUR)

    november = await _closed(ours, "2026-11", month(12))
    voided = await ours.do(closing.void, closing.Void, invoice_id=november, reason="mistake", at=month(12))
    assert isinstance(voided, closing.StatusMoved), voided
    december = await _closed(ours, "2026-12", month(13))
    due = await _due(ours, december)
    await _paid(ours, december, due.amount, month(13))
    await _held(ours, "live", cy, month(13) + HOUR)


async def _reserved(ours: Books, member_id: str) -> None:
    """Let one hold be settled for less than it held, one for more, one be released, and one expire."""
    at = month(11) + HOUR
    for number, cents in enumerate((20, 90)):
        await _held(ours, f"settled-{number}", member_id, at)
        use = facts.Use(f"call-{number}", "tokens", "atlas", Direction.INPUT, cents * 10_000)
        actual = facts.Actual(facts.Which(None, f"settled-{number}"), (use,))
        answer = await ours.do(settling.settle, facts.Settle, actuals=(actual,), at=at)
        assert isinstance(answer.outcomes[0], facts.Settled), answer
    await _held(ours, "released", member_id, at)
    named = (facts.Which(None, "released"),)
    await ours.do(reservations.release, facts.Release, reservations=named, at=at)
    await _held(ours, "expired", member_id, at)


async def _held(ours: Books, external_id: str, member_id: str, at: datetime) -> None:
    ask = facts.Ask(external_id, member_id, amount_nanos=50 * 10**7, currency="USD")
    answer = await ours.do(reservations.reserve, facts.Reserve, asks=(ask,), at=at)
    assert isinstance(answer.outcomes[0], facts.Reserved), answer


async def _under_contract(database: Database) -> None:
    theirs = await books(database, plan=BAND, slug="beta", evaluation_ends_at=days_later(30))
    signed = await theirs.do(
        organizations.convert_evaluation, organizations.ConvertEvaluation, plan_key="band", contract=TERMS
    )
    assert isinstance(signed, organizations.EvaluationConverted), signed


async def _with_a_draft(database: Database) -> None:
    third = await books(database, slug="gamma", invoice_grace_seconds=86_400)
    await third.add("fay", tier="chat")
    await _closed(third, "2026-10", month(11))


async def _corrected(ours: Books, event_id: str, to: str, cents: int, at: datetime) -> None:
    fix: dict[str, Any] = {"event_id": event_id, "correction_id": to, "quantity": cents * 10_000}
    answer = await ours.do(corrections.correct, corrections.Correct, at=at, **fix)
    assert isinstance(answer, corrections.Corrected), answer


async def _granted(ours: Books, amount: str, at: datetime) -> None:
    await ours.do(credits.grant, credits.Grant, amount=Money.parse(amount, "USD"), reason="welcome", at=at)


async def _closed(ours: Books, period: str, at: datetime) -> str:
    closed = await ours.do(closing.close, closing.Close, period=period, at=at)
    assert isinstance(closed, closing.Closed), closed
    assert closed.invoice_id is not None
    return closed.invoice_id


async def _paid(ours: Books, invoice_id: str, amount: str, at: datetime) -> None:
    how = {"method": payments.MethodKind.CARD, "reference": "r", "received_at": at}
    answer = await ours.do(
        payments.record_payment,
        payments.RecordPayment,
        invoice_id=invoice_id,
        amount=Money.parse(amount, "USD"),
        at=at,
        **how,
    )
    assert isinstance(answer, payments.PaymentRecorded), answer


async def _due(ours: Books, invoice_id: str) -> Money:
    invoice = await invoices.find(ours.reader, ours.organization_id, invoice_id)
    assert invoice is not None
    return (await balances.amounts_due(ours.reader, ours.organization_id, [invoice]))[invoice_id]
