"""What happens to an organization because time passes: an evaluation lapses, credit expires."""

from dataclasses import dataclass

from billing.roles import Permission
from models import organizations
from services import credits
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused
from services.unit import Unit


@dataclass(frozen=True, slots=True)
class Lapse:
    """The evaluation whose time is over."""

    organization_id: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Lapsed:
    """The organization can be read and not changed; its data stays."""

    organization_id: str


@dataclass(frozen=True, slots=True)
class ExpireCredit:
    """The credit whose time is over."""

    organization_id: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class CreditExpired:
    """So many grants had something left to lose."""

    grants: int


@verb(Permission.ORGANIZATION_WRITE, statuses=frozenset({"EVALUATION"}))
async def lapse(unit: Unit, _command: Lapse) -> Lapsed | Refused:
    """End an evaluation that was not converted in time."""
    ends_at = unit.organization.evaluation_ends_at
    if ends_at is None or unit.at < ends_at:
        message = f"the evaluation has not ended: it runs until {ends_at.isoformat() if ends_at else 'it is converted'}"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("organizationId",))
    await organizations.update(unit.client, unit.organization_id, status="READ_ONLY")
    unit.emit("EvaluationLapsed", {}, before={"status": unit.organization.status})
    return Lapsed(unit.organization_id)


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def expire_credit(unit: Unit, _command: ExpireCredit) -> CreditExpired | Refused:
    """Take away prepaid credit whose time is over."""
    return CreditExpired(await credits.expire(unit))
