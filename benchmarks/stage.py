"""What do the benchmarks of news stand on?

The whole house on a database of its own, in a process of its own, with an organization on a pooled plan and people in
it whose alerts can be set off one by one.
"""

import asyncio
import json
import resource
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from api import logs
from api.house import build_house, now
from api.identity import AUDIENCE, issuer_of
from api.server import build_server
from api.settings import Limits, Settings
from auth.development import Persona, mint_access_token, subject_of
from auth.principal import Membership, Method, Principal
from auth.signing import SigningKey
from billing.limits import SpendLevel, TierScope
from billing.money import Money
from billing.plans import from_document, to_document
from billing.rating import Direction
from billing.roles import Permission
from models import events as log
from models import plans
from models.database import Database, opened
from models.migrate import migrate
from models.sql import Client
from schema import cursors, ids
from services import imports, limits, organizations, usage
from services.dispatch import Dispatcher, Request

ANN = Persona("ann@acme.example", "Ann", "acme")
HOLDS = timedelta(hours=6)
STARTING_SECONDS_MAX = 60
PLAN: dict[str, Any] = {
    "key": "pooled",
    "version": 1,
    "name": {"en": "Pooled"},
    "currency": "USD",
    "tax": {"mode": "EXCLUSIVE", "percent": "0"},
    "tiers": [{"key": "chat", "name": {"en": "Chat"}, "includes": []}],
    "items": [
        {
            "key": "usage",
            "name": {"en": "Usage"},
            "quantity": {"kind": "USAGE", "meter": "tokens"},
            "price": {
                "model": "RATE_CARD",
                "cards": [
                    {
                        "version": "2026-01",
                        "effective_from": "2026-01-01T00:00:00+00:00",
                        "rates": [{"model": "atlas", "direction": "INPUT", "amount": "1", "per": 1_000_000}],
                    }
                ],
            },
        },
    ],
}


@dataclass(slots=True)
class Stage:
    """An organization, and who may do everything in it."""

    dispatcher: Dispatcher
    reader: Client
    organization_id: str
    owner: Principal
    member_ids: tuple[str, ...]
    calls: int = 0

    async def do(self, verb: Any, make: Any, **fields: Any) -> Any:
        """Carry out one command under a new key."""
        self.calls += 1
        command = make(organization_id=self.organization_id, idempotency_key=f"stage-{self.calls}", **fields)
        return await self.dispatcher.execute(verb, command, Request(self.owner, now(), "bench"))

    async def use(self, uses: Sequence[tuple[int, int]]) -> None:
        """Let members, by their number, use so many cents each, all in one transaction."""
        facts = tuple(
            usage.UsageFact(
                event_id=f"use-{self.calls}-{place}",
                member_id=self.member_ids[number],
                occurred_at=now(),
                meter="tokens",
                model="atlas",
                direction=Direction.INPUT,
                quantity=cents * 10_000,
            )
            for place, (number, cents) in enumerate(uses)
        )
        recorded = await self.do(usage.record, usage.Record, events=facts)
        assert isinstance(recorded, usage.Recorded), recorded
        assert all(isinstance(outcome, usage.EventRecorded) for outcome in recorded.outcomes), recorded

    @property
    def id(self) -> str:
        """The organization's global id."""
        return ids.organization(self.organization_id)


async def an_organization(database: Database, dispatcher: Dispatcher, slug: str, *, members: int, issuer: str) -> Stage:
    """Open an organization with so many members, each with a limit of one dollar."""

    async def publish(client: Client) -> None:
        if await plans.newest_in_catalog(client, "pooled", "USD") is None:
            document = to_document(from_document(PLAN))
            await plans.publish(client, key="pooled", version=1, currency="USD", document=document, published_at=now())

    await database.runner.run(publish, lane="catalog")
    command = organizations.Create(f"open-{slug}", slug, slug.title(), "USD", "UTC", "en", "pooled")
    created = await organizations.create(dispatcher, command, Request(_principal(issuer), now(), "bench"))
    assert isinstance(created, organizations.Created), created
    own = Membership(created.organization_id, created.member_id, "primary_owner", frozenset(Permission))
    stage = Stage(dispatcher, database.reader, created.organization_id, _principal(issuer, own), ())
    people = tuple(
        imports.NewMember(f"m{each}@{slug}.example", f"Member {each}", "member", "chat") for each in range(members)
    )
    added = await stage.do(imports.add_many, imports.AddMany, members=people)
    assert isinstance(added, imports.ManyAdded), added
    stage.member_ids = tuple(added.member_ids)
    cap = Money.parse("1.00", "USD")
    await stage.do(
        limits.set_limit,
        limits.SetLimit,
        level=SpendLevel.SEAT_TIER,
        subject="chat",
        scope=TierScope.PER_MEMBER,
        cap=cap,
    )
    return stage


def _principal(issuer: str, *memberships: Membership) -> Principal:
    at = now()
    return Principal.of(
        memberships,
        issuer=issuer,
        subject=subject_of(ANN.email),
        name=ANN.name,
        email=ANN.email,
        authenticated_at=at,
        expires_at=at + HOLDS,
        method=Method.BEARER,
    )


Beside = Callable[[Sequence[Stage]], Awaitable[None]]


async def _nothing(_stages: Sequence[Stage]) -> None:
    """Do nothing beside serving."""


async def serve(url: str, folder: Path, *, members: int, organizations: int = 1, beside: Beside = _nothing) -> None:
    """Serve organizations of so many members until killed, after printing where they are and who may ask."""
    raise_file_limit()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(
        port=port, public_url=f"http://127.0.0.1:{port}", log_level="error", limits=Limits(streams_max=50_000)
    )
    logs.configure(settings)
    key_path, issuer = folder / "key.pem", issuer_of(settings)
    async with opened(url) as database:
        await migrate(database)
        app = build_house(database, settings, personas=[ANN], key_path=key_path)
        server = build_server(app, settings)
        dispatcher = Dispatcher(database.runner, app.state.hub)
        stages = [
            await an_organization(database, dispatcher, f"acme-{number}", members=members, issuer=issuer)
            for number in range(organizations)
        ]
        token = mint_access_token(
            SigningKey.load_or_create(key_path), ANN, issuer=issuer, audience=AUDIENCE, at=now(), lifetime=HOLDS
        )
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
            await asyncio.sleep(0.01)
        described = [await _described(stage) for stage in stages]
        facts = {"port": port, "token": token, "organizations": described}
        print(json.dumps(facts), flush=True)  # noqa: T201  # read by the process that started this one
        await beside(stages)
        await serving


async def _described(stage: Stage) -> dict[str, Any]:
    head = await log.head(stage.reader, stage.organization_id)
    return {
        "id": stage.id,
        "cursor": cursors.encode(cursors.EVENTS, stage.organization_id, str(head)),
        "members": [ids.text(ids.Kind.MEMBER, stage.organization_id, each) for each in stage.member_ids],
    }


@asynccontextmanager
async def started(*command: str, cwd: Path) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    """Yield a server's process and the facts that it prints once it serves."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=cwd, stdin=pipe, stdout=pipe, text=True)  # noqa: S603, ASYNC220  # ours
    try:
        yield process, json.loads(await asyncio.to_thread(process.stdout.readline))  # type: ignore[union-attr]
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)  # which closes both pipes


@asynccontextmanager
async def spawned(*command: str, cwd: Path, port: int) -> AsyncIterator[None]:
    """Run a server that prints nothing until the block ends; begin once somebody listens at its port."""
    process = subprocess.Popen(command, cwd=cwd)  # noqa: S603, ASYNC220  # ours
    try:
        async with asyncio.timeout(STARTING_SECONDS_MAX):
            while not await _listens(port):  # another process has no event for us
                assert process.poll() is None, f"{command} ended with {process.returncode}"
                await asyncio.sleep(0.02)
        yield
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def raise_file_limit() -> None:
    """Allow this process as many sockets as the system lets it have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
