"""What did a reserved call come to?

A settlement ends the hold and records the uses behind it as ordinary usage events, so that they are priced, billed and
explained like all others. They count for the seat tier and the group the hold was put on, and at the instant of the
reservation unless they say otherwise. Nothing that was used is lost: what is above the hold is recorded all the same,
flagged where it passes a limit, and told. After a hold has expired its uses are decided like new ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from billing import holds
from billing.money import NANOS_PER_MAJOR, decimal_text, nanos_amount
from billing.plans import Usage
from billing.prices import UnitPrice
from billing.rating import Direction
from billing.roles import Permission
from billing.usage import Aggregation
from models import reservations as rows
from models import usage as usage_rows
from models.sql import Row
from services import overruns
from services.dispatch import ANY_STATUS, verb
from services.event_prices import items_by_meter
from services.expiry import news_of
from services.lapsing import let_lapse
from services.outcomes import RefusalCode, Refused
from services.rating import RatedEvent, Rater, Spot, rater
from services.reservation_facts import (
    ITEMS_MAX,
    USES_MAX,
    Actual,
    Settle,
    SettleAnswer,
    Settled,
    SettleOutcome,
    Which,
)
from services.reservations import find, unknown
from services.spending import Till, till
from services.unit import Unit
from services.usage_facts import EventBlocked, EventRecorded, EventRefused, Overage, UsageFact

EVENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Rated:
    """A settlement whose uses have a price."""

    row: rows.Reservation
    events: tuple[RatedEvent, ...]


@verb(Permission.USAGE_WRITE, statuses=ANY_STATUS)
async def settle(unit: Unit, command: Settle) -> SettleAnswer | Refused:
    """End each hold with what it came to; each settlement happens as a whole or not at all."""
    refused = _size_refusal(command)
    if refused is not None:
        return refused
    await let_lapse(unit)
    found = await find(unit, [actual.which for actual in command.actuals])
    rates = await rater(unit, {row.member_id for row in found.values()})
    asked = [_facts(rates, actual, found) for actual in command.actuals]
    event_ids = [fact.event_id for each in asked if isinstance(each, tuple) for fact in each]
    known = await usage_rows.known(unit.client, unit.organization_id, event_ids)
    rated: list[_Rated | Settled | EventRefused] = []
    for actual, facts in zip(command.actuals, asked, strict=True):
        if isinstance(facts, EventRefused):
            rated.append(facts)
        else:
            row = found[actual.which]
            rated.append(_settled_before(row, facts, known) or await _rate(rates, row, facts, known))
    ready = [each for each in rated if isinstance(each, _Rated)]
    spots = [event.spot for each in ready for event in each.events]
    taking = await till(unit, spots, [key for each in ready for key in each.row.keys])
    ended: dict[str, tuple[rows.Reservation, str]] = {}
    outcomes = tuple(
        _end(unit, taking, each, command.overage, ended) if isinstance(each, _Rated) else each for each in rated
    )
    await rows.end_many(unit.client, list(ended.values()))
    await taking.write()
    for member_id, news in news_of(unit, [row for row, _ in ended.values()]):
        unit.emit("ReservationSettled", news, member_id=member_id)
    overruns.tell(unit, taking.recorded, [row for row, _ in ended.values()])
    return SettleAnswer(outcomes)


def _size_refusal(command: Settle) -> Refused | None:
    if not 1 <= len(command.actuals) <= ITEMS_MAX:
        message = f"{len(command.actuals)} settlements: give 1 to {ITEMS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("settlements",))
    uses = sum(len(actual.uses) for actual in command.actuals)
    if uses > EVENTS_MAX:
        message = f"{uses} uses in all: give at most {EVENTS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("settlements",))
    return None


def _facts(
    rates: Rater, actual: Actual, found: Mapping[Which, rows.Reservation]
) -> tuple[UsageFact, ...] | EventRefused:
    """Return what was used, as facts; or why that cannot be said."""
    row = found.get(actual.which)
    if row is None:
        return unknown(actual.which)
    if (actual.amount_nanos is None) is not bool(actual.uses):
        message = "give either what was used or an amount; release a reservation that came to nothing"
        return EventRefused(row.external_id, RefusalCode.INPUT_INVALID, message, ("usage",))
    if len(actual.uses) > USES_MAX:
        message = f"{len(actual.uses)} uses of one reservation: give at most {USES_MAX}"
        return EventRefused(row.external_id, RefusalCode.INPUT_INVALID, message, ("usage",))
    if actual.amount_nanos is not None:
        return _fact_of_amount(rates, row, actual, actual.amount_nanos)
    return tuple(
        UsageFact(
            event_id=use.event_id,
            member_id=row.member_id,
            meter=use.meter,
            model=use.model,
            direction=use.direction,
            quantity=use.quantity,
            occurred_at=use.occurred_at or row.reserved_at,
        )
        for use in actual.uses
    )


def _fact_of_amount(
    rates: Rater, row: rows.Reservation, actual: Actual, amount_nanos: int
) -> tuple[UsageFact, ...] | EventRefused:
    """Return the units that an amount buys. An amount with no such units could be held, and never be billed."""
    currency = rates.unit.organization.currency
    if actual.meter is None:
        message = "give the meter that the amount is billed on, or report usage"
        return EventRefused(row.external_id, RefusalCode.INPUT_INVALID, message, ("meter",))
    if actual.currency != currency:
        message = f"the organization is billed in {currency}, the amount is in {actual.currency}"
        return EventRefused(row.external_id, RefusalCode.CURRENCY_MISMATCH, message, ("amount", "currency"))
    in_force = rates.timeline.at(row.reserved_at)
    item = items_by_meter(in_force).get(actual.meter) if in_force else None
    unit_price = item.price.unit if item and item.allowance is None and isinstance(item.price, UnitPrice) else None
    summed = item is not None and isinstance(item.quantity, Usage) and item.quantity.aggregation is Aggregation.SUM
    if not unit_price or not summed:
        message = f"an amount of the meter {actual.meter!r} cannot be billed: it is not sold by the unit; report usage"
        return EventRefused(row.external_id, RefusalCode.PRICE_MISSING, message, ("meter",))
    units = Fraction(amount_nanos, NANOS_PER_MAJOR) / unit_price
    if units < 0 or units.denominator != 1:
        given, each = nanos_amount(amount_nanos), decimal_text(unit_price)
        message = f"an amount of {given} is no whole number of units at {each} each"
        return EventRefused(row.external_id, RefusalCode.AMOUNT_INVALID, message, ("amount",))
    return (
        UsageFact(
            event_id=f"reservation/{row.id}",
            member_id=row.member_id,
            meter=actual.meter or "",
            model="",
            direction=Direction.INPUT,
            quantity=units.numerator,
            occurred_at=row.reserved_at,
        ),
    )


def _settled_before(
    row: rows.Reservation, facts: Sequence[UsageFact], known: Mapping[str, Row]
) -> Settled | EventRefused | None:
    """Return the same answer for the same uses, or why a reservation that has ended cannot be settled."""
    if row.status == "HELD" or (row.status == "EXPIRED" and row.settled_nanos is None):
        return None
    earlier = [known.get(fact.event_id) for fact in facts]
    same = all(kept and kept["digest"] == fact.digest for kept, fact in zip(earlier, facts, strict=True))
    if same and [kept["id"] for kept in earlier if kept] == row.usage_ids:
        return _settled(row, repeated=True)
    message = f"reservation {row.external_id!r} is {row.status} already; nothing was recorded"
    return EventRefused(row.external_id, RefusalCode.STATUS_CONFLICT, message, ("reservationId",))


async def _rate(
    rates: Rater, row: rows.Reservation, facts: Sequence[UsageFact], known: Mapping[str, Row]
) -> _Rated | EventRefused:
    events: list[RatedEvent] = []
    for index, fact in enumerate(facts):
        rated = await rates.rate(fact)
        if isinstance(rated, EventRefused):
            return replace(rated, event_id=row.external_id, field=("usage", str(index), *rated.field))
        if fact.event_id in known or fact.event_id in {event.fact.event_id for event in events}:
            return _taken(row, fact, index)
        events.append(replace(rated, spot=Spot(row.chain, rated.spot.day)))
    return _Rated(row, tuple(events))


def _taken(row: rows.Reservation, fact: UsageFact, index: int) -> EventRefused:
    message = f"event id {fact.event_id!r} was used for another event; nothing was recorded"
    return EventRefused(row.external_id, RefusalCode.EVENT_ID_CONFLICT, message, ("usage", str(index), "id"))


def _end(
    unit: Unit, taking: Till, rated: _Rated, overage: Overage, ended: dict[str, tuple[rows.Reservation, str]]
) -> SettleOutcome:
    row, was = rated.row, rated.row.status
    if row.id in ended:
        message = f"reservation {row.external_id!r} is settled twice in one batch"
        return EventRefused(row.external_id, RefusalCode.STATUS_CONFLICT, message, ("reservationId",))
    for index, event in enumerate(rated.events):
        if event.fact.event_id in taking.taken:
            return _taken(row, event.fact, index)
    mark = taking.mark()
    recorded = _capture(taking, row, rated.events) if was == "HELD" else _take(taking, row, rated.events, overage)
    if not isinstance(recorded, list):
        taking.back_to(mark)
        return recorded
    row.settled_nanos = sum(each.cost_nanos for each in recorded)
    row.excess_nanos = max(0, row.settled_nanos - row.held_nanos) if was == "HELD" else 0
    row.over_limit = int(any(each.over_limit for each in recorded))
    row.usage_ids = [each.usage_id for each in recorded]
    if was == "HELD":
        row.status, row.ended_at = "SETTLED", unit.at
    ended[row.id] = (row, was)
    return _settled(row, repeated=False)


def _capture(taking: Till, row: rows.Reservation, events: Sequence[RatedEvent]) -> list[EventRecorded] | EventRefused:
    """Record the uses of a live hold, which gives way to them as far as it reaches, and then ends."""
    left, recorded = row.held_nanos, list[EventRecorded]()
    for index, event in enumerate(events):
        outcome = taking.capture(event, row.keys, left)
        if isinstance(outcome, EventRefused):
            return replace(outcome, event_id=row.external_id, field=("usage", str(index), *outcome.field))
        left = holds.cover(left, event.cost_nanos).left
        recorded.append(outcome)
    taking.free(row.keys, left)
    return recorded


def _take(
    taking: Till, row: rows.Reservation, events: Sequence[RatedEvent], overage: Overage
) -> list[EventRecorded] | EventRefused | EventBlocked:
    """Decide the uses of a hold that has expired like new ones."""
    recorded: list[EventRecorded] = []
    for index, event in enumerate(events):
        match taking.take(event, overage):
            case EventRecorded() as outcome:
                recorded.append(outcome)
            case EventBlocked() as stop:
                return replace(stop, event_id=row.external_id)
            case EventRefused() as refused:
                return replace(refused, event_id=row.external_id, field=("usage", str(index), *refused.field))
            case other:
                raise AssertionError(f"{other} was ruled out before")
    return recorded


def _settled(row: rows.Reservation, *, repeated: bool) -> Settled:
    assert row.settled_nanos is not None, "what is settled came to something, if only to nothing"
    return Settled(
        external_id=row.external_id,
        reservation_id=row.id,
        settled_nanos=row.settled_nanos,
        excess_nanos=row.excess_nanos,
        over_limit=bool(row.over_limit),
        late=row.status == "EXPIRED",
        repeated=repeated,
    )
