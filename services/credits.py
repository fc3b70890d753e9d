"""Grant prepaid credit, draw it when an invoice is issued, let it expire, and give it back when one is voided.

The order of drawing and what a balance is are rules of `billing/credits.py`; here they meet the rows. A grant's balance
is the sum of its entries, so nothing has to be kept in step with anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billing import credits as rules
from billing.money import Money
from billing.roles import Permission
from models import credits as rows
from models.sql import Client
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

PRIORITY_MAX = 100
REASON_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Grant:
    """Credit for an organization. The lower the priority's number, the sooner it is drawn."""

    organization_id: str
    idempotency_key: str
    amount: Money
    reason: str
    priority: int = 50
    kind: rules.GrantKind = rules.GrantKind.PROMOTIONAL
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreditGranted:
    """The credit can be drawn from now on."""

    grant_id: str


@verb(Permission.INVOICES_WRITE)
async def grant(unit: Unit, command: Grant) -> CreditGranted | Refused:
    """Put credit at an organization's disposal."""
    refused = _refusal(unit, command)
    if refused is not None:
        return refused
    row = await rows.insert_grant(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("credit_grant"),
        amount_minor=command.amount.minor,
        currency=command.amount.currency,
        priority=command.priority,
        kind=command.kind.value,
        reason=command.reason,
        granted_at=unit.at,
        expires_at=command.expires_at,
    )
    await _enter(unit, rules.granted([row.as_rule()]))
    unit.emit("CreditGranted", {"grantId": row.id, "amount": command.amount.amount})
    return CreditGranted(row.id)


async def apply(unit: Unit, invoice_id: str, total: Money) -> int:
    """Draw what an invoice of `total` can take, and return how much that is in minor units."""
    grants, entries = await _ledger(unit.client, unit.organization_id)
    if total.minor <= 0 or not grants:
        return 0
    drawn = rules.draw(grants, entries, charge_id=invoice_id, amount=total, at=unit.at)
    await _enter(unit, drawn.entries)
    if drawn.covered.minor:
        unit.emit("CreditApplied", {"invoiceId": invoice_id, "amount": drawn.covered.amount})
    return drawn.covered.minor


async def give_back(unit: Unit, invoice_id: str) -> None:
    """Return to each grant what a voided invoice had drawn; what has expired meanwhile expires at the next round."""
    drew = await rows.entries_of_invoice(unit.client, unit.organization_id, invoice_id)
    currency = unit.organization.currency
    await _enter(unit, rules.give_back([_entry(row, currency) for row in drew], charge_id=invoice_id, at=unit.at))


async def expire(unit: Unit) -> int:
    """Take away what has expired by now, and return how many grants that was."""
    grants, entries = await _ledger(unit.client, unit.organization_id)
    gone = rules.expire(grants, entries, unit.at)
    await _enter(unit, gone)
    for entry in gone:
        unit.emit("CreditExpired", {"grantId": entry.grant_id, "amount": (-entry.amount).amount})
    return len(gone)


async def balance(
    client: Client, organization_id: str, currency: str, *, at: datetime, open_charges: Money | None = None
) -> rules.Balance:
    """Return what can be drawn at `at`, and what the open charges will leave of it."""
    grants, entries = await _ledger(client, organization_id)
    return rules.balance(grants, entries, currency=currency, at=at, open_charges=open_charges)


async def _ledger(client: Client, organization_id: str) -> tuple[list[rules.Grant], list[rules.Entry]]:
    grants, entries = await rows.open_ledger(client, organization_id)
    currencies = {row.id: row.currency for row in grants}
    return [row.as_rule() for row in grants], [_entry(row, currencies[row.grant_id]) for row in entries]


def _entry(row: rows.CreditEntry, currency: str) -> rules.Entry:
    amount = Money(row.amount_minor, currency)
    return rules.Entry(row.grant_id, rules.EntryKind(row.kind), amount, row.occurred_at, row.invoice_id)


async def _enter(unit: Unit, entries: Iterable[rules.Entry]) -> None:
    for entry in entries:
        await rows.insert_entry(
            unit.client,
            organization_id=unit.organization_id,
            id=unit.new_id("credit_entry"),
            grant_id=entry.grant_id,
            kind=entry.kind.value,
            amount_minor=entry.amount.minor,
            invoice_id=entry.charge_id,
            occurred_at=unit.at,
        )


def _refusal(unit: Unit, command: Grant) -> Refused | None:
    currency = unit.organization.currency
    if command.amount.currency != currency:
        message = f"the organization is billed in {currency}, the credit is in {command.amount.currency}"
        return Refused(RefusalCode.CURRENCY_MISMATCH, message, ("amount", "currency"))
    if command.amount.minor <= 0:
        return Refused(RefusalCode.AMOUNT_INVALID, f"{command.amount} is not above 0", ("amount",))
    if not 0 <= command.priority <= PRIORITY_MAX:
        message = f"priority {command.priority} is outside 0 to {PRIORITY_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("priority",))
    if not 1 <= len(command.reason.strip()) <= REASON_LENGTH_MAX:
        message = f"reason has {len(command.reason.strip())} characters: give 1 to {REASON_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("reason",))
    if command.expires_at is not None and command.expires_at <= unit.at:
        message = f"expiresAt {command.expires_at.isoformat()} is past"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("expiresAt",))
    return None
