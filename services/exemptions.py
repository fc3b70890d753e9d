"""Accept a certificate by which a customer owes no tax, or let it end.

It is the seller who answers for tax that is not collected, so it is the seller who decides: no role of a customer can
exempt itself, and nothing in the graph does it. What was billed stays as it was; a certificate that comes late is
settled by a credit note.
"""

from dataclasses import dataclass
from datetime import datetime

from auth.principal import Method
from billing.roles import Permission
from models import exemptions as rows
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

TEXT_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Accept:
    """A certificate, where it counts, what it says, and how long it is valid; without an end until it is ended."""

    organization_id: str
    idempotency_key: str
    certificate: str
    jurisdiction: str
    reason: str
    valid_from: datetime
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Invoices for time within it state the certificate and add no tax."""

    exemption_id: str


@dataclass(frozen=True, slots=True)
class End:
    """The certificate that ends, and when."""

    organization_id: str
    idempotency_key: str
    certificate: str
    jurisdiction: str
    valid_until: datetime


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def accept(unit: Unit, command: Accept) -> Accepted | Refused:
    """Record a certificate; its number is known once in its jurisdiction."""
    refused = _seller_refusal(unit) or _text_refusal(command)
    if refused is not None:
        return refused
    if command.valid_until is not None and command.valid_until <= command.valid_from:
        message = f"{command.valid_until.isoformat()} is not after {command.valid_from.isoformat()}"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("validUntil",))
    if await _known(unit, command.jurisdiction, command.certificate) is not None:
        message = f"certificate {command.certificate} of {command.jurisdiction} is on record"
        return Refused(RefusalCode.ALREADY_EXISTS, message, ("certificate",))
    row = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("tax_exemption"),
        certificate=command.certificate,
        jurisdiction=command.jurisdiction,
        reason=command.reason,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
        recorded_at=unit.at,
    )
    unit.emit("TaxExemptionAccepted", {"exemptionId": row.id, "certificate": row.certificate, "said": row.said})
    return Accepted(row.id)


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def end(unit: Unit, command: End) -> Accepted | Refused:
    """Let a certificate be valid no longer than until an instant."""
    refused = _seller_refusal(unit)
    if refused is not None:
        return refused
    known = await _known(unit, command.jurisdiction, command.certificate)
    if known is None:
        return not_found(f"certificate {command.certificate!r} of {command.jurisdiction!r}", "certificate")
    if command.valid_until <= known.valid_from:
        message = f"{command.valid_until.isoformat()} is not after {known.valid_from.isoformat()}"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("validUntil",))
    await rows.end(unit.client, known, at=command.valid_until)
    unit.emit("TaxExemptionEnded", {"exemptionId": known.id, "validUntil": command.valid_until.isoformat()})
    return Accepted(known.id)


async def _known(unit: Unit, jurisdiction: str, certificate: str) -> rows.TaxExemption | None:
    found = await rows.of_organization(unit.client, unit.organization_id)
    wanted = (jurisdiction, certificate)
    return next((each for each in found if (each.jurisdiction, each.certificate) == wanted), None)


def _seller_refusal(unit: Unit) -> Refused | None:
    if unit.actor.method is Method.SYSTEM:
        return None
    message = "only the seller exempts a customer from tax, on the command line"
    return Refused(RefusalCode.ROLE_ABOVE_OWN, message, ("organizationId",))


def _text_refusal(command: Accept) -> Refused | None:
    for field in ("certificate", "jurisdiction", "reason"):
        length = len(getattr(command, field).strip())
        if not 1 <= length <= TEXT_LENGTH_MAX:
            message = f"{field} has {length} characters: give 1 to {TEXT_LENGTH_MAX}"
            return Refused(RefusalCode.INPUT_INVALID, message, (field,))
    return None
