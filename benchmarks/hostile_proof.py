"""What does each hostile request cost a real server, and does anybody else notice?

Every shape is sent to a server of its own process over real HTTP, by somebody who has not signed in and whose budget
never ends. What the server's threads worked and how far its memory rose is read from the kernel. Then all shapes are
sent again and again by several clients at once, while a customer beside them reads and writes as usual.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

from api.house import now
from benchmarks import databases, hostile, kills, load, measuring, tables
from benchmarks.issuer import issuing
from benchmarks.serving import Served

CPU_MILLISECONDS_MAX = 50.0
MEGABYTES_MAX = 20.0
P99_MILLISECONDS_MAX = 200.0
TRIES = 5
PAUSE_SECONDS = 0.02
SHOWN_MAX = 10
_JSON = {"content-type": "application/json"}
_UNBOUNDED = {"BILLGRAPH_ADDRESS_POINTS_MAX": str(10**12)}
READ = """query($id: ID!) { organization(id: $id) { name members(first: 20) { nodes { name role { key }
    monthToDate { amount } } } spendStatus { level spent { amount } } } }"""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel knows of a process."""

    pid: int

    def cpu_milliseconds(self) -> float:
        """Return how long its threads have worked."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in threads) / 1e6

    def forget_peak(self) -> None:
        """Let the peak of its memory start anew from what it holds now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def megabytes(self, name: str) -> float:
        """Return a size from its status: `VmRSS` is held now, `VmHWM` was held at most."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
        raise AssertionError(f"the kernel does not say {name}")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one shape cost the server, and what it was answered."""

    name: str
    bytes_sent: int
    status: int
    code: str
    cpu_milliseconds: float
    megabytes: float


@dataclass(slots=True)
class Beside:
    """What the customer beside them noticed."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    """How long the server's threads worked, for anybody, while the customer waited: no other process is in it."""
    failures: int = 0
    hostile_sent: int = 0


def run(
    seconds: Annotated[float, typer.Option(min=1, help="How long everybody sends at once.")] = 20,
    clients: Annotated[int, typer.Option(min=1, help="How many send hostile requests at once.")] = 4,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Send every hostile shape to a real server, and look at its processor, its memory and its other clients."""
    costs, beside = asyncio.run(measure(seconds, clients, database))
    raise SystemExit(tables.show(f"{len(costs)} hostile shapes", figures(costs, beside)))


async def measure(seconds: float, clients: int, database: str) -> tuple[list[Cost], Beside]:
    """Measure each shape alone, then all of them beside a customer."""
    with tempfile.TemporaryDirectory(prefix="billgraph-hostile-") as name:
        folder = Path(name)
        async with kills.catalogued(database) as (url, _):
            with issuing(folder) as issuer:
                server = Served(url, issuer, folder / "log", settings=_UNBOUNDED)
                await server.start()
                try:
                    work, _ = await kills.opened_work(server, issuer.token("owner@bench.example", "Owner"))
                    return await _costs(server), await _beside(server, work, seconds, clients)
                finally:
                    await server.kill()


async def _costs(server: Served) -> list[Cost]:
    kernel, costs = _kernel(server), []
    async with httpx2.AsyncClient(base_url=server.origin, timeout=30, trust_env=False) as client:
        await client.post("/graphql", json={"query": "{ __typename }"})
        for name, body in hostile.shapes():
            spent = []
            kernel.forget_peak()
            before = kernel.megabytes("VmRSS")
            for _ in range(TRIES):
                start = kernel.cpu_milliseconds()
                response = await client.post("/graphql", content=body, headers=_JSON)
                spent.append(kernel.cpu_milliseconds() - start)
            peak = kernel.megabytes("VmHWM")
            code = _code(response)
            cost = Cost(name, len(body), response.status_code, code, statistics.median(spent), max(0.0, peak - before))
            costs.append(cost)
    return costs


def _kernel(server: Served) -> Kernel:
    assert server.process is not None, "it was started"
    assert server.process.pid is not None, "it was started"
    return Kernel(server.process.pid)


def _code(response: httpx2.Response) -> str:
    errors = response.json().get("errors")
    return errors[0]["extensions"]["code"] if errors else "answered"


async def _beside(server: Served, work: load.Work, seconds: float, clients: int) -> Beside:
    found, kernel = Beside(), _kernel(server)
    async with work.http() as client:
        await _customer(client, work, kernel, time.monotonic() + seconds / 4, found)
        found.alone, found.beside, found.worked = found.beside, [], []
        until = time.monotonic() + seconds
        sending = [_hostile(server, until, number, found) for number in range(clients)]
        await asyncio.gather(_customer(client, work, kernel, until, found), *sending)
    return found


async def _customer(client: httpx2.AsyncClient, work: load.Work, kernel: Kernel, until: float, found: Beside) -> None:
    """Read a page and record usage, in turn, with a pause as people and programs make it."""
    while time.monotonic() < until:
        number = len(found.alone) + len(found.beside)
        body = _read(work) if number % 2 else _use(work, number)
        started, worked = time.perf_counter(), kernel.cpu_milliseconds()
        response = await client.post("/graphql", json=body)
        found.beside.append((time.perf_counter() - started) * 1_000)
        found.worked.append(kernel.cpu_milliseconds() - worked)
        found.failures += response.status_code != 200 or "errors" in response.json()
        await asyncio.sleep(PAUSE_SECONDS)


def _read(work: load.Work) -> Mapping[str, Any]:
    return {"query": READ, "variables": {"id": work.organization_id}}


def _use(work: load.Work, number: int) -> Mapping[str, Any]:
    what = {"meter": "tokens", "model": "atlas", "direction": "INPUT", "quantity": "10"}
    event = {"id": f"e{number}", "memberId": work.members[0], "occurredAt": now().isoformat(), **what}
    given = {"organizationId": work.organization_id, "idempotencyKey": f"u{number}", "events": [event]}
    return {"query": load.USE, "variables": {"input": given}}


async def _hostile(server: Served, until: float, number: int, found: Beside) -> None:
    """Send all shapes round and round, without a pause."""
    shapes = [body for _, body in hostile.shapes()]
    async with httpx2.AsyncClient(base_url=server.origin, timeout=30, trust_env=False) as client:
        at = number * 7
        while time.monotonic() < until:
            response = await client.post("/graphql", content=shapes[at % len(shapes)], headers=_JSON)
            found.failures += response.status_code >= 500
            found.hostile_sent += 1
            at += 1


def figures(costs: list[Cost], beside: Beside) -> list[tables.Figure]:
    """Return the rows of the table: the dearest shapes, the promises, and the customer."""
    dearest = sorted(costs, key=lambda cost: cost.cpu_milliseconds, reverse=True)[:SHOWN_MAX]
    most_cpu, most_memory = (
        max(cost.cpu_milliseconds for cost in costs),
        max(cost.megabytes for cost in costs),
    )
    answered = [cost for cost in costs if cost.code == "answered"]
    p99 = measuring.percentile(beside.beside, 99)
    return [
        *(
            tables.Figure(
                f"{cost.name}: {cost.bytes_sent:,} bytes, {cost.status} {cost.code}",
                f"{cost.cpu_milliseconds:.1f} ms  {cost.megabytes:.1f} MB",
            )
            for cost in dearest
        ),
        tables.zero("shapes not refused", len(answered)),
        tables.zero("shapes answered with 5xx", sum(cost.status >= 500 for cost in costs)),
        tables.Figure("most processor time of a shape", f"{most_cpu:.1f} ms", most_cpu < CPU_MILLISECONDS_MAX),
        tables.Figure("most memory of a shape", f"{most_memory:.1f} MB", most_memory < MEGABYTES_MAX),
        tables.count("hostile requests beside the customer", beside.hostile_sent),
        tables.count("requests of the customer beside them", len(beside.beside)),
        tables.zero("failures", beside.failures),
        tables.Figure("customer alone, p50 and p99", _shown(beside.alone)),
        tables.Figure("customer beside them, p50 and p99", _shown(beside.beside), p99 < P99_MILLISECONDS_MAX),
        tables.Figure("the server's work meanwhile, p50 and p99", _shown(beside.worked)),
    ]


def _shown(times: list[float]) -> str:
    return f"{measuring.percentile(times, 50):.1f} ms  {measuring.percentile(times, 99):.1f} ms"
