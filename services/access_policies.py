"""Decide how young a sign-in must be for what moves money or changes access."""

from dataclasses import dataclass

from billing.roles import Permission
from models import access_policies as rows
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

MINUTES_MAX = 24 * 60


@dataclass(frozen=True, slots=True)
class SetStepUp:
    """How many minutes a sign-in is young enough for; None asks for nothing."""

    organization_id: str
    idempotency_key: str
    minutes: int | None


@dataclass(frozen=True, slots=True)
class StepUpSet:
    """Sensitive commands ask for it from now on."""

    minutes: int | None


@verb(Permission.ACCESS_WRITE)
async def set_step_up(unit: Unit, command: SetStepUp) -> StepUpSet | Refused:
    """Ask for a sign-in no older than that, or for nothing."""
    if command.minutes is not None and not 1 <= command.minutes <= MINUTES_MAX:
        message = f"{command.minutes} minutes are outside 1 to {MINUTES_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("step_up_minutes",))
    seconds = None if command.minutes is None else command.minutes * 60
    await rows.set_step_up(unit.client, unit.organization_id, seconds, at=unit.at)
    unit.emit("StepUpPolicyChanged", {"minutes": command.minutes})
    return StepUpSet(command.minutes)
