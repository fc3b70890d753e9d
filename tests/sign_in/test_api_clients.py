"""Programs: let in, recognized, changed, kept out, and lent to others."""

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from api.house import now
from auth.signing import SigningKey
from tests.sign_in.houses import BO, House, sql
from tests.signing_keys import a_key

MADE = "clientSecret apiClient { id name scopes partner hasOwnKeys secrets { ending expiresAt } lastUsedAt revokedAt }"
FORM = {"grant_type": "client_credentials"}
VIEWER = "{ viewer { name memberships { roleKey permissions organization { slug } } } }"


async def a_client(house: House, *scopes: str, **fields: Any) -> tuple[str, str]:
    """Let a program in; return its id and secret."""
    made = await house.do("createApiClient", MADE, name="Robot", scopes=scopes or ["ORGANIZATION_READ"], **fields)
    assert made["userErrors"] == [], made
    return made["apiClient"]["id"], made["clientSecret"] or ""


async def token_of(house: House, client_id: str, secret: str, **form: str) -> httpx2.Response:
    """Return what the token endpoint answers."""
    async with httpx2.AsyncClient(base_url=house.origin) as client:
        return await client.post("/token", data=FORM | form, auth=(client_id, secret))


def assertion(house: House, key: SigningKey, client_id: str, **changes: Any) -> str:
    """Return a client's own proof."""
    at = int(now().timestamp())
    claims = {"iss": client_id, "sub": client_id, "aud": f"{house.origin}/token", "iat": at, "exp": at + 60}
    return key.sign({**claims, "jti": f"jti-{changes.pop('number', 1):06}", **changes}, kind="JWT")


async def by_assertion(house: House, shown: str, **form: str) -> httpx2.Response:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    async with httpx2.AsyncClient(base_url=house.origin) as client:
        body = FORM | {"client_assertion_type": kind, "client_assertion": shown} | form
        return await client.post("/token", data=body)


async def memberships(house: House, token: str) -> list[Any]:
    answer = (await house.send(VIEWER, token=token)).json()
    assert "errors" not in answer, answer
    return list(answer["data"]["viewer"]["memberships"])


async def test_gets_a_token_that_may_do_what_it_was_let_in_for(alone: House) -> None:
    client_id, secret = await a_client(alone, "ORGANIZATION_READ", "USAGE_WRITE")

    answer = await token_of(alone, client_id, secret)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() | {"access_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "organization.read usage.write",
    }
    assert await memberships(alone, answer.json()["access_token"]) == [
        {
            "roleKey": "client",
            "permissions": ["ORGANIZATION_READ", "USAGE_WRITE"],
            "organization": {"slug": "acme"},
        }
    ]


async def test_asks_for_less_and_gets_no_more(alone: House) -> None:
    client_id, secret = await a_client(alone, "ORGANIZATION_READ", "USAGE_WRITE")

    less = (await token_of(alone, client_id, secret, scope="organization.read")).json()
    more = await token_of(alone, client_id, secret, scope="organization.read members.write")

    assert less["scope"] == "organization.read"
    assert [each["permissions"] for each in await memberships(alone, less["access_token"])] == [["ORGANIZATION_READ"]]
    assert (more.status_code, more.json()) == (400, {"error": "invalid_scope"})


async def test_the_secret_is_shown_once_and_kept_as_a_hash(alone: House) -> None:
    given = {"idempotencyKey": "once", "name": "Robot", "scopes": ["ORGANIZATION_READ"]}

    first = await alone.do("createApiClient", MADE, **given)
    again = await alone.do("createApiClient", MADE, **given)

    secret = first["clientSecret"]
    assert secret.startswith("bgs_")
    assert again["clientSecret"] is None
    assert again["apiClient"]["id"] == first["apiClient"]["id"]
    assert first["apiClient"]["secrets"] == [{"ending": secret[-4:], "expiresAt": None}]
    for table in ("api_client_secrets", "api_clients", "idempotency_keys", "events", "audit_records"):
        assert secret not in json.dumps(await sql(alone, f"SELECT * FROM {table}")), table


async def test_two_secrets_do_while_one_takes_over(alone: House) -> None:
    client_id, first = await a_client(alone)

    rotated = await alone.do("rotateApiClientSecret", MADE, apiClientId=client_id, overlapHours=1)
    second = rotated["clientSecret"]
    both = [(await token_of(alone, client_id, secret)).status_code for secret in (first, second)]
    third = (await alone.do("rotateApiClientSecret", MADE, apiClientId=client_id, overlapHours=0))["clientSecret"]
    last = [(await token_of(alone, client_id, secret)).status_code for secret in (first, second, third)]

    assert len(rotated["apiClient"]["secrets"]) == 2
    assert both == [200, 200]
    assert last == [401, 401, 200]


async def test_is_kept_out_with_its_tokens_once_revoked(alone: House) -> None:
    client_id, secret = await a_client(alone)
    token = (await token_of(alone, client_id, secret)).json()["access_token"]

    await alone.do("revokeApiClient", "apiClient { revokedAt }", apiClientId=client_id)

    assert (await alone.send(VIEWER, token=token)).status_code == 401
    assert (await token_of(alone, client_id, secret)).status_code == 401


async def test_its_last_use_is_written_once_a_minute(alone: House) -> None:
    client_id, secret = await a_client(alone)
    for _ in range(5):
        token = (await token_of(alone, client_id, secret)).json()["access_token"]
        await alone.send(VIEWER, token=token)

    answer = await alone.ask(
        "query($id: ID!) { node(id: $id) { ... on ApiClient { lastUsedAt createdAt } } }", id=client_id
    )

    assert answer["lastUsedAt"] >= answer["createdAt"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"scopes": []}, "INPUT_INVALID", ["scopes"]),
        ({"name": " "}, "INPUT_INVALID", ["name"]),
        ({"jwks": "["}, "INPUT_INVALID", ["jwks"]),
        ({"jwks": '{"keys": []}'}, "INPUT_INVALID", ["jwks"]),
        ({"jwks": '{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "a"}]}'}, "INPUT_INVALID", ["jwks"]),
        (
            {"jwks": '{"keys": [{"kty": "RSA", "n": "AQ", "d": "AQ", "kid": "a"}]}'},
            "INPUT_INVALID",
            ["jwks"],
        ),
    ],
)
async def test_refuses_what_no_client_can_be(alone: House, fields: dict[str, Any], code: str, field: list[str]) -> None:
    wanted = {"name": "Robot", "scopes": ["ORGANIZATION_READ"], **fields}

    answer = await alone.do("createApiClient", MADE, **wanted)

    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [(code, field)]


async def test_a_client_with_keys_of_its_own_signs_for_itself(alone: House) -> None:
    key = a_key(1)
    client_id, secret = await a_client(alone, jwks=json.dumps({"keys": [key.public]}))
    assert secret == ""

    answer = await by_assertion(alone, assertion(alone, key, client_id))

    assert answer.status_code == 200, answer.text
    assert len(await memberships(alone, answer.json()["access_token"])) == 1


async def test_an_assertion_does_once_and_for_nobody_else(alone: House) -> None:
    key, strangers = a_key(1), a_key(2)
    client_id, _ = await a_client(alone, jwks=json.dumps({"keys": [key.public]}))
    other_id, _ = await a_client(alone, jwks=json.dumps({"keys": [strangers.public]}))
    at = int(now().timestamp())
    used = assertion(alone, key, client_id)
    assert (await by_assertion(alone, used)).status_code == 200

    refused = {
        "used before": used,
        "another key": assertion(alone, strangers, client_id, number=2),
        "of another": assertion(alone, key, client_id, number=3, sub=other_id),
        "by another": assertion(alone, key, client_id, number=4, iss=other_id),
        "for another": assertion(alone, key, client_id, number=5, aud="https://elsewhere.example/token"),
        "over": assertion(alone, key, client_id, number=6, exp=at - 31),
        "for a day": assertion(alone, key, client_id, number=7, exp=at + 86_400),
        "nameless": assertion(alone, key, client_id, jti=""),
        "of nobody": assertion(alone, key, f"{client_id[:-1]}0", number=8),
        "no token": "abc",
    }
    answers = {name: await by_assertion(alone, shown) for name, shown in refused.items()}

    assert {name: (each.status_code, each.json()) for name, each in answers.items()} == {
        name: (401, {"error": "invalid_client"}) for name in refused
    }


async def test_answers_as_the_standard_says(alone: House) -> None:
    client_id, secret = await a_client(alone)
    async with httpx2.AsyncClient(base_url=alone.origin) as client:
        posted = {
            "no grant": await client.post("/token", data={"x": "y"}, auth=(client_id, secret)),
            "another grant": await client.post("/token", data={"grant_type": "password"}, auth=(client_id, secret)),
            "nobody": await client.post("/token", data=FORM),
            "twice": await client.post("/token", data=FORM | {"client_secret": secret}, auth=(client_id, secret)),
            "wrong": await client.post("/token", data=FORM, auth=(client_id, "wrong")),
            "repeated": await client.post(
                "/token",
                content=b"grant_type=client_credentials&grant_type=client_credentials",
                headers={"content-type": "application/x-www-form-urlencoded"},
            ),
            "text": await client.post("/token", content=b"hello"),
            "long": await client.post("/token", data=FORM | {"scope": "x" * 20_000}),
            "a page without a session": await client.post("/token", json={}),
        }

    assert {name: (each.status_code, each.json()["error"]) for name, each in posted.items()} == {
        "no grant": (400, "invalid_request"),
        "another grant": (400, "unsupported_grant_type"),
        "nobody": (401, "invalid_client"),
        "twice": (401, "invalid_client"),
        "wrong": (401, "invalid_client"),
        "repeated": (400, "invalid_request"),
        "text": (400, "invalid_request"),
        "long": (413, "invalid_request"),
        "a page without a session": (401, "invalid_client"),
    }
    assert posted["wrong"].headers["www-authenticate"] == 'Basic realm="billgraph"'


async def test_a_partners_client_sees_only_who_granted_it(alone: House) -> None:
    client_id, secret = await a_client(alone, "ORGANIZATION_READ", "USAGE_READ", partner=True)
    token = (await token_of(alone, client_id, secret)).json()["access_token"]
    assert await memberships(alone, token) == [], "not even its own"

    for_globex = {"slug": "globex", "token": alone.token(BO), "apiClientId": client_id}
    granted = await alone.do("grantApiClient", "granted", **for_globex, scopes=["ORGANIZATION_READ", "MEMBERS_READ"])
    seen = await memberships(alone, token)
    await alone.do("revokeApiClientGrant", "revoked", **for_globex)

    assert granted == {"granted": True, "userErrors": []}
    assert [(each["organization"]["slug"], each["permissions"]) for each in seen] == [("globex", ["ORGANIZATION_READ"])]
    assert await memberships(alone, token) == []


async def test_only_a_partners_client_can_be_granted(alone: House) -> None:
    client_id, _ = await a_client(alone)
    never = f"{client_id[:-4]}0000"

    answers = [
        await alone.do(
            "grantApiClient", "granted", slug="globex", token=alone.token(BO), apiClientId=each, scopes=["USAGE_READ"]
        )
        for each in (client_id, never)
    ]

    assert answers[0]["userErrors"] == answers[1]["userErrors"]
    assert answers[0]["userErrors"][0]["code"] == "NOT_FOUND"


async def test_failures_are_slowed_down_and_other_clients_are_not_told_apart(alone: House) -> None:
    client_id, _ = await a_client(alone)
    alone_max = alone.settings.failures_max

    answers = [(await token_of(alone, client_id, "wrong")).status_code for _ in range(alone_max + 1)]
    late = await token_of(alone, client_id, "wrong")

    assert answers == [401] * alone_max + [429]
    assert 0 < int(late.headers["retry-after"]) <= 60


async def test_publishes_the_keys_it_signs_with_and_changes_them(alone: House) -> None:
    client_id, secret = await a_client(alone)
    old = (await token_of(alone, client_id, secret)).json()["access_token"]
    async with httpx2.AsyncClient(base_url=alone.origin) as client:
        before = (await client.get("/.well-known/jwks.json")).json()["keys"]
        await alone.database.writer.execute_query(
            f"UPDATE signing_keys SET created_at = created_at - {int(timedelta(days=31).total_seconds())}000000"
        )
        metadata = (await client.get("/.well-known/oauth-authorization-server")).json()

    assert [set(key) for key in before] == [{"kty", "n", "e", "kid", "alg", "use"}]
    assert metadata["issuer"] == alone.origin
    assert metadata["token_endpoint"] == f"{alone.origin}/token"
    assert len(await memberships(alone, old)) == 1
