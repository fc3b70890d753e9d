"""Signing in with an OpenID provider that nobody here wrote, from the first page to the last."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from models.database import Database
from tests.sign_in.houses import ANN, Browser, House, a_domain, a_house, a_provider, a_registration, sql
from tests.sign_in.npm_provider import NpmProvider, npm_provider
from tests.sign_in.test_streams import SECONDS_MAX, listening, stopping

PEOPLE = {
    "mia": {"email": "mia@acme.example", "email_verified": True, "name": "Mia", "groups": ["staff", "lunch"]},
    "fin": {"email": "fin@acme.example", "email_verified": True, "name": "Fin", "groups": ["finance"]},
    "eve": {"email": "eve@evil.example", "email_verified": True, "name": "Eve", "groups": ["finance"]},
    "una": {"email": "una@acme.example", "email_verified": False, "name": "Una", "groups": ["finance"]},
}
SESSIONS = "SELECT subject FROM sessions WHERE revoked_at IS NULL"


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[NpmProvider]:
    async with npm_provider() as running:
        yield running


@pytest.fixture
async def house(database: Database, tmp_path: Path, provider: NpmProvider) -> AsyncIterator[House]:
    async with a_house(database, tmp_path, hosts=frozenset({urlsplit(provider.issuer).netloc})) as house:
        house.issuer = provider.issuer
        yield house


async def at_acme(house: House, npm: NpmProvider, algorithm: str = "RS256", **fields: object) -> dict[str, str]:
    """Configure the provider for acme on both sides, and return it."""
    ours = await a_provider(house, npm.issuer, **fields)
    await a_domain(house, ours, "acme.example")
    registration = a_registration(ours, id_token_signed_response_alg=algorithm)
    if fields.get("clientAuthentication") == "PRIVATE_KEY_JWT":
        del registration["client_secret"]
        keys = {"jwks_uri": f"{house.origin}/.well-known/jwks.json"}
        registration |= {"token_endpoint_auth_method": "private_key_jwt", **keys}
    await npm.tell(clients=[registration], people=PEOPLE)
    return dict(ours)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_signs_in_from_an_address_to_a_member_with_role_and_seat(
    house: House, provider: NpmProvider, algorithm: str
) -> None:
    await at_acme(house, provider, algorithm)

    async with Browser(house) as mia:
        page = await mia.sign_in("Mia@ACME.example", "mia")

        assert (page.status_code, page.url.path) == (200, "/livez")
        assert await mia.viewer() == {
            "email": "mia@acme.example",
            "memberships": [{"roleKey": "member", "member": {"seat": {"tier": {"key": "chat"}}}}],
        }


async def test_proves_itself_with_a_key_of_its_own(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider, clientAuthentication="PRIVATE_KEY_JWT", clientSecret=None)

    async with Browser(house) as fin:
        await fin.sign_in("fin@acme.example", "fin")

        assert (await fin.viewer())["memberships"][0]["roleKey"] == "billing_admin"


async def test_goes_on_when_the_provider_changes_its_keys(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider)
    async with Browser(house) as mia:
        await mia.sign_in("mia@acme.example", "mia")

    await provider.tell(rotate=True)

    async with Browser(house) as fin:
        page = await fin.sign_in("fin@acme.example", "fin")

        assert page.url.path == "/livez", page.text
        assert await fin.viewer() is not None


async def test_signs_out_here_and_there(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider)
    async with Browser(house) as mia:
        await mia.sign_in("mia@acme.example", "mia")

        farewell = await mia.client.post("/logout", headers={"origin": house.origin})
        assert await mia.viewer() is None
        asked = await mia.open(farewell.headers["refresh"].removeprefix("0; url="))
        assert str(asked.url).startswith(provider.issuer), "the provider asks before it ends its own session"
        action, secret = _logout_form(asked.text)
        page = await mia.client.post(action, data={"xsrf": secret, "logout": "yes"}, follow_redirects=True)

        assert page.url.path == "/logged-out"
        assert "/interaction/" in str((await mia.open("/login?email=mia@acme.example")).url), (
            "it asks again who this is"
        )


async def test_a_sign_out_at_the_provider_ends_the_session_here(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider)
    async with Browser(house) as mia, Browser(house) as fin:
        await mia.sign_in("mia@acme.example", "mia")
        await fin.sign_in("fin@acme.example", "fin")
        assert len(await sql(house, SESSIONS)) == 2
        token = (await mia.client.post("/token", json={}, headers={"origin": house.origin})).json()["access_token"]

        async def sign_out_there() -> None:
            asked = await mia.open(f"{provider.issuer}/session/end")
            action, secret = _logout_form(asked.text)
            await mia.client.post(action, data={"xsrf": secret, "logout": "yes"}, follow_redirects=True)

        async with listening(house, token, to="seatChanged") as live:
            ended, seconds = await stopping(live, sign_out_there)

        assert (ended, seconds < SECONDS_MAX) == (4403, True), "a socket ends with the session"
        assert (await house.send("{ viewer { email } }", token=token)).status_code == 401
        assert await mia.viewer() is None
        assert await fin.viewer() is not None
        assert await sql(house, SESSIONS) == [{"subject": "fin"}]


async def test_a_step_up_has_the_person_prove_themselves_again(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider)
    await house.do("setStepUp", "stepUpMinutes", stepUpMinutes=5)
    rename = """mutation($i: UpdateOrganizationInput!) { updateOrganization(input: $i) { userErrors { code } } }"""
    given = {"organizationId": house.organizations["acme"], "name": "Acme"}
    async with Browser(house) as fin:
        await fin.sign_in("fin@acme.example", "fin")
        fresh = (await fin.query(rename, i={**given, "idempotencyKey": "fresh"})).json()
        await _age(house, minutes=6)
        stale = (await fin.query(rename, i={**given, "idempotencyKey": "stale"})).json()

        page = await fin.open("/login?step_up=1&next=/livez")
        assert "/interaction/" in str(page.url), "though the provider still has a session"
        await fin.fill(page, "fin")
        again = (await fin.query(rename, i={**given, "idempotencyKey": "stale"})).json()

    assert fresh["data"]["updateOrganization"]["userErrors"] == []
    assert stale["errors"][0]["extensions"]["code"] == "STEP_UP_REQUIRED"
    assert "/login?step_up=1" in stale["errors"][0]["message"]
    assert again["data"]["updateOrganization"]["userErrors"] == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [("eve", "Evil.example is not a verified domain"), ("una", "does not confirm your e-mail address")],
)
async def test_lets_nobody_in_whose_address_proves_nothing(
    house: House, provider: NpmProvider, subject: str, said: str
) -> None:
    await at_acme(house, provider)

    async with Browser(house) as somebody:
        page = await somebody.sign_in("mia@acme.example", subject)

        assert (page.status_code, said in page.text) == (400, True), page.text
        assert await somebody.viewer() is None
        assert await sql(house, SESSIONS) == []


async def test_follows_the_groups_at_each_sign_in(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider)
    async with Browser(house) as mia:
        await mia.sign_in("mia@acme.example", "mia")
    await provider.tell(people={**PEOPLE, "mia": {**PEOPLE["mia"], "groups": ["finance"]}})

    async with Browser(house) as mia:
        await mia.sign_in("mia@acme.example", "mia")

        assert (await mia.viewer())["memberships"][0]["roleKey"] == "billing_admin"


async def test_its_word_counts_in_its_own_organization_alone(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider)
    async with Browser(house) as mia:
        await mia.sign_in("mia@acme.example", "mia")
        globex = house.organizations["globex"].removeprefix("org_")
        await house.database.writer.execute_query(
            "INSERT INTO identities (organization_id, issuer, subject, member_id, linked_at) "
            f"SELECT '{globex}', '{provider.issuer}', 'mia', id, 0 FROM members WHERE organization_id = '{globex}'"
        )

        assert [each["roleKey"] for each in (await mia.viewer())["memberships"]] == ["member"]


async def test_once_enforced_keeps_out_who_came_another_way(house: House, provider: NpmProvider) -> None:
    await at_acme(house, provider, isEnforced=True)
    acme = house.organizations["acme"].removeprefix("org_")
    await house.database.writer.execute_query(
        f"UPDATE members SET role = 'owner' WHERE organization_id = '{acme}' AND email = '{ANN.email}'"
    )

    answer = (await house.send("{ viewer { memberships { roleKey } } }")).json()

    assert answer["data"]["viewer"]["memberships"] == []


def _logout_form(page: str) -> tuple[str, str]:
    action = re.search(r'action="([^"]+)"', page)
    secret = re.search(r'name="xsrf" value="([^"]+)"', page)
    assert action, page
    assert secret, page
    return action[1], secret[1]


async def _age(house: House, *, minutes: int) -> None:
    """Let time pass for the sessions that are open."""
    await house.database.writer.execute_query(
        f"UPDATE sessions SET authenticated_at = authenticated_at - {minutes * 60_000_000}"
    )
