"""A month close that is killed at any step, or run by two workers at once, makes the same invoice to the byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from jobs import due
from models import invoices as rows
from models.database import Database
from models.fields import dump
from models.paging import Window
from models.runner import Runner
from models.sql import Client
from services.dispatch import Dispatcher
from tests import databases
from tests.services.books import Books, a_use, books, days_later

NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)


class Killed(BaseException):
    """The process died here."""


class MortalWriter:
    """A writer whose transaction dies before its n-th statement."""

    def __init__(self, writer: Any, statements: int) -> None:
        self._writer = writer
        self.left = statements

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Client]:
        async with self._writer.transaction() as client:
            alive = client.acquire_connection

            def dying() -> Any:
                self.left -= 1
                if self.left < 0:
                    raise Killed
                return alive()

            client.acquire_connection = dying
            yield client


async def an_october(database: Database) -> Books:
    ours = await books(database)
    for number in range(4):
        member = await ours.add(f"member{number}", tier="chat", add_ons=("hipaa",), at=days_later(number))
        await ours.use(a_use(str(number), member, 333 + number, at=days_later(20)), at=days_later(20))
    return ours


async def close(ours: Books, runner: Runner) -> list[due.Report]:
    dispatcher = Dispatcher(runner, ours.dispatcher.hub)
    return [report async for report in due.carry_out(ours.reader, dispatcher, at=NOVEMBER)]


async def everything_billed(ours: Books) -> str:
    page = await rows.page_of(ours.reader, ours.organization_id, Window(10))
    ids = [invoice.id for invoice in page.rows]
    parts = [
        page.rows,
        await rows.lines_of(ours.reader, ours.organization_id, ids),
        await rows.shares_of(ours.reader, ours.organization_id, ids),
    ]
    return dump([[{k: str(v) for k, v in row.__dict__.items() if k[0] != "_"} for row in part] for part in parts])


async def undisturbed(database_url: str, folder: Path) -> str:
    await asyncio.to_thread(folder.mkdir)
    async with databases.fresh(database_url, folder) as database:
        ours = await an_october(database)
        await close(ours, database.runner)
        return await everything_billed(ours)


async def test_killed_before_every_statement_and_started_again(database_url: str, tmp_path: Path) -> None:
    expected = await undisturbed(database_url, tmp_path / "undisturbed")
    async with databases.fresh(database_url, tmp_path) as database:
        ours = await an_october(database)
        empty = await everything_billed(ours)
        deaths = 0
        for statements in count():
            runner = Runner(MortalWriter(database.writer, statements))
            try:
                await close(ours, runner)
                break
            except Killed:
                deaths += 1
                assert await everything_billed(ours) == empty, "a dead close leaves nothing"

        assert deaths > 15, "every statement of the close was a place to die"
        assert await everything_billed(ours) == expected


async def test_two_workers_at_once(database_url: str, tmp_path: Path) -> None:
    expected = await undisturbed(database_url, tmp_path / "undisturbed")
    async with databases.fresh(database_url, tmp_path) as database:
        ours = await an_october(database)

        await asyncio.gather(*(close(ours, Runner(database.writer)) for _ in range(2)))  # type: ignore[arg-type]

        assert await everything_billed(ours) == expected
