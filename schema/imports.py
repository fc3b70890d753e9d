"""How does a client hand over a list of people, how far is it, and what is wrong with it?

As rows or as the text of a CSV file. Each row that cannot come in is named with its place, and with its line in the
file, so that one look at the answer is enough to mend the list.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import strawberry
from strawberry.utils.str_converters import to_camel_case

from billing.roles import Permission
from events.feed import Told
from models import events
from models import imports as rows_of
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.inputs import InvalidInput
from schema.news import cursor
from schema.nodes import Node
from schema.user_errors import UserError, UserErrorCode
from services import import_files
from services.import_runs import Mode, Status
from services.imports import NewMember, RowRefused
from services.outcomes import RefusalCode


class ImportChangeKind(StrEnum):
    """What happened to an import."""

    STARTED = "STARTED"
    ADVANCED = "ADVANCED"
    FINISHED = "FINISHED"


mirror(
    Mode,
    name="ImportMode",
    description="Who comes in when somebody of a list cannot.",
    ALL_OR_NOTHING="Nobody; everybody comes in, at one instant, or nobody does.",
    BEST_EFFORT="Everybody else.",
)
mirror(
    Status,
    name="ImportStatus",
    description="How far an import is.",
    WAITING="Nobody was looked at yet.",
    RUNNING="It is being worked through.",
    COMPLETED="Everybody was looked at, and who could come in is in; after a dry run nobody is.",
    REFUSED="Nobody came in, because somebody cannot: see its errors.",
    CANCELLED="It was stopped, or the organization became read-only. Whoever came in before stays.",
)
mirror(
    ImportChangeKind,
    description="What happened to an import.",
    STARTED="A list was brought.",
    ADVANCED="Some more rows were looked at.",
    FINISHED="It is over, as its status says.",
)
KINDS: Final = MappingProxyType({f"Import{kind.title()}": kind for kind in ImportChangeKind})


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


@strawberry.type(description="One person of a list cannot come in; where it is all or nobody, nobody did.")
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


@strawberry.type(description="A list of people that comes in beside the request which brought it.")
class Import(Node):
    status: Status = strawberry.field(description="How far it is.")
    mode: Mode = strawberry.field(description="Who comes in when somebody cannot.")
    dry_run: bool = strawberry.field(description="Whether it only looks at people, and changes nothing.")
    total: int = strawberry.field(description="How many people the list has.")
    done: int = strawberry.field(description="How many of them were looked at.")
    failed: int = strawberry.field(description="How many of those cannot come in.")
    added: int = strawberry.field(description="How many are members now.")
    created_at: datetime = strawberry.field(description="When the list was brought.")
    finished_at: datetime | None = strawberry.field(description="When it was over; null while it goes on.")
    asked_by: str = strawberry.field(description="Who brought it: a member, an account that is no member, or system.")
    key: strawberry.Private[str]

    @field(description="The rows that cannot come in, in the order of the list.", requires=Permission.MEMBERS_READ)
    async def errors(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ImportRowError]:
        organization_id, failed = self.owner.organization_id, self.failed
        listing = Listing("importErrors", self.key)
        window = listing.window(first, after, last, before)

        async def count() -> int:
            return failed

        return listing.connection(
            await rows_of.errors_of(info.context.reader, organization_id, self.key, window),
            key=lambda error: str(error.row),
            node=_row_error,
            count=count,
        )

    @classmethod
    def of(cls, owner: Organization, row: rows_of.Import) -> "Import":
        """Return the import in a row."""
        return cls(
            id=ids.text(ids.Kind.IMPORT, row.organization_id, row.id),
            owner=owner,
            status=Status(row.status),
            mode=Mode(row.mode),
            dry_run=bool(row.dry_run),
            total=row.total,
            done=row.done,
            failed=row.failed,
            added=row.added,
            created_at=row.created_at,
            finished_at=row.finished_at,
            asked_by=row.asked_by,
            key=row.id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, key: str) -> "Import | None":
        """Return the import with this key."""
        row = await rows_of.find(context.reader, owner.organization_id, key)
        return cls.of(owner, row) if row else None


@strawberry.type
class ImportsOfOrganization:
    """The part of an organization that is about lists of people."""

    owner: strawberry.Private[Organization]

    @field(
        description="The lists of people that were brought to come in beside, newest first.",
        requires=Permission.MEMBERS_READ,
    )
    async def imports(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Import]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("imports", organization_id)
        return listing.connection(
            await rows_of.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(Import.of, self.owner),
            count=partial(rows_of.count, reader, organization_id),
        )


@strawberry.type(description="What happened to an import.")
class ImportChange:
    kind: ImportChangeKind = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    run: Import = strawberry.field(name="import", description="The import as it is now.")


@strawberry.type(description="News of an import on its way to a subscriber.")
class ImportChangedEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[events.Event]

    @field(
        description="What happened. The permission is asked for again with every event.",
        requires=Permission.MEMBERS_READ,
    )
    async def change(self, info: Info) -> ImportChange:
        facts: dict[str, Any] = json.loads(self.row.payload)
        run = await Import.load(info.context, self.owner, facts["importId"])
        assert run is not None, "an import is written in the transaction of its event"
        return ImportChange(kind=KINDS[self.row.kind], occurred_at=self.row.occurred_at, run=run)

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "ImportChangedEvent":
        """Return the news of one import."""
        (row,) = told.events
        return cls(cursor=cursor(told), owner=owner, row=row)


def _row_error(error: rows_of.RowError) -> ImportRowError:
    return ImportRowError(
        code=UserErrorCode[error.code],
        message=error.message,
        field=[to_camel_case(part) for part in error.field],
        row=error.row,
        line=error.line,
        email=error.email,
    )
