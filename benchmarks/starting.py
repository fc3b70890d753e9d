"""How long does it take to begin?

As whoever deploys sees it: a process that starts with nothing, imports the house, opens its database and answers its
first question. What the interpreter takes by itself is told beside it, and of the imports also the processor's time,
which other work on the machine does not lengthen as much.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Final

import httpx2
import typer

from benchmarks import databases, measuring, tables
from benchmarks.issuer import issuing
from benchmarks.serving import READY_SECONDS_MAX, Served

QUESTION: Final = {"query": "{ __typename }"}
_SERVE: Final = "import sys; sys.argv = ['billgraph', 'serve']; from api.cli.commands import main; main()"


def run(
    rounds: Annotated[int, typer.Option(min=1, help="How many times it is started.")] = 5,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Start again and again, and time the imports and the first answer."""
    rows = asyncio.run(measure(rounds, database))
    title = f"{rounds} starts, on {databases.dialect_of(database)}"
    raise SystemExit(tables.show(title, [tables.Figure(what, _seconds(times)) for what, times in rows.items()]))


async def measure(rounds: int, database: str) -> dict[str, list[float]]:
    """Return the seconds of each part of a start, by its name."""
    bare: list[float] = []
    imports: list[float] = []
    processor: list[float] = []
    answers: list[float] = []
    async with databases.thrown_away(database) as url:
        with tempfile.TemporaryDirectory(prefix="billgraph-start-") as name, issuing(Path(name)) as issuer:
            for _ in range(rounds):
                bare.append(await measuring.seconds(_done("pass")))
                used = _used()
                imports.append(await measuring.seconds(_done("import api.house")))
                processor.append(_used() - used)
                answers.append(await _first_answer(Served(url, issuer, Path(name) / "log")))
    return {
        "the interpreter alone": bare,
        "imports": imports,
        "imports, CPU": processor,
        "from the start to the first answer": answers,
    }


def _used() -> float:
    """Return the processor's seconds that processes which have ended had used."""
    times = os.times()
    return times.children_user + times.children_system


async def _done(code: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0, "it runs by itself"


async def _first_answer(server: Served) -> float:
    """Start a server in a process that has imported nothing, and return the seconds until it answers."""
    environment = {**os.environ, **server.environment}
    with server.log.open("ab") as log:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _SERVE, env=environment, stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(READY_SECONDS_MAX), httpx2.AsyncClient(trust_env=False) as client:
            while not await _answers(client, server.origin):  # noqa: ASYNC110  # another process has no event for us
                await asyncio.sleep(0.005)
        return time.perf_counter() - started
    finally:
        process.kill()
        await process.wait()


async def _answers(client: httpx2.AsyncClient, origin: str) -> bool:
    try:
        answer = await client.post(f"{origin}/graphql", json=QUESTION)
    except httpx2.HTTPError:
        return False
    assert answer.json()["data"] == {"__typename": "Query"}, answer.text
    return True


def _seconds(times: list[float]) -> str:
    return f"{measuring.percentile(times, 50):.2f} s ({min(times):.2f}–{max(times):.2f})"
