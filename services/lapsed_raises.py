"""Which limits hold at an instant at which a raise for a time is over, and nobody has taken it back yet?

Whoever decides lets such a raise end first (`lapsing`). Whoever only reads sees by this what would hold then: the limit
that comes back, as it was set. So what is shown is what binds, however late a worker is.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from billing import limits as rules
from billing.limit_increases import returns_to
from models import limit_increases, limits
from models.sql import Client

L = TypeVar("L", limits.SpendLimit, rules.Limit)


async def successors(client: Client, organization_id: str, *, at: datetime) -> dict[str, str | None]:
    """Return the limits in force whose time is over at `at`, each with the one that is due there, None for no limit."""
    over = await limit_increases.over(client, organization_id, at=at)
    running = [raise_.running for raise_ in over]
    return {
        raise_.running.granted_limit_id: returns_to(raise_.running.granted_limit_id, at, running)
        for raise_ in over
        if raise_.is_in_force
    }


async def as_of(
    client: Client, organization_id: str, in_force: Sequence[limits.SpendLimit], *, at: datetime
) -> list[limits.SpendLimit]:
    """Return these limits as they hold at `at`: in place of each that is over the one that is due, where one is."""
    due = await _due(client, organization_id, in_force, at=at)
    former = await _named(client, organization_id, due.values())
    return _replaced(in_force, due, {limit.id: limit for limit in former})


async def rules_as_of(
    client: Client, organization_id: str, in_force: Sequence[rules.Limit], *, at: datetime
) -> list[rules.Limit]:
    """Return what `as_of` returns, of limits as the rules know them."""
    due = await _due(client, organization_id, in_force, at=at)
    former = await _named(client, organization_id, due.values())
    return _replaced(in_force, due, {limit.id: limit.as_rule() for limit in former})


async def _due(
    client: Client, organization_id: str, in_force: Sequence[L], *, at: datetime
) -> Mapping[str, str | None]:
    """Return those of these limits that are over, each with the one that is due in its place."""
    due = await successors(client, organization_id, at=at) if in_force else {}
    return {limit.id: due[limit.id] for limit in in_force if limit.id in due}


async def _named(client: Client, organization_id: str, limit_ids: Iterable[str | None]) -> Sequence[limits.SpendLimit]:
    named = [limit_id for limit_id in limit_ids if limit_id is not None]
    return await limits.find_many(client, organization_id, named) if named else []


def _replaced(in_force: Sequence[L], due: Mapping[str, str | None], former: Mapping[str, L]) -> list[L]:
    now = (former.get(due[limit.id] or "") if limit.id in due else limit for limit in in_force)
    return [limit for limit in now if limit is not None]
