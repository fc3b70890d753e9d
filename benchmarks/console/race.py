"""How quickly is the page answered, beside everybody else who can answer it?

Everybody answers once, and all have to say the same. Then they are asked turn by turn, over one connection and over
thirty-two, in rounds that each begin with another; a ratio is that of two figures of one round.
"""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from benchmarks import charts, databases, measuring, tables, wire
from benchmarks.console import contestants, page
from benchmarks.console.contestants import BY_HAND, NODE, OURS, STRAWBERRY, Contestant
from benchmarks.issuer import issuing
from models.database import opened

CONNECTIONS = (1, 32)
GOALS = {
    (False, BY_HAND): 0.80,
    (True, BY_HAND): 0.85,
    (False, STRAWBERRY): 15.0,
    (False, NODE["postgraphile"]): 2.0,
    (False, NODE["mercurius"]): 2.0,
}
"""By whether the database is SQLite and who it is measured against: how many times as many answers, at 32."""
Rates = dict[str, list[wire.Load]]


class TheyDiffer(AssertionError):
    """Two contestants do not say the same of the same rows, so their times mean nothing."""


def run(
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds are measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each is asked in a round.")] = 2.0,
    peers: Annotated[bool, typer.Option(help="Also the Node servers; they need PostgreSQL and `npm ci`.")] = True,
    chart: Annotated[Path | None, typer.Option(help="Draw the figures into this PNG file.")] = None,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Answer the console page beside a handler by hand, strawberry and the GraphQL servers of Node."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise SystemExit(runner.run(measure(rounds, seconds, database, with_peers=peers, chart=chart)))


async def measure(rounds: int, seconds: float, database: str, *, with_peers: bool, chart: Path | None = None) -> int:
    """Fill a database, check that all agree, race and print."""
    rates: dict[int, Rates] = {}
    with tempfile.TemporaryDirectory() as folder, issuing(Path(folder)) as issuer:
        async with databases.thrown_away(database) as url:
            async with opened(url) as house:
                organization_id = await page.fill(house, issuer=issuer.url, at=datetime.now(UTC))
            shown = contestants.Page(url, organization_id, issuer, Path(folder))
            async with contestants.all_of(shown, with_peers=with_peers) as everybody:
                fields = await agreed(everybody)
                for connections in CONNECTIONS:
                    rates[connections] = await raced(everybody, connections, rounds, seconds)
    is_sqlite = database == databases.SQLITE
    title = f"The console page ({fields} fields) on {databases.dialect_of(database)}, {rounds} rounds of {seconds:g} s"
    if chart is not None:
        bars = [(name, _rate(loads)) for name, loads in rates[CONNECTIONS[-1]].items()]
        charts.bars(chart, title, f"answers a second over {CONNECTIONS[-1]} connections", bars)
    return tables.show(title, [row for connections in CONNECTIONS for row in figures(rates, connections, is_sqlite)])


async def agreed(everybody: Sequence[Contestant]) -> int:
    """Ask everybody once, raise `TheyDiffer` unless all say the same, and return how many fields that has."""
    first, *others = [each.read(json.loads(await wire.once(each.port, each.request))) for each in everybody]
    for each, other in zip(everybody[1:], others, strict=True):
        if other != first:
            raise TheyDiffer(f"{each.name} says {json.dumps(other)[:2_000]}, {OURS} {json.dumps(first)[:2_000]}")
    return _fields(first)


async def raced(everybody: Sequence[Contestant], connections: int, rounds: int, seconds: float) -> Rates:
    """Return what each was answered in each round."""
    rates: Rates = {each.name: [] for each in everybody}
    for each in everybody:  # whatever is made at the first request is nobody's speed
        await wire.load(each.port, each.request, connections=connections, seconds=min(1.0, seconds))
    for number in range(rounds):
        start = number % len(everybody)
        for each in [*everybody[start:], *everybody[:start]]:
            rates[each.name].append(await wire.load(each.port, each.request, connections=connections, seconds=seconds))
    return rates


def figures(rates: dict[int, Rates], connections: int, is_sqlite: bool) -> list[tables.Figure]:
    """Return the rows of the table for one number of connections; promises are about the most of them."""
    found = rates[connections]
    rows = [tables.Figure(f"{connections} connections: {name}", _described(loads)) for name, loads in found.items()]
    ours = [load.per_second for load in found[OURS]]
    for name, loads in found.items():
        if name == OURS:
            continue
        times = measuring.ratio(ours, [load.per_second for load in loads])
        goal = GOALS.get((is_sqlite, name)) if connections == CONNECTIONS[-1] else None
        what = f"{connections} connections: times {name}" + ("" if goal is None else f", promised {goal:.2f}")
        rows.append(tables.Figure(what, str(times), None if goal is None else times.median >= goal))
    return rows


def _described(loads: Sequence[wire.Load]) -> str:
    latencies = [latency for load in loads for latency in load.latencies]
    p50, p99 = (1_000 * measuring.percentile(latencies, percent) for percent in (50, 99))
    return f"{_rate(loads):,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _rate(loads: Sequence[wire.Load]) -> float:
    return measuring.percentile([load.per_second for load in loads], 50)


def _fields(value: object) -> int:
    match value:
        case dict():
            return len(value) + sum(_fields(each) for each in value.values())
        case list():
            return sum(_fields(each) for each in value)
        case _:
            return 0
