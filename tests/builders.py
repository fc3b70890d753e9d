"""What does a graph test start from?

An organization made by the real services, people in roles, and documents sent through the real schema to a real
database. Everything has an honest default; a test says only what it is about.
"""

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from graphql import ExecutionResult
from starlette.requests import HTTPConnection
from strawberry.types.execution import PreExecutionError

from api.callers import Visit
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Refused
from api.settings import Limits
from auth.principal import Membership, Principal
from billing.plans import from_document, to_document
from billing.roles import BUILT_IN, Permission
from models import plans
from models.database import Database
from models.sql import Client
from resolvers.roots import schema
from schema import ids
from schema.context import Context
from schema.errors import present
from tests.services.books import ALWAYS, POOLED, START, Books, a_person, a_use, as_role, books, days_later

__all__ = [
    "ALWAYS",
    "CONTRACTED",
    "DEARER",
    "POOLED",
    "START",
    "TRACKER",
    "Books",
    "Caller",
    "Database",
    "a_contract",
    "a_member",
    "a_person",
    "a_sandbox",
    "a_use",
    "an_organization",
    "as_role",
    "days_later",
    "event",
    "on_offer",
    "refusals",
    "usd",
    "with_permissions",
]

TRACKER: dict[str, Any] = {
    "key": "tracker",
    "version": 1,
    "name": {"en": "Tracker", "ru": "Трекер"},
    "currency": "RUB",
    "tax": {"mode": "INCLUSIVE", "percent": "20"},
    "tiers": [],
    "items": [
        {
            "key": "users",
            "name": {"en": "Users", "ru": "Пользователи"},
            "quantity": {"kind": "PEAK_SEATS"},
            "price": {
                "model": "GRADUATED",
                "tiers": [{"up_to": 100, "unit": "440"}, {"up_to": 250, "unit": "400"}, {"unit": "360"}],
            },
            "allowance": {"quantity": 5, "rule": "CLIFF"},
            "quote_above": 500,
        }
    ],
}
CONTRACTED: dict[str, Any] = {
    "key": "contract",
    "version": 1,
    "name": {"en": "Enterprise"},
    "currency": "USD",
    "tax": {"mode": "EXCLUSIVE", "percent": "0"},
    "tiers": [],
    "items": [
        {
            "key": "users",
            "name": {"en": "Users"},
            "quantity": {"kind": "CONTRACT_BAND"},
            "price": {"model": "BAND", "bands": [{"up_to": 500, "amount": "90000"}]},
        }
    ],
}
DEARER: dict[str, Any] = deepcopy(POOLED)
"""The pooled plan at three times the price of a seat, and twice that of a token."""
DEARER["key"], DEARER["name"] = "dearer", {"en": "Dearer"}
DEARER["items"][0]["price"]["unit"] = "60"
DEARER["items"][2]["price"]["cards"][0]["rates"][0]["amount"] = "2"
OPERATIONS = Operations(schema, Limits())
"""Prepares and executes as the real doors do, and remembers documents across tests as they do across requests."""
NOWHERE = HTTPConnection({"type": "http", "headers": []})
_KEYS = itertools.count(1)


@dataclass(slots=True)
class Caller:
    """Somebody who sends documents. Every document gets a context of its own, as behind the real doors."""

    books: Books
    principal: Principal | None
    at: datetime = START
    reader: Client | None = None
    last: Context | None = field(default=None)

    async def send(self, document: str, **variables: Any) -> ExecutionResult:
        """Return the answer as it is, errors and all."""
        visit = Visit(NOWHERE, cast(Any, self.principal), self._opened, "request")
        try:
            operation = OPERATIONS.prepare(GraphRequest(document, None, variables))
        except Refused as refused:
            return ExecutionResult(None, list(refused.errors))
        return await OPERATIONS.run(operation, visit)

    async def data(self, document: str, **variables: Any) -> Any:
        """Return the data of an answer without errors."""
        result = await self.send(document, **variables)
        assert not result.errors, result.errors
        return result.data

    async def code(self, document: str, **variables: Any) -> str:
        """Return the code of the first error."""
        return str((await self.fault(document, **variables))["extensions"]["code"])

    async def fault(self, document: str, **variables: Any) -> Any:
        """Return the first error as a client sees it."""
        result = await self.send(document, **variables)
        assert result.errors, result.data
        return present(result.errors[0], "request")

    async def do(self, name: str, selection: str, /, **fields: Any) -> Any:
        """Return the payload of a mutation, with all facts of its user errors."""
        fields = {"organizationId": self.organization_id, "idempotencyKey": f"graph-{next(_KEYS)}", **fields}
        type_name = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation($input: {type_name}!) {{ {name}(input: $input) {{ {selection} {_ERRORS} }} }}"
        return (await self.data(document, input=fields))[name]

    async def hear(self, document: str, **variables: Any) -> AsyncGenerator[Any, None]:
        """Yield the data of each event of a subscription."""
        stream = await schema.subscribe(document, variable_values=variables, context_value=self.context())
        assert not isinstance(stream, PreExecutionError), stream.errors
        try:
            async for result in stream:
                assert not result.errors, result.errors
                yield result.data
        finally:
            await stream.aclose()

    @asynccontextmanager
    async def _opened(self, _connection: object, _caller: object) -> AsyncIterator[Context]:
        self.last = self.context()
        yield self.last

    def context(self) -> Context:
        """Return a fresh context."""
        dispatcher = self.books.dispatcher
        reader = self.reader or self.books.reader
        return Context(self.principal, reader, dispatcher, dispatcher.hub, lambda: self.at, "request")

    def later(self, days: int) -> "Caller":
        """Return the same caller, so many days after the start."""
        return Caller(self.books, self.principal, days_later(days), self.reader)

    @property
    def organization_id(self) -> str:
        """The organization's global id."""
        return ids.organization(self.books.organization_id)

    def id(self, kind: ids.Kind, key: str) -> str:
        """Return the global id of something in the organization."""
        return ids.text(kind, self.books.organization_id, key)


_ERRORS = """userErrors { __typename code message field
    ... on SpendLimitReached { eventId level resetsAt bindingLimit { level cap { amount } }
        headroom { amount } shortfall { amount currency } } }"""


async def an_organization(
    database: Database, *, plan: Mapping[str, Any] = POOLED, slug: str = "acme", at: datetime = START, **fields: Any
) -> Caller:
    """Return the primary owner of a new organization."""
    opened = await books(database, plan=dict(plan), slug=slug, at=at, **fields)
    return Caller(opened, opened.owner, at)


async def on_offer(owner: Caller, plan: Mapping[str, Any]) -> None:
    """Put another plan into the catalogue."""
    document = to_document(from_document(plan))

    async def publish(client: Client) -> None:
        await plans.publish(
            client, key=plan["key"], version=1, currency=plan["currency"], document=document, published_at=START
        )

    await owner.books.database.runner.run(publish, lane="catalog")


async def a_sandbox(database: Database, **fields: Any) -> Caller:
    """Return the primary owner of a new organization that lives by a clock of its own."""
    return await an_organization(database, test_clock_at=START, **fields)


def usd(amount: str) -> dict[str, str]:
    """Return dollars as a client gives them."""
    return {"amount": amount, "currency": "USD"}


def refusals(payload: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return why nothing was done: each code and the path it blames."""
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def a_member(owner: Caller, name: str, *, role: str = "member", tier: str | None = "chat") -> tuple[str, Caller]:
    """Add a person; return the global id and the person, who can send documents."""
    member_id = await owner.books.add(name, role=role, tier=tier, at=owner.at)
    own = Membership(owner.books.organization_id, member_id, role, BUILT_IN[role].permissions)
    return owner.id(ids.Kind.MEMBER, member_id), Caller(owner.books, a_person(name, own), owner.at)


def with_permissions(owner: Caller, *permissions: Permission) -> Caller:
    """Return somebody with a custom role."""
    own = Membership(owner.books.organization_id, None, "custom", frozenset(permissions))
    return Caller(owner.books, a_person("custom", own), owner.at)


def event(event_id: str, member_id: str, dollars: str, *, at: datetime = START) -> dict[str, Any]:
    """Return usage that costs so many dollars, on the pooled plan."""
    quantity = int(float(dollars) * 1_000_000)
    return {
        "id": event_id,
        "memberId": member_id,
        "model": "atlas",
        "direction": "INPUT",
        "quantity": str(quantity),
        "occurredAt": at.isoformat(),
    }


def a_contract(**changes: Any) -> dict[str, Any]:
    """Return a contract as a client gives it."""
    return {
        "number": "C-7",
        "start": "2026-10-01T00:00:00Z",
        "end": "2027-10-01T00:00:00Z",
        "termYears": 1,
        "bandUpTo": 3,
        "total": {"amount": "100000.00", "currency": "USD"},
        "schedule": "QUARTERLY",
        **changes,
    }
