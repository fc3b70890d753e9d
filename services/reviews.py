"""Look back on a contract: every quarter, and once before it is renewed.

A review is computed once, when it is due, and kept as it was: it is what both sides talk about later.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from billing import reviews as rules
from billing.contracts import Contract, Crossed
from billing.money import Money, decimal_text
from billing.periods import Period
from billing.roles import Permission
from models import contracts, invoices, seats
from models.organizations import Organization
from models.sql import Client
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

NOTICE_DAYS = 60


@dataclass(frozen=True, slots=True)
class Make:
    """The review of one kind that fell due at one instant."""

    organization_id: str
    idempotency_key: str
    due_at: datetime
    kind: rules.ReviewKind


@dataclass(frozen=True, slots=True)
class ReviewMade:
    """The review is on record."""

    review_id: str
    number: str


async def waiting(client: Client, organization: Organization) -> AsyncIterator[rules.Due]:
    """Yield the reviews of every contract that were not made yet, oldest first."""
    for row in await contracts.history(client, organization.organization_id):
        contract = row.as_rule()
        made = {
            (review.reason, review.period_key)
            for review in await contracts.reviews(client, organization.organization_id, contract.number)
        }
        for due in rules.due(contract, organization.time_zone, notice_days=NOTICE_DAYS):
            if (due.kind.value, _key(due)) not in made:
                yield due


@verb(Permission.PLAN_WRITE, statuses=ANY_STATUS)
async def make(unit: Unit, command: Make) -> ReviewMade | Refused:
    """Compute a review that is due, and keep it."""
    found = await _due(unit, command)
    if found is None:
        return not_found("review that is due", "dueAt")
    contract, due = found
    if due.at > unit.at:
        message = f"the review is due at {due.at.isoformat()}, which has not come yet"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("dueAt",))
    held = await seats.overlapping(unit.client, unit.organization_id, due.period)
    spend = await _spend_beside(unit, contract, due.period)
    review = rules.review(
        contract, due, [seat.as_rule() for seat in held], spend, time_zone=unit.organization.time_zone
    )
    review_id = unit.new_id("contract_review")
    await contracts.insert_review(
        unit.client,
        organization_id=unit.organization_id,
        id=review_id,
        contract_number=contract.number,
        reason=due.kind.value,
        period_key=_key(due),
        seats_used=review.position.used,
        band_up_to=review.position.band,
        report=document(review),
        raised_at=unit.at,
    )
    facts = {"reviewId": review_id, "number": contract.number, "kind": due.kind.value}
    unit.emit("ContractReviewed", {**facts, "seatsUsed": review.position.used, "bandUpTo": review.position.band})
    return ReviewMade(review_id, contract.number)


def document(review: rules.Review) -> dict[str, object]:
    """Return a review as the document it is kept as."""
    return {
        "from": review.period.start.isoformat(),
        "to": review.period.end.isoformat(),
        "crossed": isinstance(review.position, Crossed),
        "peak_at": review.peak_at.isoformat() if review.peak_at else None,
        "roles": [
            {"role": each.role, "billable": each.billable, "at_end": each.at_end, "peak": each.peak}
            for each in review.roles
        ],
        "trend": [
            {"month": each.label, "peak": each.peak, "average": decimal_text(each.average)} for each in review.trend
        ],
        "agreed": review.agreed.amount,
        "spend": review.spend.amount,
        "cost_per_seat": review.cost_per_seat.amount if review.cost_per_seat else None,
        "currency": review.agreed.currency,
        "band_use_percent": decimal_text(review.band_use_percent),
        "growth": review.growth,
        "granted": review.granted,
        "revoked": review.revoked,
    }


async def _due(unit: Unit, command: Make) -> tuple[Contract, rules.Due] | None:
    for row in reversed(await contracts.history(unit.client, unit.organization_id)):
        contract = row.as_rule()
        for due in rules.due(contract, unit.organization.time_zone, notice_days=NOTICE_DAYS):
            if (due.at, due.kind) == (command.due_at, command.kind):
                return contract, due
    return None


async def _spend_beside(unit: Unit, contract: Contract, period: Period) -> Money:
    """Return what was billed in a time beside the contract's own instalments."""
    minor = await invoices.billed_beside_instalments(
        unit.client, unit.organization_id, start=period.start, end=period.end
    )
    return Money(minor, contract.total.currency)


def _key(due: rules.Due) -> str:
    return due.at.isoformat()
