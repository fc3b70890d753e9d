"""Move a sandbox organization's own clock, and let everything happen that falls due on the way.

A sandbox lives by its clock alone. Moving it carries out what is due, in order, each thing at its own instant and in
its own transaction; the clock then stands where it was asked to. It never goes back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from auth import policy
from auth.principal import Principal
from billing.roles import Permission
from models import idempotency, organizations
from models.sql import Client
from services import due
from services.dispatch import ANY_STATUS, Dispatcher, Request, key_refusal, verb
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

STEP_MAX = timedelta(days=800)
THINGS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Advance:
    """Where a sandbox's clock should stand."""

    organization_id: str
    idempotency_key: str
    to: datetime


@dataclass(frozen=True, slots=True)
class Advanced:
    """The clock stands at `at`."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that fell due on the way."""

    at: datetime
    what: str
    answer: object


async def advance(
    dispatcher: Dispatcher, reader: Client, command: Advance, request: Request
) -> tuple[Advanced | Refused, tuple[Happened, ...]]:
    """Move the clock; return where it stands and what happened on the way. A repeat moves nothing."""
    policy.require(request.actor, command.organization_id, Permission.ORGANIZATION_WRITE)
    happened: list[Happened] = []
    if await _is_answered(reader, command):
        return await dispatcher.execute(set_clock, command, request), ()
    while len(happened) < THINGS_MAX:
        organization = await organizations.find(reader, command.organization_id)
        if organization is None or _refusal(organization, command.to) is not None:
            break
        thing = await due.next_of(reader, organization, until=command.to)
        if thing is None:
            break
        system = Request(Principal.system(command.organization_id), request.at, request.request_id)
        now = organization.test_clock_at
        assert now is not None, "a sandbox has a clock"
        step = Advance(command.organization_id, f"{thing.command.idempotency_key}/clock", max(now, thing.at))
        await dispatcher.execute(set_clock, step, system)
        answer = await dispatcher.execute(thing.verb, thing.command, system)
        happened.append(Happened(thing.at, thing.what, answer))
        if isinstance(answer, Refused):
            return answer, tuple(happened)
    return await dispatcher.execute(set_clock, command, request), tuple(happened)


@verb(Permission.ORGANIZATION_WRITE, statuses=ANY_STATUS)
async def set_clock(unit: Unit, command: Advance) -> Advanced | Refused:
    """Put a sandbox's clock forward, without looking at what is due."""
    refused = _refusal(unit.organization, command.to)
    if refused is not None:
        return refused
    await organizations.update(unit.client, unit.organization_id, test_clock_at=command.to)
    stood = unit.organization.test_clock_at
    assert stood is not None, "a sandbox has a clock"
    unit.emit("TestClockAdvanced", {"at": command.to.isoformat()}, before={"at": stood.isoformat()})
    return Advanced(command.to)


async def _is_answered(reader: Client, command: Advance) -> bool:
    """Return whether the key alone decides the answer, so that nothing may happen on the way to it."""
    if key_refusal(command.idempotency_key) is not None:
        return True
    return await idempotency.find(reader, command.organization_id, command.idempotency_key) is not None


def _refusal(organization: organizations.Organization, to: datetime) -> Refused | None:
    now = organization.test_clock_at
    if now is None:
        message = "only a sandbox organization has a clock of its own"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("organizationId",))
    if to < now:
        message = f"the clock stands at {now.isoformat()} and never goes back to {to.isoformat()}"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("to",))
    if to - now > STEP_MAX:
        message = f"{to.isoformat()} is more than {STEP_MAX.days} days ahead; go in smaller steps"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("to",))
    return None
