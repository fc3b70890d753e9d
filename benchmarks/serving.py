"""How is a real server started, killed and started again?

As an operator does it: `billgraph serve` in a process of its own, on a port of its own, and the power cord. Processes
are forked from one that has imported the packages already and has done nothing else: so a start takes a moment, and a
proof can kill hundreds of them.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx2

from benchmarks.issuer import Issuer

READY_SECONDS_MAX = 60.0
_UNBOUNDED = str(10**12)
_FORKS = get_context("forkserver")
_FORKS.set_forkserver_preload(["api.cli.commands", "benchmarks.serving"])


class NotServing(RuntimeError):
    """The server did not get ready, or ended by itself."""


@dataclass(slots=True)
class Served:
    """One server on one database, which may be down."""

    database_url: str
    issuer: Issuer
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings beyond those that make it a server under test."""
    port: int = 0
    process: ForkServerProcess | None = None
    ready_seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and return when it says that it is ready."""
        started = time.perf_counter()
        self.process = forked(["serve"], self.environment, self.log)
        await asyncio.to_thread(self.process.start)
        await self.ready()
        self.ready_seconds.append(time.perf_counter() - started)

    async def ready(self) -> None:
        """Return when the server answers that it is ready."""
        async with httpx2.AsyncClient(base_url=self.origin, timeout=5, trust_env=False) as client:
            try:
                async with asyncio.timeout(READY_SECONDS_MAX):
                    while not await self._is_ready(client):  # noqa: ASYNC110  # another process has no event for us
                        await asyncio.sleep(0.02)
            except TimeoutError as error:
                raise NotServing(f"not ready after {READY_SECONDS_MAX:g} s:\n{self.tail()}") from error

    async def kill(self) -> None:
        """Take away the power."""
        assert self.process is not None, "only what runs can be killed"
        self.process.kill()
        await asyncio.to_thread(self.process.join)

    def tail(self) -> str:
        """Return the last of what it said."""
        return self.log.read_text(errors="replace")[-4_000:] if self.log.exists() else ""

    async def _is_ready(self, client: httpx2.AsyncClient) -> bool:
        if self.process is not None and self.process.exitcode is not None:
            raise NotServing(f"the server ended with {self.process.exitcode}:\n{self.tail()}")
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx2.HTTPError:
            return False

    @property
    def environment(self) -> dict[str, str]:
        """What it is told."""
        return {
            "DATABASE_URL": self.database_url,
            "BILLGRAPH_PORT": str(self.port),
            "BILLGRAPH_PUBLIC_URL": self.origin,
            "BILLGRAPH_ISSUERS": self.issuer.setting,
            "BILLGRAPH_DEVELOPMENT_SIGN_IN": "false",
            "BILLGRAPH_LOG_LEVEL": "error",
            "BILLGRAPH_PRINCIPAL_POINTS_MAX": _UNBOUNDED,  # one account here stands for all customers
            "BILLGRAPH_ORGANIZATION_POINTS_MAX": _UNBOUNDED,
            **self.settings,
        }


def _be(arguments: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """Be the `billgraph` command in this process; what it says goes to the log."""
    for key in [key for key in os.environ if key.startswith("BILLGRAPH_")]:
        del os.environ[key]
    os.environ.update(environment)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(written, stream)
    sys.argv = ["billgraph", *arguments]
    from api.cli.commands import main

    main()


def forked(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> ForkServerProcess:
    """Return a process that will be a `billgraph` command."""
    return _FORKS.Process(target=_be, args=(arguments, environment, str(log)), daemon=True)


async def command(log: Path, database_url: str, *arguments: str) -> tuple[int, str]:
    """Run a `billgraph` command to its end, and return its exit status and what it said."""
    process = forked(arguments, {"DATABASE_URL": database_url}, log)
    await asyncio.to_thread(process.start)
    await asyncio.to_thread(process.join)
    return process.exitcode or 0, await asyncio.to_thread(log.read_text, errors="replace")
