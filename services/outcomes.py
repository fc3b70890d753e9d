"""What can a command answer that is not its success?

A refusal is an answer, not an accident: it is returned, kept with the idempotency key and shown to the caller as
data. `field` is the path in the caller's input; the message carries the value and the bound.
"""

from dataclasses import dataclass
from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a command was refused. The list is part of the graph's contract."""

    ALREADY_EXISTS = "ALREADY_EXISTS"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    CONTRACT_INVALID = "CONTRACT_INVALID"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN"
    EVENT_ID_CONFLICT = "EVENT_ID_CONFLICT"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    INPUT_INVALID = "INPUT_INVALID"
    LAST_PRIMARY_OWNER = "LAST_PRIMARY_OWNER"
    MEMBER_DEACTIVATED = "MEMBER_DEACTIVATED"
    NOT_FOUND = "NOT_FOUND"
    ORGANIZATION_READ_ONLY = "ORGANIZATION_READ_ONLY"
    PERIOD_CLOSED = "PERIOD_CLOSED"
    PERIOD_NOT_OVER = "PERIOD_NOT_OVER"
    PERIOD_OUT_OF_ORDER = "PERIOD_OUT_OF_ORDER"
    PLAN_INVALID = "PLAN_INVALID"
    PLAN_MISSING = "PLAN_MISSING"
    PRICE_MISSING = "PRICE_MISSING"
    QUOTE_REQUIRED = "QUOTE_REQUIRED"
    ROLE_ABOVE_OWN = "ROLE_ABOVE_OWN"
    STATUS_CONFLICT = "STATUS_CONFLICT"
    TIME_OUT_OF_RANGE = "TIME_OUT_OF_RANGE"
    TIME_ZONE_UNKNOWN = "TIME_ZONE_UNKNOWN"
    TOO_MANY_EVENTS = "TOO_MANY_EVENTS"
    VERSION_CONFLICT = "VERSION_CONFLICT"


@dataclass(frozen=True, slots=True)
class Refused:
    """The command had no effect, and this is why."""

    code: RefusalCode
    message: str
    field: tuple[str, ...]


def not_found(what: str, *field: str) -> Refused:
    """Return the refusal of a command that names something the organization does not have."""
    return Refused(RefusalCode.NOT_FOUND, f"there is no such {what} in this organization", field)
