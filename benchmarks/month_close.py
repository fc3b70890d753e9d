"""How long does it take to close a month for many organizations?

Organizations are opened and filled by the real services. The close is the job that the worker runs. In each round it
is compared with writing as many rows of a like length by plain INSERT statements, in one transaction for each
organization: the least that any close must do.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from auth.principal import Principal
from benchmarks import databases, measuring, tables
from benchmarks.people import a_person, owner_of
from events.hub import Hub
from jobs import due
from models import invoices, plans
from models import organizations as rows
from models.database import Database, opened
from models.sql import Client, Statement
from services import imports, organizations
from services.dispatch import Dispatcher, Request

START = datetime(2026, 10, 1, tzinfo=UTC)
CLOSE_AT = datetime(2026, 11, 1, 2, tzinfo=UTC)
PLAN: dict[str, Any] = {
    "key": "seats",
    "version": 1,
    "name": {"en": "Seats"},
    "currency": "USD",
    "tax": {"mode": "EXCLUSIVE", "percent": "0"},
    "tiers": [{"key": "chat", "name": {"en": "Chat"}, "includes": []}],
    "items": [
        {
            "key": "seat",
            "name": {"en": "Chat seat"},
            "quantity": {"kind": "SEATS", "tiers": ["chat"]},
            "price": {"model": "UNIT", "unit": "20"},
        },
        {
            "key": "platform",
            "name": {"en": "Platform"},
            "quantity": {"kind": "FLAT"},
            "price": {"model": "UNIT", "unit": "99"},
        },
    ],
}
INSERT_HEAD = Statement("INSERT INTO bench_heads (organization_id, id, body) VALUES (:organization_id, :id, :body)")
INSERT_PART = Statement("INSERT INTO bench_parts (organization_id, id, body) VALUES (:organization_id, :id, :body)")


def run(
    organizations: Annotated[int, typer.Option(min=1, help="How many organizations close in each round.")] = 200,
    members: Annotated[int, typer.Option(min=1, help="How many members each of them has.")] = 50,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds are measured.")] = 5,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Close a month for many organizations, beside plain INSERTs of the same rows."""
    raise SystemExit(asyncio.run(measure(organizations, members, rounds, database)))


async def measure(count: int, members: int, rounds: int, database: str) -> int:
    """Fill a database, close it in rounds, and write the same rows plainly."""
    async with databases.thrown_away(database) as url, opened(url) as house:
        dispatcher = Dispatcher(house.runner, Hub())
        await publish(house)
        ids = [await _fill(dispatcher, number, members) for number in range(count * rounds)]
        batches = [ids[start : start + count] for start in range(0, len(ids), count)]
        parts = {organization_id: _parts(organization_id, members) for organization_id in ids}
        await _tables(house, "CREATE TABLE {} (organization_id TEXT, id TEXT, body TEXT)")
        closed, written = await measuring.interleaved(
            rounds,
            lambda number: _close(house, dispatcher, batches[number]),
            lambda number: _write_plainly(house, batches[number], parts),
        )
        unbilled = [each for each in ids if await invoices.count(house.reader, each) != 1]
    per = 1_000 / count
    return tables.show(
        f"{rounds} rounds of {count} organizations with {members} members on {databases.dialect_of(database)}",
        [
            tables.Figure("month close, each", f"{measuring.percentile(closed, 50) * per:.2f} ms"),
            tables.Figure("plain INSERTs, each", f"{measuring.percentile(written, 50) * per:.2f} ms"),
            tables.Figure("ratio", str(measuring.ratio(closed, written))),
            tables.zero("organizations without their one invoice", len(unbilled)),
        ],
    )


async def publish(database: Database) -> None:
    """Put the plan on offer."""

    async def publish(client: Client) -> None:
        await plans.publish(client, key="seats", version=1, currency="USD", document=PLAN, published_at=START)

    await database.runner.run(publish, lane="catalog")


async def open_one(dispatcher: Dispatcher, number: int) -> tuple[str, Principal]:
    """Open an organization, and return its id and who may do everything in it."""
    name = f"owner-{number}"
    command = organizations.Create(f"open-{number}", f"org-{number}", f"Org {number}", "USD", "UTC", "en", "seats")
    created = await organizations.create(dispatcher, command, Request(a_person(name, START), START, "bench"))
    assert isinstance(created, organizations.Created), created
    return created.organization_id, owner_of(created.organization_id, created.member_id, name, START)


async def _fill(dispatcher: Dispatcher, number: int, members: int) -> str:
    """Open an organization with so many members, and return its id."""
    organization_id, owner = await open_one(dispatcher, number)
    people = tuple(
        imports.NewMember(f"m{each}@org-{number}.example", f"Member {each}", "member", "chat")
        for each in range(members)
    )
    added = await dispatcher.execute(
        imports.add_many,
        imports.AddMany(organization_id, "people", people),
        Request(owner, START, "bench"),
    )
    assert isinstance(added, imports.ManyAdded), added
    return organization_id


async def _close(database: Database, dispatcher: Dispatcher, ids: list[str]) -> None:
    for organization_id in ids:
        organization = await rows.find(database.reader, organization_id)
        assert organization is not None, "it was opened a moment ago"
        async for _report in due.carry_out_of(database.reader, dispatcher, organization, at=CLOSE_AT):
            pass


def _parts(organization_id: str, members: int) -> list[dict[str, str]]:
    """Return rows as many and as long as those of the invoice: two lines, and a share for each seat."""
    lines = [{"organization_id": organization_id, "id": f"line-{number}", "body": "l" * 900} for number in range(2)]
    shares = [{"organization_id": organization_id, "id": f"{number}", "body": "s" * 300} for number in range(members)]
    return [*lines, *shares]


async def _write_plainly(database: Database, ids: list[str], parts: dict[str, list[dict[str, str]]]) -> None:
    """Write the same number of rows without any thought."""
    for organization_id in ids:

        async def write(client: Client, organization_id: str = organization_id) -> None:
            await INSERT_HEAD.run(client, organization_id=organization_id, id="head", body="h" * 600)
            await INSERT_PART.run_many(client, parts[organization_id])

        await database.runner.run(write, lane=organization_id)


async def _tables(database: Database, definition: str) -> None:
    for table in ("bench_heads", "bench_parts"):
        await database.writer.execute_query(definition.format(table))
