"""Let go of the seats that were given back, when what is paid for is used up."""

from dataclasses import dataclass
from datetime import datetime

from billing.roles import Permission
from models import releases as rows
from services import seats
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit


@dataclass(frozen=True, slots=True)
class CarryOut:
    """The member whose release is due."""

    organization_id: str
    idempotency_key: str
    member_id: str


@dataclass(frozen=True, slots=True)
class Released:
    """The member holds what they asked for, since `at`."""

    member_id: str
    at: datetime


@verb(Permission.SEATS_WRITE, statuses=ANY_STATUS)
async def carry_out(unit: Unit, command: CarryOut) -> Released | Refused:
    """Give a member the seat that waited, from the instant at which it was due."""
    for waiting in await rows.waiting_of(unit.client, unit.organization_id, [command.member_id]):
        if waiting.due_at > unit.at:
            message = f"the seat is paid for until {waiting.due_at.isoformat()}"
            return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, (seats.MEMBER_ID,))
        await seats.release(unit, waiting)
        return Released(command.member_id, waiting.due_at)
    return not_found("release that waits", seats.MEMBER_ID)
