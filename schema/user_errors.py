"""Why was nothing done?

An expected refusal is an answer, and its facts are typed: a program reads `code` and `field`, a person `message`. A
refusal that carries more is a type of its own. What went wrong with the request itself is not here but in `errors`.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

import strawberry
from strawberry.utils.str_converters import to_camel_case

from schema.enums import mirror
from schema.inputs import InvalidInput
from services.outcomes import Refused


class UserErrorCode(StrEnum):
    """Every value `code` can take, each with the sentence that documents it."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member that is its own code and knows what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    ALREADY_EXISTS = "ALREADY_EXISTS", "Something with this name, address or key is there already."
    AMOUNT_INVALID = "AMOUNT_INVALID", "The amount is outside its bounds, or has more decimals than its currency."
    CONTRACT_INVALID = "CONTRACT_INVALID", "The contract breaks a rule; the path leads to the term that does."
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH", "The amount is in another currency than the thing it is for."
    CURRENCY_UNKNOWN = "CURRENCY_UNKNOWN", "The code is not an active ISO 4217 currency."
    EVENT_ID_CONFLICT = "EVENT_ID_CONFLICT", "The event id was used for another event before; nothing was counted."
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH", "The idempotency key was used for another request before."
    ID_INVALID = "ID_INVALID", "The id is malformed or names another kind of thing."
    INPUT_INVALID = "INPUT_INVALID", "The value is outside what the field allows."
    LAST_PRIMARY_OWNER = "LAST_PRIMARY_OWNER", "An organization keeps at least one primary owner."
    MEMBER_DEACTIVATED = "MEMBER_DEACTIVATED", "A deactivated member holds no seat; reactivate first."
    NOT_FOUND = "NOT_FOUND", "There is no such thing in this organization."
    ORGANIZATION_READ_ONLY = "ORGANIZATION_READ_ONLY", "The organization's status does not allow this."
    PERIOD_CLOSED = "PERIOD_CLOSED", "The billing period is closed, and what was issued is never edited."
    PERIOD_NOT_OVER = "PERIOD_NOT_OVER", "The billing period has not ended yet."
    PERIOD_OUT_OF_ORDER = "PERIOD_OUT_OF_ORDER", "Billing periods close one after another; an earlier one is open."
    PLAN_INVALID = "PLAN_INVALID", "The plan breaks a rule; the path leads to the item that does."
    PLAN_MISSING = "PLAN_MISSING", "The organization has no plan at this instant."
    PRICE_MISSING = "PRICE_MISSING", "The plan has no price for this meter, model or direction."
    QUOTE_REQUIRED = "QUOTE_REQUIRED", "The quantity is above the price list; the terms are individual."
    ROLE_ABOVE_OWN = "ROLE_ABOVE_OWN", "The role allows more than your own, so it is not yours to give or take."
    SPEND_LIMIT_REACHED = "SPEND_LIMIT_REACHED", "The charge would break a spend limit."
    STATUS_CONFLICT = "STATUS_CONFLICT", "The thing is in a state that does not allow this."
    TIME_OUT_OF_RANGE = "TIME_OUT_OF_RANGE", "The instant is outside what the field allows."
    TIME_ZONE_UNKNOWN = "TIME_ZONE_UNKNOWN", "The name is not in the IANA time zone database."
    TOO_MANY_EVENTS = "TOO_MANY_EVENTS", "The month has more events than can be billed one by one."
    VERSION_CONFLICT = "VERSION_CONFLICT", "The thing was changed since it was read; read it again."


mirror(
    UserErrorCode,
    description="Why a command had no effect. Values are added over time, never renamed.",
    **{code.name: code.meaning for code in UserErrorCode},
)


@strawberry.interface(description="Why a command, or a part of it, had no effect.")
class UserError:
    code: UserErrorCode = strawberry.field(description="What a program branches on.")
    message: str = strawberry.field(description="What a person reads; it names the value and the bound.")
    field: list[str] = strawberry.field(
        description="The path of the field in the input; empty where no single field is to blame."
    )


@strawberry.type(description="A value in the input is not allowed: correct it and send the command again.")
class ValidationError(UserError):
    pass


@strawberry.type(description="The input names something that this organization does not have.")
class NotFoundError(UserError):
    pass


@strawberry.type(description="The command is well-formed, but the state of things does not allow it.")
class ConflictError(UserError):
    pass


_Code = UserErrorCode
_TYPES: Final[Mapping[UserErrorCode, type[UserError]]] = MappingProxyType(
    {
        _Code.NOT_FOUND: NotFoundError,
        _Code.PLAN_MISSING: NotFoundError,
        **dict.fromkeys(
            (
                _Code.ALREADY_EXISTS,
                _Code.EVENT_ID_CONFLICT,
                _Code.IDEMPOTENCY_MISMATCH,
                _Code.LAST_PRIMARY_OWNER,
                _Code.MEMBER_DEACTIVATED,
                _Code.ORGANIZATION_READ_ONLY,
                _Code.PERIOD_CLOSED,
                _Code.PERIOD_NOT_OVER,
                _Code.PERIOD_OUT_OF_ORDER,
                _Code.QUOTE_REQUIRED,
                _Code.ROLE_ABOVE_OWN,
                _Code.STATUS_CONFLICT,
                _Code.TOO_MANY_EVENTS,
                _Code.VERSION_CONFLICT,
            ),
            ConflictError,
        ),
    }
)


def user_error(refused: Refused | InvalidInput, *, under: tuple[str, ...] = ()) -> UserError:
    """Return the refusal as clients see it; `under` is the path of the part of the input it speaks of."""
    code = UserErrorCode[refused.code.name]
    path = [*under, *(to_camel_case(part) for part in refused.field)]
    return _TYPES.get(code, ValidationError)(code=code, message=refused.message, field=path)
