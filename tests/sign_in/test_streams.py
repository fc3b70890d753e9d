"""Streams end within five seconds of the access behind them, and sessions are listed and ended in the graph."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import websockets

from api.house import now
from billing.roles import BUILT_IN
from models import identities, members
from models.sql import Client
from tests.sign_in.houses import BO, Browser, House
from tests.sign_in.test_api_clients import a_client, token_of

SECONDS_MAX = 5
HEAR = "subscription($id: ID!) {{ {}(organizationId: $id) {{ cursor }} }}"
SESSIONS = "{ viewer { sessions { id current userAgent issuer } } }"


@asynccontextmanager
async def listening(
    house: House, token: str, slug: str = "acme", *, to: str = "organizationEvents"
) -> AsyncIterator[Any]:
    """Open a socket and listen to everything, or to what is named."""
    address = f"ws://{house.address}/graphql"
    async with websockets.connect(address, subprotocols=["graphql-transport-ws"]) as live:  # type: ignore[list-item]
        await live.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        assert json.loads(await live.recv())["type"] == "connection_ack"
        asked = {"query": HEAR.format(to), "variables": {"id": house.organizations[slug]}}
        await live.send(json.dumps({"id": "1", "type": "subscribe", "payload": asked}))
        await asyncio.sleep(0.2)
        yield live


async def stopping(live: Any, act: Callable[[], Awaitable[Any]]) -> tuple[object, float]:
    """Return what ends what is heard after `act`, a close code or an error's, and after how many seconds."""
    started = time.monotonic()
    await act()
    with suppress(websockets.ConnectionClosedError):
        async with asyncio.timeout(SECONDS_MAX + 10):
            async for text in live:
                message = json.loads(text)
                if message["type"] == "error":
                    return message["payload"][0]["extensions"]["code"], time.monotonic() - started
    return live.close_code, time.monotonic() - started


async def signed_in(house: House, browser: Browser, persona: str = "ann@operator.example") -> str:
    """Sign in with the operator's provider, and return a token for the session."""
    await browser.open(f"/login?login_hint={persona}&next=/livez")
    answer = await browser.client.post("/token", json={}, headers={"origin": house.origin})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def as_member(house: House, role: str) -> None:
    """Make Bo a member of acme, with this role."""
    organization_id = house.organizations["acme"].removeprefix("org_")
    made = await house.do("addMember", "member { id }", email="bo@acme.example", name="Bo", role=role)
    member_id = made["member"]["id"].rpartition("_")[2]

    async def link(client: Client) -> None:
        issuer = f"{house.origin}/dev/idp"
        account = {"issuer": issuer, "subject": f"dev|{BO.email}", "linked_at": now()}
        await identities.insert(client, organization_id=organization_id, member_id=member_id, **account)

    await house.database.runner.run(link, lane="test")


async def bos(house: House) -> str:
    organization_id = house.organizations["acme"].removeprefix("org_")
    found = await members.find_by_email(house.database.reader, organization_id, "bo@acme.example")
    assert found is not None
    return f"mem_{organization_id}_{found.id}"


async def test_a_socket_ends_with_the_session_behind_it(alone: House) -> None:
    async with Browser(alone) as ann, Browser(alone) as elsewhere:
        token = await signed_in(alone, ann)
        await signed_in(alone, elsewhere)
        listed = (await ann.query(SESSIONS)).json()["data"]["viewer"]["sessions"]
        (mine,) = [each["id"] for each in listed if each["current"]]

        async with listening(alone, token) as live:
            ended = await stopping(live, lambda: alone.do("revokeSession", "count", sessionId=mine))

        assert len(listed) == 2
        assert ended[0] == 4403
        assert ended[1] < SECONDS_MAX
        assert await ann.viewer() is None
        assert (await alone.send("{ viewer { name } }", token=token)).status_code == 401
        assert await elsewhere.viewer() is not None


async def test_a_socket_ends_with_the_role_and_with_the_member(alone: House) -> None:
    await as_member(alone, "auditor")
    member_id, token = await bos(alone), alone.token(BO)

    async with listening(alone, token) as live:
        demoted = await stopping(
            live, lambda: alone.do("changeMemberRole", "member { id }", memberId=member_id, role="view_only")
        )
    await alone.do("changeMemberRole", "member { id }", memberId=member_id, role="auditor")
    async with listening(alone, token) as live:
        gone = await stopping(live, lambda: alone.do("deactivateMember", "member { id }", memberId=member_id))

    assert BUILT_IN["view_only"].permissions < BUILT_IN["auditor"].permissions
    assert [demoted[0], gone[0]] == ["FORBIDDEN", "NOT_FOUND"]
    assert max(demoted[1], gone[1]) < SECONDS_MAX


async def test_a_socket_ends_with_the_client_and_with_the_grant(alone: House) -> None:
    client_id, secret = await a_client(alone, "AUDIT_READ")
    partner_id, partners = await a_client(alone, "AUDIT_READ", partner=True)
    for_globex = {"slug": "globex", "token": alone.token(BO), "apiClientId": partner_id}
    await alone.do("grantApiClient", "granted", **for_globex, scopes=["AUDIT_READ"])
    own = (await token_of(alone, client_id, secret)).json()["access_token"]
    lent = (await token_of(alone, partner_id, partners)).json()["access_token"]

    async with listening(alone, own) as live:
        revoked = await stopping(live, lambda: alone.do("revokeApiClient", "apiClient { id }", apiClientId=client_id))
    async with listening(alone, lent, "globex") as live:
        taken = await stopping(live, lambda: alone.do("revokeApiClientGrant", "revoked", **for_globex))

    assert [revoked[0], taken[0]] == [4403, 4403]
    assert max(revoked[1], taken[1]) < SECONDS_MAX


async def test_an_event_stream_ends_with_the_session_behind_it(alone: House) -> None:
    async with Browser(alone) as ann:
        token = await signed_in(alone, ann)
        body = {"query": HEAR.format("organizationEvents"), "variables": {"id": alone.organizations["acme"]}}
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        async with (
            httpx2.AsyncClient(base_url=alone.origin, timeout=20) as client,
            client.stream("POST", "/graphql/stream", json=body, headers=headers) as stream,
        ):
            started = time.monotonic()
            await ann.client.post("/logout", headers={"origin": alone.origin})
            async for _ in stream.aiter_raw():
                pass

        assert time.monotonic() - started < SECONDS_MAX


async def test_an_owner_ends_the_sessions_of_a_member_and_nobody_those_of_one_above(alone: House) -> None:
    await as_member(alone, "owner")
    member_id = await bos(alone)
    async with Browser(alone) as bo, Browser(alone) as ann:
        await signed_in(alone, bo, BO.email)
        await signed_in(alone, ann)
        ended = await alone.do("revokeMemberSessions", "count", memberId=member_id)
        assert await bo.viewer() is None
        found = await alone.ask(
            "query($id: ID!) { organization(id: $id) { members { nodes { id email } } } }",
            id=alone.organizations["acme"],
        )
        (anns,) = [each["id"] for each in found["members"]["nodes"] if each["email"] == "ann@operator.example"]
        refused = await alone.do("revokeMemberSessions", "count", token=alone.token(BO), memberId=anns)

        assert ended["count"] == 1
        assert [error["code"] for error in refused["userErrors"]] == ["ROLE_ABOVE_OWN"]
        assert await ann.viewer() is not None


async def test_ends_every_session_but_the_one_that_asks(alone: House) -> None:
    async with Browser(alone) as here, Browser(alone) as there:
        for browser in (here, there):
            await signed_in(alone, browser)
        given = {"organizationId": alone.organizations["acme"], "idempotencyKey": "others"}
        document = "mutation($i: RevokeOtherSessionsInput!) { revokeOtherSessions(input: $i) { count } }"

        answer = (await here.query(document, i=given)).json()

        assert answer["data"]["revokeOtherSessions"]["count"] == 1
        assert await here.viewer() is not None
        assert await there.viewer() is None


async def test_a_strangers_session_cannot_be_ended_or_told_apart(alone: House) -> None:
    async with Browser(alone) as ann, Browser(alone) as bo:
        await signed_in(alone, ann)
        await signed_in(alone, bo, BO.email)
        (theirs,) = (await ann.query(SESSIONS)).json()["data"]["viewer"]["sessions"]
        answers = [
            await alone.do("revokeSession", "count", slug="globex", token=alone.token(BO), sessionId=each)
            for each in (theirs["id"], "0" * 64)
        ]

        assert answers[0]["userErrors"] == answers[1]["userErrors"]
        assert answers[0]["userErrors"][0]["code"] == "NOT_FOUND"
        assert await ann.viewer() is not None


async def test_a_foreign_page_gets_no_token_for_a_session(alone: House) -> None:
    async with Browser(alone) as ann:
        await signed_in(alone, ann)
        answers = [
            await ann.client.post("/token", json={}, headers=headers)
            for headers in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"})
        ]

    assert [each.status_code for each in answers] == [403] * 3
