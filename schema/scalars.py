"""How is an exact value written in the graph?

As text, wherever JSON could lose a digit: a client that reads 12.40 as a binary float has a different amount. What a
scalar cannot hold exactly it refuses, with a message that names the value and the bound.

>>> read_decimal("12.40"), write_long(2**53 + 1)
('12.40', '9007199254740993')
>>> read_decimal(12.4)
Traceback (most recent call last):
    ...
ValueError: 12.4 is a number; write an amount as text, "12.40", so that no digit is lost
>>> write_instant(read_instant("2026-10-01T03:00:00.000001+03:00"))
'2026-10-01T00:00:00.000001Z'
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final, NewType

import strawberry
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from billing.money import is_decimal

DecimalText = NewType("DecimalText", str)
"""An exact decimal, as `Decimal` of the graph."""

ExactText = NewType("ExactText", str)
"""An exact number, a decimal or a/b, as `ExactNumber` of the graph."""

Long = NewType("Long", int)
"""A 64-bit integer, as `Long` of the graph."""

DECIMAL_LENGTH_MAX: Final = 100
LONG_MIN: Final = -(2**63)
LONG_MAX: Final = 2**63 - 1
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def read_decimal(value: object) -> str:
    """Return `value` when it is the text of a plain decimal.

    One with more digits than an amount may have is left to who reads the amount: that is an answer with a field.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f'{value} is a number; write an amount as text, "12.40", so that no digit is lost')
    text = _text(value, "a decimal such as 12.40")
    if len(text) > DECIMAL_LENGTH_MAX:
        raise ValueError(f"{len(text)} characters; the bound is {DECIMAL_LENGTH_MAX}")
    if not is_decimal(text):
        raise ValueError(f"{text!r} is not a plain decimal number; write digits and at most one point, such as 12.40")
    return text


def read_long(value: object) -> int:
    """Return the integer that `value` is or spells, within 64 bits."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, float):
        raise ValueError(f"{value} is not an integer")
    else:
        text = _text(value, "an integer")
        if not _INTEGER.fullmatch(text):
            raise ValueError(f"{text[:40]!r} is not an integer of at most 19 digits")
        number = int(text)
    if not LONG_MIN <= number <= LONG_MAX:
        raise ValueError(f"{_short(number)} is outside {LONG_MIN} to {LONG_MAX}")
    return number


def write_long(value: int) -> str:
    """Return the integer as text, because a JSON number above 2⁵³ is not what was written."""
    if not LONG_MIN <= value <= LONG_MAX:
        raise ValueError(f"{_short(value)} is outside {LONG_MIN} to {LONG_MAX}")
    return str(value)


def read_instant(value: object) -> datetime:
    """Return the UTC instant written in `value`; without an offset it would mean nothing."""
    text = _text(value, "an instant such as 2026-10-01T00:00:00Z")
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not an instant with an offset, such as 2026-10-01T00:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:40]!r} is not an instant: {error}") from None


def write_instant(value: datetime) -> str:
    """Return the instant in UTC, with microseconds where it has any."""
    if value.utcoffset() is None:
        raise ValueError(f"{value.isoformat()} has no offset")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def read_date(value: object) -> date:
    """Return the calendar date written in `value`."""
    text = _text(value, "a date such as 2026-10-01")
    if not _DATE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a date such as 2026-10-01")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date: {error}") from None


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} given, {what} as text expected")
    return value


def _short(number: int) -> str:
    return str(number) if abs(number) < 10**30 else "a number of more than 30 digits"


def _refused(value: object) -> Any:
    raise ValueError(f"{type(value).__name__} given; this scalar is only ever answered")


SCALARS: Mapping[object, ScalarDefinition] = MappingProxyType(
    {
        DecimalText: strawberry.scalar(
            name="Decimal",
            description='An exact decimal number as text, such as "12.40". Floats, exponents and NaN are refused.',
            serialize=str,
            parse_value=read_decimal,
        ),
        ExactText: strawberry.scalar(
            name="ExactNumber",
            description='An exact number as text: a decimal, "31.5", or a fraction, "17/31", where none is exact.',
            serialize=str,
            parse_value=_refused,
        ),
        Long: strawberry.scalar(
            name="Long",
            description="A 64-bit integer. It is answered as text, because a JSON number above 2⁵³ loses digits.",
            serialize=write_long,
            parse_value=read_long,
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="An instant in ISO 8601 with an offset. It is answered in UTC, exact to the microsecond.",
            specified_by_url="https://scalars.graphql.org/andimarek/date-time",
            serialize=write_instant,
            parse_value=read_instant,
        ),
        date: strawberry.scalar(
            name="Date",
            description="A calendar date in ISO 8601, such as 2026-10-01.",
            specified_by_url="https://scalars.graphql.org/andimarek/local-date",
            serialize=date.isoformat,
            parse_value=read_date,
        ),
        JSON: strawberry.scalar(
            name="JSON",
            description="The facts of an event as a JSON object, shaped by the kind and version of the event.",
            serialize=lambda value: value,
            parse_value=_refused,
        ),
    }
)
"""What each Python type of the schema is in the graph."""
