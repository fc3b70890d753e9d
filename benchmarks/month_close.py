"""How long does it take to close a month for many organizations?

    python -m benchmarks.month_close --organizations 1000 --members 50 [--database sqlite:///path | postgres://…]

Organizations are opened and filled by the real services. The close is the job that the worker runs. It is compared
with writing the very same invoice rows by plain INSERT statements in one transaction for each organization: the least
that any close must do.
"""

import argparse
import asyncio
import tempfile
import time
from datetime import UTC, datetime
from typing import Any

from auth.principal import Membership, Method, Principal
from billing.roles import Permission
from events.hub import Hub
from jobs import due
from models import invoices, plans
from models.database import Database, opened
from models.migrate import migrate
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


async def main() -> None:
    """Fill a database, close it, and write the same rows plainly."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.database or f"sqlite://{folder}/bench.db"
        async with opened(url) as database:
            await migrate(database)
            dispatcher = Dispatcher(database.runner, Hub())
            ids = await _fill(database, dispatcher, arguments.organizations, arguments.members)
            started = time.perf_counter()
            reports = [report async for report in due.carry_out(database.reader, dispatcher, at=CLOSE_AT)]
            closed = time.perf_counter() - started
            written = await _write_plainly(database, ids)
    assert len(reports) == len(ids), "every organization closed one month"
    print(f"{len(ids)} organizations of {arguments.members} members on {database.dialect}")  # noqa: T201
    print(f"  month close       {closed:8.2f} s   {1_000 * closed / len(ids):6.2f} ms each")  # noqa: T201
    print(f"  plain INSERTs     {written:8.2f} s   {1_000 * written / len(ids):6.2f} ms each")  # noqa: T201
    print(f"  ratio             {closed / written:8.1f}")  # noqa: T201


async def _fill(database: Database, dispatcher: Dispatcher, count: int, members: int) -> list[str]:
    async def publish(client: Client) -> None:
        await plans.publish(client, key="seats", version=1, currency="USD", document=PLAN, published_at=START)

    await database.runner.run(publish, lane="catalog")
    ids = []
    for number in range(count):
        command = organizations.Create(f"open-{number}", f"org-{number}", f"Org {number}", "USD", "UTC", "en", "seats")
        opened_as = _principal(number)
        created = await organizations.create(dispatcher, command, Request(opened_as, START, "bench"))
        assert isinstance(created, organizations.Created), created
        own = Membership(created.organization_id, created.member_id, "primary_owner", frozenset(Permission))
        people = tuple(
            imports.NewMember(f"m{each}@org-{number}.example", f"Member {each}", "member", "chat")
            for each in range(members)
        )
        added = await dispatcher.execute(
            imports.add_many,
            imports.AddMany(created.organization_id, "people", people),
            Request(_principal(number, own), START, "bench"),
        )
        assert isinstance(added, imports.ManyAdded), added
        ids.append(created.organization_id)
    return ids


async def _write_plainly(database: Database, ids: list[str]) -> float:
    """Return the seconds that writing the same number of invoice rows takes without any thought."""
    for table in ("bench_heads", "bench_parts"):
        await database.writer.execute_query(f"CREATE TABLE {table} (organization_id TEXT, id TEXT, body TEXT)")
    parts = {}
    for organization_id in ids:
        page = await invoices.page_of(database.reader, organization_id, invoices.Window(5))
        lines = await invoices.lines_of(database.reader, organization_id, [invoice.id for invoice in page.rows])
        shares = await invoices.shares_of(database.reader, organization_id, [invoice.id for invoice in page.rows])
        bodies = [str(row.__dict__) for row in (*lines, *shares)]
        parts[organization_id] = [
            {"organization_id": organization_id, "id": str(position), "body": body}
            for position, body in enumerate(bodies)
        ]
    started = time.perf_counter()
    for organization_id in ids:

        async def write(client: Client, organization_id: str = organization_id) -> None:
            await INSERT_HEAD.run(client, organization_id=organization_id, id="head", body="head")
            await INSERT_PART.run_many(client, parts[organization_id])

        await database.runner.run(write, lane=organization_id)
    seconds = time.perf_counter() - started
    for table in ("bench_heads", "bench_parts"):
        await database.writer.execute_query(f"DROP TABLE {table}")
    return seconds


def _principal(number: int, *memberships: Membership) -> Principal:
    return Principal.of(
        memberships,
        issuer="https://idp.example",
        subject=f"owner-{number}",
        name=f"Owner {number}",
        email=f"owner@org-{number}.example",
        authenticated_at=START,
        expires_at=CLOSE_AT,
        method=Method.BEARER,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organizations", type=int, default=1_000)
    parser.add_argument("--members", type=int, default=50)
    parser.add_argument("--database", default="")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
