"""What an operator does about identity: confirm a domain, and let a new key sign."""

from api.cli.books import NothingFound, say
from api.house import now
from api.identity import AUDIENCE
from api.settings import Settings
from auth.minting import Mint
from auth.principal import Principal
from auth.sealing import Sealer
from events.hub import Hub
from models import identity_providers as rows
from models import organizations
from models.database import opened
from models.schema_check import require_golden
from services import email_domains
from services.dispatch import Dispatcher, Request
from services.outcomes import Refused


class NotVerified(RuntimeError):
    """The record is not the one that proves the domain."""


async def verify_domain(settings: Settings, slug: str, domain: str, found: str) -> None:
    """Confirm that the TXT record the operator found is the one the organization was told to publish."""
    async with opened(settings.database_url.get_secret_value()) as database:
        await require_golden(database.reader)
        organization = await organizations.find_by_slug(database.reader, slug)
        if organization is None:
            raise NothingFound(f"there is no organization {slug!r}")
        at = now()
        command = email_domains.Verify(
            organization.organization_id, f"verify/{domain}/{at.isoformat()}", domain.strip().lower(), found
        )
        request = Request(Principal.system(organization.organization_id), at, "operator")
        outcome = await Dispatcher(database.runner, Hub()).execute(email_domains.verify, command, request)
    if isinstance(outcome, Refused):
        raise NotVerified(outcome.message)
    say(f"{outcome.domain} is verified for {slug}")


async def list_claims(settings: Settings, domain: str) -> None:
    """Print who claims a domain, and at which name to look for the proof; never the proof itself."""
    async with opened(settings.database_url.get_secret_value()) as database:
        await require_golden(database.reader)
        claims = await rows.claims_of(database.reader, domain.strip().lower())
        owners = await organizations.find_many(database.reader, [claim.organization_id for claim in claims])
    slugs = {owner.organization_id: owner.slug for owner in owners}
    if not claims:
        raise NothingFound(f"nobody claims {domain}")
    say(f"look up: TXT {email_domains.RECORD_NAME}.{claims[0].domain}")
    for claim in claims:
        state = f"verified {claim.verified_at.isoformat()}" if claim.verified_at else "not verified"
        say(f"{slugs[claim.organization_id]}  {state}")


async def rotate_keys(settings: Settings) -> None:
    """Let a new key sign from now on; the old one stays published for a day."""
    sealer = Sealer([secret.get_secret_value() for secret in settings.data_secrets])
    async with opened(settings.database_url.get_secret_value()) as database:
        await require_golden(database.reader)
        mint = Mint(database, sealer, issuer_url=settings.public_url, audience=AUDIENCE)
        key = await mint.rotate(at=now(), is_forced=True)
    say(f"{key.kid} signs from now on")
