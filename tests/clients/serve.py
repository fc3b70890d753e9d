"""Where is a graph that client tools can be tried on?

A demo of its own, in a folder of its own, on free ports of the loopback. One JSON line says where it is and who may
ask; it serves until its standard input ends, so nothing outlives whoever started it.
"""

import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from api.demo import personas, seed
from api.house import build_house, now
from api.identity import AUDIENCE, issuer_of
from api.server import build_server
from api.settings import Limits, Settings
from auth.development import SigningKey, mint_access_token
from models.database import Database, opened
from models.migrate import migrate

WHO = ("primary-owner@pooled.example", "member@pooled.example", "owner@tracker.example")
INIT_SECONDS_MAX = 1.0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _settings(**changes: object) -> Settings:
    port = _free_port()
    limits = Limits(socket_init_seconds_max=INIT_SECONDS_MAX)
    fixed = {"port": port, "public_url": f"http://127.0.0.1:{port}", "limits": limits, "log_level": "critical"}
    return Settings(**{**fixed, **changes})  # type: ignore[arg-type]  # pydantic checks them


@asynccontextmanager
async def _serving(database: Database, settings: Settings, key_path: Path) -> AsyncIterator[None]:
    server = build_server(build_house(database, settings, personas=personas.PERSONAS, key_path=key_path), settings)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running


def _token(settings: Settings, key: SigningKey, email: str) -> str:
    persona = personas.find(email)
    return mint_access_token(
        key, persona, issuer=issuer_of(settings), audience=AUDIENCE, at=now(), lifetime=timedelta(hours=1)
    )


async def main() -> None:
    """Serve until standard input ends."""
    with tempfile.TemporaryDirectory() as folder:
        key_path = Path(folder) / "key.pem"
        key = SigningKey.load_or_create(key_path)
        plain = _settings()
        async with opened(f"sqlite://{folder}/demo.db") as database, AsyncExitStack() as stack:
            await migrate(database)
            await seed.seed(database, at=now(), issuer=issuer_of(plain), progress=lambda _: None)
            await stack.enter_async_context(_serving(database, plain, key_path))
            subgraph = _settings(federation=True, public_url=plain.public_url)  # as behind the same router
            await stack.enter_async_context(_serving(database, subgraph, key_path))
            found = {
                "url": plain.public_url,
                "subgraph": f"http://{subgraph.host}:{subgraph.port}",
                "tokens": {email: _token(plain, key, email) for email in WHO},
            }
            sys.stdout.write(f"{json.dumps(found)}\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
