"""Bring many people in at once, or see first whether all of them can come."""

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.imports import ImportRowInput, People, people
from schema.inputs import Input
from schema.members import Member
from services import import_files, imports
from services.outcomes import Refused


@strawberry.input(description="A list of people, as CSV text or as rows: give exactly one of them.")
class ImportMembersInput(Command):
    csv: str | None = strawberry.field(
        default=None,
        description=f"The text of a CSV file. Its header names the columns, in any order: "
        f"{', '.join(import_files.COLUMNS)}, of which the first three are needed; add-ons are separated by blanks.",
    )
    rows: list[ImportRowInput] | None = strawberry.field(
        default=None, description=f"The people, at most {imports.ROWS_MAX}."
    )
    dry_run: bool = strawberry.field(
        default=False,
        description="Whether to answer only what would be refused, and change nothing. Its key is not used up: the "
        "import itself may follow under the same one.",
    )


@strawberry.type(description="What an import answers.")
class ImportMembersPayload(Payload):
    members: list[Member] = strawberry.field(
        default_factory=list, description="The new members, in the order given; none after a dry run."
    )
    count: int | None = strawberry.field(
        default=None, description="How many people came in, or would; null when not all of them can."
    )


@strawberry.type
class ImportMutations:
    """What clients do with lists of people."""

    @mutation(
        imports.add_many,
        ImportMembersPayload,
        description=f"Add up to {imports.ROWS_MAX} people: all of them, or nobody. What stands against it is answered "
        "row by row, each with its place in the list.",
    )
    async def import_members(self, info: Info, given: Input[ImportMembersInput]) -> ImportMembersPayload:
        organization_id = inputs.organization_id(given.organization_id)
        listed = people(given.csv, given.rows)
        if given.dry_run:
            return await _rehearsed(info, organization_id, given.idempotency_key, listed)
        command = imports.AddMany(organization_id, given.idempotency_key, listed.members)
        match await info.context.execute(imports.add_many, command):
            case Refused() as refused:
                return ImportMembersPayload.refused(_placed(refused, listed))
            case imports.ManyRefused(rows):
                return ImportMembersPayload(user_errors=[listed.error(row) for row in rows])
            case imports.ManyAdded(member_ids):
                owner = await owner_of(info.context, organization_id)
                keys = [(organization_id, member_id) for member_id in member_ids]
                found = await info.context.loaders.member.load_many(keys)
                members = [Member.of(owner, row) for row in found if row is not None]
                return ImportMembersPayload(members=members, count=len(members))


async def _rehearsed(info: Info, organization_id: str, idempotency_key: str, listed: People) -> ImportMembersPayload:
    command = imports.TryMany(organization_id, idempotency_key, listed.members)
    match await info.context.execute(imports.try_many, command):
        case Refused() as refused:
            return ImportMembersPayload.refused(_placed(refused, listed))
        case imports.ManyRefused(rows):
            return ImportMembersPayload(user_errors=[listed.error(row) for row in rows])
        case imports.AllWelcome(count):
            return ImportMembersPayload(count=count)


def _placed(refused: Refused, listed: People) -> Refused:
    """Return a refusal of the whole list with its path as the client gave the list."""
    path = tuple(listed.name if part == "members" else part for part in refused.field)
    return Refused(refused.code, refused.message, path)
