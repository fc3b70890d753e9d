"""Do invoice totals stay as quick as they are, however many events there are?

A month of events is loaded in bulk, with the rollups that recording them would have kept. Then the totals that a month
close and the reports read are taken from the rollups, in turns with the same sums over the raw events; both must be
equal, to the nano, before either is timed.
"""

import asyncio
import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import typer

from benchmarks import databases, measuring, tables
from billing.periods import to_microseconds
from billing.usage import UsageTotal
from models import usage
from models.database import Database, opened, sqlite_path
from models.sql import Statement

START: Final = datetime(2026, 10, 1, tzinfo=UTC)
ORGANIZATION: Final = "01k6fzz0c0zzzzzzzzzzzzzzzz"
MEMBERS, DAYS, CHUNK = 50, 30, 50_000
RATIO_GOAL, FLAT_GOAL = 1 / 50, 1.2
_RAW = Statement("""
    SELECT member_id, tier, meter, model, direction, price_version, CAST(sum(quantity) AS BIGINT) AS quantity,
           CAST(sum(cost_nanos) AS BIGINT) AS cost_nanos, count(*) AS events
    FROM usage_events WHERE organization_id = :organization_id AND period_start = :period_start
    GROUP BY member_id, tier, meter, model, direction, price_version
    ORDER BY member_id, model, direction, price_version, tier, meter
""")
_ROLLUP: Final = (
    *("organization_id", "period_start", "subscription_id", "day", "member_id", "tier", "meter", "model", "direction"),
    *("price_version", "quantity", "cost_nanos", "events"),
)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """What the totals of one month took, from the rollups and from the events."""

    events: int
    rollups: list[float]
    raw: list[float]


def run(
    events: Annotated[list[int], typer.Option(min=1, help="How many events there are; give it twice to compare.")] = [  # noqa: B006  # typer's way to say a default
        1_000_000,
        10_000_000,
    ],
    rounds: Annotated[int, typer.Option(min=1, help="How often each is asked.")] = 5,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Take the totals of a month from its rollups, beside a GROUP BY over its events."""
    timed = [asyncio.run(measure(count, rounds, database)) for count in events]
    title = f"totals of a month of {MEMBERS} members, on {databases.dialect_of(database)}"
    raise SystemExit(tables.show(title, figures(timed)))


def figures(timed: list[Timed]) -> list[tables.Figure]:
    """Return the rows of the table."""
    found: list[tables.Figure] = []
    for each in timed:
        share = measuring.ratio(each.rollups, each.raw)
        rollups, raw = (1_000 * measuring.percentile(times, 50) for times in (each.rollups, each.raw))
        found += [
            tables.Figure(f"{each.events:,} events: from rollups, from events", f"{rollups:.1f} ms, {raw:,.0f} ms"),
            tables.Figure("  as a share, at most 1/50", f"1/{1 / share.median:,.0f}", share.median <= RATIO_GOAL),
        ]
    if len(timed) > 1:
        growth = measuring.percentile(timed[-1].rollups, 50) / measuring.percentile(timed[0].rollups, 50)
        what = f"from {timed[0].events:,} to {timed[-1].events:,} events, at most {FLAT_GOAL} ×"
        found.append(tables.Figure(what, f"{growth:.2f} ×", growth <= FLAT_GOAL))
    return found


async def measure(count: int, rounds: int, database: str) -> Timed:
    """Load so many events, compare both sums, then time them in turns."""
    async with databases.thrown_away(database) as url:
        await _load(url, count)
        async with opened(url) as house:
            assert await _by_rollups(house) == await _by_events(house), "both sums are equal, to the nano"
            timed = await measuring.interleaved(rounds, lambda _: _by_rollups(house), lambda _: _by_events(house))
            return Timed(count, *timed)


async def _by_rollups(house: Database) -> list[UsageTotal]:
    found = await usage.totals(house.reader, ORGANIZATION, period_start=START)
    return list(found["subscription"])


async def _by_events(house: Database) -> list[UsageTotal]:
    start = to_microseconds(START)
    rows = await _RAW.rows(house.reader, organization_id=ORGANIZATION, period_start=start)
    return [UsageTotal(**row) for row in rows]


def _events(count: int, sums: defaultdict[Row, list[int]]) -> Iterator[Row]:
    """Yield events as rows, and add each to its rollup."""
    start = to_microseconds(START)
    days = [(START + timedelta(days=day)).date().isoformat() for day in range(DAYS)]
    members = [f"member-{number:04}" for number in range(MEMBERS)]
    kinds = list(itertools.product(("atlas", "iris"), ("INPUT", "OUTPUT")))
    for number in range(count):
        member, day = members[number % MEMBERS], number // MEMBERS % DAYS
        model, direction = kinds[number // 7 % len(kinds)]
        quantity = 100 + number % 900
        at = start + day * 86_400_000_000 + number % 86_400 * 1_000_000
        key = (ORGANIZATION, start, "subscription", days[day], member, "chat", "tokens", model, direction, "1")
        rollup = sums[key]
        rollup[0] += quantity
        rollup[1] += quantity * 1_000
        rollup[2] += 1
        yield (
            *(
                ORGANIZATION,
                f"{number:026}",
                f"call-{number}",
                "digest",
                member,
                "chat",
                "",
                "tokens",
                model,
                direction,
            ),
            *(quantity, quantity * 1_000, "1", "NONE", None, at, at, start),
        )


async def _load(url: str, count: int) -> None:
    sums: defaultdict[Row, list[int]] = defaultdict(lambda: [0, 0, 0])
    path = sqlite_path(url)
    if path is not None:
        await asyncio.to_thread(_load_file, str(path), count, sums)
        return
    connection = await asyncpg.connect(url, command_timeout=3_600)
    try:
        events = _events(count, sums)
        while chunk := list(itertools.islice(events, CHUNK)):
            await connection.copy_records_to_table("usage_events", records=chunk, columns=usage.COLUMNS)
        rows = [(*key, *found) for key, found in sums.items()]
        await connection.copy_records_to_table("usage_rollups", records=rows, columns=_ROLLUP)
        await connection.execute("VACUUM ANALYZE usage_events")
        await connection.execute("VACUUM ANALYZE usage_rollups")
    finally:
        await connection.close()


def _load_file(path: str, count: int, sums: defaultdict[Row, list[int]]) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")  # what is loaded is measured, not how
    connection.execute("PRAGMA cache_size=-200000")
    _insert(connection, "usage_events", usage.COLUMNS, _events(count, sums))
    _insert(connection, "usage_rollups", _ROLLUP, [(*key, *found) for key, found in sums.items()])
    connection.commit()
    connection.close()


def _insert(connection: sqlite3.Connection, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    places = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608  # constants
