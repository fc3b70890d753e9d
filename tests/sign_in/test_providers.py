"""Providers and domains through the graph: what is taken, what is refused, and what nobody is ever shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from models.database import Database
from tests.auth.serving import served
from tests.auth.test_oidc import Liar
from tests.sign_in.houses import BO, CLIENT_SECRET, Browser, House, a_domain, a_house, a_provider, sql
from tests.sign_in.test_streams import as_member
from tests.signing_keys import a_key

GOOD = {"name": "Directory", "clientId": "c", "clientSecret": "s", "algorithms": ["RS256"]}
CANARY = "canary-5up3r-53cr3t"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"issuer": "http://idp.example"}, "INPUT_INVALID", "issuer"),
        ({"issuer": "https://169.254.169.254"}, "INPUT_INVALID", "issuer"),
        ({"issuer": "https://login.microsoftonline.com/common/v2.0"}, "INPUT_INVALID", "issuer"),
        ({"issuer": "https://login.microsoftonline.com/organizations/v2.0"}, "INPUT_INVALID", "issuer"),
        ({"algorithms": ["HS256"]}, "INPUT_INVALID", "algorithms"),
        ({"algorithms": ["none"]}, "INPUT_INVALID", "algorithms"),
        ({"algorithms": []}, "INPUT_INVALID", "algorithms"),
        ({"scopes": "email"}, "INPUT_INVALID", "scopes"),
        ({"name": " "}, "INPUT_INVALID", "name"),
        ({"justInTime": True}, "INPUT_INVALID", "defaultRole"),
        ({"clientSecret": "x" * 501}, "INPUT_INVALID", "clientSecret"),
    ],
)
async def test_refuses_what_no_provider_can_be(alone: House, fields: dict[str, Any], code: str, field: str) -> None:
    wanted = {**GOOD, "issuer": "https://idp.example", **fields}

    made = await alone.do("createIdentityProvider", "identityProvider { id }", **wanted)

    assert [(error["code"], error["field"]) for error in made["userErrors"]] == [(code, [field])]


async def test_asks_the_provider_first_and_keeps_secrets_to_itself(
    database: Database, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    liar = Liar(a_key())
    async with (
        served(liar.build) as origin,
        a_house(database, tmp_path, hosts=frozenset({origin.removeprefix("http://")})) as house,
    ):
        liar.discovery = {"issuer": "https://another.example"}
        another = await house.do("createIdentityProvider", "identityProvider { id }", **GOOD, issuer=origin)
        liar.discovery = {"jwks_uri": "https://10.0.0.1/keys"}
        inner = await house.do("createIdentityProvider", "identityProvider { id }", **GOOD, issuer=origin)
        liar.discovery = {}
        above = await house.do(
            "createIdentityProvider",
            "identityProvider { id }",
            **GOOD,
            issuer=origin,
            rules=[{"group": "a", "role": "primary_owner"}, {"group": "b", "role": "king"}],
        )
        provider = await a_provider(house, origin, clientSecret=CANARY)
        await a_domain(house, provider, "acme.example")
        again = await house.do("createIdentityProvider", "identityProvider { id }", **GOOD, issuer=origin)

        for refused, said in ((another, "is of 'https://another.example'"), (inner, "not an address of the public")):
            assert [error["field"] for error in refused["userErrors"]] == [["issuer"]]
            assert said in refused["userErrors"][0]["message"]
        assert [(error["code"], error["field"]) for error in above["userErrors"]] == [("NOT_FOUND", ["rules", "1"])]
        assert again["userErrors"] == [], "another client of the same issuer is another provider"
        await _fail_in_every_way(house, provider)
        tables = ("identity_providers", "idempotency_keys", "events", "audit_records", "sessions", "signing_keys")
        kept = json.dumps([await sql(house, f"SELECT * FROM {table}") for table in tables])
    said = "".join(capfd.readouterr())
    assert "request" in said, "the log was read"
    assert CANARY not in kept
    assert "PRIVATE KEY" not in kept
    for secret in (CANARY, CLIENT_SECRET, "canary-in-a-token", "canary-in-a-form", "canary-in-a-code"):
        assert secret not in said, secret


async def _fail_in_every_way(house: House, provider: Any) -> None:
    """Show secrets at every door that could write them down."""
    await house.send("{ viewer { email } }", token="canary-in-a-token")
    async with Browser(house) as somebody:
        form = {"grant_type": "client_credentials"}
        await somebody.client.post("/token", data=form | {"client_secret": "canary-in-a-form"})
        await somebody.client.post("/token", data=form, auth=("client_x", CANARY))
        await somebody.client.get("/login?email=ann@acme.example")
        await somebody.client.get(provider["redirectUri"], params={"code": "canary-in-a-code", "state": CANARY})
        await somebody.client.post(provider["backchannelLogoutUri"], data={"logout_token": "canary-in-a-token"})
        await somebody.client.get("/graphql", headers={"cookie": f"billgraph={CANARY}"})


async def test_a_domain_belongs_to_who_proves_it_first(database: Database, tmp_path: Path) -> None:
    liar = Liar(a_key())
    async with (
        served(liar.build) as origin,
        a_house(database, tmp_path, hosts=frozenset({origin.removeprefix("http://")})) as house,
    ):
        ours = await a_provider(house, origin)
        theirs = await a_provider(house, origin, slug="globex", persona=BO)
        claim = {"domain": "acme.example", "identityProviderId": ours["id"]}
        claimed = await house.do("addEmailDomain", "emailDomain { recordName recordValue verifiedAt }", **claim)
        async with Browser(house) as ann:
            unproved = await ann.client.get("/login?email=ann@acme.example")
            await a_domain(house, ours, "acme.example")
            proved = await ann.client.get("/login?email=ann@acme.example")
        with pytest.raises(AssertionError, match="verified for another organization"):
            await a_domain(house, theirs, "acme.example", slug="globex", persona=BO)
        public = await house.do("addEmailDomain", "emailDomain { domain }", **{**claim, "domain": "gmail.com"})
        await house.do("deleteIdentityProvider", "deleted", identityProviderId=ours["id"])

        assert claimed["emailDomain"]["recordName"] == "_billgraph.acme.example"
        assert claimed["emailDomain"]["verifiedAt"] is None
        assert not unproved.headers["location"].startswith(origin)
        assert proved.headers["location"].startswith(f"{origin}/authorize")
        assert [error["field"] for error in public["userErrors"]] == [["domain"]]
        assert await sql(house, "SELECT * FROM email_domains WHERE verified_at IS NOT NULL") == []


async def test_asks_for_an_address_first_once_somebody_has_a_provider(database: Database, tmp_path: Path) -> None:
    liar = Liar(a_key())
    async with (
        served(liar.build) as origin,
        a_house(database, tmp_path, hosts=frozenset({origin.removeprefix("http://")})) as house,
        Browser(house) as ann,
    ):
        straight = await ann.client.get("/login")
        await a_provider(house, origin)
        page = await ann.client.get('/login?next=/"><script>')
        other = await ann.client.get("/login?with=operator")

    assert straight.status_code == other.status_code == 302
    assert (page.status_code, 'name="email"' in page.text, "<script>" in page.text) == (200, True, False)
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("role", ["billing_admin", "auditor", "member"])
async def test_only_owners_decide_how_people_sign_in(alone: House, role: str) -> None:
    await as_member(alone, role)
    given = {"organizationId": alone.organizations["acme"], "idempotencyKey": "k", "stepUpMinutes": 5}

    answer = await alone.send(
        "mutation($i: SetStepUpInput!) { setStepUp(input: $i) { stepUpMinutes } }", token=alone.token(BO), i=given
    )

    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
