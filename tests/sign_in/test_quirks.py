"""What real providers put into their tokens, sent to a running server: the shapes are those of their documentation."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from api.house import now
from models.database import Database
from tests.auth.forging import header
from tests.auth.forging import token as signed
from tests.auth.house import query_of
from tests.auth.serving import served
from tests.auth.test_oidc import Liar
from tests.sign_in.houses import ANN, CLIENT_ID, Browser, House, a_domain, a_house, a_provider
from tests.sign_in.test_tokens import AUDIENCE, Published
from tests.signing_keys import a_key

Claims = Mapping[str, Any]
KEYCLOAK: Final[Claims] = {
    "typ": "Bearer",
    "azp": "frontend",
    "realm_access": {"roles": ["offline_access"]},
    "scope": "openid email",
    "allowed-origins": ["*"],
    "acr": "1",
}
ENTRA: Final[Claims] = {
    "ver": "2.0",
    "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
    "azpacr": "0",
    "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
    "tid": "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "scp": "access_as_user",
}
AUTH0: Final[Claims] = {"azp": "my_client_id", "scope": "openid profile", "sub": "auth0|5878e4cd"}
OKTA: Final[Claims] = {
    "ver": 1,
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "cid": "0oa",
    "scp": ["openid"],
}
GENUINE: Final = 200
REFUSED: Final = 401


def access_tokens(issuer: str) -> dict[str, tuple[int, str]]:
    """Return access tokens as providers issue them, and what becomes of each."""
    at = int(now().timestamp())

    def issued(claims: Claims, changes: Claims | None = None, **headers: Any) -> str:
        common = {"iss": issuer, "sub": "ann", "iat": at, "exp": at + 600, **claims, **(changes or {})}
        return signed(common, header(**{"typ": "JWT", **headers}))

    entra_v1 = {"iss": "https://sts.windows.net/72f988bf/", "ver": "1.0", "aud": f"api://{AUDIENCE}"}
    return {
        "Keycloak, fresh from the box": (REFUSED, issued(KEYCLOAK, {"aud": "account"})),
        "Keycloak, of a client without roles": (REFUSED, issued(KEYCLOAK)),
        "Keycloak, with an audience mapper": (GENUINE, issued(KEYCLOAK, {"aud": [AUDIENCE, "account"]})),
        "Keycloak, for the client that asked": (REFUSED, issued(KEYCLOAK, {"aud": "frontend"})),
        "Keycloak, an id token": (REFUSED, issued(KEYCLOAK, {"aud": CLIENT_ID, "azp": CLIENT_ID, "typ": "ID"})),
        "Keycloak, a refresh token": (REFUSED, issued(KEYCLOAK, {"aud": issuer, "typ": "Refresh"}, alg="HS512")),
        "Entra, version 2": (GENUINE, issued(ENTRA, {"aud": AUDIENCE, "nbf": at, "aio": "AXQAi/8IAAAA"}, x5t="rsa")),
        "Entra, version 1": (REFUSED, issued(ENTRA, entra_v1, x5t="rsa")),
        "Entra, for Graph": (REFUSED, issued(ENTRA, {"aud": "https://graph.microsoft.com"}, nonce="n")),
        "Auth0, with openid": (GENUINE, issued(AUTH0, {"aud": [AUDIENCE, f"{issuer}/userinfo"]})),
        "Auth0, RFC 9068": (GENUINE, issued(AUTH0, {"aud": AUDIENCE, "client_id": "c"}, typ="at+jwt")),
        "Auth0, of a program": (GENUINE, issued({"aud": AUDIENCE, "sub": "c@clients", "gty": "client-credentials"})),
        "Auth0, without an API": (REFUSED, "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.BBBB.CCCC"),
        "Okta, a custom server": (GENUINE, issued(OKTA, {"aud": AUDIENCE, "uid": "00u"}, typ=...)),
        "Okta, the default audience": (REFUSED, issued(OKTA, {"aud": "api://default"}, typ=...)),
        "Google, an access token": (REFUSED, "ya29.a0AfH6SMBx-made_up"),
        "Google, the issuer of old": (REFUSED, issued({"iss": "accounts.google.com", "aud": CLIENT_ID, "hd": "a"})),
        "Cognito, an access token": (REFUSED, issued({"client_id": "c", "token_use": "access", "version": 2})),
    }


async def test_access_tokens_of_real_providers_are_believed_where_they_are_meant_for_us(
    database: Database, tmp_path: Path
) -> None:
    provider = Published()
    async with served(provider.build) as origin, believing(database, tmp_path, origin) as house:
        shown = access_tokens(origin)

        told = {name: (await house.send("{ viewer { name } }", token=token)).status_code
                for name, (_, token) in shown.items()}  # fmt: skip

    assert told == {name: expected for name, (expected, _) in shown.items()}


@asynccontextmanager
async def believing(database: Database, folder: Path, origin: str) -> AsyncIterator[House]:
    async with a_house(database, folder, hosts=frozenset({urlsplit(origin).netloc}), failures_max=1_000) as house:
        await a_provider(house, origin, apiAudience=AUDIENCE)
        yield house


@pytest.mark.parametrize(
    "audience",
    [
        "c",
        "account",
        "https://graph.microsoft.com",
        "00000003-0000-0000-c000-000000000000",
        "https://idp.example/userinfo",
    ],
)
async def test_an_audience_that_is_in_everybodys_tokens_is_none(alone: House, audience: str) -> None:
    settings = {"name": "D", "issuer": "https://idp.example/", "clientId": "c", "clientSecret": "s"}

    made = await alone.do("createIdentityProvider", "identityProvider { id }", **settings, apiAudience=audience)

    assert [(error["code"], error["field"]) for error in made["userErrors"]] == [("INPUT_INVALID", ["apiAudience"])]


# claims beside those that every provider sends, and the role that comes of them; None where nobody comes in
SIGN_INS: Final[dict[str, tuple[str | None, Claims]]] = {
    "Keycloak: two audiences, and who asked": (
        "billing_admin",
        {"aud": [CLIENT_ID, "account"], "azp": CLIENT_ID, "groups": ["finance"]},
    ),
    "Keycloak: two audiences, and nobody asked": (None, {"aud": [CLIENT_ID, "account"], "groups": ["finance"]}),
    "Keycloak: one audience, and another asked": (None, {"azp": "frontend", "groups": ["finance"]}),
    "Okta: groups, and a list of one audience": ("member", {"aud": [CLIENT_ID], "groups": ["Everyone", "staff"]}),
    "no groups: with rules, nobody new": (None, {}),
    "Entra: too many groups are no groups": (None, {"_claim_names": {"groups": "src1"}, "hasgroups": True}),
    "no list of groups unmakes a primary owner": ("primary_owner", {"email": ANN.email, "groups": ["staff"]}),
    "Auth0: nobody looks at another claim": (None, {"https://acme.example/groups": ["finance"]}),
}


async def test_sign_ins_become_what_their_claims_say(database: Database, tmp_path: Path) -> None:
    liar = Liar(a_key(1))
    async with served(liar.build), signing_in_with(database, tmp_path, liar) as (house, callback):
        found = {}
        for number, (name, (_, claims)) in enumerate(SIGN_INS.items()):
            async with Browser(house) as ann:
                answer = await ann.client.get("/login", params={"email": "ann@acme.example"})
                asked = query_of(answer.headers["location"])
                at = int(now().timestamp())
                liar.nonce = asked["nonce"]
                who = {"sub": f"s{number}", "email": f"p{number}@acme.example"}
                liar.claims = {"aud": CLIENT_ID, "iat": at, "exp": at + 600, **who, **claims}
                await ann.client.get(callback, params={"code": "c", "state": asked["state"]})
                viewer = await ann.viewer()
            found[name] = viewer["memberships"][0]["roleKey"] if viewer else None

    assert found == {name: role for name, (role, _) in SIGN_INS.items()}


@asynccontextmanager
async def signing_in_with(database: Database, folder: Path, liar: Liar) -> AsyncIterator[tuple[House, str]]:
    hosts = frozenset({urlsplit(liar.origin).netloc})
    async with a_house(database, folder, hosts=hosts, failures_max=1_000) as house:
        provider = await a_provider(house, liar.origin)
        for domain in ("acme.example", ANN.email.partition("@")[2]):
            await a_domain(house, provider, domain)
        yield house, urlsplit(provider["redirectUri"]).path
