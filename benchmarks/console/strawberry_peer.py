"""The page by strawberry as its documentation has it: types, resolvers, dataloaders, parser and validation caches.

Nobody's permission is asked. The dataloaders read what the handler by hand reads, a statement for each kind of thing.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import strawberry
import uvicorn
from starlette.applications import Starlette
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.console import handler
from benchmarks.console.page import month_start

Info = strawberry.Info["Loaders", None]
_SEATS = "SELECT member_id, tier FROM seat_intervals WHERE organization_id = $1 AND ends_at IS NULL"
_SPENT = """
    SELECT subject, spent_nanos, held_nanos FROM spend_counters
    WHERE organization_id = $1 AND period_start = $2 AND interval = 'MONTH' AND level = 'MEMBER'
"""
_CAPS = "SELECT level, subject, scope, cap_nanos FROM spend_limits WHERE organization_id = $1 AND ends_at IS NULL"
_MEMBERS = "SELECT id, name FROM members WHERE organization_id = $1 ORDER BY id LIMIT 51"
_COUNT = "SELECT count(*) AS total FROM members WHERE organization_id = $1"


@dataclass
class Loaders:
    """What one request has read."""

    reader: handler.Reader
    at: datetime
    organization_id: str = ""

    def __post_init__(self) -> None:
        self.month = int(month_start(self.at, 0).timestamp()) * 1_000_000
        self.seats: DataLoader[str, Any] = DataLoader(self._seats)
        self.spent: DataLoader[str, Any] = DataLoader(self._spent)
        self.caps: DataLoader[str, Any] = DataLoader(self._caps)
        self.own: DataLoader[str, Any] = DataLoader(self._own)
        self.lines: DataLoader[str, Any] = DataLoader(self._lines)

    async def _seats(self, keys: Sequence[str]) -> list[Any]:
        found = {row["member_id"]: row for row in await self.reader.rows(_SEATS, self.organization_id)}
        return [found.get(key) for key in keys]

    async def _spent(self, keys: Sequence[str]) -> list[Any]:
        rows = await self.reader.rows(_SPENT, self.organization_id, self.month)
        found = {row["subject"]: row for row in rows}
        return [found.get(key) for key in keys]

    async def _caps(self, keys: Sequence[str]) -> list[Any]:
        rows = await self.reader.rows(_CAPS, self.organization_id)
        found = {(row["level"], row["subject"]): row["cap_nanos"] for row in rows}
        return [found for _ in keys]

    async def _own(self, keys: Sequence[str]) -> list[Any]:
        return [(await self.reader.rows(handler.ORGANIZATION, key, self.month))[0] for key in keys]

    async def _lines(self, keys: Sequence[str]) -> list[Any]:
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for row in await self.reader.rows(handler.LINES, self.organization_id):
            found[row["invoice_id"]].append(row)
        return [found[key] for key in keys]


@strawberry.type
class Money:
    amount: str


@strawberry.type
class SeatTier:
    key: str


@strawberry.type
class Seat:
    tier: SeatTier | None


@strawberry.type
class EffectiveSpendLimit:
    remaining: Money | None
    binding_level: str | None


@strawberry.type
class Member:
    id: strawberry.ID
    name: str
    key: strawberry.Private[str]

    @strawberry.field
    async def seat(self, info: Info) -> Seat | None:
        row = await info.context.seats.load(self.key)
        return row and Seat(tier=row["tier"] and SeatTier(key=row["tier"]))

    @strawberry.field
    async def month_to_date(self, info: Info) -> Money:
        row = await info.context.spent.load(self.key)
        return Money(amount=handler.nanos_text(row["spent_nanos"] if row else 0))

    @strawberry.field
    async def effective_limit(self, info: Info) -> EffectiveSpendLimit:
        loaders = info.context
        caps, counter, seat, own = await asyncio.gather(
            loaders.caps.load(""),
            loaders.spent.load(self.key),
            loaders.seats.load(self.key),
            loaders.own.load(loaders.organization_id),
        )
        tier_cap = caps.get(("SEAT_TIER", seat["tier"])) if seat else None
        level, left = handler.binding(own, counter, caps.get(("MEMBER", self.key)), tier_cap)
        remaining = None if left is None else Money(amount=handler.nanos_text(max(left, 0)))
        return EffectiveSpendLimit(remaining=remaining, binding_level=level)


@strawberry.type
class PageInfo:
    has_next_page: bool


@strawberry.type
class MemberConnection:
    nodes: list[Member]
    page_info: PageInfo

    @strawberry.field
    async def total_count(self, info: Info) -> int:
        (row,) = await info.context.reader.rows(_COUNT, info.context.organization_id)
        return int(row["total"])


@strawberry.type
class InvoiceLine:
    description: str
    amount: Money


@strawberry.type
class Invoice:
    id: strawberry.ID
    number: str | None
    status: str
    due_at: str | None
    total: Money
    key: strawberry.Private[str]

    @strawberry.field
    async def lines(self, info: Info) -> list[InvoiceLine]:
        rows = await info.context.lines.load(self.key)
        return [
            InvoiceLine(description=row["description"], amount=Money(amount=handler.minor_text(row["amount_minor"])))
            for row in rows
        ]


@strawberry.type
class InvoiceConnection:
    nodes: list[Invoice]


@strawberry.type
class Organization:
    id: strawberry.ID
    slug: str
    name: str
    currency: str
    time_zone: str
    status: str

    @strawberry.field
    async def members(self, info: Info, first: int) -> MemberConnection:
        owner = info.context.organization_id
        rows = await info.context.reader.rows(_MEMBERS, owner)
        nodes = [
            Member(id=strawberry.ID(f"mem_{owner}_{row['id']}"), name=row["name"], key=row["id"])
            for row in rows[:first]
        ]
        return MemberConnection(nodes=nodes, page_info=PageInfo(has_next_page=len(rows) > first))

    @strawberry.field
    async def invoices(self, info: Info, first: int) -> InvoiceConnection:
        owner = info.context.organization_id
        rows = await info.context.reader.rows(handler.INVOICES, owner)
        nodes = [
            Invoice(
                id=strawberry.ID(f"inv_{owner}_{row['id']}"),
                number=row["number"],
                status=row["status"],
                due_at=handler.instant_text(row["due_at"]),
                total=Money(amount=handler.minor_text(row["total_minor"])),
                key=row["id"],
            )
            for row in rows[:first]
        ]
        return InvoiceConnection(nodes=nodes)


@strawberry.type
class Query:
    @strawberry.field
    async def organization(self, info: Info, id: strawberry.ID) -> Organization | None:  # noqa: A002  # the argument's name
        info.context.organization_id = id.removeprefix("org_")
        row = await info.context.own.load(info.context.organization_id)
        return Organization(
            id=id,
            slug=row["slug"],
            name=row["name"],
            currency=row["currency"],
            time_zone=row["time_zone"],
            status=row["status"],
        )


EXTENSIONS: list[Callable[[], Any]] = [lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)]
SCHEMA = strawberry.Schema(query=Query, extensions=EXTENSIONS)


class _Peer(GraphQL[Loaders, None]):
    def __init__(self, reader: handler.Reader) -> None:
        super().__init__(SCHEMA)
        self._reader = reader

    async def get_context(self, request: Any, response: Any) -> Loaders:  # noqa: ARG002  # the base's own signature
        return Loaders(self._reader, datetime.now(UTC))


async def serve(url: str, port: int) -> None:
    """Serve the page until killed."""
    async with handler.reading(url) as reader:
        app = Starlette()
        app.mount("/", _Peer(reader))
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options.url, options.port))
