"""Who asked for a higher limit, and what was the answer?

The one it is for sees every step of a request; so do those who see all limits. Names and addresses of whoever asked
and whoever answered are part of it, because a person wants to know whom to talk to.
"""

import json
from datetime import datetime
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry

from billing.limit_increases import Decision, Status
from billing.roles import Permission
from events.feed import Told
from models import events
from models import limit_increases as rows
from models.organizations import Organization
from schema import access, ids
from schema.access import Own, field, seen_by
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.money import Money
from schema.news import cursor
from schema.nodes import Node
from schema.parties import Contact
from schema.spend_loaders import REQUESTS_MAX
from schema.user_errors import UserError, UserErrorCode

if TYPE_CHECKING:
    from schema.limits import SpendLimit
    from schema.members import Member

_MEMBER_ACTOR = "member:"


class LimitIncreaseChangeKind(StrEnum):
    """What happened to a request."""

    REQUESTED = "REQUESTED"
    DECIDED = "DECIDED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    ENDED = "ENDED"


mirror(
    Status,
    name="LimitIncreaseStatus",
    description="Where a request for a higher limit stands. Only a pending one changes.",
    PENDING="It waits for an answer.",
    APPROVED="The limit was raised, perhaps by less or for a shorter time than was asked.",
    DECLINED="The limit stays; the note may say why.",
    WITHDRAWN="Whoever asked took it back.",
    EXPIRED="Nobody answered in time.",
)
mirror(
    Decision,
    name="LimitIncreaseDecision",
    description="What can be said to a request for a higher limit.",
    APPROVE="Raise the limit.",
    DECLINE="Leave the limit as it is.",
)
mirror(
    LimitIncreaseChangeKind,
    description="What happened to a request for a higher limit.",
    REQUESTED="Somebody asked.",
    DECIDED="It was approved or declined.",
    WITHDRAWN="Whoever asked took it back.",
    EXPIRED="Nobody answered in time.",
    ENDED="A raise for a time was over.",
)
KINDS: Final = MappingProxyType({f"LimitIncrease{kind.title()}": kind for kind in LimitIncreaseChangeKind})


@strawberry.type(description="A request to raise a spend limit that bears on a member, and its answer.")
class LimitIncreaseRequest(Node):
    status: Status = strawberry.field(description="Where the request stands.")
    amount: Money = strawberry.field(description="The cap that was asked for.")
    reason: str = strawberry.field(description="Why more is needed.")
    until: datetime | None = strawberry.field(description="Until when it is needed; null for good.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    expires_at: datetime = strawberry.field(description="When the request lapses if nobody answers.")
    granted_amount: Money | None = strawberry.field(description="The cap that was granted; null unless approved.")
    granted_until: datetime | None = strawberry.field(
        description="Until when the raise holds; then the former limit comes back. Null for good, or unless approved."
    )
    decided_at: datetime | None = strawberry.field(description="When it was answered or withdrawn; null before.")
    note: str | None = strawberry.field(description="What the one who decided had to say.")
    ended_at: datetime | None = strawberry.field(description="When a raise for a time was over; null while it is not.")
    member_id: strawberry.Private[str]
    row: strawberry.Private[rows.LimitIncrease]

    @field(description="Whom the request is for.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.members")] | None:
        from schema.members import Member  # the back edge: a member leads to their requests

        return await Member.load(info.context, self.owner, self.member_id)

    @field(
        description="The limit as it stood when the question was asked.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    async def limit(self, info: Info) -> Annotated["SpendLimit", strawberry.lazy("schema.limits")]:
        found = await _limit(info.context, self.owner, self.row.limit_id)
        assert found is not None, "limits are history and never removed"
        return found

    @field(
        description="The limit that an approval put in force; null unless approved.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    async def granted_limit(self, info: Info) -> Annotated["SpendLimit", strawberry.lazy("schema.limits")] | None:
        return await _limit(info.context, self.owner, self.row.granted_limit_id)

    @field(description="Who asked; null for somebody who is no member.", requires=None)
    async def requested_by(self, info: Info) -> Contact | None:
        return await _contact(info.context, self.owner, self.row.requested_by)

    @field(description="Who answered or withdrew it; null before, and for somebody who is no member.", requires=None)
    async def decided_by(self, info: Info) -> Contact | None:
        return await _contact(info.context, self.owner, self.row.decided_by)

    @classmethod
    def of(cls, owner: Organization, at: datetime, row: rows.LimitIncrease) -> "LimitIncreaseRequest":
        """Return the request in a row, as it stands at `at`."""
        currency, locale, granted = owner.currency, owner.locale, row.granted_minor
        return cls(
            id=ids.text(ids.Kind.LIMIT_INCREASE_REQUEST, row.organization_id, row.id),
            owner=owner,
            status=row.status_at(at),
            amount=Money.of_minor(row.asked_minor, currency, locale),
            reason=row.reason,
            until=row.until_at,
            requested_at=row.requested_at,
            expires_at=row.expires_at,
            granted_amount=None if granted is None else Money.of_minor(granted, currency, locale),
            granted_until=row.granted_until_at,
            decided_at=row.decided_at,
            note=row.note,
            ended_at=row.over_at(at),
            member_id=row.member_id,
            row=row,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, request_id: str) -> "LimitIncreaseRequest | None":
        """Return a request by id to whoever may see it; raise the coded fault for somebody else's."""
        organization_id = owner.organization_id
        row = await rows.find(context.reader, organization_id, request_id)
        if row is None:
            return None
        access.require(
            context.principal, organization_id, Permission.SPEND_LIMITS_READ, Own.SUBJECT, member_id=row.member_id
        )
        return cls.of(owner, context.at(owner), row)


@strawberry.type(description="A request about this limit waits for an answer already; nothing was asked again.")
class LimitIncreaseAlreadyRequested(UserError):
    request_id: strawberry.ID = strawberry.field(description="The request that waits.")

    @classmethod
    def waiting(cls, owner: Organization, request_id: str) -> "LimitIncreaseAlreadyRequested":
        """Return the refusal that names the request which waits."""
        return cls(
            code=UserErrorCode.ALREADY_EXISTS,
            message="a request about this limit waits for an answer already; withdraw it to ask for something else",
            field=["limitId"],
            request_id=ids.text(ids.Kind.LIMIT_INCREASE_REQUEST, owner.organization_id, request_id),
        )


@strawberry.type(description="What became of a request for a higher limit.")
class LimitIncreaseChange:
    kind: LimitIncreaseChangeKind = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    request: LimitIncreaseRequest = strawberry.field(description="The request as it is now.")


@strawberry.type(description="News of a request for a higher limit on its way to a subscriber.")
class LimitIncreaseChangedEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[events.Event]

    @property
    def member_id(self) -> str | None:
        """The member whom the request is for."""
        return self.row.member_id

    @field(
        description="What happened. The permission is asked for again with every event.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    async def change(self, info: Info) -> LimitIncreaseChange:
        facts: dict[str, Any] = json.loads(self.row.payload)
        request = await LimitIncreaseRequest.load(info.context, self.owner, facts["requestId"])
        assert request is not None, "a request is written in the transaction of its event"
        return LimitIncreaseChange(kind=KINDS[self.row.kind], occurred_at=self.row.occurred_at, request=request)

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "LimitIncreaseChangedEvent":
        """Return the news of one request."""
        (row,) = told.events
        return cls(cursor=cursor(told), owner=owner, row=row)


@strawberry.type
class IncreasesOfMember:
    """The part of a member that is about requests for a higher limit."""

    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str]

    @field(
        description=f"The requests for a higher limit for this member, newest first, at most {REQUESTS_MAX}.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    async def limit_increase_requests(self, info: Info) -> list[LimitIncreaseRequest]:
        found = await info.context.loaders.increases.load((self.owner.organization_id, self.member_id))
        at = info.context.at(self.owner)
        return [LimitIncreaseRequest.of(self.owner, at, row) for row in found or ()]


@strawberry.input(description="Which requests to list; everything given must hold.")
class LimitIncreaseRequestFilter:
    status: Status | None = strawberry.field(default=None, description="Only requests that stand there.")
    member_id: strawberry.ID | None = strawberry.field(default=None, description="Only requests for this member.")

    def members(self, organization_id: str) -> list[str] | None:
        """Return the members it keeps to; None for all of them, none for somebody of another organization."""
        if self.member_id is None:
            return None
        named = ids.parse(self.member_id, ids.Kind.MEMBER)
        return [named.key] if named.organization_id == organization_id else []


Matching = Annotated[
    LimitIncreaseRequestFilter | None, strawberry.argument(name="filter", description="Which requests to list.")
]


@strawberry.type
class IncreasesOfOrganization:
    """The part of an organization that is about requests for a higher limit."""

    owner: strawberry.Private[Organization]

    @field(
        description="The requests for a higher limit, newest first. Without the permission: the caller's own.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.NARROWED,
    )
    async def limit_increase_requests(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        matching: Matching = None,
    ) -> Connection[LimitIncreaseRequest]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        viewer = seen_by(info.context.principal, organization_id, Permission.SPEND_LIMITS_READ)
        wanted = matching.members(organization_id) if matching else None
        if viewer is not None:
            wanted = [viewer] if wanted in (None, [viewer]) else []
        status, at = matching.status if matching else None, info.context.at(self.owner)
        listing = Listing("limitIncreaseRequests", organization_id)
        window = listing.window(first, after, last, before)
        return listing.connection(
            await rows.page_of(reader, organization_id, window, at=at, status=status, members=wanted),
            key=lambda row: row.id,
            node=partial(LimitIncreaseRequest.of, self.owner, at),
            count=partial(rows.count, reader, organization_id, at=at, status=status, members=wanted),
        )


async def _limit(context: Context, owner: Organization, limit_id: str | None) -> "SpendLimit | None":
    from schema.limits import SpendLimit  # the back edge: limits lead to members, and members to their requests

    row = await context.loaders.limit.load((owner.organization_id, limit_id)) if limit_id else None
    return SpendLimit.of(owner, row) if row else None


async def _contact(context: Context, owner: Organization, actor: str | None) -> Contact | None:
    if actor is None or not actor.startswith(_MEMBER_ACTOR):
        return None
    row = await context.loaders.member.load((owner.organization_id, actor.removeprefix(_MEMBER_ACTOR)))
    return Contact(name=row.name, email=row.email) if row else None
