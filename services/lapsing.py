"""What is over at the instant at which something is decided?

A hold whose time is over, and a raise of a limit that was granted for a time. Both end by themselves: before anything
is decided, in the same transaction, whether or not a worker has come by. So an expired hold blocks nobody, and a raised
limit lets nobody spend after the instant until which it was raised.
"""

from models import limit_increases, reservations
from services import increase_ends
from services.expiry import expire_due
from services.unit import Unit

RAISES_AT_ONCE_MAX = 1_000


async def let_lapse(unit: Unit) -> None:
    """End every hold and every raise that is over at the unit's instant."""
    await expire_due(unit)
    for request_id in await _raises(unit, RAISES_AT_ONCE_MAX):
        end = increase_ends.End(unit.organization_id, unit.idempotency_key, request_id)
        await increase_ends.end.service(unit, end)


async def lapses(unit: Unit) -> bool:
    """Return whether something would have to end before the unit can decide."""
    if await reservations.due(unit.client, unit.organization_id, at=unit.at, limit=1):
        return True
    return bool(await _raises(unit, 1))


async def _raises(unit: Unit, most: int) -> list[str]:
    return await limit_increases.lapsed(unit.client, unit.organization_id, at=unit.at, limit=most)
