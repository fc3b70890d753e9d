"""Can anything that somebody sends make the server fail, hang or say what it should not?

Bodies and frames with things done to them, and valid questions and commands that the schema allows and nobody would
ask. All of it once within this process and once over real sockets to a server of its own, on demo organizations that
are made anew now and then, because some of the commands close them. Nothing may be answered with 5xx, take longer than
a second, close a socket as our own fault or hold anything from inside the house.
"""

import argparse
import asyncio
import random
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2

from api import logs
from api.demo import personas, seed
from api.house import build_house, now
from api.identity import AUDIENCE, issuer_of
from api.server import build_server, settle
from api.settings import Limits, Settings
from auth.development import mint_access_token
from auth.signing import SigningKey
from benchmarks import sending, tables
from benchmarks.findings import Findings
from benchmarks.stage import started
from models.database import opened
from models.migrate import migrate

WHO: Final = "primary-owner@pooled.example"
ANEW: Final = 2_500
"""Operations after which the organizations are made anew."""

_UNBOUNDED: Final = 10**12


@dataclass(frozen=True, slots=True)
class Place:
    """Where the proof lives: its folder, and the port under whose name its people sign in."""

    folder: Path
    port: int

    @property
    def template(self) -> Path:
        """The database as it is made, which is only copied."""
        return self.folder / "template.db"

    @property
    def settings(self) -> Settings:
        """The settings of the house: no budget ends, nothing leaves this machine, and what hangs is waited for."""
        limits = Limits(
            principal_points_max=_UNBOUNDED,
            organization_points_max=_UNBOUNDED,
            address_points_max=_UNBOUNDED,
            query_seconds_max=sending.SECONDS_MAX,
        )
        return Settings(
            port=self.port,
            public_url=f"http://127.0.0.1:{self.port}",
            limits=limits,
            log_level="critical",
            webhook_delivery=False,
        )

    @property
    def token(self) -> str:
        """A token of the one who may do everything."""
        persona, settings = personas.find(WHO), self.settings
        return mint_access_token(
            SigningKey.load_or_create(self.folder / "key.pem"),
            persona,
            issuer=issuer_of(settings),
            audience=AUDIENCE,
            at=now(),
            lifetime=timedelta(hours=6),
        )

    @property
    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        return {"authorization": f"Bearer {self.token}"}

    async def make(self) -> None:
        """Make the demo organizations."""
        async with opened(f"sqlite://{self.template}") as database:
            await migrate(database)
            await seed.seed(database, at=now(), issuer=issuer_of(self.settings), progress=lambda _: None)

    def _copy(self, name: str) -> Path:
        """Copy the organizations with what is still in the log beside the file, and nothing left of an earlier copy.

        A server that was killed leaves its log, which would be written into whatever file is found under the name.
        """
        for suffix in ("", "-wal", "-shm"):
            source, target = (self.folder / f"{each}{suffix}" for each in (self.template.name, name))
            target.unlink(missing_ok=True)
            if suffix != "-shm" and source.exists():
                shutil.copyfile(source, target)
        return self.folder / name

    @asynccontextmanager
    async def within(self) -> AsyncIterator[httpx2.AsyncClient]:
        """Yield a client of a house in this very process, on organizations made anew, without any socket."""
        copy, settings = self._copy("within.db"), self.settings
        async with opened(f"sqlite://{copy}") as database:
            app = build_house(database, settings, personas=personas.PERSONAS, key_path=self.folder / "key.pem")
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(
                transport=transport, base_url=settings.public_url, headers=self.headers
            ) as client:
                yield client

    @asynccontextmanager
    async def served(self, found: Findings) -> AsyncIterator[httpx2.AsyncClient]:
        """Yield a client of a server in a process of its own, on organizations made anew."""
        self._copy("served.db")
        command = (sys.executable, "-m", "benchmarks.fuzz", "--serve", str(self.folder), "--port", str(self.port))
        async with (
            started(*command, cwd=Path(__file__).parents[1]) as (process, _),
            httpx2.AsyncClient(
                base_url=self.settings.public_url,
                headers=self.headers,
                timeout=sending.SECONDS_MAX,
                trust_env=False,
            ) as client,
        ):
            found.processes.add(process.pid)
            yield client
            found.processes.discard(process.pid)


async def serve(place: Place) -> None:
    """Serve until killed, after saying so."""
    settings = place.settings
    logs.configure(settings)
    async with opened(f"sqlite://{place.folder / 'served.db'}") as database:
        app = build_house(database, settings, personas=personas.PERSONAS, key_path=place.folder / "key.pem")
        server = build_server(app, settings)
        settle()
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
            await asyncio.sleep(0.01)
        sys.stdout.write("{}\n")
        sys.stdout.flush()
        await serving


async def run(options: argparse.Namespace, found: Findings) -> None:
    """Send everything, within the process and over sockets."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="billgraph-fuzz-") as name:
        place = Place(Path(name), port)
        logs.configure(place.settings)
        await place.make()
        sending.bodies_within(options.bodies, random.Random(options.seed), found)  # noqa: S311  # repeated, not guarded
        sending.frames_within(options.frames, random.Random(options.seed + 1), found)  # noqa: S311
        async with place.served(found) as client:
            dice = random.Random(options.seed + 2)  # noqa: S311
            await sending.bodies_over_http(client, options.bodies, dice, found)
            await sending.frames_over_sockets(place.settings.public_url, place.token, options.frames, dice, found)
        for start in range(0, options.operations, ANEW):
            count, seed_ = min(ANEW, options.operations - start), options.seed + 3 + start
            async with place.within() as client:
                await sending.operations_over(client, "operations, within", count, seed_, found)
            async with place.served(found) as client:
                await sending.operations_over(client, "operations, over HTTP", count, seed_ + 1, found)
            sys.stderr.write(f"{start + count:,} operations: {found.failures} failures, {found.hangs} hangs\n")


def main(arguments: list[str]) -> int:
    """Serve, where this process was started for that, or send."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=50_000)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--operations", type=int, default=20_000, help="Questions and commands, half and half.")
    parser.add_argument("--seed", type=int, default=20_263)
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        asyncio.run(serve(Place(Path(options.serve), options.port)))
        return 0
    found = Findings()
    asyncio.run(run(options, found))
    return tables.show("What nobody would send", found.figures())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
