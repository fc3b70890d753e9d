"""What is left when the power goes, again and again, in the middle of the work?

A real server under load over real HTTP is killed at random moments and started again; or the database beneath it is.
Everything that was acknowledged must be there, once; everything that was told must be true; and every alert that was
committed must have reached a subscriber who came back for it.
"""

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from api.house import now
from benchmarks import clusters, databases, load, measuring, tables
from benchmarks.issuer import Issuer, issuing
from benchmarks.listening import Subscriber
from benchmarks.scene import PLAN
from benchmarks.serving import Served, command
from billing.plans import from_document, to_document
from models import members, plans, usage
from models.database import Database, opened, reading
from models.sql import Client, Statement

CLIENTS = 8
PEOPLE = 6
ANSWERS_MAX = 40
PAUSE_SECONDS_MAX = 0.05
DELIVERY_SECONDS_MAX = 30.0
CREATE = """mutation($input: CreateOrganizationInput!) {
    createOrganization(input: $input) { organization { id eventCursor } userErrors { message } } }"""
_ALERTS = Statement("SELECT dedup_id FROM limit_alerts WHERE organization_id = :organization_id")
_COUNTED = Statement("SELECT count(*) AS total FROM usage_events WHERE organization_id = :organization_id")
_HELD = Statement("SELECT external_id, status FROM reservations WHERE organization_id = :organization_id")
_JOINED = Statement("SELECT count(*) AS total FROM members WHERE organization_id = :organization_id")


class Victim(StrEnum):
    """What is killed."""

    SERVER = "server"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it."""

    kills: int
    ledger: load.Ledger
    subscriber: Subscriber
    back_seconds: list[float]
    lost: int
    doubled: int
    lost_holds: int
    doubled_holds: int
    unheard: int
    verified: tuple[int, str]


def run(
    count: Annotated[int, typer.Option(min=1, help="How many times something is killed.")] = 200,
    kill: Annotated[Victim, typer.Option(help="The server's process, or the database beneath it.")] = Victim.SERVER,
    database: Annotated[
        str, typer.Option(help="`sqlite`, the URL of a PostgreSQL server, or `private` for one of the proof's own.")
    ] = databases.SQLITE,
) -> None:
    """Kill a working server, or its database, and look for everything it had acknowledged."""
    if kill is Victim.DATABASE and database != "private":
        raise typer.BadParameter("only a database of the proof's own is killed: --database private")
    proof = asyncio.run(measure(count, kill, database))
    title = f"{proof.kills} kills of the {kill.value} under load, on {databases.dialect_of(database)}"
    raise SystemExit(tables.show(title, figures(proof, kill)))


async def measure(count: int, kill: Victim, database: str) -> Proof:
    """Work, kill, start again, and look."""
    with tempfile.TemporaryDirectory(prefix="billgraph-kills-") as name:
        folder = Path(name)
        async with catalogued(database) as (url, cluster):
            with issuing(folder) as issuer:
                server = Served(url, issuer, folder / "log")
                await server.start()
                try:
                    return await _proof(server, issuer, _Kills(count, kill, server, cluster))
                finally:
                    await server.kill()


def figures(proof: Proof, kill: Victim = Victim.SERVER) -> list[tables.Figure]:
    """Return the rows of the table."""
    ledger, subscriber = proof.ledger, proof.subscriber
    for line in [*proof.verified[1].splitlines()[:5], *subscriber.faults[:5]] if proof.verified[0] else []:
        typer.echo(line, err=True)
    refused = [tables.count(f"answers {code}", number) for code, number in sorted(ledger.refusals.items())]
    if kill is Victim.SERVER:
        refused = [tables.zero(f"answers {code}", number) for code, number in sorted(ledger.refusals.items())]
    return [
        tables.count("operations acknowledged", len(ledger.answers)),
        tables.count("asked again for want of an answer", ledger.retries),
        *refused,
        tables.count("reservations acknowledged", ended_with(ledger, load.HOLD)),
        tables.count("of them settled", ended_with(ledger, load.SETTLE)),
        tables.count("of them released", ended_with(ledger, load.RELEASE)),
        tables.count("acknowledged ones asked again", ledger.replays),
        tables.count("alerts committed and heard", len(set(subscriber.heard))),
        tables.count("times the subscriber came back", subscriber.connections - 1),
        tables.zero("acknowledged and not there", proof.lost),
        tables.zero("there more than once", proof.doubled),
        tables.zero("holds that do not stand as was said", proof.lost_holds),
        tables.zero("holds nobody was told of", proof.doubled_holds),
        tables.zero("answers that changed under replay", ledger.changed_by_replay),
        tables.zero("alerts committed and never heard", proof.unheard),
        tables.zero("alerts heard twice", subscriber.repeated),
        tables.Figure("verify", "clean" if proof.verified[0] == 0 else "differs", proof.verified[0] == 0),
        tables.Figure("ready again, p50", f"{measuring.percentile(proof.back_seconds, 50):.2f} s"),
        tables.Figure("ready again, p99", f"{measuring.percentile(proof.back_seconds, 99):.2f} s"),
    ]


def ended_with(ledger: load.Ledger, document: str) -> int:
    """Return how many operations of a kind were carried out."""
    return sum(operation.document == document and answer["outcome"] == "DONE" for operation, answer in ledger.answers)


@dataclass(slots=True)
class _Kills:
    """What is killed, how often."""

    count: int
    victim: Victim
    server: Served
    cluster: clusters.Cluster | None

    async def carry_out(self, work: load.Work) -> list[float]:
        """Kill at random moments of the work, and return how long it took each time until it could go on."""
        dice = random.Random(20_261)  # noqa: S311  # a proof is repeated, not guarded
        seconds = []
        for number in range(self.count):
            await work.answered(len(work.ledger.answers) + dice.randrange(1, ANSWERS_MAX))
            await asyncio.sleep(dice.random() * PAUSE_SECONDS_MAX)
            if self.victim is Victim.SERVER:
                await self.server.kill()
                seconds.append(await measuring.seconds(self.server.start()))
            else:
                assert self.cluster is not None, "a database that is killed is the proof's own"
                await (self.cluster.kill() if number % 2 == 0 else self.cluster.stop_at_once())
                seconds.append(await measuring.seconds(self._database_back()))
        return seconds

    async def _database_back(self) -> None:
        assert self.cluster is not None, "a database that is killed is the proof's own"
        await self.cluster.start()
        await self.server.ready()


async def _proof(server: Served, issuer: Issuer, kills: _Kills) -> Proof:
    token = issuer.token("owner@bench.example", "Owner")
    work, cursor = await opened_work(server, token)
    subscriber = Subscriber(server.origin, token, work.organization_id, cursor)
    listening = asyncio.create_task(subscriber.listen())
    working = asyncio.create_task(work.go(CLIENTS))
    try:
        back = await kills.carry_out(work)
    finally:
        work.stopping.set()
    await working
    async with reading(server.database_url) as client:
        unheard = await _unheard(client, work.organization_id, subscriber)
        listening.cancel()
        lost, doubled = await _missing(client, work)
        lost_holds, doubled_holds = await _holds(client, work)
    verified = await command(server.log.with_name("verify"), server.database_url, "verify")
    return Proof(
        kills.count, work.ledger, subscriber, back, lost, doubled, lost_holds, doubled_holds, unheard, verified
    )


async def opened_work(server: Served, token: str) -> tuple[load.Work, str]:
    """Open an organization with a few members through the graph, and return it with the cursor it stands at."""
    work = load.Work(server.origin, token, "", [])
    async with work.http() as client:
        wanted = {"slug": "bench", "name": "Bench", "currency": "USD", "timeZone": "UTC", "locale": "en"}
        opening = load.Operation(CREATE, {"idempotencyKey": "open", "planKey": "tokens", **wanted})
        created = await work.ask(client, opening)
        assert created["userErrors"] == [], created
        work.organization_id = created["organization"]["id"]
        for number in range(PEOPLE):
            person = {"email": f"m{number}@bench.example", "name": f"m{number}", "role": "member", "tier": "chat"}
            shared = {"organizationId": work.organization_id, "idempotencyKey": f"member-{number}"}
            added = await work.ask(client, load.Operation(load.ADD, {**shared, **person}))
            work.members.append(added["member"]["id"])
    return work, created["organization"]["eventCursor"]


async def _unheard(client: Client, organization_id: str, subscriber: Subscriber) -> int:
    """Return how many committed alerts the subscriber still lacks after a while."""
    rows = await _ALERTS.rows(client, organization_id=_row_id(organization_id))
    wanted = {row["dedup_id"] for row in rows}
    waited = 0.0
    while not wanted <= set(subscriber.heard) and waited < DELIVERY_SECONDS_MAX:
        await asyncio.sleep(0.1)
        waited += 0.1
    return len(wanted - set(subscriber.heard))


async def _missing(client: Client, work: load.Work) -> tuple[int, int]:
    """Return how many acknowledged things are not in the rows, and how many rows nobody was told of."""
    organization_id = _row_id(work.organization_id)
    events: set[str] = set()
    people: set[str] = set()
    for operation, answer in work.ledger.answers:
        if operation.document == load.USE:
            events |= {each["eventId"] for each in answer["results"] if each["status"] == "RECORDED"}
        if operation.document == load.ADD:
            people.add(operation.input["email"])
        if operation.document == load.SETTLE:
            assert answer["outcome"] == "DONE", answer
            events |= {each["id"] for each in operation.input["usage"]}
    ids = sorted(events)
    batches = [ids[start : start + 1_000] for start in range(0, len(ids), 1_000)]
    known = [found for batch in batches for found in await usage.known(client, organization_id, batch)]
    joined = [each for each in people if await members.find_by_email(client, organization_id, each)]
    lost = len(events) - len(known) + len(people) - len(joined)
    return lost, await _total(client, _COUNTED, organization_id) - len(events) + (
        await _total(client, _JOINED, organization_id) - len(people) - PEOPLE - 1
    )


async def _holds(client: Client, work: load.Work) -> tuple[int, int]:
    """Return how many acknowledged holds do not stand as was last said of them, and how many nobody was told of."""
    said: dict[str, str] = {}
    for operation, answer in work.ledger.answers:
        if operation.document in {load.HOLD, load.SETTLE, load.RELEASE} and answer["outcome"] == "DONE":
            held = operation.document == load.HOLD
            said[operation.input["externalId"]] = "HELD" if held else answer["reservation"]["status"]
    rows = await _HELD.rows(client, organization_id=_row_id(work.organization_id))
    found = {row["external_id"]: row["status"] for row in rows}
    return sum(found.get(name) != status for name, status in said.items()), len(rows) - len(said)


async def _total(client: Client, statement: Statement, organization_id: str) -> int:
    row: Any = await statement.first(client, organization_id=organization_id)
    return int(row["total"])


def _row_id(global_id: str) -> str:
    return global_id.removeprefix("org_")


@asynccontextmanager
async def catalogued(database: str) -> AsyncIterator[tuple[str, clusters.Cluster | None]]:
    """Yield a database with a plan in its catalogue, and its cluster where that is the proof's own."""
    if database == "private":
        async with clusters.running() as cluster, catalogued(cluster.url) as (url, _):
            yield url, cluster
        return
    async with databases.thrown_away(database) as url:
        async with opened(url) as house:
            await _publish(house)
        yield url, None


async def _publish(database: Database) -> None:
    document = to_document(from_document(PLAN))

    async def publish(client: Client) -> None:
        await plans.publish(client, key="tokens", version=1, currency="USD", document=document, published_at=now())

    await database.runner.run(publish, lane="catalog")
