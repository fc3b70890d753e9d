"""Everybody who is timed says the same, and what is timed is an answer."""

import asyncio
import doctest
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auth.principal import Membership
from benchmarks import charts, measuring, wire
from benchmarks.console import contestants, handler, page, race, strawberry_peer
from billing.roles import Permission
from events.hub import Hub
from models import members
from models.database import Database
from services.dispatch import Dispatcher
from tests.builders import Caller
from tests.services.books import Books

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ISSUER = "https://idp.example"


@asynccontextmanager
async def saying(body: bytes, *, status: bytes = b"200 OK") -> AsyncIterator[int]:
    """Yield the port of a server that always says the same."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1_000)
        writer.write(b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def test_examples() -> None:
    assert doctest.testmod(wire).failed == 0


async def test_the_handler_the_peer_and_the_graph_say_the_same(database: Database) -> None:
    organization_id = await page.fill(database, issuer=ISSUER, at=NOW)
    (owner,) = await members.Member.filter(role="primary_owner").using_db(database.reader)
    own = Membership(organization_id, owner.id, "primary_owner", frozenset(Permission))
    reader = page.reader_of(ISSUER, own)
    caller = Caller(Books(database, Dispatcher(database.runner, Hub()), organization_id, reader), reader, NOW)
    shown = {"id": f"org_{organization_id}"}

    ours = await caller.data(contestants.QUESTION, **shown)
    async with handler.reading(database.url) as rows:
        by_hand = await handler.answered(rows, organization_id, NOW)
        loaders = strawberry_peer.Loaders(rows, NOW)
        peer = await strawberry_peer.SCHEMA.execute(contestants.QUESTION, shown, loaders)

    assert by_hand == ours
    assert peer.data == ours
    assert len(ours["organization"]["members"]["nodes"]) == 50
    assert [len(each["lines"]) for each in ours["organization"]["invoices"]["nodes"]] == [6] * 5
    levels = {each["effectiveLimit"]["bindingLevel"] for each in ours["organization"]["members"]["nodes"]}
    assert levels == {"ORGANIZATION", "SEAT_TIER", "MEMBER"}


async def test_whoever_says_something_else_is_not_timed() -> None:
    async with saying(b'{"a": 1}') as one, saying(b'{"a": 2}') as other:
        first, second = (
            contestants.Contestant(name, port, wire.post("/", {}, b"{}"), dict)
            for name, port in (("one", one), ("two", other))
        )

        assert await race.agreed([first, first]) == 1
        with pytest.raises(race.TheyDiffer, match="two says"):
            await race.agreed([first, second])


async def test_a_refusal_is_no_answer() -> None:
    async with saying(b"no", status=b"503 Service Unavailable") as port:
        with pytest.raises(wire.Unexpected, match="503"):
            await wire.load(port, wire.post("/", {}, b"{}"), connections=2, seconds=0.1)


def test_a_promise_is_about_the_most_connections() -> None:
    ours, theirs = ([wire.Load(answers, 1.0, (0.01,))] for answers in (90, 100))
    rates = {count: {contestants.OURS: ours, contestants.BY_HAND: theirs} for count in race.CONNECTIONS}

    few, many = (race.figures(rates, count, is_sqlite=False)[-1] for count in race.CONNECTIONS)

    assert (few.held, many.held) == (None, True)
    assert many.value == str(measuring.ratio([90], [100]))


def test_a_figure_can_be_seen(tmp_path: Path) -> None:
    charts.bars(tmp_path / "chart.png", "Title", "answers a second", [("ours", 2.0), ("theirs", 1.0)])

    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
