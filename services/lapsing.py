"""What is over at the instant at which something is decided?

A hold whose time is over, and a raise of a limit that was granted for a time. Both end by themselves: before anything
is decided, in the same transaction, whether or not a worker has come by. So an expired hold blocks nobody, and a raised
limit lets nobody spend after the instant until which it was raised.
"""

from models import lapses, limit_increases
from services import increase_ends
from services.expiry import expire_due
from services.unit import Unit

RAISES_AT_ONCE_MAX = 1_000


async def let_lapse(unit: Unit) -> None:
    """End every hold and every raise that is over at the unit's instant."""
    if not await is_due(unit):
        return
    await expire_due(unit)
    over = await limit_increases.lapsed(unit.client, unit.organization_id, at=unit.at, limit=RAISES_AT_ONCE_MAX)
    for request_id in over:
        end = increase_ends.End(unit.organization_id, unit.idempotency_key, request_id)
        await increase_ends.end.service(unit, end)


async def is_due(unit: Unit) -> bool:
    """Return whether something would have to end before the unit can decide."""
    next_at = await lapses.next_at(unit.client, unit.organization_id)
    return next_at is not None and next_at <= unit.at
