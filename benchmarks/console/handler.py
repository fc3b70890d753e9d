"""The page by hand: five statements, a dictionary, orjson.

No document is read, nobody's permission is asked and nothing is decided that this one page does not show. It is what a
graph is measured against, because nothing that answers more than one question can be quicker.
"""

import argparse
import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

import aiosqlite
import asyncpg  # type: ignore[import-untyped]  # it ships no types
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.console.page import month_start

NANOS = 1_000_000_000
ORGANIZATION = """
    SELECT o.organization_id, o.slug, o.name, o.currency, o.time_zone, o.status,
           l.cap_nanos, c.spent_nanos, c.held_nanos,
           (SELECT count(*) FROM members m WHERE m.organization_id = o.organization_id) AS members
    FROM organizations o
    LEFT JOIN spend_limits l ON l.organization_id = o.organization_id AND l.level = 'ORGANIZATION' AND l.ends_at IS NULL
    LEFT JOIN spend_counters c ON c.organization_id = o.organization_id AND c.period_start = $2
        AND c.interval = 'MONTH' AND c.level = 'ORGANIZATION' AND c.subject = o.organization_id
    WHERE o.organization_id = $1
"""
TIER_CAPS = """
    SELECT subject, cap_nanos FROM spend_limits
    WHERE organization_id = $1 AND level = 'SEAT_TIER' AND scope = 'PER_MEMBER' AND ends_at IS NULL
"""
MEMBERS = """
    SELECT m.id, m.name, s.id AS seat, s.tier, l.cap_nanos, c.spent_nanos, c.held_nanos
    FROM members m
    LEFT JOIN seat_intervals s ON s.organization_id = m.organization_id AND s.member_id = m.id AND s.ends_at IS NULL
    LEFT JOIN spend_limits l ON l.organization_id = m.organization_id AND l.level = 'MEMBER' AND l.subject = m.id
        AND l.ends_at IS NULL
    LEFT JOIN spend_counters c ON c.organization_id = m.organization_id AND c.period_start = $2
        AND c.interval = 'MONTH' AND c.level = 'MEMBER' AND c.subject = m.id
    WHERE m.organization_id = $1 ORDER BY m.id LIMIT 51
"""
INVOICES = """
    SELECT id, number, status, due_at, total_minor FROM invoices
    WHERE organization_id = $1 ORDER BY id DESC LIMIT 5
"""
LINES = """
    SELECT l.invoice_id, l.description, l.amount_minor FROM invoice_lines l
    WHERE l.organization_id = $1 AND l.invoice_id IN (
        SELECT id FROM invoices WHERE organization_id = $1 ORDER BY id DESC LIMIT 5)
    ORDER BY l.invoice_id, l.position
"""
Row = Mapping[str, Any]


class Reader(Protocol):
    """What the page needs of a database."""

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """Return the rows of one statement."""
        ...


class _Postgres:
    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        found: Sequence[Row] = await self._pool.fetch(sql, *values)
        return found


class _Sqlite:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        return list(await self._connection.execute_fetchall(sql.replace("$", "?"), values))  # type: ignore[arg-type]


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Reader]:
    """Yield a reader of the database at `url`."""
    if url.startswith("sqlite"):
        async with aiosqlite.connect(f"file:{url.removeprefix('sqlite://')}?mode=ro", uri=True) as connection:
            connection.row_factory = aiosqlite.Row
            yield _Sqlite(connection)
        return
    async with asyncpg.create_pool(url, min_size=10, max_size=10) as pool:
        yield _Postgres(pool)


async def answered(reader: Reader, organization_id: str, at: datetime) -> dict[str, Any] | None:
    """Return the page as the graph answers it."""
    month = int(month_start(at, 0).timestamp()) * 1_000_000
    found = await reader.rows(ORGANIZATION, organization_id, month)
    if not found:
        return {"organization": None}
    (own,) = found
    caps = {row["subject"]: row["cap_nanos"] for row in await reader.rows(TIER_CAPS, organization_id)}
    members = await reader.rows(MEMBERS, organization_id, month)
    invoices = await reader.rows(INVOICES, organization_id)
    lines: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in await reader.rows(LINES, organization_id):
        amount = {"amount": minor_text(row["amount_minor"])}
        lines[row["invoice_id"]].append({"description": row["description"], "amount": amount})
    nodes = []
    for row in members[:50]:
        level, left = binding(own, row, row["cap_nanos"], caps.get(row["tier"]))
        nodes.append(
            {
                "id": f"mem_{organization_id}_{row['id']}",
                "name": row["name"],
                "seat": row["seat"] and {"tier": row["tier"] and {"key": row["tier"]}},
                "monthToDate": {"amount": nanos_text(row["spent_nanos"] or 0)},
                "effectiveLimit": {
                    "remaining": None if left is None else {"amount": nanos_text(max(left, 0))},
                    "bindingLevel": level,
                },
            }
        )
    organization = {
        "id": f"org_{organization_id}",
        "slug": own["slug"],
        "name": own["name"],
        "currency": own["currency"],
        "timeZone": own["time_zone"],
        "status": own["status"],
        "members": {"totalCount": own["members"], "pageInfo": {"hasNextPage": len(members) > 50}, "nodes": nodes},
        "invoices": {
            "nodes": [
                {
                    "id": f"inv_{organization_id}_{row['id']}",
                    "number": row["number"],
                    "status": row["status"],
                    "dueAt": instant_text(row["due_at"]),
                    "total": {"amount": minor_text(row["total_minor"])},
                    "lines": lines[row["id"]],
                }
                for row in invoices
            ]
        },
    }
    return {"organization": organization}


def binding(
    own: Row, counter: Row | None, member_cap: int | None, tier_cap: int | None
) -> tuple[str | None, int | None]:
    """Return the level that binds a member and what it leaves: their own limit stands instead of their tier's."""
    level, cap = ("SEAT_TIER", tier_cap) if member_cap is None else ("MEMBER", member_cap)
    left, left_of_all = _left(counter, cap), _left(own, own["cap_nanos"])
    if left_of_all is not None and (left is None or left_of_all < left):
        return "ORGANIZATION", left_of_all
    return (None, None) if left is None else (level, left)


def _left(counter: Row | None, cap: int | None) -> int | None:
    if cap is None or counter is None:
        return cap
    return cap - (counter["spent_nanos"] or 0) - (counter["held_nanos"] or 0)


def nanos_text(nanos: int) -> str:
    """Return nanos of a currency with cents as text, with every decimal that counts."""
    whole, part = divmod(abs(nanos), NANOS)
    digits = f"{part:09d}"
    return f"{'-' if nanos < 0 else ''}{whole}.{digits[:2]}{digits[2:].rstrip('0')}"


def minor_text(minor: int) -> str:
    """Return cents as text."""
    whole, part = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole}.{part:02d}"


def instant_text(microseconds: int | None) -> str | None:
    """Return an instant as the graph writes it."""
    return None if microseconds is None else _iso(datetime.fromtimestamp(microseconds / 1_000_000, UTC))


def _iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


async def serve(url: str, port: int) -> None:
    """Serve the page until killed."""
    async with reading(url) as reader:

        async def console(request: Request) -> Response:
            body = orjson.loads(await request.body())
            data = await answered(reader, body["variables"]["id"].removeprefix("org_"), datetime.now(UTC))
            return Response(orjson.dumps({"data": data}), media_type="application/json")

        app = Starlette(routes=[Route("/graphql", console, methods=["POST"])])
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
