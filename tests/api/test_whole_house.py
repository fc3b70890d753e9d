"""The whole house over real HTTP and a real socket: settings, sign-in, the graph and the database together."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import websockets

from api.house import build_house, now
from api.identity import AUDIENCE, issuer_of
from api.server import build_server
from api.settings import Settings
from auth.development import Persona, mint_access_token
from auth.signing import SigningKey
from billing.plans import from_document, to_document
from models import members, plans
from models.database import Database
from models.events import head
from models.sql import Client
from tests.services.books import POOLED

PEOPLE = 120
ANN = Persona("ann@acme.example", "Ann", "acme")
CREATE = """mutation($input: CreateOrganizationInput!) {
    createOrganization(input: $input) { organization { id eventCursor } userErrors { message } } }"""
ADD = """mutation($input: AddMemberInput!) { addMember(input: $input) { member { id } userErrors { message } } }"""
LIMIT = """mutation($input: SetSpendLimitInput!) { setSpendLimit(input: $input) { userErrors { message } } }"""
USE = """mutation($input: RecordUsageInput!) {
    recordUsage(input: $input) { results { status } userErrors { message } } }"""
HEAR = """subscription($id: ID!, $after: String) {
    limitApproaching(organizationId: $id, after: $after) { cursor alert { threshold member { email } } } }"""


@dataclass(slots=True)
class Visitor:
    """A program with a token."""

    client: httpx2.AsyncClient
    token: str

    async def ask(self, document: str, **variables: Any) -> Any:
        """Return the data of an answer that has no errors."""
        body = {"query": document, "variables": variables}
        response = await self.client.post("/graphql", json=body, headers={"authorization": f"Bearer {self.token}"})
        answer = response.json()
        assert "errors" not in answer, answer
        return next(iter(answer["data"].values()))


@asynccontextmanager
async def visited(database: Database, folder: Path) -> AsyncIterator[tuple[Visitor, str]]:
    """Yield somebody who may open an organization on a running server, and the server's origin."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(port=port, public_url=f"http://127.0.0.1:{port}")
    key_path = folder / "key.pem"
    server = build_server(build_house(database, settings, personas=[ANN], key_path=key_path), settings)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    key = SigningKey.load_or_create(key_path)
    token = mint_access_token(
        key, ANN, issuer=issuer_of(settings), audience=AUDIENCE, at=now(), lifetime=timedelta(minutes=5)
    )
    try:
        async with httpx2.AsyncClient(base_url=settings.public_url, timeout=20) as client:
            yield Visitor(client, token), f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


async def acme(visitor: Visitor, database: Database) -> dict[str, str]:
    """Open an organization through the graph."""

    async def publish(client: Client) -> None:
        document = to_document(from_document(POOLED))
        await plans.publish(client, key="pooled", version=1, currency="USD", document=document, published_at=now())

    await database.runner.run(publish, lane="catalog")
    wanted = {"slug": "acme", "name": "Acme", "currency": "USD", "timeZone": "UTC", "locale": "en", "planKey": "pooled"}
    created = await visitor.ask(CREATE, input={"idempotencyKey": "open", **wanted})
    assert created["userErrors"] == []
    return dict(created["organization"])


def a_person(organization_id: str, name: str) -> dict[str, str]:
    person = {"email": f"{name}@acme.example", "name": name, "role": "member", "tier": "chat"}
    return {"organizationId": organization_id, "idempotencyKey": name, **person}


async def test_clients_that_hang_up_leave_a_server_that_answers_and_no_half_effect(
    database: Database, tmp_path: Path
) -> None:
    async with visited(database, tmp_path) as (visitor, _):
        organization = await acme(visitor, database)
        dice = random.Random(20_262)

        async def hangs_up(number: int) -> None:
            asking = asyncio.create_task(visitor.ask(ADD, input=a_person(organization["id"], f"p{number}")))
            await asyncio.sleep(dice.random() * 0.02)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

        for start in range(0, PEOPLE, 20):
            await asyncio.gather(*(hangs_up(start + offset) for offset in range(20)))
        done = await asyncio.gather(
            *(visitor.ask(ADD, input=a_person(organization["id"], f"p{number}")) for number in range(PEOPLE))
        )

        organization_id = organization["id"].removeprefix("org_")
        assert all(answer["userErrors"] == [] for answer in done), "a retry under the same key is the same command"
        assert await members.count(database.reader, organization_id) == PEOPLE + 1
        log = await head(database.reader, organization_id)
        assert log == 5 + 2 * PEOPLE, "each person was added and seated once"


async def test_an_alert_crosses_the_house_from_a_charge_to_a_socket(database: Database, tmp_path: Path) -> None:
    async with visited(database, tmp_path) as (visitor, address):
        organization = await acme(visitor, database)
        added = await visitor.ask(ADD, input=a_person(organization["id"], "bo"))
        shared = {"organizationId": organization["id"]}
        cap = {"amount": "1.00", "currency": "USD"}
        limit = {"level": "MEMBER", "memberId": added["member"]["id"], "amount": cap}
        await visitor.ask(LIMIT, input={**shared, "idempotencyKey": "limit", **limit})
        use = {"id": "u1", "memberId": added["member"]["id"], "meter": "tokens", "model": "atlas"}
        use |= {"direction": "INPUT", "quantity": "800000", "occurredAt": now().isoformat()}

        async with websockets.connect(f"ws://{address}/graphql", subprotocols=["graphql-transport-ws"]) as live:  # type: ignore[list-item]
            await live.send(
                json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {visitor.token}"}})
            )
            assert json.loads(await live.recv())["type"] == "connection_ack"
            asked = {"query": HEAR, "variables": {"id": organization["id"], "after": organization["eventCursor"]}}
            await live.send(json.dumps({"id": "1", "type": "subscribe", "payload": asked}))
            recorded = await visitor.ask(USE, input={**shared, "idempotencyKey": "use", "events": [use]})
            heard = json.loads(await asyncio.wait_for(live.recv(), timeout=10))

        assert recorded == {"results": [{"status": "RECORDED"}], "userErrors": []}
        alert = heard["payload"]["data"]["limitApproaching"]["alert"]
        assert alert == {"threshold": 75, "member": {"email": "bo@acme.example"}}
