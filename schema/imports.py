"""How does a client hand over a list of people, and what is wrong with it?

As rows or as the text of a CSV file. Each row that cannot come in is named with its place, and with its line in the
file, so that one look at the answer is enough to mend the list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from strawberry.utils.str_converters import to_camel_case

from schema.inputs import InvalidInput
from schema.user_errors import UserError, UserErrorCode
from services import import_files
from services.imports import NewMember, RowRefused
from services.outcomes import RefusalCode


@strawberry.input(description="One person of a list.")
class ImportRowInput:
    email: str = strawberry.field(description="The e-mail address, unique in the organization.")
    name: str = strawberry.field(description="The person's name.")
    role: str = strawberry.field(description="The key of the role.")
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier, where the plan has tiers.")
    add_ons: list[str] = strawberry.field(default_factory=list, description="The keys of the seat's add-ons.")
    external_id: str | None = strawberry.field(
        default=None, description="The id by which the customer's directory knows the person."
    )

    def person(self) -> NewMember:
        """Return the person as the service takes one."""
        return NewMember(self.email, self.name, self.role, self.tier, tuple(self.add_ons), self.external_id)


@strawberry.type(description="One person of a list cannot come in, and so nobody did.")
class ImportRowError(UserError):
    row: int = strawberry.field(description="The person's place in the list, from 1.")
    line: int | None = strawberry.field(description="The line of the CSV text on which the row begins; null for rows.")
    email: str = strawberry.field(description="The address in that row, as it was given.")


@dataclass(frozen=True, slots=True)
class People:
    """A list as it was read: the people, and the lines they stand on where they come from a file."""

    members: tuple[NewMember, ...]
    lines: tuple[int, ...] | None

    @property
    def name(self) -> str:
        """What the input calls the list."""
        return "rows" if self.lines is None else "csv"

    def error(self, refused: RowRefused) -> ImportRowError:
        """Return why one row cannot come in."""
        here = (str(refused.row), *(to_camel_case(part) for part in refused.field))
        return ImportRowError(
            code=UserErrorCode[refused.code.name],
            message=refused.message,
            field=["rows", *here] if self.lines is None else ["csv"],
            row=refused.row + 1,
            line=self.lines[refused.row] if self.lines else None,
            email=self.members[refused.row].email,
        )


def people(csv: str | None, rows: Sequence[ImportRowInput] | None) -> People:
    """Return the list that was given in one of the two ways; raise `InvalidInput` for both, for none, or no list."""
    if csv is not None and rows is None:
        return _listed(csv)
    if rows is not None and csv is None:
        return People(tuple(row.person() for row in rows), None)
    raise InvalidInput(RefusalCode.INPUT_INVALID, "give either csv or rows", ("csv",))


def _listed(csv: str) -> People:
    try:
        listed = import_files.read(csv)
    except import_files.InvalidFile as error:
        raise InvalidInput(RefusalCode.INPUT_INVALID, str(error), ("csv",)) from error
    return People(tuple(each.person for each in listed), tuple(each.line for each in listed))
