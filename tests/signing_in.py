"""What a graph needs to know of identity providers, without a server that signs anybody in."""

from datetime import datetime

from auth.issuers import Issuers
from auth.minting import Mint
from auth.outbound import PublicWeb
from auth.providers import Providers
from auth.sealing import Sealer
from auth.sessions import Account, Sessions
from models.database import Database
from schema.ids import Kind
from services import identity_providers
from tests.builders import Caller

PUBLIC_URL = "https://billing.example"


def providers_of(database: Database) -> Providers:
    """Return the identity providers in a database, as a server at PUBLIC_URL knows them."""
    sealer = Sealer(["a data secret for tests, long enough"])
    mint = Mint(database, sealer, issuer_url=PUBLIC_URL, audience="billgraph-api")
    return Providers(database, public_url=PUBLIC_URL, everywhere=Issuers(), mint=mint, sealer=sealer, web=PublicWeb())


async def with_sign_in(owner: Caller, slug: str, *, at: datetime) -> None:
    """Give an organization a provider, a domain, programs and a session of its primary owner that lives at `at`."""
    settings = identity_providers.Settings(
        name=f"Directory of {slug}",
        issuer="https://login.example",
        client_id=f"billgraph-at-{slug}",
        client_authentication="NONE",
        client_secret=None,
        algorithms=("RS256",),
        scopes="openid",
        api_audience=None,
        provisioning=identity_providers.Provisioning(
            rules=(identity_providers.GroupRule(f"group of {slug}", "member"),)
        ),
        is_enforced=False,
    )
    made = await owner.books.do(identity_providers.create, identity_providers.Create, settings=settings, at=owner.at)
    assert isinstance(made, identity_providers.Configured), made
    provider_id = owner.id(Kind.IDENTITY_PROVIDER, made.identity_provider_id)
    claim = {"domain": f"{slug}.example", "identityProviderId": provider_id}
    added = await owner.do("addEmailDomain", "emailDomain { domain }", **claim)
    assert added["userErrors"] == [], added
    client = {"scopes": ["USAGE_READ"], "partner": True, "name": f"Robot of {slug}"}
    robot = await owner.do("createApiClient", "apiClient { id }", **client)
    assert robot["userErrors"] == [], robot
    lent = await owner.do("grantApiClient", "granted", apiClientId=robot["apiClient"]["id"], scopes=["USAGE_READ"])
    assert lent["granted"], lent
    account = Account("https://idp.example", "primary_owner", "ann@x.example", f"Ann of {slug}", at)
    await Sessions(owner.books.database).open(account, at=at)
