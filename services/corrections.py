"""Correct what a source reported wrongly, without forgetting what it said first.

A correction is an event of its own that supersedes another: same member, model and instant, another quantity. The
counters of the windows it was used in and the rollups move by the difference. What is more than was said has happened:
no limit refuses it, and where it passes one it is flagged and told. Where the month is billed already, the difference
becomes a line of the next invoice. An event is superseded once; a second correction corrects the first.
"""

from dataclasses import dataclass

from billing import limits as rules
from billing.periods import local_date, month_containing, to_microseconds
from billing.rating import QUANTITY_MAX, Direction
from billing.roles import Permission
from models import adjustments, invoices
from models import usage as rows
from services import overruns, terms
from services.dispatch import verb
from services.event_prices import Cost, cost_of, items_by_meter
from services.lapsing import let_lapse
from services.outcomes import RefusalCode, Refused, not_found
from services.rating import Day, Spot
from services.spending import till
from services.terms import Terms
from services.unit import Unit
from services.usage_facts import ID_LENGTH_MAX, EventRecorded, EventRefused, UsageFact

KEY_COLUMNS = ("member_id", "tier", "meter", "model", "direction", "price_version")


@dataclass(frozen=True, slots=True)
class Correct:
    """Another quantity for an event; `correction_id` is the source's own id for the correction, 0 takes it back."""

    organization_id: str
    idempotency_key: str
    event_id: str
    correction_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Corrected:
    """The event counts with its new quantity."""

    usage_id: str
    superseded_id: str
    previous_cost_nanos: int
    cost_nanos: int
    billed_later: bool


@verb(Permission.USAGE_WRITE)
async def correct(unit: Unit, command: Correct) -> Corrected | Refused:
    """Let a correction take the place of an event."""
    original = await rows.find_by_external_id(unit.client, unit.organization_id, command.event_id)
    if original is None:
        return not_found(f"usage event {command.event_id[:80]!r}", "eventId")
    refused = await _refusal(unit, command, original)
    if refused is not None:
        return refused
    in_force = await terms.at_instant(unit.client, unit.organization_id, original.occurred_at)
    cost = await _rate(unit, in_force, original, command.quantity)
    if isinstance(cost, Refused):
        return cost
    assert in_force is not None, "a price comes from a plan"
    delta_quantity, delta_nanos = command.quantity - original.quantity, cost.nanos - original.cost_nanos
    await let_lapse(unit)
    spot = _spot(unit, original)
    taking = await till(unit, [spot])
    over_limit = taking.amend(command.correction_id, delta_nanos, spot)
    if isinstance(over_limit, EventRefused):
        return Refused(over_limit.code, over_limit.message, over_limit.field)
    period = month_containing(original.occurred_at, unit.organization.time_zone)
    billed = await invoices.billed_at(unit.client, unit.organization_id, period.end)
    usage_id = unit.new_id("usage")
    added = EventRecorded(command.correction_id, usage_id, delta_nanos, over_limit)
    await rows.insert_many(unit.client, [_event_row(unit, command, original, cost, added)])
    day = local_date(original.occurred_at, unit.organization.time_zone).isoformat()
    await rows.roll_up(unit.client, [_rollup_row(original, in_force.subscription_id, day, delta_quantity, delta_nanos)])
    if billed is not None:
        adjustment = _adjustment_row(unit, command, original, usage_id, delta_quantity, delta_nanos, billed)
        await adjustments.insert_many(unit.client, [adjustment])
    await taking.write()
    facts = {"eventId": command.event_id, "correctionId": command.correction_id, "usageId": usage_id}
    unit.emit(
        "UsageCorrected",
        {**facts, "differenceNanos": str(delta_nanos)},
        member_id=original.member_id,
        before={"usageId": original.id, "quantity": original.quantity, "costNanos": str(original.cost_nanos)},
    )
    overruns.tell(unit, [(original.member_id, added)])
    return Corrected(usage_id, original.id, original.cost_nanos, cost.nanos, billed is not None)


async def _refusal(unit: Unit, command: Correct, original: rows.UsageEvent) -> Refused | None:
    later = await rows.successor_of(unit.client, unit.organization_id, original.id)
    if later is not None:
        message = f"{command.event_id!r} was corrected by {later.external_id!r} already; correct that one"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("eventId",))
    if not 1 <= len(command.correction_id) <= ID_LENGTH_MAX or not command.correction_id.isprintable():
        message = f"correctionId has {len(command.correction_id)} characters: give 1 to {ID_LENGTH_MAX} printable ones"
        return Refused(RefusalCode.INPUT_INVALID, message, ("correctionId",))
    if await rows.known(unit.client, unit.organization_id, [command.correction_id]):
        message = f"event id {command.correction_id!r} is taken"
        return Refused(RefusalCode.EVENT_ID_CONFLICT, message, ("correctionId",))
    if not 0 <= command.quantity <= QUANTITY_MAX:
        message = f"quantity {command.quantity} is outside 0 to {QUANTITY_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("quantity",))
    return None


async def _rate(unit: Unit, in_force: Terms | None, original: rows.UsageEvent, quantity: int) -> Cost | Refused:
    item = items_by_meter(in_force).get(original.meter) if in_force else None
    if item is None:
        message = f"the plan of that time has no price for the meter {original.meter!r}"
        return Refused(RefusalCode.PRICE_MISSING, message, ("eventId",))
    fact = UsageFact(
        original.external_id,
        original.member_id,
        original.meter,
        original.model,
        Direction(original.direction),
        quantity,
        original.occurred_at,
    )
    cost = cost_of(item, fact, unit.organization.currency)
    return Refused(cost.code, cost.message, ("quantity",)) if isinstance(cost, EventRefused) else cost


def _spot(unit: Unit, original: rows.UsageEvent) -> Spot:
    """Return where the event counts: for whom it did, in the windows of its own instant."""
    chain = rules.Chain(unit.organization_id, original.group_id, original.tier, original.member_id)
    return Spot(chain, Day.of(original.occurred_at, unit.organization.time_zone))


def _event_row(
    unit: Unit, command: Correct, original: rows.UsageEvent, cost: Cost, added: EventRecorded
) -> rows.EventColumns:
    return (
        unit.organization_id,
        added.usage_id,
        command.correction_id,
        f"corrects {original.id}",
        original.member_id,
        original.tier,
        original.group_id,
        original.meter,
        original.model,
        original.direction,
        command.quantity,
        cost.nanos,
        cost.version,
        "RECORDED" if added.over_limit else original.overage,
        original.id,
        to_microseconds(original.occurred_at),
        to_microseconds(unit.at),
        to_microseconds(original.period_start),
    )


def _rollup_row(
    original: rows.UsageEvent, subscription_id: str, day: str, quantity: int, cost_nanos: int
) -> rows.RollupColumns:
    key = (original.organization_id, to_microseconds(original.period_start), subscription_id, day)
    return (*key, *(getattr(original, name) for name in KEY_COLUMNS), quantity, cost_nanos, 0)


def _adjustment_row(
    unit: Unit,
    command: Correct,
    original: rows.UsageEvent,
    usage_id: str,
    quantity: int,
    cost_nanos: int,
    billed: invoices.Billed,
) -> dict[str, object]:
    return {
        "organization_id": unit.organization_id,
        "id": unit.new_id("usage_adjustment"),
        "reason": "CORRECTED",
        "usage_id": usage_id,
        "external_id": command.event_id,
        **{name: getattr(original, name) for name in KEY_COLUMNS},
        "quantity": quantity,
        "cost_nanos": cost_nanos,
        "origin_period_start": to_microseconds(original.period_start),
        "origin_invoice": billed.number,
        "recorded_at": to_microseconds(unit.at),
    }
