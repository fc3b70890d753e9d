"""Give, move and take away seats.

A member has one open seat interval while active. Every change ends that interval and starts the next at the same
instant, so time is covered without gap or overlap and the bill can be drawn from the history alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from billing.contracts import Crossed, position
from billing.money import Money
from billing.roles import Permission
from models import contracts, members
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
    """The member holds another seat from now on.

    `before` and `after` are what the invoice at the end of the running month comes to without and with the change.
    """

    member_id: str
    previous_tier: str | None
    tier: str | None
    before: Money
    after: Money


@verb(Permission.SEATS_WRITE)
async def change_tier(unit: Unit, command: ChangeTier) -> TierChanged | Refused:
    """Move a member to another seat tier at once; both sides are prorated by the plan's policy."""
    member = await holder(unit.client, unit.organization_id, command.member_id, MEMBER_ID)
    if isinstance(member, Refused):
        return member
    refused = await tier_refusal(unit, command.tier, command.add_ons)
    if refused is not None:
        return refused
    current = await rows.open_seat(unit.client, unit.organization_id, member.id)
    assert current is not None, "an active member holds a seat"
    wanted = Seat(current.role, bool(current.billable), command.tier, tuple(sorted(command.add_ons)))
    before = await drafts.month_total(unit.client, unit.organization, at=unit.at)
    await replace(unit, member.id, current, wanted)
    after = await drafts.month_total(unit.client, unit.organization, at=unit.at)
    return TierChanged(member.id, current.tier, command.tier, before, after)


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
    """Start the seats of several members, by their ids, and say so of each."""
    intervals = [
        rows.SeatInterval(
            organization_id=unit.organization_id,
            id=unit.new_id("seat"),
            member_id=member_id,
            role=seat.role,
            billable=int(seat.billable),
            tier=seat.tier,
            add_ons=list(seat.add_ons),
            starts_at=unit.at,
            ends_at=None,
        )
        for member_id, seat in granted.items()
    ]
    await rows.insert_many(unit.client, intervals)
    for member_id, seat in granted.items():
        unit.emit("SeatGranted", _facts(member_id, seat), member_id=member_id)
    await review_band(unit)


async def revoke(unit: Unit, member_id: str) -> None:
    """End a member's seat and say so."""
    current = await rows.open_seat(unit.client, unit.organization_id, member_id)
    assert current is not None, "an active member holds a seat"
    await rows.end(unit.client, current, at=unit.at)
    held = _facts(member_id, _seat(current))
    unit.emit("SeatRevoked", held, member_id=member_id, before=held)


async def replace(unit: Unit, member_id: str, current: rows.SeatInterval, wanted: Seat) -> None:
    """End one seat and start another at the same instant; an equal seat changes nothing."""
    if _seat(current) == wanted:
        return
    await rows.end(unit.client, current, at=unit.at)
    await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("seat"),
        member_id=member_id,
        role=wanted.role,
        billable=int(wanted.billable),
        tier=wanted.tier,
        add_ons=list(wanted.add_ons),
        starts_at=unit.at,
        ends_at=None,
    )
    before = _facts(member_id, _seat(current))
    unit.emit("SeatChanged", {**_facts(member_id, wanted), "previous": before}, member_id=member_id, before=before)
    await review_band(unit)


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


def _seat(row: rows.SeatInterval) -> Seat:
    return Seat(row.role, bool(row.billable), row.tier, tuple(row.add_ons))


def _facts(member_id: str, seat: Seat) -> dict[str, object]:
    return {
        "memberId": member_id,
        "role": seat.role,
        "billable": seat.billable,
        "tier": seat.tier,
        "addOns": list(seat.add_ons),
    }
