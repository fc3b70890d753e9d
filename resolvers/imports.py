"""Bring many people in at once, or see first whether all of them can come."""

import strawberry

from models import imports as rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.ids import Kind
from schema.imports import Import, ImportRowInput, People, people
from schema.inputs import Input
from schema.members import Member
from services import import_files, import_runs, imports
from services.import_runs import Mode
from services.outcomes import Refused


@strawberry.input(description="A list of people, as CSV text or as rows: give exactly one of them.")
class ImportMembersInput(Command):
    csv: str | None = strawberry.field(
        default=None,
        description=f"The text of a CSV file. Its header names the columns, in any order: "
        f"{', '.join(import_files.COLUMNS)}, of which the first three are needed; add-ons are separated by blanks.",
    )
    rows: list[ImportRowInput] | None = strawberry.field(
        default=None, description=f"The people, at most {import_runs.PEOPLE_MAX}."
    )
    dry_run: bool = strawberry.field(
        default=False,
        description="Whether to answer only what would be refused, and change nothing. Its key is not used up: the "
        "import itself may follow under the same one.",
    )
    mode: Mode = strawberry.field(default=Mode.ALL_OR_NOTHING, description="Who comes in when somebody cannot.")


@strawberry.type(description="What an import answers.")
class ImportMembersPayload(Payload):
    members: list[Member] = strawberry.field(
        default_factory=list,
        description="The new members, in the order given; none after a dry run, and of an `import` that goes on.",
    )
    count: int | None = strawberry.field(
        default=None, description="How many people came in, or would; null when not all of them can, or not yet."
    )
    run: Import | None = strawberry.field(
        name="import", default=None, description="The import that goes on beside, where the list is not done with yet."
    )


@strawberry.input(description="An import that shall not go on.")
class CancelImportInput(Command):
    import_id: strawberry.ID = strawberry.field(description="The import to stop, by its global id.")


@strawberry.type(description="What stopping an import answers.")
class CancelImportPayload(Payload):
    run: Import | None = strawberry.field(name="import", default=None, description="The import as it is now.")


@strawberry.type
class ImportMutations:
    """What clients do with lists of people."""

    @mutation(
        imports.add_many,
        ImportMembersPayload,
        description=f"Add up to {import_runs.PEOPLE_MAX} people. A list of at most {imports.ROWS_MAX}, of which all "
        "are to come in or nobody, is done with in this very answer, and what stands against it is answered row by "
        "row, each with its place. Any other list goes on beside as an `import`, which shows how far it is.",
    )
    async def import_members(self, info: Info, given: Input[ImportMembersInput]) -> ImportMembersPayload:
        organization_id = inputs.organization_id(given.organization_id)
        listed = people(given.csv, given.rows)
        if len(listed.members) > imports.ROWS_MAX or given.mode is Mode.BEST_EFFORT:
            return await _started(info, organization_id, given, listed)
        if given.dry_run:
            return await _rehearsed(info, organization_id, given.idempotency_key, listed)
        command = imports.AddMany(organization_id, given.idempotency_key, listed.members)
        match await info.context.execute(imports.add_many, command):
            case Refused() as refused:
                return ImportMembersPayload.refused(_placed(refused, listed))
            case imports.ManyRefused(refused_rows):
                return ImportMembersPayload(user_errors=[listed.error(row) for row in refused_rows])
            case imports.ManyAdded(member_ids):
                owner = await owner_of(info.context, organization_id)
                keys = [(organization_id, member_id) for member_id in member_ids]
                found = await info.context.loaders.member.load_many(keys)
                members = [Member.of(owner, row) for row in found if row is not None]
                return ImportMembersPayload(members=members, count=len(members))

    @mutation(
        import_runs.cancel,
        CancelImportPayload,
        description="Let an import go no further. Whoever came in already stays.",
    )
    async def cancel_import(self, info: Info, given: Input[CancelImportInput]) -> CancelImportPayload:
        organization_id = inputs.organization_id(given.organization_id)
        import_id = inputs.key(given.import_id, Kind.IMPORT, organization_id, "importId")
        command = import_runs.Cancel(organization_id, given.idempotency_key, import_id)
        match await info.context.execute(import_runs.cancel, command):
            case Refused() as refused:
                return CancelImportPayload.refused(refused)
            case import_runs.Advanced():
                return CancelImportPayload(run=await _import(info, organization_id, import_id))


async def _started(info: Info, organization_id: str, given: ImportMembersInput, listed: People) -> ImportMembersPayload:
    packed = import_runs.packed(listed.members, listed.lines)
    key = import_runs.rehearsal_key(given.idempotency_key) if given.dry_run else given.idempotency_key
    command = import_runs.Start(organization_id, key, packed, given.mode, given.dry_run)
    match await info.context.execute(import_runs.start, command):
        case Refused() as refused:
            return ImportMembersPayload.refused(_placed(refused, listed))
        case import_runs.Started(import_id):
            return ImportMembersPayload(run=await _import(info, organization_id, import_id))


async def _import(info: Info, organization_id: str, import_id: str) -> Import:
    row = await rows.find(info.context.reader, organization_id, import_id)
    assert row is not None, "imports stay"
    return Import.of(await owner_of(info.context, organization_id), row)


async def _rehearsed(info: Info, organization_id: str, idempotency_key: str, listed: People) -> ImportMembersPayload:
    command = imports.TryMany(organization_id, idempotency_key, listed.members)
    match await info.context.execute(imports.try_many, command):
        case Refused() as refused:
            return ImportMembersPayload.refused(_placed(refused, listed))
        case imports.ManyRefused(refused_rows):
            return ImportMembersPayload(user_errors=[listed.error(row) for row in refused_rows])
        case imports.AllWelcome(count):
            return ImportMembersPayload(count=count)


def _placed(refused: Refused, listed: People) -> Refused:
    """Return a refusal of the whole list with its path as the client gave the list."""
    path = tuple(listed.name if part == "members" else part for part in refused.field)
    return Refused(refused.code, refused.message, path)
