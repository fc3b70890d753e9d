"""The whole house, served, with people who can sign in; and sockets to follow it with."""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import websockets
from starlette.applications import Starlette
from websockets.typing import Subprotocol

from api.following import Channels
from api.house import build_house, now
from api.identity import AUDIENCE, issuer_of
from api.server import build_server
from api.settings import Settings
from auth.development import Persona, SigningKey, mint_access_token, subject_of
from billing.plans import from_document, to_document
from models import events as log
from models import identities, plans
from models.database import Database
from models.sql import Client
from schema import ids
from tests.services.books import POOLED
from tests.signing_keys import a_key, a_key_file

SECONDS_MAX = 15
_KEYS = itertools.count(1)
_CREATE = """mutation($input: CreateOrganizationInput!) {
    createOrganization(input: $input) { organization { id eventCursor } userErrors { message } } }"""


@dataclass(slots=True)
class Served:
    """A running house with one organization, Acme, which Ann owns."""

    database: Database
    app: Starlette
    settings: Settings
    key: SigningKey
    client: httpx2.AsyncClient
    organization: str = ""
    start: str = ""

    @property
    def organization_id(self) -> str:
        """The organization's id in rows."""
        return self.organization.removeprefix("org_")

    @property
    def channels(self) -> Channels:
        """The questions that are being followed."""
        channels: Channels = self.app.state.operations.channels
        return channels

    def token(self, name: str) -> str:
        """Return an access token of somebody."""
        persona = Persona(f"{name}@acme.example", name.title(), "acme")
        issuer = issuer_of(self.settings)
        return mint_access_token(
            self.key, persona, issuer=issuer, audience=AUDIENCE, at=now(), lifetime=timedelta(minutes=5)
        )

    async def ask(self, name: str, document: str, **variables: Any) -> Any:
        """Return the data of an answer that has no errors."""
        headers = {"authorization": f"Bearer {self.token(name)}"}
        body = {"query": document, "variables": variables}
        answer = (await self.client.post("/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        return next(iter(answer["data"].values()))

    async def do(self, verb: str, selection: str = "", **fields: Any) -> Any:
        """Let Ann do something."""
        type_name = f"{verb[0].upper()}{verb[1:]}Input"
        document = (
            f"mutation($input: {type_name}!) {{ {verb}(input: $input) {{ {selection} userErrors {{ message }} }} }}"
        )
        fields = {"organizationId": self.organization, "idempotencyKey": f"served-{next(_KEYS)}", **fields}
        payload = await self.ask("ann", document, input=fields)
        assert payload["userErrors"] == [], payload
        return payload

    async def add(self, name: str, *, role: str = "member") -> str:
        """Add somebody who can sign in, with a limit of a dollar, and return the global id."""
        person = {"email": f"{name}@acme.example", "name": name, "role": role, "tier": "chat"}
        added = await self.do("addMember", "member { id }", **person)
        member_id: str = added["member"]["id"]
        key = ids.parse(member_id, ids.Kind.MEMBER).key

        async def link(client: Client) -> None:
            await identities.insert(
                client,
                organization_id=self.organization_id,
                issuer=issuer_of(self.settings),
                subject=subject_of(f"{name}@acme.example"),
                member_id=key,
                linked_at=now(),
            )

        await self.database.runner.run(link, lane=self.organization_id)
        cap = {"amount": "1.00", "currency": "USD"}
        await self.do("setSpendLimit", level="MEMBER", memberId=member_id, amount=cap)
        return member_id

    async def use(self, member_id: str, dollars: str) -> None:
        """Record usage of somebody."""
        event = {"id": f"u{next(_KEYS)}", "memberId": member_id, "meter": "tokens", "model": "atlas"}
        event |= {"direction": "INPUT", "quantity": str(int(float(dollars) * 1_000_000))}
        await self.do("recordUsage", "results { status }", events=[{**event, "occurredAt": now().isoformat()}])

    async def write(self, count: int, *, kind: str = "Happened") -> None:
        """Append so many events to the log, as another process would."""

        async def append(client: Client) -> None:
            events = [log.NewEvent(kind, 1, {"number": number}) for number in range(count)]
            await log.append(client, self.organization_id, events, at=now(), actor="system", request_id="other")

        await self.database.runner.run(append, lane=self.organization_id)

    async def stream(
        self, name: str, document: str, count: int, headers: dict[str, str] | None = None, **variables: Any
    ) -> list[tuple[str, Any]]:
        """Return the ids and the data of the next server-sent events that somebody is told."""
        sent = {"accept": "text/event-stream", "authorization": f"Bearer {self.token(name)}", **(headers or {})}
        body = {"query": document, "variables": {"id": self.organization, **variables}}
        told: list[tuple[str, Any]] = []
        async with (
            asyncio.timeout(SECONDS_MAX),
            self.client.stream("POST", "/graphql/stream", json=body, headers=sent) as response,
        ):
            identity = ""
            async for line in response.aiter_lines():
                if line.startswith("id: "):
                    identity = line[4:]
                if line.startswith("data: "):
                    told.append((identity, json.loads(line[6:])["data"]))
                    if len(told) == count:
                        break
        return told

    async def open(self, slug: str, **fields: Any) -> None:
        """Let Ann open an organization, which is the one that everything is about from now on."""
        wanted = {"name": slug.title(), "currency": "USD", "timeZone": "UTC", "locale": "en", "planKey": "pooled"}
        created = await self.ask("ann", _CREATE, input={"idempotencyKey": slug, "slug": slug, **wanted, **fields})
        self.organization, self.start = created["organization"]["id"], created["organization"]["eventCursor"]

    @asynccontextmanager
    async def socket(self, name: str, **rest: Any) -> AsyncIterator["Socket"]:
        """Yield a socket on which somebody has introduced themselves."""
        payload = {"Authorization": f"Bearer {self.token(name)}"} if name else {}
        url = self.settings.public_url.replace("http", "ws", 1)
        rest = {"close_timeout": 1, **rest}  # a reader that stalls does not hear a goodbye either
        async with websockets.connect(
            f"{url}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")], **rest
        ) as live:
            await live.send(json.dumps({"type": "connection_init", "payload": payload}))
            opened = Socket(live, self.organization, self.channels)
            assert await opened.hear() == {"type": "connection_ack"}
            yield opened


@dataclass(slots=True)
class Socket:
    """One end of a socket."""

    live: websockets.ClientConnection
    organization: str
    channels: Channels
    closing: Any = None

    async def subscribe(self, document: str, identity: str = "1", **variables: Any) -> None:
        """Subscribe, and return when that was done."""
        payload = {"query": document, "variables": {"id": self.organization, **variables}}
        listening = self._listening()
        await self.live.send(json.dumps({"id": identity, "type": "subscribe", "payload": payload}))
        with suppress(TimeoutError):  # who is refused never listens
            async with asyncio.timeout(0.5):
                while self._listening() == listening:  # noqa: ASYNC110  # nobody tells who else listens
                    await asyncio.sleep(0.005)

    def _listening(self) -> int:
        return sum(len(channel._listeners) for channel in self.channels._open.values())

    async def hear(self) -> Any:
        """Return the next message."""
        async with asyncio.timeout(SECONDS_MAX):
            return json.loads(await self.live.recv())

    async def news(self) -> Any:
        """Return what the next message tells."""
        message = await self.hear()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return next(iter(message["payload"]["data"].values()))

    async def is_quiet(self, *, seconds: float = 0.5) -> bool:
        """Return whether nothing comes for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self.live.recv()
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def served(database: Database, folder: Path, **settings: Any) -> AsyncIterator[Served]:
    """Serve until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    decided = Settings(port=port, public_url=f"http://127.0.0.1:{port}", **settings)
    key_path = a_key_file(folder)
    ann = Persona("ann@acme.example", "Ann", "acme")
    app = build_house(database, decided, personas=[ann], key_path=key_path)
    server = build_server(app, decided)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    try:
        async with httpx2.AsyncClient(base_url=decided.public_url, timeout=20) as client:
            house = Served(database, app, decided, a_key(), client)
            await _publish(house)
            await house.open("acme")
            yield house
    finally:
        server.should_exit = True
        await serving


async def _publish(house: Served) -> None:
    async def publish(client: Client) -> None:
        document = to_document(from_document(POOLED))
        await plans.publish(client, key="pooled", version=1, currency="USD", document=document, published_at=now())

    await house.database.runner.run(publish, lane="catalog")
