"""A receiver of webhooks: a real server on this machine that notes what it is sent and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from events.addresses import Policy
from events.vault import Vault
from events.webhooks import Postbox
from jobs.webhooks import Postman
from models.database import Database
from services.dispatch import Dispatcher
from tests.auth.serving import served
from tests.builders import START, Caller, an_organization

Answer = Callable[[Request], Awaitable[Response]]
KEY = Vault.new_key()
CREATE = "endpoint { id url kinds status cursor } secret"


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it came."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """Where webhooks arrive. `answers` are given one after another, the last one for ever."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    most_at_once: int = 0
    under_way: int = 0

    async def take(self, request: Request) -> Response:
        self.received.append(Received(dict(request.headers), await request.body()))
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            answer = self.answers[min(len(self.received), len(self.answers)) - 1] if self.answers else says(200)
            return await answer(request)
        finally:
            self.under_way -= 1

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, in the order in which they came."""
        return [each.headers["webhook-id"] for each in self.received]

    @property
    def in_order(self) -> list[Received]:
        """The messages as their events happened: several are under way at once, so they may come in any order."""
        return sorted(self.received, key=lambda each: int(each.headers["webhook-id"].rpartition("_")[2]))

    @property
    def host(self) -> str:
        """What an operator allows, so that tests may send to this machine."""
        return self.url.removeprefix("http://").removesuffix("/hook")


def says(status: int, text: str = "", **headers: str) -> Answer:
    """Return an answer that is always the same."""

    async def answer(_request: Request) -> Response:
        await asyncio.sleep(0)
        return PlainTextResponse(text, status, {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


@asynccontextmanager
async def a_receiver(*answers: Answer) -> AsyncIterator[Receiver]:
    """Yield a receiver that is listening."""
    receiver = Receiver(answers=list(answers))
    async with served(
        lambda _origin: Starlette(routes=[Route("/hook", receiver.take, methods=["POST", "GET"])])
    ) as origin:
        receiver.url = f"{origin}/hook"
        yield receiver


@dataclass(slots=True)
class Sender:
    """An organization with an endpoint, and a postman who only looks at the clock of the test."""

    owner: Caller
    database: Database
    postman: Postman
    endpoint_id: str
    secret: str

    async def deliver(self, **later: float) -> int:
        """Deliver what is due so long after the start."""
        return await self.postman.deliver(at=START + timedelta(**later))

    async def happen(self, *names: str) -> None:
        """Let one event happen for each name."""
        for name in names:
            given = {"kind": "CARD", "label": name}
            assert not (await self.owner.do("setPaymentMethod", "paymentMethod { id }", **given))["userErrors"]

    async def endpoint(self) -> Any:
        """Return the endpoint as it is now."""
        found = await self.owner.data(
            """query($id: ID!) { node(id: $id) { ... on WebhookEndpoint { status disabledReason disabledAt failures
            failingSince cursor kinds url previousSecretUntil createdByMember { name } } } }""",
            id=self.endpoint_id,
        )
        return found["node"]

    async def log(self, **criteria: Any) -> Any:
        """Return the deliveries, newest first."""
        found = await self.owner.data(
            """query($id: ID!, $f: WebhookDeliveryFilter) { node(id: $id) { ... on WebhookEndpoint {
            deliveries(first: 100, filter: $f) { totalCount nodes { id kind messageId status attempts replayed
            nextAttemptAt attemptedAt finishedAt responseStatus responseExcerpt fault event { kind } } } } } }""",
            id=self.endpoint_id,
            f=criteria or None,
        )
        return found["node"]["deliveries"]["nodes"]

    async def change(self, name: str, selection: str = "endpoint { status }", **fields: Any) -> Any:
        """Give a command about the endpoint."""
        return await self.owner.do(name, selection, endpointId=self.endpoint_id, **fields)


def with_postbox(owner: Caller, *hosts: str, keys: tuple[str, ...] = (KEY,)) -> Caller:
    """Let webhooks of these books go to the named hosts."""
    books = owner.books
    postbox = Postbox(Policy(frozenset(hosts)), Vault(keys))
    books.dispatcher = Dispatcher(books.database.runner, books.dispatcher.hub, postbox)
    return owner


async def a_sender(
    database: Database, receiver: Receiver, *, seconds_max: float = 5, owner: Caller | None = None, **fields: Any
) -> Sender:
    """Return an organization that sends its news to the receiver."""
    owner = with_postbox(owner or await an_organization(database), receiver.host)
    made = await owner.do("createWebhookEndpoint", CREATE, url=receiver.url, **fields)
    assert made["userErrors"] == [], made
    return Sender(owner, database, a_postman(owner, seconds_max=seconds_max), made["endpoint"]["id"], made["secret"])


def a_postman(owner: Caller, *, seconds_max: float = 5) -> Postman:
    """Return a postman of a process of its own."""
    return Postman(owner.books.reader, owner.books.dispatcher, clock=lambda: owner.at, seconds_max=seconds_max)
