"""Who is asking, and what may they do where?"""

from datetime import datetime

import strawberry

from auth import principal as auth
from billing.roles import Permission
from models import sessions as rows
from models.organizations import Organization as Row
from schema.access import field
from schema.context import Info
from schema.members import Member
from schema.organizations import Organization
from schema.sessions import SESSIONS_MAX, Session


@strawberry.type(description="What the caller is in one organization.")
class Membership:
    role_key: str = strawberry.field(description="What the caller is there, such as owner or auditor.")
    permissions: list[Permission] = strawberry.field(description="Everything the role allows there.")
    owner: strawberry.Private[Row]
    member_id: strawberry.Private[str | None]

    @field(description="Where the caller belongs.", requires=Permission.ORGANIZATION_READ)
    def organization(self) -> Organization:
        return Organization.of(self.owner)

    @field(description="The caller as a member; null for a caller that is not a person.", requires=None)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)


@strawberry.type(description="The caller: an account, and what it is in each of its organizations.")
class Viewer:
    name: str = strawberry.field(description="The name the identity provider gave.")
    email: str = strawberry.field(description="The e-mail address the identity provider gave. It identifies nobody.")
    signed_in_at: datetime = strawberry.field(description="When the caller proved who they are.")
    expires_at: datetime = strawberry.field(description="When that proof ends.")
    principal: strawberry.Private[auth.Principal]

    @field(description="What the caller is, organization by organization.", requires=None)
    async def memberships(self, info: Info) -> list[Membership]:
        found = sorted(self.principal.memberships.values(), key=lambda membership: membership.organization_id)
        owners = await info.context.loaders.organization.load_many([each.organization_id for each in found])
        return [
            Membership(
                role_key=each.role_key, permissions=sorted(each.permissions), owner=owner, member_id=each.member_id
            )
            for each, owner in zip(found, owners, strict=True)
            if owner is not None
        ]

    @field(description="The organizations the caller belongs to and may see.", requires=None)
    async def organizations(self, info: Info) -> list[Organization]:
        visible = sorted(
            each.organization_id
            for each in self.principal.memberships.values()
            if each.may(Permission.ORGANIZATION_READ)
        )
        rows = await info.context.loaders.organization.load_many(visible)
        return [Organization.of(row) for row in rows if row is not None]

    @field(
        description=f"Where the caller's account is signed in, newest first; at most {SESSIONS_MAX}. Nothing for an "
        "API client.",
        requires=None,
    )
    async def sessions(self, info: Info) -> list[Session]:
        if not self.principal.is_person:
            return []
        found = await rows.list_live(
            info.context.shared,
            self.principal.issuer,
            self.principal.subject,
            at=info.context.now,
            limit=SESSIONS_MAX,
        )
        return [Session.of(row, current=self.principal.session) for row in found]

    @classmethod
    def of(cls, principal: auth.Principal) -> "Viewer":
        """Return the caller as the graph shows it."""
        return cls(
            name=principal.name,
            email=principal.email,
            signed_in_at=principal.authenticated_at,
            expires_at=principal.expires_at,
            principal=principal,
        )
