"""What would another seat cost?

The change is decided by the code that makes it, refusals included, and only then supposed instead of made: the answer
is drawn from the seats as they would be, by the code that draws the invoice. The change itself then says the same,
because it is the same draft of the same facts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing import seat_changes
from billing.money import Money
from billing.periods import INSTANT
from services import drafts, members, reassignments, seats
from services.outcomes import Refused
from services.seats import Move
from services.unit import Unit

NOBODY_YET = "somebody new"


@dataclass(frozen=True, slots=True)
class SeatPreview:
    """What the month would come to without a change of seat and with it, and from when it would hold."""

    begins_at: datetime
    before: Money
    after: Money
    upcoming: drafts.Drafted | None


async def of_tier(unit: Unit, command: seats.ChangeTier) -> SeatPreview | Refused:
    """Return what another tier would do to the month, or what the change would be refused for."""
    move = await seats.tier_move(unit, command)
    return move if isinstance(move, Refused) else await preview(unit, (move,))


async def of_role(unit: Unit, command: members.ChangeRole) -> SeatPreview | Refused:
    """Return what another role would do to the month, or what the change would be refused for."""
    found = await members.role_move(unit, command)
    if isinstance(found, Refused):
        return found
    _, move = found
    return await preview(unit, () if move is None else (move,))


async def of_leaving(unit: Unit, command: members.Deactivate) -> SeatPreview | Refused:
    """Return what letting a member go would do to the month, or what it would be refused for."""
    member = await members.leaving(unit, command)
    return member if isinstance(member, Refused) else await preview(unit, (Move(member.id, None, unit.at),))


async def of_reassignment(unit: Unit, command: reassignments.Reassign) -> SeatPreview | Refused:
    """Return what handing a seat on would do to the month, or what it would be refused for."""
    found = await reassignments.handover(unit, command)
    if isinstance(found, Refused):
        return found
    to = NOBODY_YET if isinstance(found.to.who, reassignments.NewPerson) else found.to.who.id
    return await preview(unit, (Move(found.former.id, found.given_up, unit.at), Move(to, found.taken_over, unit.at)))


async def preview(unit: Unit, moves: Sequence[Move]) -> SeatPreview:
    """Return what the moves would do to the month, without making them."""
    client, organization, at = unit.client, unit.organization, unit.at
    supposing = _supposed(await seats.unbilled(unit, moves), at=at)
    return SeatPreview(
        max((move.begins_at for move in moves), default=at),
        await drafts.month_total(client, organization, at=at),
        await drafts.month_total(client, organization, at=at, supposing=supposing),
        await drafts.upcoming(client, organization, at=at, supposing=supposing),
    )


def _supposed(moves: Sequence[Move], *, at: datetime) -> drafts.Supposition:
    """Suppose what `seats.carry_out` does: what begins now is held, what begins later waits, what waited is gone.

    Now is this instant, or the next where this one is billed.
    """

    def seated(seating: drafts.Seating) -> drafts.Seating:
        for move in moves:
            to, begins_at = move.held, move.begins_at
            held = [seat for seat in seating if seat.member_id == move.member_id and seat.holds(begins_at)]
            now = [replace(seat, start=begins_at, after_close=move.after_close) for seat in held]
            if begins_at <= at + INSTANT and now != [to]:  # an equal seat changes nothing
                change = seat_changes.moved(seating, move.member_id, to=to, at=begins_at)
                seating = seat_changes.applied(seating, change)
        return seating

    def coming(waiting: drafts.Seating) -> drafts.Seating:
        moved = {move.member_id for move in moves}
        later = [move.held for move in moves if move.held and move.begins_at > at + INSTANT]
        return (*(seat for seat in waiting if seat.member_id not in moved), *later)

    return drafts.Supposition(seats=seated, coming=coming)
