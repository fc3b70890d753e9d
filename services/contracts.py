"""Amend and renew what was agreed.

An amendment is another version of the contract, in force from a date; the versions before it stay as they were. What
was invoiced by then stays invoiced: the new total is spread over the instalments that are still to come, so that the
instalments of a term always add up to what the term costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing import amendments
from billing import contracts as rules
from billing.contracts import Contract, InvalidContract
from billing.plans import InvalidPlan, Plan
from billing.roles import Permission
from models import contracts as rows
from models import plans
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit


@dataclass(frozen=True, slots=True)
class Amend:
    """Changes to the running contract, as fields of its document, from `effective_at` on."""

    organization_id: str
    idempotency_key: str
    changes: Mapping[str, Any]
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class ContractAmended:
    """The new version is on record."""

    contract_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Renew:
    """Another term after the running one, on the same terms but for the fields given."""

    organization_id: str
    idempotency_key: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContractRenewed:
    """The next term is on record."""

    contract_id: str
    number: str


AMENDABLE = frozenset(
    {
        "band_up_to",
        "total",
        "net_terms_days",
        "purchase_order",
        "bill_to",
        "account_manager",
        "support_response_time",
        "renewal_at",
        "prices",
        "commitment",
        "discounts",
        "item_discounts",
    }
)
RENEWABLE = AMENDABLE | {"number", "term_years", "schedule", "custom"}


@verb(Permission.PLAN_WRITE)
async def amend(unit: Unit, command: Amend) -> ContractAmended | Refused:
    """Put another version of the running contract in force from a date that is not past."""
    current = await rows.at_instant(unit.client, unit.organization_id, unit.at)
    if current is None:
        return not_found("running contract", "organizationId")
    refused = _unknown_refusal(command.changes, AMENDABLE)
    if refused is not None:
        return refused
    if not unit.at <= command.effective_at < current.ends_at:
        message = f"effectiveAt {command.effective_at.isoformat()} is outside now to {current.ends_at.isoformat()}"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("effectiveAt",))
    before = current.as_rule()
    newest = await rows.newest(unit.client, unit.organization_id)
    assert newest is not None, "the running contract is on record"
    if newest.starts_at != current.starts_at:
        message = f"contract {newest.number} follows already; amend it when it runs"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("organizationId",))
    document = {**rules.to_document(before), **command.changes, "version": newest.version + 1}
    try:
        after = rules.from_document(document)
        refused = _currency_refusal(before, after)
        if refused is not None:
            return refused
        refused = await fit_refusal(unit, after, "changes", at=command.effective_at)
        if refused is not None:
            return refused
        after = amendments.respread(before, after, at=command.effective_at, time_zone=unit.organization.time_zone)
    except InvalidContract as error:
        return Refused(RefusalCode.CONTRACT_INVALID, str(error), ("changes", *error.field.split(".")))
    row = await _record(unit, after, effective_at=command.effective_at)
    facts = {"contractId": row.id, "number": after.number, "version": after.version}
    was = rules.to_document(before)
    unit.emit(
        "ContractAmended",
        {**facts, "effectiveAt": command.effective_at.isoformat()},
        before={"version": before.version, **{name: was.get(name) for name in command.changes}},
    )
    return ContractAmended(row.id, after.version)


@verb(Permission.PLAN_WRITE, statuses=ANY_STATUS)
async def renew(unit: Unit, command: Renew) -> ContractRenewed | Refused:
    """Add a term that starts where the newest one ends, also when that has just ended."""
    current = await rows.newest(unit.client, unit.organization_id)
    if current is None:
        return not_found("contract", "organizationId")
    refused = _unknown_refusal(command.changes, RENEWABLE)
    if refused is not None:
        return refused
    if current.starts_at > unit.at:
        message = f"contract {current.number} follows already, from {current.starts_at.isoformat()}"
        return Refused(RefusalCode.ALREADY_EXISTS, message, ("organizationId",))
    try:
        after = amendments.successor(current.as_rule(), command.changes, time_zone=unit.organization.time_zone)
    except InvalidContract as error:
        return Refused(RefusalCode.CONTRACT_INVALID, str(error), ("changes", *error.field.split(".")))
    refused = _currency_refusal(current.as_rule(), after)
    refused = refused or await fit_refusal(unit, after, "changes", at=max(unit.at, after.start))
    if refused is not None:
        return refused
    row = await _record(unit, after, effective_at=after.start)
    unit.emit("ContractRenewed", {"contractId": row.id, "number": after.number, "startsAt": after.start.isoformat()})
    return ContractRenewed(row.id, after.number)


async def fit_refusal(unit: Unit, contract: Contract, *field: str, at: datetime) -> Refused | None:
    """Return why what a contract negotiated does not fit the plan in force at `at`, or None."""
    in_force = await plans.at_instant(unit.client, unit.organization_id, at)
    return None if in_force is None else plan_refusal(in_force.as_rule(), contract, *field)


def plan_refusal(plan: Plan, contract: Contract, *field: str) -> Refused | None:
    """Return why what a contract negotiated does not fit a plan, or None."""
    for part in ("prices", "item_discounts"):
        for index, each in enumerate(getattr(contract, part)):
            if all(item.key != each.item_key for item in plan.items):
                message = f"{each.item_key!r} is not an item of plan {plan.key!r}"
                return Refused(RefusalCode.CONTRACT_INVALID, message, (*field, part, str(index), "item_key"))
    try:
        rules.apply_prices(plan, contract)
    except InvalidPlan as error:
        return Refused(RefusalCode.CONTRACT_INVALID, str(error), field)
    return None


async def _record(unit: Unit, contract: Contract, *, effective_at: datetime) -> rows.Contract:
    return await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("contract"),
        number=contract.number,
        document=rules.to_document(contract),
        version=contract.version,
        effective_at=effective_at,
        starts_at=contract.start,
        ends_at=contract.end,
        recorded_at=unit.at,
    )


def _currency_refusal(before: Contract, after: Contract) -> Refused | None:
    if after.total.currency == before.total.currency:
        return None
    message = f"the contract is in {before.total.currency}, the new total in {after.total.currency}"
    return Refused(RefusalCode.CURRENCY_MISMATCH, message, ("changes", "total"))


def _unknown_refusal(changes: Mapping[str, Any], known: frozenset[str]) -> Refused | None:
    surplus = sorted(set(changes) - known)
    if not surplus:
        return None
    message = f"{surplus[0]!r} cannot be changed here; {', '.join(sorted(known))} can"
    return Refused(RefusalCode.CONTRACT_INVALID, message, ("changes", surplus[0]))
