"""What is wrong with this input, and where?

What a client wrote into an input is read here, before any command exists. The first thing that cannot be read is
raised as `InvalidInput`, which the mutation answers as a user error with the path of the field, without effect.
"""

from typing import Annotated, TypeVar

import strawberry
from strawberry.types.unset import UNSET

from schema import ids
from schema.errors import ErrorCode
from schema.ids import Kind, MalformedId
from services.outcomes import RefusalCode, Refused

T = TypeVar("T")

Input = Annotated[
    T, strawberry.argument(name="input", description="What to do, and the key that makes repeating it harmless.")
]
"""The one argument of every mutation."""


class InvalidInput(Exception):
    """A field of the input cannot be read; `field` is its path."""

    def __init__(self, code: RefusalCode | ErrorCode, message: str, field: tuple[str, ...]) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def organization_id(given: str) -> str:
    """Return the organization that the input is for."""
    try:
        return ids.parse(given, Kind.ORGANIZATION).organization_id
    except MalformedId as error:
        raise InvalidInput(ErrorCode.ID_INVALID, error.message, ("organizationId",)) from error


def key(given: str, kind: Kind, organization: str, *field: str) -> str:
    """Return the row an id names; one of another organization is refused like one that never was."""
    try:
        named = ids.parse(given, kind)
    except MalformedId as error:
        raise InvalidInput(ErrorCode.ID_INVALID, error.message, field) from error
    if named.organization_id != organization:
        what = kind.name.lower().replace("_", " ")
        raise InvalidInput(RefusalCode.NOT_FOUND, f"there is no such {what} in this organization", field)
    return named.key


def given(value: T | None) -> T | None:
    """Return the value, or None where the client left it out or wrote null."""
    return None if value is UNSET else value


def as_refused(invalid: InvalidInput) -> Refused:
    """Return the refusal of a command that reads its input itself."""
    assert isinstance(invalid.code, RefusalCode), f"{invalid.code} is no refusal of a command"
    return Refused(invalid.code, invalid.message, invalid.field)
