"""Who answers the page?

Each is a process of its own on a port of its own, told of the same database. Billgraph verifies a token and asks its
permissions; nobody else asks for any. Each names its figures as it does; `read` brings an answer into one form, so
that it can be checked that all of them say the same before anybody is timed.
"""

import json
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # it ships no types

from benchmarks import wire
from benchmarks.console import handler, page
from benchmarks.issuer import Issuer
from benchmarks.serving import Served
from benchmarks.stage import spawned, started

HERE: Final = Path(__file__).parent
PEERS: Final = HERE.parent / "peers"
QUESTION: Final = (HERE / "question.graphql").read_text(encoding="utf-8")
OURS, BY_HAND, STRAWBERRY = "billgraph", "by hand", "strawberry"
NODE: Final = {
    "apollo": "Apollo Server",
    "yoga": "GraphQL Yoga, JIT",
    "mercurius": "Mercurius, JIT",
    "postgraphile": "PostGraphile",
}
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A running server, the request that shows the page, and how to read its answer."""

    name: str
    port: int
    request: bytes
    read: Callable[[Answer], Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Whose page is asked for, where its rows are, and by whom."""

    url: str
    organization_id: str
    issuer: Issuer
    folder: Path


def _as_asked(answer: Answer) -> Any:
    assert "errors" not in answer, answer
    return answer["data"]


def _asking(question: str, variables: dict[str, str], **headers: str) -> bytes:
    kept = {"host": "127.0.0.1", "content-type": "application/json", "accept": "application/json", **headers}
    return wire.post("/graphql", kept, json.dumps({"query": question, "variables": variables}).encode())


@asynccontextmanager
async def ours(shown: Page, name: str = OURS, **settings: str) -> AsyncIterator[Contestant]:
    """Yield billgraph as an operator starts it."""
    patient = {"BILLGRAPH_QUERY_SECONDS_MAX": "60", **settings}  # a busy machine is slow, not at fault
    served = Served(shown.url, shown.issuer, shown.folder / f"{name}.log", settings=patient)
    await served.start()
    try:
        token = shown.issuer.token(page.EMAIL, page.NAME)
        asked = _asking(QUESTION, {"id": f"org_{shown.organization_id}"}, authorization=f"Bearer {token}")
        yield Contestant(name, served.port, asked, _as_asked)
    finally:
        await served.kill()


@asynccontextmanager
async def in_python(shown: Page, name: str, module: str) -> AsyncIterator[Contestant]:
    """Yield a server of this package."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = (sys.executable, "-m", f"benchmarks.console.{module}", shown.url, str(port))
    async with spawned(*command, cwd=HERE.parents[1], port=port):
        yield Contestant(name, port, _asking(QUESTION, {"id": f"org_{shown.organization_id}"}), _as_asked)


@asynccontextmanager
async def in_node(shown: Page, kind: str) -> AsyncIterator[Contestant]:
    """Yield a server of `benchmarks/peers`."""
    question, of = QUESTION, f"org_{shown.organization_id}"
    read: Callable[[Answer], Any] = _as_asked
    if kind == "postgraphile":
        await _views(shown.url)
        question = (PEERS / "console" / "postgraphile.graphql").read_text(encoding="utf-8")
        of, read = shown.organization_id, _of_postgraphile
    async with started("node", "console.mjs", kind, shown.url, cwd=PEERS) as (_, facts):
        yield Contestant(NODE[kind], facts["port"], _asking(question, {"id": of}), read)


@asynccontextmanager
async def all_of(shown: Page, *, with_peers: bool) -> AsyncIterator[list[Contestant]]:
    """Yield everybody who can answer from this database, billgraph first."""
    async with AsyncExitStack() as stack:
        joined = [
            await stack.enter_async_context(ours(shown)),
            await stack.enter_async_context(in_python(shown, BY_HAND, "handler")),
            await stack.enter_async_context(in_python(shown, STRAWBERRY, "strawberry_peer")),
        ]
        if with_peers and not shown.url.startswith("sqlite"):
            joined += [await stack.enter_async_context(in_node(shown, kind)) for kind in NODE]
        yield joined


async def _views(url: str) -> None:
    """Make what PostGraphile reads its graph off; the running month is a constant there."""
    month = int(page.month_start(datetime.now(UTC), 0).timestamp()) * 1_000_000
    definition = (PEERS / "console" / "postgraphile.sql").read_text(encoding="utf-8")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(definition.replace("{month}", str(month)))
    finally:
        await connection.close()


def _of_postgraphile(answer: Answer) -> Any:
    """Return what PostGraphile said, named and written as the others do."""
    found = _as_asked(answer)["organization"]
    owner = found["rowId"]
    members, invoices = found["members"], found["invoices"]
    told = {key: found[key] for key in ("slug", "name", "currency", "timeZone", "status")}
    nodes = [
        {
            "id": f"mem_{owner}_{each['rowId']}",
            "name": each["name"],
            "seat": {"tier": each["tier"] and {"key": each["tier"]}},
            "monthToDate": {"amount": handler.nanos_text(int(each["spentNanos"]))},
            "effectiveLimit": {
                "remaining": {"amount": handler.nanos_text(int(each["remainingNanos"]))},
                "bindingLevel": each["bindingLevel"],
            },
        }
        for each in members["nodes"]
    ]
    billed = [
        {
            "id": f"inv_{owner}_{each['rowId']}",
            "number": each["number"],
            "status": each["status"],
            "dueAt": handler.instant_text(int(each["dueAt"])),
            "total": {"amount": handler.minor_text(int(each["totalMinor"]))},
            "lines": [
                {
                    "description": line["description"],
                    "amount": {"amount": handler.minor_text(int(line["amountMinor"]))},
                }
                for line in each["lines"]["nodes"]
            ],
        }
        for each in invoices["nodes"]
    ]
    page_info = {"hasNextPage": members["pageInfo"]["hasNextPage"]}
    listed = {"totalCount": members["totalCount"], "pageInfo": page_info, "nodes": nodes}
    return {"organization": {"id": f"org_{owner}", **told, "members": listed, "invoices": {"nodes": billed}}}
