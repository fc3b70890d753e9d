"""How quickly does usage get in, against the quickest way there is to write the same rows?

Many clients report usage of one hot organization over GraphQL and HTTP: all of it is authenticated, rated, held against
limits, counted, rolled up, told, audited and kept under its key. The counterpart only writes the rows of the events,
into a table with the same indexes, from values that are ready: by COPY on PostgreSQL, by `executemany` on SQLite, a
commit for every batch. Both write the same number of rows in each round. Then everything that was acknowledged is
looked for, once each, and the books are verified.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import typer

from api import json_codec
from api.house import now
from benchmarks import databases, graph_layer, load, measuring, tables, wire
from benchmarks.issuer import issuing
from benchmarks.kills import catalogued, opened_work
from benchmarks.serving import Served, command
from models import usage
from models.database import opened, reading
from models.engines.sqlite_writer import PRAGMAS
from models.migrate import migrate
from models.sql import Statement
from schema import ids

COPY_GOAL: Final = 0.35
EXECUTEMANY_GOAL: Final = 0.45
RECORD: Final = """mutation Record($input: RecordUsageInput!) { recordUsage(input: $input) {
    results { eventId status usageId cost { amount currency } } userErrors { code message field } } }"""
_ROWS = Statement("SELECT * FROM usage_events WHERE organization_id = :organization_id ORDER BY id LIMIT 200000")
_COUNTED = Statement("""
    SELECT count(*) AS events, count(DISTINCT external_id) AS distinct_events FROM usage_events
    WHERE organization_id = :organization_id
""")
_ROLLED_UP = Statement("""
    SELECT CAST(sum(events) AS BIGINT) AS events FROM usage_rollups WHERE organization_id = :organization_id
""")
_DEADLOCKS = Statement("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
Columns = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is reported by how many."""

    rounds: int
    clients: int
    requests: int
    events: int

    @property
    def per_round(self) -> int:
        """How many events are reported in a round."""
        return self.clients * self.requests * self.events


@dataclass(slots=True)
class Proof:
    """What came of it."""

    ours: list[float]
    theirs: list[float]
    latencies: list[float] = field(default_factory=list)
    acknowledged: int = 0
    kept: int = 0
    distinct: int = 0
    rolled_up: int = 0
    deadlocks: int = 0
    verified: tuple[int, str] = (0, "")


def run(
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds; one more comes before them.")] = 5,
    clients: Annotated[int, typer.Option(min=1, help="How many clients report at once.")] = 32,
    requests: Annotated[int, typer.Option(min=1, help="How many requests each sends in a round.")] = 2,
    events: Annotated[int, typer.Option(min=1, max=1_000, help="How many events a request carries.")] = 500,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Report usage from many clients, beside COPY or executemany of the same rows."""
    size = Size(rounds, clients, requests, events)
    layer = graph_layer.figure(RECORD)
    proof = asyncio.run(measure(size, database))
    title = f"{clients} clients, {size.per_round:,} events a round, on {databases.dialect_of(database)}"
    raise SystemExit(tables.show(title, [*figures(proof, size, database), layer]))


def figures(proof: Proof, size: Size, database: str) -> list[tables.Figure]:
    """Return the rows of the table."""
    if proof.verified[0]:
        typer.echo(proof.verified[1], err=True)
    is_sqlite = database == databases.SQLITE
    name, goal = ("executemany", EXECUTEMANY_GOAL) if is_sqlite else ("COPY", COPY_GOAL)
    share = measuring.ratio(proof.theirs, proof.ours)
    return [
        tables.Figure("events a second, over GraphQL", _rates(size, proof.ours)),
        tables.Figure(f"rows a second, by {name}", _rates(size, proof.theirs)),
        tables.Figure(f"ours against {name}, at least {goal}", str(share), share.median >= goal),
        tables.Figure("a request, p50", f"{1_000 * measuring.percentile(proof.latencies, 50):.0f} ms"),
        tables.Figure("a request, p99", f"{1_000 * measuring.percentile(proof.latencies, 99):.0f} ms"),
        tables.count("events acknowledged", proof.acknowledged),
        tables.zero("acknowledged and not there", proof.acknowledged - proof.distinct),
        tables.zero("there more than once", proof.kept - proof.distinct),
        tables.zero("not in a rollup", proof.kept - proof.rolled_up),
        tables.zero("deadlocks", proof.deadlocks),
        tables.Figure("verify", "clean" if proof.verified[0] == 0 else "differs", proof.verified[0] == 0),
    ]


async def measure(size: Size, database: str) -> Proof:
    """Report and write in turns, then look for everything."""
    with tempfile.TemporaryDirectory(prefix="billgraph-ingest-") as name, issuing(Path(name)) as issuer:
        async with catalogued(database) as (url, _):
            server = Served(url, issuer, Path(name) / "log")
            await server.start()
            try:
                proof = await _rounds(server, issuer.token("owner@bench.example", "Owner"), size, Path(name))
            finally:
                await server.kill()
            proof.verified = await command(server.log.with_name("verify"), url, "verify")
            return proof


async def _rounds(server: Served, token: str, size: Size, folder: Path) -> Proof:
    work, _ = await opened_work(server, token)
    organization_id = ids.parse(work.organization_id, ids.Kind.ORGANIZATION).organization_id
    headers = {"host": "x", "authorization": f"Bearer {token}", "content-type": "application/json"}
    proof = Proof([], [])

    def asked(number: int) -> list[bytes]:
        return [wire.post("/graphql", headers, body) for body in _bodies(work, size, number)]

    await _report(server.port, asked(-1), size, proof)  # warm
    async with reading(server.database_url) as client:
        rows = [
            tuple(row[name] for name in usage.COLUMNS)
            for row in await _ROWS.rows(client, organization_id=organization_id)
        ]
    proof.latencies.clear()
    async with _counterpart(server.database_url, folder) as counterpart:
        await counterpart.write(_batches(rows, size, -1))
        for number in range(size.rounds):
            requests, batches = asked(number), _batches(rows, size, number)
            turns = [
                (proof.ours, _report(server.port, requests, size, proof)),
                (proof.theirs, counterpart.write(batches)),
            ]
            for times, turn in turns if number % 2 == 0 else reversed(turns):
                times.append(await measuring.seconds(turn))
        assert await counterpart.count() == (size.rounds + 1) * size.per_round, "both wrote the same number of rows"
    async with reading(server.database_url) as client:
        row = await _COUNTED.first(client, organization_id=organization_id)
        rolled_up = await _ROLLED_UP.first(client, organization_id=organization_id)
        assert row is not None
        assert rolled_up is not None
        proof.kept, proof.distinct, proof.rolled_up = row["events"], row["distinct_events"], rolled_up["events"]
        if server.database_url.startswith("postgres"):
            deadlocks = await _DEADLOCKS.first(client)
            proof.deadlocks = deadlocks["deadlocks"] if deadlocks else 0
    return proof


def _bodies(work: load.Work, size: Size, number: int) -> Iterator[bytes]:
    at = now().isoformat()
    for request in range(size.clients * size.requests):
        events = [
            {
                "id": f"call-{number}-{request}-{each}",
                "memberId": work.members[(request * 7 + each) % len(work.members)],
                "model": "atlas",
                "direction": "INPUT",
                "quantity": str(100 + each),
                "occurredAt": at,
            }
            for each in range(size.events)
        ]
        given = {
            "organizationId": work.organization_id,
            "idempotencyKey": f"batch-{number}-{request}",
            "events": events,
        }
        yield json_codec.encode({"query": RECORD, "variables": {"input": given}})


def _batches(rows: Sequence[Columns], size: Size, number: int) -> list[list[Columns]]:
    """Return rows like those that were kept, under ids of their own, in batches as they were reported."""
    own = [(row[0], f"{row[1][:18]}{number + 1:08}", f"{row[2]}/{number}", *row[3:]) for row in rows]
    named = [(row[0], f"{row[1][:10]}{place:08}{number + 1:08}", *row[2:]) for place, row in enumerate(own)]
    return [named[start : start + size.events] for start in range(0, len(named), size.events)]


async def _report(port: int, requests: Sequence[bytes], size: Size, proof: Proof) -> None:
    """Let the clients send all requests, each as soon as its last one was answered."""
    waiting = deque(requests)
    answers: list[bytes] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        while waiting:
            request = waiting.popleft()
            started = time.perf_counter()
            writer.write(request)
            await writer.drain()
            answers.append(await _answer(reader))
            proof.latencies.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(client() for _ in range(size.clients)))
    recorded = sum(answer.count(b'"status":"RECORDED"') for answer in answers)
    wrong = [answer for answer in answers if b'"userErrors":[]' not in answer]
    assert not wrong, wrong[0][:500]
    assert recorded == len(requests) * size.events, "each event is acknowledged"
    proof.acknowledged += recorded


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise wire.Unexpected(head.decode(errors="replace"))
    return await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))


class Counterpart(Protocol):
    """Writes rows and nothing else."""

    async def write(self, batches: Sequence[Sequence[Columns]]) -> None: ...

    async def count(self) -> int: ...


@dataclass(slots=True)
class _Copy:
    """COPY into a table with the same indexes, over one connection."""

    connection: asyncpg.Connection

    async def write(self, batches: Sequence[Sequence[Columns]]) -> None:
        for batch in batches:
            await self.connection.copy_records_to_table("copied", records=batch, columns=usage.COLUMNS)

    async def count(self) -> int:
        return int(await self.connection.fetchval("SELECT count(*) FROM copied"))


@dataclass(slots=True)
class _ExecuteMany:
    """`executemany` into a database of the same schema, on a thread as the server's own writer is."""

    path: Path

    async def write(self, batches: Sequence[Sequence[Columns]]) -> None:
        await asyncio.to_thread(self._write, batches)

    async def count(self) -> int:
        with sqlite3.connect(self.path) as connection:
            return int(connection.execute("SELECT count(*) FROM usage_events").fetchone()[0])

    def _write(self, batches: Sequence[Sequence[Columns]]) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for name, value in PRAGMAS.items():
            connection.execute(f"PRAGMA {name}={value}")
        places = ", ".join("?" * len(usage.COLUMNS))
        text = f"INSERT INTO usage_events ({', '.join(usage.COLUMNS)}) VALUES ({places})"  # noqa: S608  # constants
        for batch in batches:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(text, batch)
            connection.execute("COMMIT")
        connection.close()


@asynccontextmanager
async def _counterpart(url: str, folder: Path) -> AsyncIterator[Counterpart]:
    if url.startswith("sqlite"):
        path = folder / "plain.db"
        async with opened(f"sqlite://{path}") as database:
            await migrate(database)
        yield _ExecuteMany(path)
        return
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE copied (LIKE usage_events INCLUDING ALL)")
        yield _Copy(connection)
        await connection.execute("DROP TABLE copied")
    finally:
        await connection.close()


def _rates(size: Size, times: Sequence[float]) -> str:
    rates = sorted(size.per_round / each for each in times)
    return f"{rates[len(rates) // 2]:,.0f} ({rates[0]:,.0f}–{rates[-1]:,.0f})"
