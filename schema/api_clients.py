"""Which programs may call, as the graph shows it?"""

from datetime import datetime
from functools import partial

import strawberry

from billing.roles import Permission
from models import api_clients as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.nodes import Node


@strawberry.type(description="One secret of an API client. The secret itself was shown once, when it was made.")
class ApiClientSecret:
    ending: str = strawberry.field(description="Its last four characters, to tell it from another.")
    created_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="When it ends; null where it lasts.")


@strawberry.type(description="A program with an identity of its own, which gets its tokens at /token.")
class ApiClient(Node):
    name: str = strawberry.field(description="The name people read.")
    partner: bool = strawberry.field(
        description="Whether it belongs to a partner: it sees no organization but those that granted it."
    )
    scopes: list[Permission] = strawberry.field(description="The most it may do.")
    has_own_keys: bool = strawberry.field(description="Whether it signs with keys of its own instead of a secret.")
    created_at: datetime = strawberry.field(description="When it was let in.")
    last_used_at: datetime | None = strawberry.field(
        description="When it last came, to the minute; null where it never did."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it may come in.")
    key: strawberry.Private[str]

    @field(description="Its secrets, oldest first: two while one takes over from the other.", requires=None)
    async def secrets(self, info: Info) -> list[ApiClientSecret]:
        found = await info.context.loaders.api_client_secrets.load((self.owner.organization_id, self.key))
        return [
            ApiClientSecret(ending=row.ending, created_at=row.created_at, expires_at=row.expires_at)
            for row in found or ()
        ]

    @classmethod
    def of(cls, owner: Organization, row: rows.ApiClient) -> "ApiClient":
        """Return the API client in a row."""
        return cls(
            id=ids.text(ids.Kind.API_CLIENT, row.organization_id, row.id),
            owner=owner,
            name=row.name,
            partner=bool(row.is_partner),
            scopes=sorted(map(Permission, row.scopes)),
            has_own_keys=row.jwks is not None,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
            key=row.id,
        )


@strawberry.type(description="What an organization lets a partner's API client do.")
class ApiClientGrant:
    api_client_id: strawberry.ID = strawberry.field(description="The id of the partner's client.")
    name: str = strawberry.field(description="What the partner calls it.")
    scopes: list[Permission] = strawberry.field(description="The most it may do here.")
    granted_at: datetime = strawberry.field(description="When it was granted.")

    @classmethod
    def of(cls, row: rows.NamedGrant) -> "ApiClientGrant":
        """Return the grant in a row."""
        return cls(
            api_client_id=ids.text(ids.Kind.API_CLIENT, row.client_organization_id, row.client_id),
            name=row.name,
            scopes=sorted(map(Permission, row.scopes)),
            granted_at=row.granted_at,
        )


@strawberry.type
class ApiClientsOfOrganization:
    """The part of an organization that is about programs."""

    owner: strawberry.Private[Organization]

    @field(description="The organization's API clients, revoked ones too.", requires=Permission.ACCESS_READ)
    async def api_clients(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ApiClient]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("apiClients", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(ApiClient.of, self.owner),
            count=partial(rows.count, reader, organization_id),
        )

    @field(
        description=f"The partners' API clients that see this organization; at most {rows.GRANTS_MAX}.",
        requires=Permission.ACCESS_READ,
    )
    async def api_client_grants(self, info: Info) -> list[ApiClientGrant]:
        found = await rows.grants_of(info.context.reader, self.owner.organization_id)
        return [ApiClientGrant.of(row) for row in found]
