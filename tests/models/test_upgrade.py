"""A database of an older release is brought up to date with everything in it."""

import importlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tortoise.migrations.executor import MigrationExecutor, MigrationTarget

from billing.limits import SpendLevel
from billing.periods import to_microseconds
from billing.windows import Interval, window
from models import alerts, limits
from models import counters as counter_rows
from models.database import MIGRATIONS, Database, opened
from models.fields import dump
from models.migrate import migrate
from models.paging import Window
from models.schema_check import require_golden
from tests import databases

ZONE = "America/New_York"
USED_AT = datetime(2026, 10, 5, 2, tzinfo=UTC)  # in New York still Sunday the 4th


@asynccontextmanager
async def at_first_light(folder: Path, worker: str) -> AsyncIterator[Database]:
    """Yield a database as the first release made it."""
    async with opened(await databases.empty(folder, f"{worker}_upgrade")) as database:
        executor = MigrationExecutor(database.writer, {"models": {"models": [], "migrations": MIGRATIONS}})
        await executor.migrate([MigrationTarget("models", "0001_first_light")], direction="forward")
        yield database


async def _insert(database: Database, table: str, **columns: Any) -> None:
    values = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in columns.values())
    await database.writer.execute_query(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})")  # ours


async def _populate(database: Database) -> None:
    month = to_microseconds(datetime(2026, 10, 1, 4, tzinfo=UTC))
    await _insert(
        database,
        "organizations",
        **dict.fromkeys(("slug", "name", "seller", "currency", "locale", "bill_to"), "x"),
        organization_id="acme",
        time_zone=ZONE,
        status="ACTIVE",
        invoice_grace_seconds=0,
        event_sequence=0,
        created_at=0,
    )
    place = {"organization_id": "acme", "level": "SEAT_TIER", "subject": "chat", "scope": "POOLED"}
    await _insert(
        database,
        "spend_limits",
        **place,
        id="l1",
        cap_nanos=700,
        thresholds="[75]",
        version=2,
        set_by="ann",
        starts_at=0,
    )
    for level, subject in (("ORGANIZATION", "acme"), ("SEAT_TIER", "chat"), ("MEMBER", "bo")):
        await _insert(
            database,
            "spend_counters",
            organization_id="acme",
            period_start=month,
            level=level,
            subject=subject,
            spent_nanos=600,
            held_nanos=0,
        )
    await _insert(
        database,
        "limit_alerts",
        **place,
        id="a1",
        dedup_id="l1:0:75:2",
        limit_id="l1",
        limit_version=2,
        threshold=75,
        cap_nanos=700,
        spent_nanos=600,
        period_start=month,
        period_end=month + 1,
        raised_at=0,
    )
    kept = dict.fromkeys(("subscription_id", "meter", "model", "direction", "price_version"), "x")
    for day, cost in (("2026-10-04", 450), ("2026-10-05", 150)):
        await _insert(
            database,
            "usage_rollups",
            **kept,
            organization_id="acme",
            period_start=month,
            day=day,
            member_id="bo",
            tier="chat",
            quantity=1,
            cost_nanos=cost,
            events=1,
        )


async def test_limits_alerts_and_counters_of_the_first_release_mean_what_they_meant(
    tmp_path: Path, worker_id: str
) -> None:
    async with at_first_light(tmp_path, worker_id) as database:
        await _populate(database)

        await migrate(database)

        await require_golden(database.reader)
        (limit,) = await limits.in_force(database.reader, "acme")
        assert (limit.kind, limit.interval, limit.override, limit.cap_nanos) == ("HARD", "MONTH", "WITHIN", 700)
        assert (limit.as_rule().alerts.percents, limit.version) == ((75,), 2)
        page = await alerts.page_of(database.reader, "acme", Window(10), seen_by=None)
        assert [(alert.interval, alert.threshold, alert.reached_nanos) for alert in page.rows] == [("MONTH", 75, 525)]


async def test_the_weeks_and_days_of_the_first_release_are_counted_from_its_usage(
    tmp_path: Path, worker_id: str
) -> None:
    async with at_first_light(tmp_path, worker_id) as database:
        await _populate(database)

        await migrate(database)

        spent = {}
        for interval in Interval:
            start = window(interval, USED_AT, ZONE).start
            found = await counter_rows.counters(
                database.reader, "acme", period_start=start, interval=interval, tiers=["chat"], members=["bo"]
            )
            spent[interval] = {level: counter.spent_nanos for (level, _), counter in found.items()}
        levels = (SpendLevel.ORGANIZATION, SpendLevel.SEAT_TIER, SpendLevel.MEMBER)
        assert spent == {
            Interval.MONTH: dict.fromkeys(levels, 600),
            Interval.WEEK: dict.fromkeys(levels, 450),
            Interval.DAY: dict.fromkeys(levels, 450),
        }


async def test_who_had_which_role_is_worked_out_of_the_log(tmp_path: Path, worker_id: str) -> None:
    async with at_first_light(tmp_path, worker_id) as database:
        await _populate(database)
        told = [
            ("MemberAdded", 10, "bo", {"role": "member"}),
            ("MemberAdded", 10, "cy", {"role": "auditor"}),
            ("MemberRoleChanged", 20, "bo", {"previousRole": "member", "role": "owner"}),
            ("MemberRoleChanged", 20, "bo", {"previousRole": "owner", "role": "auditor"}),  # at the same instant
            ("MemberDeactivated", 30, "bo", {}),
            ("MemberRoleChanged", 40, "bo", {"previousRole": "auditor", "role": "client"}),  # without access
            ("MemberReactivated", 50, "bo", {}),
        ]
        for sequence, (kind, at, member_id, facts) in enumerate(told, start=1):
            columns = {"organization_id": "acme", "sequence": sequence, "kind": kind, "version": 1, "occurred_at": at}
            who = {"actor": "system", "request_id": "r", "member_id": member_id, "payload": dump(facts)}
            await _insert(database, "events", **columns, **who)

        await migrate(database)

        found = await database.reader.execute_query_dict(
            "SELECT member_id, role, starts_at, ends_at FROM role_intervals ORDER BY member_id, starts_at"
        )
        assert [tuple(row.values()) for row in found] == [
            ("bo", "member", 10, 20),
            ("bo", "auditor", 20, 30),
            ("bo", "client", 50, None),
            ("cy", "auditor", 10, None),
        ]


COLUMN = re.compile(r"\s+(\w+) (TEXT|INTEGER)\b")
CHOICE = re.compile(r"IN \('?(\w+)")
TEXTS = {
    "organization_id": "acme",
    "time_zone": "UTC",
    "day": "2026-10-04",
    "level": "MEMBER",
    "scope": "POOLED",
    "payload": "{}",
    "thresholds": "[75]",
    **dict.fromkeys(("permissions", "add_ons"), "[]"),
}
MEANT_OTHERWISE = {("limit_alerts", "spent_nanos"), ("spend_counters", "spent_nanos")}
"""What a later release reads from elsewhere; the stories above say how."""


def _one_of_each() -> Iterator[tuple[str, dict[str, str | int]]]:
    """Yield a row with every column for each table of the first release, by what its own statements say."""
    for statement in importlib.import_module("models.migrations.0001_first_light").TABLES:
        if named := re.search(r"CREATE TABLE IF NOT EXISTS (\w+)", statement):
            row: dict[str, str | int] = {}
            for line in statement.splitlines():
                written, choice = COLUMN.match(line), CHOICE.search(line)
                if written is None or (written[1] == "ends_at" and "NOT NULL" not in line):  # it lasts
                    continue
                value = choice[1] if choice else TEXTS.get(written[1], f"{written[1]} of {named[1]}")
                row[written[1]] = 1 if written[2] == "INTEGER" else value
            yield named[1], row


async def test_credit_notes_of_the_first_release_give_back_the_tax_of_their_invoice(
    tmp_path: Path, worker_id: str
) -> None:
    rows = dict(_one_of_each())
    billed = {"id": "i1", "number": "N-1", "boundary_at": 7, "total_minor": 92280, "tax_minor": 15380}
    async with at_first_light(tmp_path, worker_id) as database:
        await _insert(database, "invoices", **rows["invoices"] | billed | {"included_tax_minor": 0})
        for number, amount in enumerate((87223, 5056, 1), start=1):
            note = {"id": f"n{number}", "number": f"CN-{number}", "invoice_id": "i1", "amount_minor": amount}
            await _insert(database, "credit_notes", **rows["credit_notes"] | note)

        await migrate(database)

        found = await database.reader.execute_query_dict("SELECT tax_minor FROM credit_notes ORDER BY id")
        assert [row["tax_minor"] for row in found] == [14537, 843, 0]


async def test_a_row_of_every_table_of_the_first_release_is_still_what_it_was(tmp_path: Path, worker_id: str) -> None:
    rows = dict(_one_of_each())
    async with at_first_light(tmp_path, worker_id) as database:
        for table, row in rows.items():
            await _insert(database, table, **row)

        await migrate(database)

        await require_golden(database.reader)
        for table, row in rows.items():
            kept = {column: value for column, value in row.items() if (table, column) not in MEANT_OTHERWISE}
            where = " AND ".join(f"{column} = '{value}'" for column, value in kept.items())
            (found,) = await database.reader.execute_query_dict(f"SELECT count(*) AS n FROM {table} WHERE {where}")
            assert found["n"] == 1, f"{table}: {kept}"
    assert len(rows) >= 28
