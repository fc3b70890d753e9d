"""What does it cost to ask before spending?

A reservation and its settlement, one after the other, on an organization with a cap at every level: the whole of both
commands in one process, and the bare SQL of the same statements. The statements are noted while the service runs on one
database, and carried out by the driver alone, with the same values and the same commits, on a second database that was
made the same: every id is derived, so both hold the same rows. At the end their counters must be equal.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Protocol

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import typer

from benchmarks import databases, measuring, scene, tables
from billing.rating import Direction
from events.hub import Hub
from models.database import opened, sqlite_path
from models.engines.sqlite_writer import PRAGMAS
from models.runner import Runner
from models.sql import Client, Statement
from services import reservation_facts as facts
from services import reservations, settling
from services.dispatch import Dispatcher

GOAL: Final = 0.5
WARM: Final = 20
_COUNTERS = Statement("""
    SELECT period_start, interval, level, subject, spent_nanos, held_nanos FROM spend_counters
    WHERE organization_id = :organization_id ORDER BY period_start, interval, level, subject
""")
Said = tuple[str, list[Any], bool]
"""A statement, its values, and whether the values are those of many rows."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What each pair of commands took, and what its bare statements did."""

    ours: list[float]
    bare: list[float]
    statements: float
    differing: int


def run(
    pairs: Annotated[int, typer.Option(min=1, help="How many reservations are made and settled.")] = 500,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Reserve and settle on every level, beside the bare SQL of the same statements."""
    proof = asyncio.run(measure(pairs, database))
    title = f"{pairs:,} × reserve and settle, capped at every level, on {databases.dialect_of(database)}"
    raise SystemExit(tables.show(title, figures(proof)))


def figures(proof: Proof) -> list[tables.Figure]:
    """Return the rows of the table."""
    share = measuring.ratio(proof.bare, proof.ours)
    return [
        tables.Figure("statements of a pair", f"{proof.statements:.1f}"),
        *(
            tables.Figure(f"{what}, p50 and p99", " and ".join(_milliseconds(times, each) for each in (50, 99)))
            for what, times in (("reserve + settle", proof.ours), ("the bare statements", proof.bare))
        ),
        tables.Figure(f"as quick as the bare statements, at least {GOAL}", f"{share.median:.2f}", share.median >= GOAL),
        tables.zero("counters that differ", proof.differing),
    ]


async def measure(pairs: int, database: str) -> Proof:
    """Reserve, settle and replay, in turns."""
    async with databases.thrown_away(database) as url, databases.thrown_away(database) as twin:
        async with opened(twin) as house:
            await scene.set_up(house, people=6, demand_nanos=10**15)
        async with opened(url) as house:
            stage = await scene.set_up(house, people=6, demand_nanos=10**15)
            noting = _Noting(house.writer)
            dispatcher = Dispatcher(Runner(noting), Hub())
            ours: list[float] = []
            bare: list[float] = []
            async with _driver(twin) as driver:
                for number in range(-WARM, pairs):
                    noting.said.clear()
                    started = time.perf_counter()
                    await _pair(dispatcher, stage, number)
                    between = time.perf_counter()
                    await driver.carry_out(noting.said)
                    if number >= 0:
                        ours.append(between - started)
                        bare.append(time.perf_counter() - between)
            count = sum(len(each) for each in noting.said)
            kept = await _COUNTERS.rows(house.reader, organization_id=stage.organization_id)
        async with opened(twin) as house:
            replayed = await _COUNTERS.rows(house.reader, organization_id=stage.organization_id)
        differing = sum(one != other for one, other in zip(kept, replayed, strict=True))
        return Proof(ours, bare, float(count), differing)


async def _pair(dispatcher: Dispatcher, stage: scene.Scene, number: int) -> None:
    person = stage.people[number % len(stage.people)]
    ask = facts.Ask(f"hold-{number}", person.member_id, 10**6, "USD", ttl_seconds=600)
    reserve = facts.Reserve(stage.organization_id, f"reserve-{number}", (ask,))
    held = await dispatcher.execute(reservations.reserve, reserve, stage.request("bench"))
    assert isinstance(held, facts.ReserveAnswer), held
    assert isinstance(held.outcomes[0], facts.Reserved), held
    use = facts.Use(f"use-{number}", "tokens", "atlas", Direction.INPUT, 900)
    actual = facts.Actual(facts.Which(None, ask.external_id), (use,))
    settle = facts.Settle(stage.organization_id, f"settle-{number}", (actual,))
    settled = await dispatcher.execute(settling.settle, settle, stage.request("bench"))
    assert isinstance(settled, facts.SettleAnswer), settled
    assert isinstance(settled.outcomes[0], facts.Settled), settled


@dataclass(slots=True)
class _Noting:
    """A writer that notes every statement, transaction by transaction."""

    writer: Any
    said: list[list[Said]] = field(default_factory=list)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Client]:
        """Yield a client of the writer's that notes what it is told."""
        async with self.writer.transaction() as client:
            noted: list[Said] = []
            self.said.append(noted)
            for name in ("execute_query", "execute_query_dict", "execute_insert", "execute_many", "fetch"):
                setattr(client, name, _noted(getattr(client, name), noted, is_many=name == "execute_many"))
            yield client


def _noted(execute: Any, noted: list[Said], *, is_many: bool) -> Any:
    inside = False

    async def executed(query: str, values: Any = None, *rest: Any) -> Any:
        nonlocal inside
        if not inside:  # one way of asking may be carried out by another
            noted.append((query, list(values or ()), is_many))
        inside = True
        try:
            return await execute(query, values, *rest)
        finally:
            inside = False

    return executed


class _Driver(Protocol):
    """Carries out statements, and nothing else."""

    async def carry_out(self, transactions: Sequence[Sequence[Said]]) -> None: ...


@dataclass(slots=True)
class _Postgres:
    connection: asyncpg.Connection

    async def carry_out(self, transactions: Sequence[Sequence[Said]]) -> None:
        for said in transactions:
            async with self.connection.transaction():
                for query, values, is_many in said:
                    if is_many:
                        await self.connection.executemany(query, values)
                    else:
                        await self.connection.fetch(query, *values)


@dataclass(slots=True)
class _Sqlite:
    connection: sqlite3.Connection

    async def carry_out(self, transactions: Sequence[Sequence[Said]]) -> None:
        await asyncio.to_thread(self._carry_out, transactions)

    def _carry_out(self, transactions: Sequence[Sequence[Said]]) -> None:
        for said in transactions:
            self.connection.execute("BEGIN IMMEDIATE")
            for query, values, is_many in said:
                if is_many:
                    self.connection.executemany(query, values)
                else:
                    self.connection.execute(query, values).fetchall()
            self.connection.execute("COMMIT")


@asynccontextmanager
async def _driver(url: str) -> AsyncIterator[_Driver]:
    path = sqlite_path(url)
    if path is None:
        connection = await asyncpg.connect(url)
        try:
            yield _Postgres(connection)
        finally:
            await connection.close()
        return
    file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for name, value in PRAGMAS.items():
        file.execute(f"PRAGMA {name}={value}")
    try:
        yield _Sqlite(file)
    finally:
        file.close()


def _milliseconds(times: Sequence[float], percent: float) -> str:
    return f"{1_000 * measuring.percentile(times, percent):.2f} ms"
