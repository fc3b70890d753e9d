"""How may the people of an organization sign in, and from which e-mail domains do they come?

A provider that was deleted keeps its row, for the sessions and the history that name it. A domain counts only once it
is verified, and then for one organization alone.
"""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import DocumentField, InstantField, code
from models.selecting import Select
from models.sql import Client

PROVIDERS_MAX = 20
DOMAINS_MAX = 100


class IdentityProvider(Model):
    """One OpenID provider of one organization. `client_secret` is sealed."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    name = fields.TextField()
    issuer: str = code()
    client_id: str = code()
    client_authentication: str = code()
    client_secret: str | None = fields.TextField(null=True)
    algorithms: Any = DocumentField()
    scopes = fields.TextField()
    api_audience: str | None = code(null=True)
    provisioning: Any = DocumentField()
    is_enforced = fields.IntField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    updated_at: datetime = InstantField()  # type: ignore[assignment]
    deleted_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "identity_providers"


class EmailDomain(Model):
    """A domain whose people sign in with a provider; `token` is what its owner publishes to prove it."""

    organization_id: str = code()
    domain: str = code(primary_key=True)
    provider_id: str = code()
    token: str = code()
    added_at: datetime = InstantField()  # type: ignore[assignment]
    verified_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "email_domains"


async def insert(client: Client, **columns: Any) -> IdentityProvider:
    """Insert and return a new provider."""
    return await IdentityProvider.create(using_db=client, **columns)


async def update(client: Client, organization_id: str, provider_id: str, **columns: Any) -> None:
    """Change columns of one provider."""
    query = IdentityProvider.filter(organization_id=organization_id, id=provider_id)
    await query.using_db(client).update(**columns)


async def find(client: Client, organization_id: str, provider_id: str) -> IdentityProvider | None:
    """Return a provider that was not deleted."""
    query = IdentityProvider.filter(organization_id=organization_id, id=provider_id, deleted_at__isnull=True)
    return await query.using_db(client).first()


async def list_all(client: Client, organization_id: str) -> list[IdentityProvider]:
    """Return the organization's providers, oldest first."""
    query = IdentityProvider.filter(organization_id=organization_id, deleted_at__isnull=True).using_db(client)
    return await query.order_by("id").limit(PROVIDERS_MAX)


async def find_by_client(client: Client, organization_id: str, issuer: str, client_id: str) -> IdentityProvider | None:
    """Return the provider with this issuer and client id."""
    query = IdentityProvider.filter(
        organization_id=organization_id, issuer=issuer, client_id=client_id, deleted_at__isnull=True
    )
    return await query.using_db(client).first()


_OF_ISSUER = Select(
    IdentityProvider,
    """
    WHERE issuer = :issuer AND deleted_at IS NULL AND api_audience IS NOT NULL
    ORDER BY organization_id, id LIMIT 1000
    """,
)


async def of_issuer(client: Client, issuer: str) -> list[IdentityProvider]:
    """Return every organization's providers of this issuer whose access tokens are accepted."""
    return await _OF_ISSUER.all(client, issuer=issuer)


async def any_exists(client: Client) -> bool:
    """Return whether any organization has a provider of its own."""
    return await IdentityProvider.filter(deleted_at__isnull=True).using_db(client).exists()


async def insert_domain(client: Client, **columns: Any) -> EmailDomain:
    """Insert and return a new domain."""
    return await EmailDomain.create(using_db=client, **columns)


async def find_domain(client: Client, organization_id: str, domain: str) -> EmailDomain | None:
    """Return one domain of an organization, verified or not."""
    return await EmailDomain.filter(organization_id=organization_id, domain=domain).using_db(client).first()


async def verified_domain(client: Client, domain: str) -> EmailDomain | None:
    """Return whose verified domain this is."""
    return await EmailDomain.filter(domain=domain, verified_at__isnull=False).using_db(client).first()


async def claims_of(client: Client, domain: str) -> list[EmailDomain]:
    """Return every organization's claim to a domain."""
    return await EmailDomain.filter(domain=domain).using_db(client).order_by("organization_id").limit(100)


async def domains(client: Client, organization_id: str) -> list[EmailDomain]:
    """Return the organization's domains in alphabetical order."""
    query = EmailDomain.filter(organization_id=organization_id).using_db(client)
    return await query.order_by("domain").limit(DOMAINS_MAX)


async def verify_domain(client: Client, organization_id: str, domain: str, *, at: datetime) -> None:
    """Note that the organization has proved the domain to be its own."""
    await EmailDomain.filter(organization_id=organization_id, domain=domain).using_db(client).update(verified_at=at)


async def move_domain(client: Client, organization_id: str, domain: str, *, provider_id: str) -> None:
    """Let the people of a domain sign in with another provider."""
    query = EmailDomain.filter(organization_id=organization_id, domain=domain)
    await query.using_db(client).update(provider_id=provider_id)


async def delete_domain(client: Client, organization_id: str, domain: str) -> int:
    """Delete a domain; return 0 where there was none."""
    return await EmailDomain.filter(organization_id=organization_id, domain=domain).using_db(client).delete()


async def delete_domains_of(client: Client, organization_id: str, provider_id: str) -> int:
    """Delete every domain that leads to a provider."""
    query = EmailDomain.filter(organization_id=organization_id, provider_id=provider_id)
    return await query.using_db(client).delete()
