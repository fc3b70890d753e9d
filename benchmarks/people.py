"""Who acts in a proof?"""

from datetime import UTC, datetime

from auth.principal import Membership, Method, Principal
from billing.roles import Permission

ALWAYS = datetime(2100, 1, 1, tzinfo=UTC)
ISSUER = "https://idp.example"


def a_person(name: str, at: datetime, *memberships: Membership) -> Principal:
    """Return a signed-in account."""
    return Principal.of(
        memberships,
        issuer=ISSUER,
        subject=name,
        name=name.title(),
        email=f"{name}@bench.example",
        authenticated_at=at,
        expires_at=ALWAYS,
        method=Method.BEARER,
    )


def owner_of(organization_id: str, member_id: str | None, name: str, at: datetime) -> Principal:
    """Return somebody who may do everything in an organization."""
    return a_person(name, at, Membership(organization_id, member_id, "primary_owner", frozenset(Permission)))
