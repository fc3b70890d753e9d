"""How long does it take to bring in a long list of people?

The list is read and kept as the door does it, and brought in by the job that the server runs, once as many as can and
once all or nothing; beside it, an unrelated organization writes all along, to see how long others wait.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from benchmarks import databases, measuring, tables
from benchmarks.month_close import open_one, publish
from events.hub import Hub
from jobs.imports import Importer
from models import imports as rows
from models.database import Database, opened
from services import import_files, import_runs, members
from services.dispatch import Dispatcher, Request
from services.import_runs import Mode, Packed

START = datetime(2026, 10, 1, tzinfo=UTC)
PAUSE_SECONDS = 0.02


def run(
    people: Annotated[int, typer.Option(min=1, max=import_runs.PEOPLE_MAX, help="How many people the list has.")] = (
        import_runs.PEOPLE_MAX
    ),
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Bring in a long list of people, both ways, while another organization writes."""
    raise SystemExit(asyncio.run(measure(people, database)))


async def measure(people: int, database: str) -> int:
    """Bring the same list into two organizations, and print how long it took."""
    text = "email,name,role,tier\n" + "".join(f"p{n}@x.example,Person {n},member,chat\n" for n in range(people))
    started = time.perf_counter()
    listed = import_files.read(text)
    packed = import_runs.packed([each.person for each in listed], [each.line for each in listed])
    figures = [
        tables.Figure("list", f"{len(text) / 1e6:.1f} MB"),
        tables.Figure("read and pack", f"{time.perf_counter() - started:.2f} s"),
    ]
    async with databases.thrown_away(database) as url, opened(url) as house:
        dispatcher = Dispatcher(house.runner, Hub())
        await publish(house)
        for number, mode in enumerate(Mode):
            figures += await _import(house, dispatcher, packed, mode, number)
    return tables.show(f"{people:,} people on {databases.dialect_of(database)}", figures)


async def _import(
    house: Database, dispatcher: Dispatcher, packed: Packed, mode: Mode, number: int
) -> list[tables.Figure]:
    organization_id, owner = await open_one(dispatcher, 2 * number)
    other_id, other = await open_one(dispatcher, 2 * number + 1)
    begun = time.perf_counter()
    command = import_runs.Start(organization_id, "list", packed, mode, dry_run=False)
    started = await dispatcher.execute(import_runs.start, command, Request(owner, START, "bench"))
    assert isinstance(started, import_runs.Started), started
    kept = time.perf_counter()
    waits: list[float] = []
    over = asyncio.Event()
    writing = asyncio.create_task(_write(dispatcher, other_id, Request(other, START, "bench"), waits, over))
    await Importer(house.reader, dispatcher, clock=lambda: START).carry_out()
    took = time.perf_counter() - kept
    over.set()
    await writing
    run = await rows.find(house.reader, organization_id, started.import_id)
    assert run is not None, "imports stay"
    return [
        tables.Figure(f"{mode}: keep the list", f"{kept - begun:.2f} s"),
        tables.Figure(f"{mode}: bring it in", f"{took:.2f} s"),
        tables.zero(f"{mode}: people missing", packed.total - run.added),
        tables.Figure(f"{mode}: writes of others, median", f"{measuring.percentile(waits, 50) * 1e3:.0f} ms"),
        tables.Figure(f"{mode}: the longest of them", f"{max(waits) * 1e3:.0f} ms"),
    ]


async def _write(
    dispatcher: Dispatcher, organization_id: str, request: Request, waits: list[float], over: asyncio.Event
) -> None:
    """Add a person again and again until it is over, and note how long each takes."""
    while not over.is_set():
        begun = time.perf_counter()
        name = f"w{len(waits)}"
        command = members.AddMember(organization_id, name, f"{name}@x.example", name, "member", "chat")
        await dispatcher.execute(members.add, command, request)
        waits.append(time.perf_counter() - begun)
        await asyncio.sleep(PAUSE_SECONDS)
