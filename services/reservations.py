"""Hold spend before it happens, and let go of what was not needed.

An amount is held at every level of the member's chain and in each window of that instant, or nowhere. The chain and
the windows stay with the hold: a move to another tier or group, a deactivation, a new cap or the turn of a month
neither loses nor doubles it. Each ask of a batch is decided by what the ones before it left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from billing.money import NANOS_MAX, nanos_amount
from billing.roles import Permission
from billing.windows import Interval
from models import reservations as rows
from services import terms
from services.dispatch import ANY_STATUS, verb
from services.expiry import news_of
from services.lapsing import let_lapse
from services.naming import member_ids
from services.outcomes import RefusalCode, Refused
from services.rating import Day, Rater, Spot, rater
from services.reservation_facts import (
    ITEMS_MAX,
    QUANTITIES_MAX,
    TTL_SECONDS_MAX,
    TTL_SECONDS_MIN,
    Ask,
    AskOutcome,
    Release,
    ReleaseAnswer,
    Released,
    ReleaseOutcome,
    Reserve,
    ReserveAnswer,
    Reserved,
    Which,
)
from services.spending import till
from services.unit import Unit
from services.usage_facts import ID_LENGTH_MAX, EventBlocked, EventRefused, NamedBy, UsageFact


@dataclass(frozen=True, slots=True)
class _Priced:
    """An ask that can be decided: how much it holds, and where."""

    ask: Ask
    amount_nanos: int
    spot: Spot


@verb(Permission.USAGE_WRITE)
async def reserve(unit: Unit, command: Reserve) -> ReserveAnswer | Refused:
    """Price, decide and hold each ask of a batch."""
    if not 1 <= len(command.asks) <= ITEMS_MAX:
        message = f"{len(command.asks)} reservations: give 1 to {ITEMS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("reservations",))
    timeline = await terms.timeline(unit.client, unit.organization_id)
    if timeline.at(unit.at) is None:
        return Refused(RefusalCode.PLAN_MISSING, "the organization has no plan to rate usage by", ("organizationId",))
    await let_lapse(unit)
    ids = await member_ids(unit, ((ask.named_by, ask.member_id) for ask in command.asks))
    asks = [replace(ask, member_id=ids[ask.named_by, ask.member_id], named_by=NamedBy.ID) for ask in command.asks]
    rates = await rater(unit, {ask.member_id for ask in asks}, timeline)
    external_ids = [ask.external_id for ask in asks]
    found = await rows.find_many_by(unit.client, unit.organization_id, ids=(), external_ids=external_ids)
    known = {row.external_id: row for row in found}
    priced = [_known(ask, known) or await _price(unit, rates, ask) for ask in asks]
    taking = await till(unit, [each.spot for each in priced if isinstance(each, _Priced)])
    outcomes: list[AskOutcome] = []
    made: dict[str, rows.Reservation] = {}
    for each in priced:
        outcome: AskOutcome
        if isinstance(each, _Priced):
            twin = _known(each.ask, made)
            verdict = twin or taking.hold(each.ask.external_id, each.amount_nanos, each.spot)
            if isinstance(verdict, Reserved | EventBlocked | EventRefused):
                outcome = verdict
            else:
                row = made[each.ask.external_id] = _row(unit, each, over_limit=bool(verdict.exceeded))
                outcome = _reserved(row, repeated=False)
        else:
            outcome = each
        outcomes.append(outcome)
    await rows.insert_many(unit.client, list(made.values()))
    await taking.write()
    for member_id, facts in news_of(unit, made.values()):
        unit.emit("SpendReserved", facts, member_id=member_id)
    return ReserveAnswer(tuple(outcomes))


@verb(Permission.USAGE_WRITE, statuses=ANY_STATUS)
async def release(unit: Unit, command: Release) -> ReleaseAnswer | Refused:
    """End holds that nothing came of. One that is gone already is gone: saying so again is harmless."""
    if not 1 <= len(command.reservations) <= ITEMS_MAX:
        message = f"{len(command.reservations)} reservations: give 1 to {ITEMS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("reservations",))
    await let_lapse(unit)
    found = await find(unit, command.reservations)
    held = {row.id: row for row in found.values() if row.status == "HELD"}
    taking = await till(unit, (), [key for row in held.values() for key in row.keys])
    outcomes: list[ReleaseOutcome] = []
    ended: list[rows.Reservation] = []
    for which in command.reservations:
        row = found.get(which)
        if row is None:
            outcomes.append(unknown(which))
        elif row.status == "SETTLED" or row.settled_nanos is not None:
            outcomes.append(_conflict(row, "was settled; what was used is not taken back by a release"))
        else:
            outcomes.append(Released(row.external_id, row.id, repeated=row.status != "HELD"))
            if row.status == "HELD":
                taking.free(row.keys, row.held_nanos)
                row.status, row.ended_at = "RELEASED", unit.at
                ended.append(row)
    await rows.end_many(unit.client, [(row, "HELD") for row in ended])
    await taking.write()
    for member_id, facts in news_of(unit, ended):
        unit.emit("ReservationReleased", facts, member_id=member_id)
    return ReleaseAnswer(tuple(outcomes))


async def find(unit: Unit, named: Sequence[Which]) -> dict[Which, rows.Reservation]:
    """Return the reservations that are named, each by the name it was given; one named in two ways is one row."""
    found = await rows.find_many_by(
        unit.client,
        unit.organization_id,
        ids=[each.reservation_id for each in named if each.reservation_id],
        external_ids=[each.external_id for each in named if each.external_id],
    )
    by_id = {row.id: row for row in found}
    by_external_id = {row.external_id: row for row in found}
    rows_of = {
        each: by_id.get(each.reservation_id or "") or by_external_id.get(each.external_id or "") for each in named
    }
    return {each: row for each, row in rows_of.items() if row is not None}


def unknown(which: Which) -> EventRefused:
    """Return the refusal of a name that no reservation has."""
    message = "there is no such reservation in this organization"
    return EventRefused(which.name[:ID_LENGTH_MAX], RefusalCode.NOT_FOUND, message, ("reservationId",))


def _conflict(row: rows.Reservation, message: str) -> EventRefused:
    text = f"reservation {row.external_id!r} {message}"
    return EventRefused(row.external_id, RefusalCode.STATUS_CONFLICT, text, ("reservationId",))


def _known(ask: Ask, known: Mapping[str, rows.Reservation]) -> Reserved | EventRefused | None:
    row = known.get(ask.external_id)
    if row is None:
        return None
    if row.digest == ask.digest:
        return _reserved(row, repeated=True)
    message = f"the id {ask.external_id!r} was used for another reservation; nothing was held"
    return EventRefused(ask.external_id, RefusalCode.EVENT_ID_CONFLICT, message, ("externalId",))


async def _price(unit: Unit, rates: Rater, ask: Ask) -> _Priced | EventRefused:
    """Return how much an ask holds and where, or why it cannot be decided."""
    refused = _shape_refusal(unit, ask) or _member_refusal(rates, ask)
    if refused is not None:
        return refused
    amount = ask.amount_nanos or 0
    for index, each in enumerate(ask.estimates):
        fact = UsageFact(ask.external_id, ask.member_id, each.meter, each.model, each.direction, each.quantity, unit.at)
        rated = await rates.rate(fact)
        if isinstance(rated, EventRefused):
            return replace(rated, field=("quantities", str(index), *rated.field))
        amount += rated.cost_nanos
    if amount > NANOS_MAX:
        message = f"the estimate of {nanos_amount(amount)} is above the bound of {nanos_amount(NANOS_MAX)}"
        return EventRefused(ask.external_id, RefusalCode.AMOUNT_INVALID, message, ("quantities",))
    day = Day.of(unit.at, unit.organization.time_zone)
    return _Priced(ask, amount, Spot(rates.chain(ask.member_id, unit.at), day))


def _shape_refusal(unit: Unit, ask: Ask) -> EventRefused | None:
    def refused(message: str, *field: str, code: RefusalCode = RefusalCode.INPUT_INVALID) -> EventRefused:
        return EventRefused(ask.external_id[:ID_LENGTH_MAX], code, message, field)

    if not 1 <= len(ask.external_id) <= ID_LENGTH_MAX or not ask.external_id.isprintable():
        message = f"externalId has {len(ask.external_id)} characters: give 1 to {ID_LENGTH_MAX} printable ones"
        return refused(message, "externalId")
    if (ask.amount_nanos is None) is not bool(ask.estimates):
        return refused("give either an amount or estimated quantities", "amount")
    if len(ask.estimates) > QUANTITIES_MAX:
        return refused(f"{len(ask.estimates)} quantities: give at most {QUANTITIES_MAX}", "quantities")
    if not TTL_SECONDS_MIN <= ask.ttl_seconds <= TTL_SECONDS_MAX:
        message = f"ttlSeconds {ask.ttl_seconds} is outside {TTL_SECONDS_MIN} to {TTL_SECONDS_MAX}"
        return refused(message, "ttlSeconds")
    if ask.amount_nanos is None:
        return None
    if ask.currency != unit.organization.currency:
        message = f"the organization is billed in {unit.organization.currency}, the amount is in {ask.currency}"
        return refused(message, "amount", "currency", code=RefusalCode.CURRENCY_MISMATCH)
    if not 0 <= ask.amount_nanos <= NANOS_MAX:
        message = f"amount of {nanos_amount(ask.amount_nanos)} is outside 0 to {nanos_amount(NANOS_MAX)}"
        return refused(message, "amount", code=RefusalCode.AMOUNT_INVALID)
    return None


def _member_refusal(rates: Rater, ask: Ask) -> EventRefused | None:
    status = rates.members.get(ask.member_id)
    if status is None:
        message = "there is no such member in this organization"
        return EventRefused(ask.external_id, RefusalCode.NOT_FOUND, message, ("memberId",))
    if status != "ACTIVE":
        message = "a deactivated member starts nothing new; what is under way can be settled"
        return EventRefused(ask.external_id, RefusalCode.MEMBER_DEACTIVATED, message, ("memberId",))
    return None


def _row(unit: Unit, priced: _Priced, *, over_limit: bool) -> rows.Reservation:
    chain, now = priced.spot.chain, priced.spot.windows
    return rows.Reservation(
        organization_id=unit.organization_id,
        id=unit.new_id("reservation"),
        external_id=priced.ask.external_id,
        digest=priced.ask.digest,
        status="HELD",
        member_id=chain.member_id,
        tier=chain.tier,
        group_id=chain.group,
        month_start=now[Interval.MONTH].start,
        week_start=now[Interval.WEEK].start,
        day_start=now[Interval.DAY].start,
        held_nanos=priced.amount_nanos,
        settled_nanos=None,
        excess_nanos=0,
        over_limit=int(over_limit),
        usage_ids=[],
        reserved_at=unit.at,
        expires_at=unit.at + timedelta(seconds=priced.ask.ttl_seconds),
        ended_at=None,
    )


def _reserved(row: rows.Reservation, *, repeated: bool) -> Reserved:
    return Reserved(row.external_id, row.id, row.held_nanos, row.expires_at, bool(row.over_limit), repeated)
