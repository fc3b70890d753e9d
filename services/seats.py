"""Give, move and take away seats.

A member has one open seat interval while active. Every change ends that interval and starts the next at the same
instant, so time is covered without gap or overlap and the bill can be drawn from the history alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing import releases as release_rules
from billing.contracts import Crossed, position
from billing.money import Money
from billing.periods import INSTANT, month_containing
from billing.roles import Permission
from billing.seats import SeatInterval
from models import contracts, invoices, members, releases
from models import seats as rows
from models.sql import Client
from services import drafts, terms
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

MEMBER_ID = "memberId"


@dataclass(frozen=True, slots=True)
class Seat:
    """What a member's seat is: role, whether it is paid, tier and add-ons."""

    role: str
    billable: bool
    tier: str | None
    add_ons: tuple[str, ...]

    def held(self, member_id: str, *, since: datetime) -> SeatInterval:
        """Return the seat as a member would hold it from an instant on."""
        return SeatInterval(member_id, self.role, self.billable, self.tier, self.add_ons, since, None)


@dataclass(frozen=True, slots=True)
class Move:
    """What a member will hold, from when on; None for nothing at all.

    `after_close` is said of a seat that begins at a boundary which was billed without it.
    """

    member_id: str
    seat: Seat | None
    begins_at: datetime
    after_close: bool = False

    @property
    def held(self) -> SeatInterval | None:
        """The seat as it will be held."""
        if self.seat is None:
            return None
        return replace(self.seat.held(self.member_id, since=self.begins_at), after_close=self.after_close)


@dataclass(frozen=True, slots=True)
class ChangeTier:
    """Move a member to another seat tier, with the add-ons given; no tier takes the seat away."""

    organization_id: str
    idempotency_key: str
    member_id: str
    tier: str | None
    add_ons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TierChanged:
    """The member holds another seat from `begins_at` on: at once, or when what is paid for is used up.

    `before` and `after` are what the invoice at the end of the running month comes to without and with the change.
    """

    member_id: str
    previous_tier: str | None
    tier: str | None
    begins_at: datetime
    before: Money
    after: Money


@verb(Permission.SEATS_WRITE)
async def change_tier(unit: Unit, command: ChangeTier) -> TierChanged | Refused:
    """Move a member to another seat tier; both sides are prorated by the plan's policies, which say when it is."""
    move = await tier_move(unit, command)
    if isinstance(move, Refused):
        return move
    current = await rows.open_seat(unit.client, unit.organization_id, command.member_id)
    assert current is not None, "an active member holds a seat"
    before = await drafts.month_total(unit.client, unit.organization, at=unit.at)
    await carry_out(unit, move)
    after = await drafts.month_total(unit.client, unit.organization, at=unit.at)
    return TierChanged(command.member_id, current.tier, command.tier, move.begins_at, before, after)


async def tier_move(unit: Unit, command: ChangeTier) -> Move | Refused:
    """Return what another tier makes of a member's seat, without doing it, or why it cannot be."""
    member = await holder(unit.client, unit.organization_id, command.member_id, MEMBER_ID)
    if isinstance(member, Refused):
        return member
    refused = await tier_refusal(unit, command.tier, command.add_ons)
    if refused is not None:
        return refused
    intended = await intended_seat(unit, member.id)
    assert intended is not None, "an active member holds a seat"
    return await by_policy(
        unit, member.id, replace(intended, tier=command.tier, add_ons=tuple(sorted(command.add_ons)))
    )


async def holder(client: Client, organization_id: str, member_id: str, *field: str) -> members.Member | Refused:
    """Return a member who holds a seat, or why nobody of this id does."""
    member = await members.find(client, organization_id, member_id)
    if member is None:
        return not_found("member", *field)
    if member.status != "ACTIVE":
        return Refused(RefusalCode.MEMBER_DEACTIVATED, "a deactivated member holds no seat; reactivate first", field)
    return member


async def tier_refusal(unit: Unit, tier: str | None, add_ons: tuple[str, ...]) -> Refused | None:
    """Return why the plan has no such seat, or None."""
    if tier is None and not add_ons:
        return None
    return offer_refusal(await terms.at_instant(unit.client, unit.organization_id, unit.at), tier, add_ons)


def offer_refusal(in_force: terms.Terms | None, tier: str | None, add_ons: tuple[str, ...]) -> Refused | None:
    """Return why the terms in force have no such seat, or None."""
    tiers = in_force.tiers if in_force else ()
    if tier is not None and tier not in tiers:
        message = f"the plan has no seat tier {tier!r}; it has {', '.join(tiers) or 'none'}"
        return Refused(RefusalCode.NOT_FOUND, message, ("tier",))
    offered = in_force.add_ons(tier) if in_force else ()
    for add_on in add_ons:
        if add_on not in offered:
            seat = f"a seat of the tier {tier!r}" if tier else "a seat without a tier"
            message = f"the plan sells no add-on {add_on!r} with {seat}; it sells {', '.join(offered) or 'none'}"
            return Refused(RefusalCode.NOT_FOUND, message, ("addOns",))
    return None


async def grant(unit: Unit, member_id: str, seat: Seat) -> None:
    """Start a member's seat and say so."""
    await grant_many(unit, {member_id: seat})


async def grant_many(unit: Unit, granted: Mapping[str, Seat]) -> None:
    """Start the seats of several members who hold none, by their ids, and say so of each."""
    moves: Sequence[Move] = [Move(member_id, seat, unit.at) for member_id, seat in granted.items()]
    if await _is_billed(unit):
        moves = await _begun(unit, moves, {})
    intervals = [_interval(unit, granted[move.member_id], move) for move in moves]
    await rows.insert_many(unit.client, intervals)
    for member_id, seat in granted.items():
        unit.emit("SeatGranted", _facts(member_id, seat), member_id=member_id)
    await review_band(unit)


async def intended_seat(unit: Unit, member_id: str) -> Seat | None:
    """Return the seat a member holds, or will hold where another one waits; None for who holds none."""
    for release in await releases.waiting_of(unit.client, unit.organization_id, [member_id]):
        return _seat(release)
    current = await rows.open_seat(unit.client, unit.organization_id, member_id)
    return None if current is None else _seat(current)


async def by_policy(unit: Unit, member_id: str, wanted: Seat) -> Move:
    """Return from when a member holds the `wanted` seat, by the policies of the plan in force."""
    current = await rows.open_seat(unit.client, unit.organization_id, member_id)
    timeline = await terms.timeline(unit.client, unit.organization_id)
    in_force = timeline.at(unit.at)
    if current is None or in_force is None or timeline.begins_at is None:
        return Move(member_id, wanted, unit.at)
    service = release_rules.Service(
        in_force.plan, timeline.begins_at, unit.organization.time_zone, plan_since=in_force.since
    )
    held, after = current.as_rule(), wanted.held(member_id, since=unit.at)
    return Move(member_id, wanted, release_rules.begins_at(service, held, after, at=unit.at))


async def carry_out(unit: Unit, move: Move) -> None:
    """Do at once what begins now, and let wait what begins later; either takes the place of what waited before."""
    await _withdraw(unit, move.member_id)
    if move.begins_at <= unit.at:
        await _replace(unit, move)
        return
    assert move.seat is not None, "whoever leaves keeps nothing"
    await releases.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("seat_release"),
        member_id=move.member_id,
        role=move.seat.role,
        billable=int(move.seat.billable),
        tier=move.seat.tier,
        add_ons=list(move.seat.add_ons),
        requested_at=unit.at,
        due_at=move.begins_at,
        ended_at=None,
    )
    facts = {**_facts(move.member_id, move.seat), "beginsAt": move.begins_at.isoformat()}
    unit.emit("SeatReleaseScheduled", facts, member_id=move.member_id)


async def release(unit: Unit, waiting: releases.SeatRelease) -> None:
    """Carry out a release: what waited is held from the instant at which it was due, however late this is."""
    await releases.end(unit.client, waiting, at=unit.at)
    await _replace(unit, Move(waiting.member_id, _seat(waiting), waiting.due_at))


async def _replace(unit: Unit, move: Move) -> None:
    """End what a member holds when the move begins, and start what they hold then; an equal seat changes nothing."""
    current = await rows.open_seat(unit.client, unit.organization_id, move.member_id)
    assert current is not None, "an active member holds a seat"
    if _seat(current) == move.seat:
        return
    (move,) = await unbilled(unit, [move])
    await rows.end(unit.client, current, at=move.begins_at)
    previous = _facts(move.member_id, _seat(current))
    if move.seat is None:
        unit.emit("SeatRevoked", previous, member_id=move.member_id, before=previous)
        return
    await rows.insert_many(unit.client, [_interval(unit, move.seat, move)])
    facts = {**_facts(move.member_id, move.seat), "previous": previous}
    unit.emit("SeatChanged", facts, member_id=move.member_id, before=previous)
    await review_band(unit)


async def _withdraw(unit: Unit, member_id: str) -> None:
    for waiting in await releases.waiting_of(unit.client, unit.organization_id, [member_id]):
        await releases.end(unit.client, waiting, at=unit.at)
        facts = {**_facts(member_id, _seat(waiting)), "beginsAt": waiting.due_at.isoformat()}
        unit.emit("SeatReleaseWithdrawn", facts, member_id=member_id)


async def unbilled(unit: Unit, moves: Sequence[Move]) -> tuple[Move, ...]:
    """Return moves that begin now as they can still be billed, where the books of this instant are closed.

    What a member holds already was billed as held, so it ends in the next instant. A seat that takes nothing's place
    begins when it is granted, and the next invoice bills it from there; only where another seat ends in the next
    instant it begins then, for what is revoked before a grant never overlaps with it.
    """
    if not await _is_billed(unit):
        return tuple(moves)
    held = await rows.open_seats(unit.client, unit.organization_id, [move.member_id for move in moves])
    return await _begun(unit, moves, {seat.member_id: seat for seat in held})


async def _is_billed(unit: Unit) -> bool:
    """Return whether this instant is a boundary whose books are closed."""
    if month_containing(unit.at, unit.organization.time_zone).start != unit.at:
        return False
    return await invoices.closed(unit.client, unit.organization_id, unit.at) is not None


async def _begun(unit: Unit, moves: Sequence[Move], held: Mapping[str, rows.SeatInterval]) -> tuple[Move, ...]:
    """Return moves at a boundary that is billed, of members who hold these seats or none."""
    at = unit.at
    following = await rows.any_ends(unit.client, unit.organization_id, at=at + INSTANT)
    found: list[Move] = []
    for move in moves:
        current = held.get(move.member_id)
        follows = current is not None and not (current.after_close and current.starts_at == at)
        following = following or (follows and move.begins_at == at)
        begun = replace(move, begins_at=at + INSTANT) if following else replace(move, after_close=True)
        found.append(begun if move.begins_at == at else move)
    return tuple(found)


def _interval(unit: Unit, seat: Seat, move: Move) -> rows.SeatInterval:
    return rows.SeatInterval(
        organization_id=unit.organization_id,
        id=unit.new_id("seat"),
        member_id=move.member_id,
        role=seat.role,
        billable=int(seat.billable),
        tier=seat.tier,
        add_ons=list(seat.add_ons),
        starts_at=move.begins_at,
        ends_at=None,
        after_close=int(move.after_close),
    )


async def review_band(unit: Unit) -> None:
    """Raise a contract review, once, when the seats in use have crossed the contract's band.

    Crossing the band blocks nobody and bills nothing: it is a reason to talk.
    """
    contract = await contracts.at_instant(unit.client, unit.organization_id, unit.at)
    if contract is None:
        return
    used = await rows.count_billable(unit.client, unit.organization_id)
    match position(contract.as_rule(), used):
        case Crossed(_, band):
            if await contracts.review_exists(unit.client, unit.organization_id, contract.number, reason="BAND_CROSSED"):
                return
            await contracts.insert_review(
                unit.client,
                organization_id=unit.organization_id,
                id=unit.new_id("contract_review"),
                contract_number=contract.number,
                reason="BAND_CROSSED",
                period_key="",
                seats_used=used,
                band_up_to=band,
                report={},
                raised_at=unit.at,
            )
            unit.emit("ContractReviewRaised", {"number": contract.number, "seatsUsed": used, "bandUpTo": band})


def _seat(row: rows.SeatInterval | releases.SeatRelease) -> Seat:
    return Seat(row.role, bool(row.billable), row.tier, tuple(row.add_ons))


def _facts(member_id: str, seat: Seat) -> dict[str, object]:
    return {
        "memberId": member_id,
        "role": seat.role,
        "billable": seat.billable,
        "tier": seat.tier,
        "addOns": list(seat.add_ons),
    }
