"""What happened, who did it, and when?

Every business fact is one entry of an append-only log without gaps, written in the transaction of the fact itself.
The same log feeds the subscriptions: a cursor of this list can be given to one of them.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from billing.roles import Permission
from events.feed import Told
from models import events as rows
from models.organizations import Organization
from schema import cursors, ids
from schema.access import Own, field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.errors import ErrorCode, GraphError
from schema.ids import Kind
from schema.members import Member
from schema.news import cursor
from schema.nodes import Node
from schema.scalars import Long

KINDS_MAX = 50
_MEMBER_ACTOR = "member:"


async def actor_member(context: Context, owner: Organization, actor: str) -> Member | None:
    """Return the member that the log names as an actor, or None when the actor was not one."""
    member_id = actor.removeprefix(_MEMBER_ACTOR) if actor.startswith(_MEMBER_ACTOR) else None
    return await Member.load(context, owner, member_id)


@strawberry.type(description="One fact of an organization's history. Nothing is ever changed or removed.")
class AuditEvent(Node):
    sequence: Long = strawberry.field(description="Its number in the organization's log, without gaps.")
    kind: str = strawberry.field(description="What happened, in the past tense, such as SeatGranted.")
    version: int = strawberry.field(description="The version of the payload's shape.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    actor: str = strawberry.field(description="Who did it: a member, an account that is no member, or the system.")
    request_id: str = strawberry.field(description="The request in which it happened, as the logs name it.")
    row: strawberry.Private[rows.Event]

    @field(description="The facts; their shape belongs to the kind and version.", requires=None)
    def payload(self) -> JSON:
        found: Mapping[str, Any] = json.loads(self.row.payload)
        return JSON(found)

    @field(description="The member who did it; null when it was not a member.", requires=Permission.MEMBERS_READ)
    async def actor_member(self, info: Info) -> Member | None:
        return await actor_member(info.context, self.owner, self.actor)

    @field(
        description="The member it concerns; null when it concerns nobody or several.",
        requires=Permission.MEMBERS_READ,
        own=Own.SUBJECT,
    )
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @property
    def member_id(self) -> str | None:
        """The member the event concerns."""
        return self.row.member_id

    @classmethod
    def of(cls, owner: Organization, row: rows.Event) -> "AuditEvent":
        """Return an entry of the log."""
        return cls(
            id=ids.text(Kind.AUDIT_EVENT, row.organization_id, str(row.sequence)),
            owner=owner,
            sequence=Long(row.sequence),
            kind=row.kind,
            version=row.version,
            occurred_at=row.occurred_at,
            actor=row.actor,
            request_id=row.request_id,
            row=row,
        )


@strawberry.type(description="An entry of the log on its way to a subscriber.")
class OrganizationEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[rows.Event]

    @field(description="The entry. The permission is asked for again with every event.", requires=Permission.AUDIT_READ)
    def event(self) -> AuditEvent:
        return AuditEvent.of(self.owner, self.row)

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "OrganizationEvent":
        """Return the news of one entry."""
        (row,) = told.events
        return cls(cursor=cursor(told), owner=owner, row=row)


@strawberry.input(description="Which entries to list; everything given must hold.")
class AuditEventFilter:
    kinds: list[str] | None = strawberry.field(
        default=None, description=f"Only entries of one of these kinds, at most {KINDS_MAX}."
    )
    member_id: strawberry.ID | None = strawberry.field(
        default=None, description="Only entries that concern this member."
    )

    def selection(self, organization_id: str) -> rows.Selection | None:
        """Return the filter as the query takes it, or None when it can match nothing here."""
        if len(self.kinds or ()) > KINDS_MAX:
            message = f"filter.kinds has {len(self.kinds or ())} entries; {KINDS_MAX} are allowed"
            raise GraphError(ErrorCode.BAD_USER_INPUT, message, field="filter.kinds")
        member = ids.parse(self.member_id, Kind.MEMBER) if self.member_id else None
        if self.kinds == [] or (member is not None and member.organization_id != organization_id):
            return None
        return rows.Selection(tuple(self.kinds or ()), member.key if member else None)


Matching = Annotated[AuditEventFilter | None, strawberry.argument(name="filter", description="Which entries to list.")]


@strawberry.type
class AuditOfOrganization:
    """The part of an organization that is about its history."""

    owner: strawberry.Private[Organization]

    @field(description="Everything that happened, newest first.", requires=Permission.AUDIT_READ)
    async def audit_events(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        matching: Matching = None,
    ) -> Connection[AuditEvent]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        selection = matching.selection(organization_id) if matching else rows.EVERYTHING
        listing = Listing(cursors.EVENTS, organization_id)
        window = listing.window(first, after, last, before)
        selection = selection or rows.NOTHING
        return listing.connection(
            await rows.page_newest_first(reader, organization_id, window, selection),
            key=lambda row: str(row.sequence),
            node=partial(AuditEvent.of, self.owner),
            count=partial(rows.count, reader, organization_id, selection),
        )
