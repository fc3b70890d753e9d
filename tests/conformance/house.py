"""Where does a case live that takes time, or people?

In a sandbox organization of its own: opened, filled, asked and moved through time by documents that go through the
graph, on a real database. One database serves all cases of a run; it is opened by the first case that needs it.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from starlette.requests import HTTPConnection

from api.callers import Visit
from auth.principal import Membership, Method, Principal
from billing.plans import from_document, to_document
from billing.roles import Permission
from events.hub import Hub
from models import plans
from models.database import Database, opened
from models.sql import Client
from schema import ids
from schema.context import Context
from services.dispatch import Dispatcher
from tests import databases
from tests.conformance import graph

Document = dict[str, Any]

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""What the clock on the wall shows. No sandbox looks at it."""
STEP_MAX: Final = timedelta(days=700)
SOMEBODY: Final = Principal.of(
    (),
    issuer="https://idp.example",
    subject="owner",
    name="Owner",
    email="owner@x.example",
    authenticated_at=NOW,
    expires_at=NOW + timedelta(days=365),
    method=Method.BEARER,
)
LINES: Final = "lines { key itemKey quantity amount { amount } explanation { rounding { exact } } }"
_CREATE: Final = """mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) {
    organization { id } userErrors { message field } } }"""


class House:
    """The graph with a database behind it, and as many sandboxes as there are cases."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder, self._worker = folder, worker
        self._loop = asyncio.Runner()
        self._open = AsyncExitStack()
        self._behind: tuple[Database, Dispatcher] | None = None
        self._numbers = itertools.count(1)

    def __enter__(self) -> "House":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.run(self._open.aclose())
        self._loop.close()

    def sandbox(self, plan: Mapping[str, Any], *, at: datetime, time_zone: str = "UTC") -> "Sandbox":
        """Return a new organization on `plan` whose clock stands at `at`."""
        offered = self.offer(plan)
        given = {
            "idempotencyKey": "open",
            "slug": f"{offered}-{next(self._numbers)}",
            "name": offered,
            "currency": plan["currency"],
            "timeZone": time_zone,
            "locale": "en",
            "planKey": offered,
            "testClockAt": at.isoformat(),
        }
        opener = replace(SOMEBODY, subject=given["slug"])
        found = self.send(_CREATE, {"input": given}, opener)["createOrganization"]
        _accepted(found)
        global_id = found["organization"]["id"]
        own = Membership(
            ids.parse(global_id, ids.Kind.ORGANIZATION).organization_id, None, "primary_owner", frozenset(Permission)
        )
        return Sandbox(self, global_id, replace(opener, memberships={own.organization_id: own}))

    def offer(self, plan: Mapping[str, Any]) -> str:
        """Put a plan into the catalogue under a key of its own, and return the key."""
        key = f"case-{next(self._numbers)}"
        document = to_document(from_document({**plan, "key": key}))

        async def publish(client: Client) -> None:
            await plans.publish(
                client, key=key, version=1, currency=plan["currency"], document=document, published_at=NOW
            )

        database, _ = self._opened()
        self._loop.run(database.runner.run(publish, lane="catalog"))
        return key

    def send(self, document: str, variables: Mapping[str, Any], caller: Principal) -> Document:
        """Return the data of an operation; raise ValueError for a fault."""
        visit = Visit(HTTPConnection({"type": "http", "headers": []}), caller, self._context, "conformance")
        return graph.executed(document, dict(variables), visit, self._loop.run)

    @asynccontextmanager
    async def _context(self, _connection: HTTPConnection, caller: object) -> AsyncIterator[Context]:
        database, dispatcher = self._opened()
        assert isinstance(caller, Principal)
        yield Context(caller, database.reader, dispatcher, dispatcher.hub, lambda: NOW, "conformance")

    def _opened(self) -> tuple[Database, Dispatcher]:
        if self._behind is None:
            database = self._loop.run(self._connected())
            self._behind = (database, Dispatcher(database.runner, Hub()))
        return self._behind

    async def _connected(self) -> Database:
        url = await databases.prepare(self._folder, f"conformance_{self._worker}")
        return await self._open.enter_async_context(opened(url))


@dataclass(slots=True)
class Sandbox:
    """An organization that lives by a clock of its own, in the hands of its primary owner."""

    house: House
    id: str
    owner: Principal
    _keys: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def ask(self, selection: str, **variables: Any) -> Document:
        """Return what the organization answers to a selection of its fields."""
        document = f"query($id: ID!) {{ organization(id: $id) {{ {selection} }} }}"
        found: Document = self.house.send(document, {"id": self.id, **variables}, self.owner)["organization"]
        return found

    def preview(self, name: str, arguments: Mapping[str, Any]) -> Document:
        """Return what a change would do, and the next invoice as it would be."""
        given = ", ".join(f"{key}: {_literal(value)}" for key, value in arguments.items())
        selection = (
            f"before {{ amount }} after {{ amount }} upcomingInvoice {{ {LINES} }} userErrors {{ message field }}"
        )
        document = f"query($id: ID!) {{ {name}(organizationId: $id, {given}) {{ {selection} }} }}"
        found: Document = self.house.send(document, {"id": self.id}, self.owner)[name]
        return _accepted(found)

    def do(self, name: str, selection: str = "", **fields: Any) -> Document:
        """Return the payload of a mutation; raise ValueError where it is refused."""
        given = {"organizationId": self.id, "idempotencyKey": f"{name}-{next(self._keys)}", **fields}
        document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
            {name}(input: $input) {{ {selection} userErrors {{ message field }} }} }}"""
        found: Document = self.house.send(document, {"input": given}, self.owner)[name]
        return _accepted(found)

    def advance(self, to: datetime) -> None:
        """Move the clock; what falls due on the way happens."""
        now = datetime.fromisoformat(self.ask("testClock { now }")["testClock"]["now"])
        while now < to:
            now = min(to, now + STEP_MAX)
            self.do("advanceTestClock", to=now.isoformat())

    def pay(self) -> None:
        """Pay whatever is due, so that nobody is reminded of it."""
        now = self.ask("testClock { now }")["testClock"]["now"]
        for invoice in self.invoices():
            if Fraction(invoice["amountDue"]["amount"]) > 0:
                amount = {"amount": invoice["amountDue"]["amount"], "currency": invoice["currency"]}
                self.do("recordPayment", invoiceId=invoice["id"], amount=amount, receivedAt=now, reference="case")

    def people(self, names: Sequence[str], *, tier: str | None = None, role: str = "member") -> list[str]:
        """Add people and return their ids."""
        rows = [{"email": f"{name}@x.example", "name": name, "role": role, "tier": tier} for name in names]
        added: list[str] = []
        for first in range(0, len(rows), 1000):
            found = self.do("importMembers", "members { id }", rows=rows[first : first + 1000])
            added += [member["id"] for member in found["members"]]
        return added

    def invoices(self) -> list[Document]:
        """Return the invoices issued so far, oldest first."""
        selection = f"total {{ amount }} subtotal {{ amount }} tax {{ amount }} credits {{ amount }} {LINES}"
        found = self.ask(f"invoices(first: 100) {{ nodes {{ id currency amountDue {{ amount }} {selection} }} }}")
        return list(reversed(found["invoices"]["nodes"]))


def a_plan(*items: Document, currency: str = "USD", tax: str = "0", **more: Any) -> Document:
    """Return a plan of these items."""
    return {
        "key": "case",
        "version": 1,
        "name": {"en": "Case"},
        "currency": currency,
        "tax": {"mode": "EXCLUSIVE", "percent": tax},
        "tiers": [],
        "items": list(items),
        **more,
    }


def _accepted(payload: Document) -> Document:
    if payload["userErrors"]:
        raise ValueError("; ".join(f"{'.'.join(each['field'])}: {each['message']}" for each in payload["userErrors"]))
    return payload


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
