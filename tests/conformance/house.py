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
PEOPLE_MAX: Final = 1000
PER_UNIT: Final = 1_000_000
PAID_EVERY: Final = timedelta(days=20)
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
PREVIEWED: Final = {"planKey": "String!", "memberId": "ID!", "seatTier": "String"}
"""What a preview may be asked about."""
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

    def sandbox(
        self,
        plan: Mapping[str, Any],
        *,
        at: datetime,
        time_zone: str = "UTC",
        evaluation_ends_at: datetime | None = None,
    ) -> "Sandbox":
        """Return a new organization on `plan` whose clock stands at `at`, in evaluation where that has an end."""
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
            "evaluationEndsAt": evaluation_ends_at and evaluation_ends_at.isoformat(),
        }
        opener = replace(SOMEBODY, subject=given["slug"])
        found = self.send(_CREATE, {"input": given}, opener)["createOrganization"]
        _accepted(found)
        global_id = found["organization"]["id"]
        own = Membership(
            ids.parse(global_id, ids.Kind.ORGANIZATION).organization_id, None, "primary_owner", frozenset(Permission)
        )
        return Sandbox(self, global_id, offered, replace(opener, memberships={own.organization_id: own}), at, at)

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
        """Return the data of an operation. A fault is never an answer to a case: it is ours."""
        return self.send_all(document, [variables], caller)[0]

    def send_all(self, document: str, variables: Sequence[Mapping[str, Any]], caller: Principal) -> list[Document]:
        """Return the data of an operation for each of the variables, all of them sent at the same time."""
        visit = Visit(HTTPConnection({"type": "http", "headers": []}), caller, self._context, "conformance")

        async def together() -> list[Document]:
            return await asyncio.gather(*(graph.executing(document, dict(each), visit) for each in variables))

        try:
            return self._loop.run(together())
        except graph.Fault as fault:
            raise AssertionError(f"{fault}: {document} {variables}") from fault

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
    plan: str
    owner: Principal
    opened: datetime
    now: datetime
    _keys: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def ask(self, selection: str, *declared: str, **variables: Any) -> Document:
        """Return what the organization answers to a selection of its fields, with the variables declared for it."""
        document = f"query({', '.join(('$id: ID!', *declared))}) {{ organization(id: $id) {{ {selection} }} }}"
        found: Document = self.house.send(document, {"id": self.id, **variables}, self.owner)["organization"]
        return found

    def preview(self, name: str, **arguments: str) -> Document:
        """Return what a change would do, and the next invoice as it would be."""
        declared = ", ".join(f"${key}: {PREVIEWED[key]}" for key in arguments)
        given = ", ".join(f"{key}: ${key}" for key in arguments)
        selection = (
            f"before {{ amount }} after {{ amount }} upcomingInvoice {{ {LINES} }} userErrors {{ message field }}"
        )
        document = f"query($id: ID!, {declared}) {{ {name}(organizationId: $id, {given}) {{ {selection} }} }}"
        found: Document = self.house.send(document, {"id": self.id, **arguments}, self.owner)[name]
        return _accepted(found)

    def do(self, name: str, selection: str = "", **fields: Any) -> Document:
        """Return the payload of a mutation; raise ValueError where it is refused."""
        return _accepted(self.attempt(name, selection, **fields))

    def attempt(self, name: str, selection: str = "", **fields: Any) -> Document:
        """Return the payload of a mutation, refused or not."""
        return self.at_once(name, selection, [fields])[0]

    def at_once(self, name: str, selection: str, asked: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Return the payloads of a mutation that is sent many times at the same time."""
        document = f"""mutation($input: {name[0].upper()}{name[1:]}Input!) {{
            {name}(input: $input) {{ {selection} userErrors {{ message field }} }} }}"""
        given = [
            {"input": {"organizationId": self.id, "idempotencyKey": f"{name}-{next(self._keys)}", **fields}}
            for fields in asked
        ]
        return [data[name] for data in self.house.send_all(document, given, self.owner)]

    def use(self, member_id: str, amount: Fraction, *, overage: str = "REFUSE") -> None:
        """Let a member use as much of `a_meter` as costs `amount`."""
        if not amount:
            return
        event = {
            "id": f"use-{next(self._keys)}",
            "memberId": member_id,
            "model": "atlas",
            "direction": "INPUT",
            "quantity": str(int(amount * PER_UNIT)),
            "occurredAt": self.now.isoformat(),
        }
        found = self.do("recordUsage", "results { status }", events=[event], overage=overage)
        assert found["results"][0]["status"] == "RECORDED", found

    def member(self, member_id: str, selection: str) -> Document:
        """Return what a member answers to a selection of its fields."""
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on Member {{ {selection} }} }} }}"
        found: Document = self.house.send(document, {"id": member_id}, self.owner)["node"]
        return found

    def upcoming(self) -> list[Document]:
        """Return the lines of the next invoice as it stands."""
        lines: list[Document] = self.ask(f"upcomingInvoice {{ {LINES} }}")["upcomingInvoice"]["lines"]
        return lines

    def advance(self, to: datetime, *, paying: bool = False) -> None:
        """Move the clock, and let happen what falls due on the way; where nobody pays, the books close in the end."""
        while self.now < to:
            self.now = min(to, self.now + (PAID_EVERY if paying else STEP_MAX))
            self.do("advanceTestClock", to=self.now.isoformat())
            if paying and self.now < to:
                self.pay()

    def pay(self) -> None:
        """Pay whatever is due, so that nobody is reminded of it."""
        now = self.now.isoformat()
        for invoice in self.invoices():
            if Fraction(invoice["amountDue"]["amount"]) > 0:
                amount = {"amount": invoice["amountDue"]["amount"], "currency": invoice["currency"]}
                self.do("recordPayment", invoiceId=invoice["id"], amount=amount, receivedAt=now, reference="case")

    def people(self, names: Sequence[str], *, tier: str | None = None, seated: int | None = None) -> list[str]:
        """Add people and return their ids; the first `seated` of them, or all, hold a seat of `tier`."""
        with_seat = len(names) if seated is None else seated
        rows = [
            {
                "email": f"{name}@x.example",
                "name": name,
                "role": "member",
                "tier": tier if place < with_seat else None,
            }
            for place, name in enumerate(names)
        ]
        added: list[str] = []
        for first in range(0, len(rows), PEOPLE_MAX):
            found = self.do("importMembers", "members { id }", rows=rows[first : first + PEOPLE_MAX])
            added += [member["id"] for member in found["members"]]
        return added

    def invoices(self) -> list[Document]:
        """Return the invoices issued so far, oldest first."""
        sums = "total { amount } subtotal { amount } tax { amount } credits { amount } amountDue { amount }"
        selection = f"id currency {sums} creditNotes {{ amount {{ amount }} }} {LINES}"
        found = self.ask(f"invoices(first: 100) {{ nodes {{ {selection} }} }}")
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


def a_meter() -> Document:
    """Return an item by which a unit of money is metered in millionths, so that any amount can be used."""
    rates = [{"model": "atlas", "direction": "INPUT", "amount": "1", "per": PER_UNIT}]
    card = {"version": "v1", "effective_from": "2020-01-01T00:00:00+00:00", "rates": rates}
    return {
        "key": "usage",
        "name": {"en": "Usage"},
        "quantity": {"kind": "USAGE", "meter": "tokens"},
        "price": {"model": "RATE_CARD", "cards": [card]},
    }


def _accepted(payload: Document) -> Document:
    if payload["userErrors"]:
        raise ValueError("; ".join(f"{'.'.join(each['field'])}: {each['message']}" for each in payload["userErrors"]))
    return payload
