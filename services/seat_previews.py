"""What would another seat cost?

The answer is drawn from the seats as they would be, by the code that draws the invoice; the change itself then says
the same, because it is the same draft of the same facts.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from billing.money import Money
from billing.seats import SeatInterval
from models import seats as rows
from models.organizations import Organization
from models.sql import Client
from services import drafts, seats, terms
from services.outcomes import Refused
from services.seats import Seat


@dataclass(frozen=True, slots=True)
class SeatPreview:
    """What the month would come to without a change of seat and with it."""

    before: Money
    after: Money
    upcoming: drafts.Drafted | None


@dataclass(frozen=True, slots=True)
class Wish:
    """The seat a member should have; no tier takes the seat away, as in a change."""

    tier: str | None
    add_ons: tuple[str, ...] = ()


async def preview_wish(
    client: Client, organization: Organization, member_id: str, wish: Wish | None, *, at: datetime
) -> SeatPreview | Refused:
    """Return what another tier, or letting the member go, would do to the month; refuse what the change would."""
    member = await seats.holder(client, organization.organization_id, member_id, seats.MEMBER_ID)
    if isinstance(member, Refused):
        return member
    if wish is None:
        return await preview(client, organization, member_id, None, at=at)
    in_force = await terms.at_instant(client, organization.organization_id, at)
    refused = seats.offer_refusal(in_force, wish.tier, wish.add_ons)
    if refused is not None:
        return refused
    held = await rows.open_seat(client, organization.organization_id, member_id)
    assert held is not None, "an active member holds a seat"
    seat = Seat(held.role, bool(held.billable), wish.tier, tuple(sorted(wish.add_ons)))
    return await preview(client, organization, member_id, seat, at=at)


async def preview(
    client: Client, organization: Organization, member_id: str, seat: Seat | None, *, at: datetime
) -> SeatPreview:
    """Return what giving a member another seat at `at`, or none, would do to the month, without doing it."""

    def seated(seating: drafts.Seating) -> drafts.Seating:
        kept = [_ended(held, at) if held.member_id == member_id and held.end is None else held for held in seating]
        fresh = SeatInterval(member_id, seat.role, seat.billable, seat.tier, seat.add_ons, at, None) if seat else None
        return tuple(held for held in (*kept, fresh) if held is not None)

    supposing = drafts.Supposition(seats=seated)
    return SeatPreview(
        await drafts.month_total(client, organization, at=at),
        await drafts.month_total(client, organization, at=at, supposing=supposing),
        await drafts.upcoming(client, organization, at=at, supposing=supposing),
    )


def _ended(held: SeatInterval, at: datetime) -> SeatInterval | None:
    """Return a seat that ends at `at`, or None where it would have begun in that very instant."""
    return replace(held, end=at) if held.start < at else None
