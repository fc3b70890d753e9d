"""Who tried what, and what came of it?

The log of events tells what happened; these records tell who asked for it, also where nothing happened because it was
refused. They are chained: each carries a hash over itself and the one before it.
"""

import json
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from auth.principal import Method
from billing.roles import Permission
from models import audit as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.audit import actor_member
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.enums import mirror
from schema.errors import ErrorCode, GraphError
from schema.ids import Kind
from schema.members import Member
from schema.nodes import Node
from schema.scalars import Long

NAME = "auditRecords"
OPERATIONS_MAX = 50


class AuditOutcome(StrEnum):
    """What came of a command."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    FORBIDDEN = "FORBIDDEN"


mirror(
    AuditOutcome,
    description="What came of a command.",
    DONE="It was carried out.",
    REFUSED="A rule of the business refused it; nothing was done.",
    FORBIDDEN="The role of whoever asked does not include it; nothing was read or done.",
)


mirror(
    Method,
    name="SignInMethod",
    description="How a caller proves who they are.",
    BEARER="With an access token.",
    SESSION="With the session of a browser that signed in.",
    API_CLIENT="As an API client, with a token it got at /token.",
    SCIM="As a directory, with a SCIM token of the organization.",
    SYSTEM="It was scheduled work of the server itself.",
)


@strawberry.type(description="One fact that a command changed.")
class AuditChange:
    event: Long = strawberry.field(description="The number of the fact's entry in the organization's log.")
    kind: str = strawberry.field(description="What happened, in the past tense, such as MemberRoleChanged.")
    before: JSON | None = strawberry.field(description="What was so until then; null where there was nothing before.")
    after: JSON = strawberry.field(description="What is so from then on.")


@strawberry.type(description="One command, done or refused. Nothing is ever changed or removed.")
class AuditRecord(Node):
    sequence: Long = strawberry.field(description="Its number in the organization's chain, without gaps.")
    recorded_at: datetime = strawberry.field(description="When it was tried, by the wall's clock.")
    actor: str = strawberry.field(description="Who tried it: a member, an account that is no member, or the system.")
    method: Method = strawberry.field(description="How they had proved who they are.")
    issuer: str = strawberry.field(description="The identity provider that vouched for them.")
    request_id: str = strawberry.field(description="The request in which it was tried, as the logs name it.")
    operation: str = strawberry.field(description="What was asked for, such as members.change_role.")
    outcome: AuditOutcome = strawberry.field(description="What came of it.")
    code: str | None = strawberry.field(description="Why it was refused; null when it was done.")
    message: str | None = strawberry.field(description="The refusal in words; null when it was done.")
    previous_hash: str = strawberry.field(description="The hash of the record before it; empty for the first.")
    hash: str = strawberry.field(
        description="SHA-256, as hexadecimal digits, over everything the record says and the hash before it."
    )
    row: strawberry.Private[rows.Record]

    @field(
        description="What was asked for, without secrets. Of an input too long to keep: its digest and length.",
        requires=None,
    )
    def input(self) -> JSON:
        given: dict[str, Any] = json.loads(self.row.attempt.input)
        return JSON(given)

    @field(
        description="What it changed, in order; null of a command with so many changes that only the log has them all.",
        requires=None,
    )
    def changes(self) -> list[AuditChange] | None:
        facts = json.loads(self.row.attempt.changes)["facts"]
        if facts is None:
            return None
        return [
            AuditChange(
                event=Long(fact["event"]),
                kind=fact["kind"],
                before=None if fact["before"] is None else JSON(fact["before"]),
                after=JSON(fact["after"]),
            )
            for fact in facts
        ]

    @field(description="The member who tried it; null when it was not a member.", requires=Permission.MEMBERS_READ)
    async def actor_member(self, info: Info) -> Member | None:
        return await actor_member(info.context, self.owner, self.actor)

    @classmethod
    def of(cls, owner: Organization, row: rows.Record) -> "AuditRecord":
        """Return a record."""
        attempt = row.attempt
        return cls(
            id=ids.text(Kind.AUDIT_RECORD, row.organization_id, str(row.sequence)),
            owner=owner,
            sequence=Long(row.sequence),
            recorded_at=attempt.recorded_at,
            actor=attempt.actor,
            method=Method(attempt.method),
            issuer=attempt.issuer,
            request_id=attempt.request_id,
            operation=attempt.operation,
            outcome=AuditOutcome(attempt.outcome),
            code=attempt.code,
            message=attempt.message,
            previous_hash=row.previous_hash,
            hash=row.hash,
            row=row,
        )


@strawberry.input(description="Which records to list; everything given must hold.")
class AuditRecordFilter:
    operations: list[str] | None = strawberry.field(
        default=None, description=f"Only of these operations, such as members.add, at most {OPERATIONS_MAX}."
    )
    outcomes: list[AuditOutcome] | None = strawberry.field(default=None, description="Only with one of these outcomes.")
    actor_id: strawberry.ID | None = strawberry.field(default=None, description="Only what this member tried.")
    since: datetime | None = strawberry.field(default=None, description="Only from this instant on.")
    until: datetime | None = strawberry.field(default=None, description="Only before this instant.")

    def selection(self, organization_id: str) -> rows.Selection | None:
        """Return the filter as the query takes it, or None when it can match nothing here."""
        if len(self.operations or ()) > OPERATIONS_MAX:
            message = f"filter.operations has {len(self.operations or ())} entries; {OPERATIONS_MAX} are allowed"
            raise GraphError(ErrorCode.BAD_USER_INPUT, message, field="filter.operations")
        actor = ids.parse(self.actor_id, Kind.MEMBER) if self.actor_id else None
        if self.operations == [] or self.outcomes == [] or (actor and actor.organization_id != organization_id):
            return None
        return rows.Selection(
            operations=tuple(self.operations or ()),
            outcomes=tuple(outcome.value for outcome in self.outcomes or ()),
            actors=(f"member:{actor.key}",) if actor else (),
            since=self.since,
            until=self.until,
        )


Matching = Annotated[AuditRecordFilter | None, strawberry.argument(name="filter", description="Which records to list.")]


@strawberry.type
class AuditRecordsOfOrganization:
    """The part of an organization that is about who asked for what."""

    owner: strawberry.Private[Organization]

    @field(
        description="Every command that reached the organization, done or refused, newest first.",
        requires=Permission.AUDIT_READ,
    )
    async def audit_records(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        matching: Matching = None,
    ) -> Connection[AuditRecord]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        selection = matching.selection(organization_id) if matching else rows.EVERYTHING
        selection = selection or rows.NOTHING
        listing = Listing(NAME, organization_id)
        window = listing.window(first, after, last, before)
        return listing.connection(
            await rows.page_newest_first(reader, organization_id, window, selection),
            key=lambda row: str(row.sequence),
            node=partial(AuditRecord.of, self.owner),
            count=partial(rows.count, reader, organization_id, selection),
        )
