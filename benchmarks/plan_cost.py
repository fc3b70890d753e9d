"""What does executing an operation cost, apart from what its resolvers do?

A graph of the console page's shape whose rows are in memory and whose resolvers do next to nothing: what is left is
the work of whoever executes. A plan and graphql-core execute the same operation in the same process, round by round.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import strawberry
import typer
from starlette.requests import HTTPConnection

from api.callers import Caller, Visit
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.settings import Limits
from benchmarks import measuring, tables
from schema.batches import Loader

MEMBERS: Final = 50
INVOICES: Final = 5
LINES: Final = 6
GOAL: Final = 1 / 15
QUESTION: Final = """
    query Page($id: ID!) { organization(id: $id) { id slug name currency timeZone status
        members { totalCount nodes { id name email status seat { tier { key } since } monthToDate { amount currency }
            effectiveLimit { remaining { amount } bindingLevel } } }
        invoices { id number status dueAt total { amount currency } lines { description amount { amount } } } } }
"""


class _Context:
    def __init__(self) -> None:
        self.seats, self.spend, self.limits = Loader(_seats), Loader(_spend), Loader(_limits)


Info = strawberry.Info[_Context, None]


@strawberry.type
class Money:
    amount: str
    currency: str


@strawberry.type
class Tier:
    key: str


@strawberry.type
class Seat:
    tier: Tier
    since: str


@strawberry.type
class Limit:
    remaining: Money | None
    binding_level: str | None


@strawberry.type
class Member:
    id: strawberry.ID
    name: str
    email: str
    status: str

    @strawberry.field
    async def seat(self, info: Info) -> Seat | None:
        return await info.context.seats.load(self.id)

    @strawberry.field
    async def month_to_date(self, info: Info) -> Money:
        return await info.context.spend.load(self.id)

    @strawberry.field
    async def effective_limit(self, info: Info) -> Limit:
        return await info.context.limits.load(self.id)


@strawberry.type
class Line:
    description: str
    amount: Money


@strawberry.type
class Invoice:
    id: strawberry.ID
    number: str
    status: str
    due_at: str
    total: Money
    lines: list[Line]


@strawberry.type
class Members:
    nodes: list[Member]

    @strawberry.field
    async def total_count(self) -> int:
        return len(self.nodes)


@strawberry.type
class Organization:
    id: strawberry.ID
    slug: str
    name: str
    currency: str
    time_zone: str
    status: str

    @strawberry.field
    async def members(self) -> Members:
        return _MEMBERS

    @strawberry.field
    async def invoices(self) -> list[Invoice]:
        return _INVOICES


@strawberry.type
class Query:
    @strawberry.field
    async def organization(self, id: strawberry.ID) -> Organization | None:  # noqa: A002  # the argument's name
        return _ORGANIZATION if id == _ORGANIZATION.id else None


_MONEY: Final = Money(amount="12.40", currency="USD")
_SEAT: Final = Seat(tier=Tier(key="chat"), since="2026-10-01T00:00:00Z")
_LIMIT: Final = Limit(remaining=_MONEY, binding_level="MEMBER")
_ORGANIZATION: Final = Organization(
    id=strawberry.ID("org"), slug="acme", name="Acme", currency="USD", time_zone="UTC", status="ACTIVE"
)
_MEMBERS: Final = Members(
    nodes=[
        Member(id=strawberry.ID(f"mem_{number}"), name=f"Member {number}", email=f"{number}@acme", status="ACTIVE")
        for number in range(MEMBERS)
    ]
)
_INVOICES: Final = [
    Invoice(
        id=strawberry.ID(f"inv_{number}"),
        number=f"2026-{number}",
        status="PAID",
        due_at="2026-11-01T00:00:00Z",
        total=_MONEY,
        lines=[Line(description=f"Line {each}", amount=_MONEY) for each in range(LINES)],
    )
    for number in range(INVOICES)
]


async def _seats(keys: list[str]) -> list[Seat | None]:
    return [_SEAT] * len(keys)


async def _spend(keys: list[str]) -> list[Money]:
    return [_MONEY] * len(keys)


async def _limits(keys: list[str]) -> list[Limit]:
    return [_LIMIT] * len(keys)


@asynccontextmanager
async def _opened(_connection: HTTPConnection | None, _caller: Caller | None) -> AsyncIterator[_Context]:
    yield _Context()


async def _answered(operations: Operations) -> Any:
    operation = operations.prepare(GraphRequest(QUESTION, None, {"id": "org"}))
    visit = Visit(HTTPConnection({"type": "http", "headers": []}), None, _opened, "plan-cost")
    result = await operations.run(operation, visit)
    assert result.errors is None, result.errors
    return result.data


async def cost(rounds: int, times: int) -> tuple[list[float], list[float]]:
    """Return the seconds of processor time that one answer took in each round: by a plan, and by graphql-core."""
    graph = strawberry.Schema(Query)
    plan, library = Operations(graph, Limits(), asked_min=1), Operations(graph, Limits(), compiled=False)
    ours, theirs = await _answered(plan), await _answered(library)
    assert ours == theirs, "both say the same"
    gc.collect()
    gc.freeze()
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for operations, series in zip((plan, library), found, strict=True):
            started = time.process_time()
            for _ in range(times):
                await _answered(operations)
            series.append((time.process_time() - started) / times)
    return found


def run(
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds are measured.")] = 7,
    times: Annotated[int, typer.Option(min=1, help="How often each answers in a round.")] = 30,
) -> None:
    """Execute the page's operation by its plan and by graphql-core, with resolvers that do next to nothing."""
    ours, theirs = asyncio.run(cost(rounds, times))
    share = measuring.ratio(ours, theirs)
    found = f"{share.median:.3f} ({share.least:.3f}–{share.most:.3f})"
    rows = [
        tables.Figure("a plan", f"{1_000 * measuring.percentile(ours, 50):.2f} ms"),
        tables.Figure("graphql-core", f"{1_000 * measuring.percentile(theirs, 50):.2f} ms"),
        tables.Figure(f"times graphql-core, promised {GOAL:.3f}", found, share.median <= GOAL),
    ]
    raise SystemExit(tables.show("Processor time of executing the console page's operation", rows))
