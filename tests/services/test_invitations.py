"""An open invitation is accepted by the first sign-in with a provider that may vouch for the address."""

from typing import Any

from auth.principal import Principal
from models import identity_providers, members
from models.database import Database
from services import email_domains, invitations, sign_ins
from services import identity_providers as providers
from services.outcomes import Refused
from tests.services.books import Books, books, days_later

ISSUER = "https://idp.example"


async def a_provider(ours: Books) -> str:
    """Return a provider for a verified domain that lets nobody in just in time."""
    settings = providers.Settings(
        name="Directory",
        issuer=ISSUER,
        client_id="c",
        client_authentication="NONE",
        client_secret=None,
        algorithms=("RS256",),
        scopes="openid",
        api_audience=None,
        provisioning=providers.Provisioning(),
        is_enforced=False,
    )
    made = await ours.do(providers.create, providers.Create, settings=settings)
    assert isinstance(made, providers.Configured), made
    provider_id: str = made.identity_provider_id
    await ours.do(email_domains.add, email_domains.Add, domain="x.example", identity_provider_id=provider_id)
    claim = await identity_providers.find_domain(ours.reader, ours.organization_id, "x.example")
    assert claim is not None
    system = Principal.system(ours.organization_id)
    found = email_domains.record_value(claim.token)
    kept = await ours.do(email_domains.verify, email_domains.Verify, actor=system, domain="x.example", found=found)
    assert isinstance(kept, email_domains.Kept), kept
    return provider_id


async def sign_in(ours: Books, provider_id: str, name: str, *, day: int = 0) -> Any:
    return await ours.do(
        sign_ins.admit,
        sign_ins.Admit,
        at=days_later(day),
        actor=Principal.system(ours.organization_id),
        identity_provider_id=provider_id,
        issuer=ISSUER,
        subject=name,
        email=f"{name}@x.example",
        email_verified=True,
        name=name.title(),
        claims={},
    )


async def test_whoever_was_asked_comes_in_by_signing_in(database: Database) -> None:
    ours = await books(database)
    provider_id = await a_provider(ours)
    await ours.do(
        invitations.invite, invitations.Invite, email="guest@x.example", role="auditor", tier="chat", hours=24
    )

    stranger = await sign_in(ours, provider_id, "stranger")
    guest = await sign_in(ours, provider_id, "guest")

    assert isinstance(stranger, Refused)
    assert isinstance(guest, sign_ins.Admitted)
    member = await members.find(ours.reader, ours.organization_id, guest.member_id)
    assert member is not None
    assert (member.role, member.name, guest.is_new) == ("auditor", "Guest", True)
    assert len(await ours.facts("InvitationAccepted")) == 1


async def test_an_invitation_that_expired_lets_nobody_in(database: Database) -> None:
    ours = await books(database)
    provider_id = await a_provider(ours)
    await ours.do(invitations.invite, invitations.Invite, email="guest@x.example", role="auditor", tier=None, hours=24)

    assert isinstance(await sign_in(ours, provider_id, "guest", day=1), Refused)
