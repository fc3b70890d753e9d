"""What ends when a request or a raise for a time is over?

A request that nobody answered expires. A raise for a time gives its place back to the limit it took it from, unless
somebody has set or lifted that limit since: what a person decided later stands.
"""

from dataclasses import dataclass

from billing.limit_increases import Status
from billing.roles import Permission
from models import limit_increases as rows
from services import raises
from services.dispatch import ANY_STATUS, verb
from services.limit_increases import expire, facts_of
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit


@dataclass(frozen=True, slots=True)
class End:
    """A request, or the raise it was granted, whose time is over."""

    organization_id: str
    idempotency_key: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing of it is open any more; `limit_id` is the limit that came back, None where none did."""

    request_id: str
    limit_id: str | None


@verb(Permission.SPEND_LIMITS_WRITE, statuses=ANY_STATUS)
async def end(unit: Unit, command: End) -> Ended | Refused:
    """Let a request expire, or give a place back to its former limit."""
    row = await rows.find(unit.client, unit.organization_id, command.request_id)
    if row is None:
        return not_found("request", "requestId")
    if row.status == Status.PENDING:
        return await _expire(unit, row)
    if row.granted_until_at is None or row.ended_at is not None:
        message = f"the request is {row.status}, and nothing of it waits for an end"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("requestId",))
    if unit.at < row.granted_until_at:
        return _early(row.granted_until_at.isoformat())
    returned, limit_id = await raises.take_back(unit, row.as_running())
    await rows.update(unit.client, row, ended_at=unit.at)
    facts = {**facts_of(row), "returned": returned, "formerLimitId": limit_id}
    unit.emit("LimitIncreaseEnded", facts, member_id=row.member_id)
    return Ended(row.id, limit_id)


async def _expire(unit: Unit, row: rows.LimitIncrease) -> Ended | Refused:
    if unit.at < row.expires_at:
        return _early(row.expires_at.isoformat())
    await expire(unit, row)
    return Ended(row.id, None)


def _early(until: str) -> Refused:
    return Refused(RefusalCode.TIME_OUT_OF_RANGE, f"its time is not over: it runs until {until}", ("requestId",))
