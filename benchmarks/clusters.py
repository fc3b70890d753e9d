"""Whose PostgreSQL can be killed?

Only one's own: a cluster in a temporary folder, made from the binaries that are installed, on a port of its own. It
refuses to run as root, so where the proof does, the cluster runs as the user `postgres`.
"""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it ships no types

START_SECONDS_MAX = 60.0


class NoBinaries(RuntimeError):
    """PostgreSQL is not installed on this machine."""


@dataclass(slots=True)
class Cluster:
    """A PostgreSQL server of the proof's own."""

    binaries: Path
    folder: Path
    port: int
    user: str | None
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it is; the database named is the one that every cluster has."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    async def start(self) -> None:
        """Start it, and return when it takes connections; what a killed one left behind may still be ending."""
        async with asyncio.timeout(START_SECONDS_MAX):
            while not await self._answers():
                if self.process is None or self.process.returncode is not None:
                    self.process = await self._spawn()
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Kill the postmaster; those who work for it notice and end."""
        await self._end(signal.SIGKILL)

    async def stop_at_once(self) -> None:
        """Let it drop everything, as `pg_ctl stop -m immediate` does: the next start recovers from the log."""
        await self._end(signal.SIGQUIT)

    async def _end(self, number: signal.Signals) -> None:
        assert self.process is not None, "only what runs can be killed"
        if self.process.returncode is None:
            self.process.send_signal(number)
        await self.process.wait()

    async def _spawn(self) -> asyncio.subprocess.Process:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                str(self.binaries / "postgres"),
                *("-D", str(self.folder / "data"), "-p", str(self.port), *options),
                user=self.user,
                stdout=log,
                stderr=log,
            )

    async def _answers(self) -> bool:
        if self.process is None or self.process.returncode is not None:
            return False
        try:
            connection = await asyncpg.connect(self.url, timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True


@asynccontextmanager
async def running() -> AsyncIterator[Cluster]:
    """Yield a new cluster that runs, and leave nothing of it."""
    folder = Path(tempfile.mkdtemp(prefix="billgraph-cluster-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cluster = Cluster(_binaries(), folder, port, "postgres" if os.geteuid() == 0 else None)
    try:
        await asyncio.to_thread(_initialize, cluster)
        await cluster.start()
        yield cluster
    finally:
        if cluster.process is not None:
            await cluster.stop_at_once()
        shutil.rmtree(folder, ignore_errors=True)


def _initialize(cluster: Cluster) -> None:
    if cluster.user is not None:
        account = pwd.getpwnam(cluster.user)
        os.chown(cluster.folder, account.pw_uid, account.pw_gid)
    subprocess.run(  # noqa: S603  # the installed binary, with our own arguments
        [
            str(cluster.binaries / "initdb"),
            *("-D", str(cluster.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"),
        ],
        user=cluster.user,
        cwd=cluster.folder,
        check=True,
        capture_output=True,
    )


def _binaries() -> Path:
    """Return the folder of the newest PostgreSQL that is installed."""
    for name in ("initdb", "pg_config"):
        if (found := shutil.which(name)) is None:
            continue
        where = Path(found).resolve().parent
        if name == "pg_config":
            answer = subprocess.run([found, "--bindir"], check=True, capture_output=True, text=True)  # noqa: S603
            where = Path(answer.stdout.strip())
        if (where / "initdb").exists() and (where / "postgres").exists():
            return where
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not versions:
        raise NoBinaries("PostgreSQL is not installed here: its database cannot be killed")
    return max(versions, key=lambda path: int(path.parent.name))
