"""How do an organization's people sign in, as the graph shows it?"""

from datetime import datetime
from enum import StrEnum

import strawberry

from auth.providers import Providers
from billing.roles import Permission
from models import access_policies
from models import identity_providers as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.context import Info
from schema.enums import mirror
from schema.nodes import Node
from services.email_domains import RECORD_NAME, record_value


class ClientAuthentication(StrEnum):
    """How we prove to a provider who we are."""

    NONE = "NONE"
    CLIENT_SECRET = "CLIENT_SECRET"  # noqa: S105  # the name of a way, not a secret
    PRIVATE_KEY_JWT = "PRIVATE_KEY_JWT"


mirror(
    ClientAuthentication,
    description="How this server proves to an identity provider who it is.",
    NONE="Not at all: it is registered as a public client, and relies on PKCE.",
    CLIENT_SECRET="With the client secret the provider gave out.",  # noqa: S106  # the same
    PRIVATE_KEY_JWT="With a token signed by this server, whose keys are at /.well-known/jwks.json.",
)


@strawberry.type(description="What being in a group of the identity provider gives.")
class GroupRule:
    group: str = strawberry.field(description="The group, exactly as the provider writes it in its tokens.")
    role: str = strawberry.field(description="The key of the role it gives.")
    tier: str | None = strawberry.field(description="The key of the seat tier it gives; null leaves the tier alone.")


@strawberry.type(description="An OpenID Connect provider with which an organization's people sign in.")
class IdentityProvider(Node):
    name: str = strawberry.field(description="The name people read.")
    issuer: str = strawberry.field(description="The exact issuer of its tokens.")
    client_id: str = strawberry.field(description="The client id by which the provider knows this server.")
    client_authentication: ClientAuthentication = strawberry.field(
        description="How this server proves to the provider who it is. A secret is never shown again."
    )
    algorithms: list[str] = strawberry.field(description="The only signature algorithms accepted from this issuer.")
    scopes: str = strawberry.field(description="What is asked of the provider, with spaces between.")
    api_audience: str | None = strawberry.field(
        description="The audience whose access tokens of this issuer are accepted as bearer tokens; null for none."
    )
    just_in_time: bool = strawberry.field(description="Whether people who are no members yet become one by signing in.")
    default_role: str | None = strawberry.field(description="The role of those whom no rule gives one.")
    default_tier: str | None = strawberry.field(description="The seat tier that goes with the default role.")
    groups_claim: str = strawberry.field(description="The claim in which the provider lists a person's groups.")
    rules: list[GroupRule] = strawberry.field(description="What groups give; the first that applies decides.")
    trusts_unverified_email: bool = strawberry.field(
        description="Whether addresses in verified domains are believed when the provider does not say that they are "
        "verified: for a directory of the organization's own."
    )
    is_enforced: bool = strawberry.field(
        description="Whether only those come in who signed in with a provider of the organization; primary owners "
        "always do."
    )
    created_at: datetime = strawberry.field(description="When the provider was added.")
    updated_at: datetime = strawberry.field(description="When the provider was last changed.")
    provider_id: strawberry.Private[str]

    @field(description="The redirect address to register with the provider.", requires=None)
    def redirect_uri(self, info: Info) -> str:
        return _addresses(info).callback(self.owner.organization_id, self.provider_id)

    @field(description="The back-channel logout address to register with the provider.", requires=None)
    def backchannel_logout_uri(self, info: Info) -> str:
        return _addresses(info).backchannel(self.owner.organization_id, self.provider_id)

    @field(description="The address after logout to register with the provider.", requires=None)
    def post_logout_redirect_uri(self, info: Info) -> str:
        return _addresses(info).logged_out

    @classmethod
    def of(cls, owner: Organization, row: rows.IdentityProvider) -> "IdentityProvider":
        """Return the provider in a row."""
        rules = [GroupRule(**rule) for rule in row.provisioning["rules"]]
        return cls(
            id=ids.text(ids.Kind.IDENTITY_PROVIDER, row.organization_id, row.id),
            owner=owner,
            name=row.name,
            issuer=row.issuer,
            client_id=row.client_id,
            client_authentication=ClientAuthentication(row.client_authentication),
            algorithms=list(row.algorithms),
            scopes=row.scopes,
            api_audience=row.api_audience,
            just_in_time=row.provisioning["just_in_time"],
            default_role=row.provisioning["default_role"],
            default_tier=row.provisioning["default_tier"],
            groups_claim=row.provisioning["groups_claim"],
            rules=rules,
            trusts_unverified_email=row.provisioning["trusts_unverified_email"],
            is_enforced=bool(row.is_enforced),
            created_at=row.created_at,
            updated_at=row.updated_at,
            provider_id=row.id,
        )


@strawberry.type(description="A domain whose people sign in with one of the organization's identity providers.")
class EmailDomain:
    domain: str = strawberry.field(description="The domain, such as acme.example.")
    identity_provider_id: strawberry.ID = strawberry.field(description="The id of the provider it leads to.")
    record_name: str = strawberry.field(description="The name at which to publish a DNS record of type TXT.")
    record_value: str = strawberry.field(
        description="What that record must say. The operator looks it up and confirms."
    )
    verified_at: datetime | None = strawberry.field(
        description="When it was found there; until then the domain leads nowhere and proves nothing."
    )

    @classmethod
    def of(cls, row: rows.EmailDomain) -> "EmailDomain":
        """Return the domain in a row."""
        return cls(
            domain=row.domain,
            identity_provider_id=ids.text(ids.Kind.IDENTITY_PROVIDER, row.organization_id, row.provider_id),
            record_name=f"{RECORD_NAME}.{row.domain}",
            record_value=record_value(row.token),
            verified_at=row.verified_at,
        )


@strawberry.type
class SignInOfOrganization:
    """The part of an organization that is about how its people sign in."""

    owner: strawberry.Private[Organization]

    @field(
        description=f"The identity providers with which people sign in, oldest first; at most {rows.PROVIDERS_MAX}.",
        requires=Permission.ACCESS_READ,
    )
    async def identity_providers(self, info: Info) -> list[IdentityProvider]:
        found = await rows.list_all(info.context.reader, self.owner.organization_id)
        return [IdentityProvider.of(self.owner, row) for row in found]

    @field(
        description=f"The e-mail domains of the organization's people, at most {rows.DOMAINS_MAX}.",
        requires=Permission.ACCESS_READ,
    )
    async def email_domains(self, info: Info) -> list[EmailDomain]:
        return [EmailDomain.of(row) for row in await rows.domains(info.context.reader, self.owner.organization_id)]

    @field(
        description="How many minutes old a sign-in may be for what moves money or changes access; null for any age.",
        requires=Permission.ORGANIZATION_READ,
    )
    async def step_up_minutes(self, info: Info) -> int | None:
        seconds = await access_policies.step_up_seconds(info.context.reader, self.owner.organization_id)
        return None if seconds is None else seconds // 60


def _addresses(info: Info) -> Providers:
    assert info.context.providers is not None, "a server that signs people in knows its own addresses"
    return info.context.providers
