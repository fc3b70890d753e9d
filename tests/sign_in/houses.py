"""The whole house, served for real, with an organization that has an identity provider of its own."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from api.house import build_house, now
from api.identity import AUDIENCE, issuer_of
from api.server import build_server
from api.settings import Settings
from auth.development import Persona, mint_access_token
from auth.principal import Principal
from auth.signing import SigningKey
from billing.plans import from_document, to_document
from events.hub import Hub
from models import plans
from models.database import Database
from models.sql import Client
from services import email_domains
from services.dispatch import Dispatcher, Request
from tests.services.books import POOLED
from tests.signing_keys import a_key, a_key_file

ANN = Persona("ann@operator.example", "Ann", "acme")
BO = Persona("bo@operator.example", "Bo", "globex")
CLIENT_ID, CLIENT_SECRET = "billgraph-at-acme", "canary-client-secret-of-acme"
_KEYS = count(1)


@dataclass(slots=True)
class House:
    """A running server, and what it takes to speak to it."""

    database: Database
    settings: Settings
    key: SigningKey
    issuer: str = ""
    organizations: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return self.settings.public_url

    @property
    def address(self) -> str:
        return urlsplit(self.origin).netloc

    def token(self, persona: Persona = ANN, **claims: Any) -> str:
        """Return a bearer token of the development provider."""
        lifetime = claims.pop("lifetime", timedelta(minutes=5))
        return mint_access_token(
            self.key, persona, issuer=issuer_of(self.settings), audience=AUDIENCE, at=now(), lifetime=lifetime
        )

    async def ask(self, document: str, *, token: str | None = None, **variables: Any) -> Any:
        """Return the data of an answer without errors."""
        answer = await self.send(document, token=token, **variables)
        assert "errors" not in answer.json(), answer.json()
        return next(iter(answer.json()["data"].values()))

    async def send(self, document: str, *, token: str | None = None, **variables: Any) -> httpx2.Response:
        """Return the answer as it is."""
        headers = {"authorization": f"Bearer {self.token() if token is None else token}"}
        async with httpx2.AsyncClient(base_url=self.origin, timeout=20) as client:
            body = {"query": document, "variables": variables}
            return await client.post("/graphql", json=body, headers=headers)

    async def do(
        self, name: str, selection: str, /, *, slug: str = "acme", token: str | None = None, **fields: Any
    ) -> Any:
        """Return the payload of a mutation."""
        given = {"organizationId": self.organizations[slug], "idempotencyKey": f"key-{next(_KEYS)}", **fields}
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = (
            f"mutation($i: {kind}!) {{ {name}(input: $i) {{ {selection} userErrors {{ code field message }} }} }}"
        )
        return await self.ask(document, token=token, i=given)


@asynccontextmanager
async def a_house(
    database: Database, folder: Path, *, hosts: frozenset[str] = frozenset(), **settings: Any
) -> AsyncIterator[House]:
    """Serve a house in which organizations' providers may be at `hosts`, and open `acme` and `globex` in it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chosen = Settings(port=port, public_url=f"http://127.0.0.1:{port}", provider_hosts=hosts, **settings)
    key_path = a_key_file(folder)
    server = build_server(build_house(database, chosen, personas=[ANN, BO], key_path=key_path), chosen)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    house = House(database, chosen, a_key())
    try:
        await _furnish(house)
        yield house
    finally:
        server.should_exit = True
        await serving


async def _furnish(house: House) -> None:
    async def publish(client: Client) -> None:
        document = to_document(from_document(POOLED))
        await plans.publish(client, key="pooled", version=1, currency="USD", document=document, published_at=now())

    await house.database.runner.run(publish, lane="catalog")
    for persona, slug in ((ANN, "acme"), (BO, "globex")):
        wanted = {"slug": slug, "name": slug.title(), "currency": "USD", "timeZone": "UTC", "locale": "en"}
        created = await house.ask(
            """mutation($i: CreateOrganizationInput!) { createOrganization(input: $i) {
                organization { id } userErrors { message } } }""",
            token=house.token(persona),
            i={"idempotencyKey": "open", "planKey": "pooled", **wanted},
        )
        house.organizations[slug] = created["organization"]["id"]


PROVIDER = """identityProvider { id redirectUri backchannelLogoutUri postLogoutRedirectUri isEnforced algorithms }"""


async def a_provider(house: House, issuer: str, *, slug: str = "acme", persona: Persona = ANN, **fields: Any) -> Any:
    """Configure a provider and return it."""
    wanted = {
        "name": "Directory",
        "issuer": issuer,
        "clientId": CLIENT_ID,
        "clientSecret": CLIENT_SECRET,
        "algorithms": ["RS256", "ES256"],
        "justInTime": True,
        "defaultRole": "view_only",
        "rules": [
            {"group": "finance", "role": "billing_admin"},
            {"group": "staff", "role": "member", "tier": "chat"},
        ],
        **fields,
    }
    made = await house.do("createIdentityProvider", PROVIDER, slug=slug, token=house.token(persona), **wanted)
    assert made["userErrors"] == [], made
    return made["identityProvider"]


async def a_domain(house: House, provider: Any, domain: str, *, slug: str = "acme", persona: Persona = ANN) -> None:
    """Claim a domain, and have the operator find the record."""
    added = await house.do(
        "addEmailDomain",
        "emailDomain { recordName recordValue verifiedAt }",
        slug=slug,
        token=house.token(persona),
        domain=domain,
        identityProviderId=provider["id"],
    )
    organization_id = house.organizations[slug].removeprefix("org_")
    found = added["emailDomain"]["recordValue"]
    verify = email_domains.Verify(organization_id, f"verify-{domain}", domain, found)
    request = Request(Principal.system(organization_id), now(), "operator")
    outcome = await Dispatcher(house.database.runner, Hub()).execute(email_domains.verify, verify, request)
    assert isinstance(outcome, email_domains.Kept), outcome


def a_registration(provider: Any, **changes: Any) -> dict[str, Any]:
    """Return our registration, as the npm provider wants it."""
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [provider["redirectUri"]],
        "post_logout_redirect_uris": [provider["postLogoutRedirectUri"]],
        "backchannel_logout_uri": provider["backchannelLogoutUri"],
        "backchannel_logout_session_required": True,
        **changes,
    }


class Browser:
    """Somebody at a browser: keeps cookies, follows redirects, fills the one form on a page."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.client = httpx2.AsyncClient(base_url=house.origin, timeout=20, trust_env=False)

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def open(self, url: str) -> httpx2.Response:
        return await self.client.get(url, follow_redirects=True)

    async def sign_in(self, email: str, subject: str, *, path: str = "/login") -> httpx2.Response:
        """Sign in with the npm provider as `subject`, and return the page one ends on."""
        page = await self.client.get(path, params={"email": email, "next": "/livez"}, follow_redirects=True)
        return await self.fill(page, subject)

    async def fill(self, page: httpx2.Response, subject: str) -> httpx2.Response:
        """Go through the provider's own pages: who are you, and is this all right."""
        for _ in range(4):
            if "/interaction/" not in str(page.url):
                return page
            action = unescape(re.search(r'<form[^>]*action="([^"]+)"', page.text)[1])  # type: ignore[index]
            prompt = re.search(r'name="prompt" value="(\w+)"', page.text)
            fields = {"prompt": prompt[1] if prompt else "consent", "login": subject, "password": "any"}
            page = await self.client.post(str(page.url.join(action)), data=fields, follow_redirects=True)
        return page

    async def query(self, document: str, **variables: Any) -> httpx2.Response:
        """Ask the graph as a page of ours does, with nothing but the cookie."""
        body = {"query": document, "variables": variables}
        return await self.client.post("/graphql", json=body, headers={"origin": self.house.origin})

    async def viewer(self) -> Any:
        """Return who one is, or None for nobody."""
        document = "{ viewer { email memberships { roleKey member { seat { tier { key } } } } } }"
        answer = (await self.query(document)).json()
        return None if answer.get("errors") else answer["data"]["viewer"]


async def sql(house: House, statement: str) -> list[dict[str, Any]]:
    """Return rows, to look behind the curtain."""
    return list(await house.database.reader.execute_query_dict(statement))
