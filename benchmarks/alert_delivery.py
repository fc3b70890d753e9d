"""Does every alert arrive, in order, although subscribers keep losing their connections?

    python -m benchmarks.alert_delivery --alerts 10000 --drops 200 [--database postgres://…]

The whole house serves in a process of its own; here, members use what sets off alerts, and subscribers of several
organizations follow them over real WebSockets. Their connections are cut without a farewell, again and again and at
random, and each comes back with the cursor of the last alert it kept; sometimes it has forgotten the newest ones, as a
client does that died before it wrote its cursor down. Counted is what is lost, what comes out of order and what comes
under another `dedupId`; measured is the time from the commit to the client.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import websockets
from websockets.typing import Subprotocol

from api import server
from benchmarks import databases
from benchmarks.stage import Stage, serve, started
from models import events as log

DOCUMENT = """subscription Hear($id: ID!, $after: String) { limitApproaching(organizationId: $id, after: $after) {
    cursor dedupId alert { threshold raisedAt } } }"""
STEPS = (75, 15, 10)
"""The cents that a member uses of their dollar, so that each use reaches one more threshold."""
USES_AT_ONCE = 20
FORGOTTEN_MAX = 3
QUIET_SECONDS_MAX = 60.0
ORGANIZATIONS = 4

Committed = Sequence[tuple[str, float]]


@dataclass(slots=True)
class Subscriber:
    """One client of one organization: what it keeps, and where it would go on."""

    port: int
    token: str
    organization: str
    start: str
    expected: int
    dice: random.Random
    kept: list[tuple[str, str, float]] = field(default_factory=list)
    repeats: int = 0
    drops: int = 0
    faults: list[str] = field(default_factory=list)
    first_heard: dict[str, float] = field(default_factory=dict)
    _by_cursor: dict[str, str] = field(default_factory=dict)
    _socket: websockets.ClientConnection | None = None

    async def follow(self) -> None:
        """Follow until everything expected is there, however often the connection is lost."""
        while len(self.kept) < self.expected:
            try:
                await self._listen(self.kept[-1][0] if self.kept else self.start)
            except (websockets.ConnectionClosed, OSError):
                self._forget()

    def drop(self) -> bool:
        """Cut the connection, where there is one; return whether there was."""
        if self._socket is None:
            return False
        self._socket.transport.abort()
        self._socket, self.drops = None, self.drops + 1
        return True

    async def _listen(self, after: str) -> None:
        address = f"ws://127.0.0.1:{self.port}/graphql"
        async with websockets.connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            payload = {"Authorization": f"Bearer {self.token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            asked = {"query": DOCUMENT, "variables": {"id": self.organization, "after": after}}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": asked}))
            self._socket = socket
            while len(self.kept) < self.expected:
                async with asyncio.timeout(QUIET_SECONDS_MAX):
                    message = json.loads(await socket.recv())
                if message["type"] == "next":
                    self._keep(message["payload"]["data"]["limitApproaching"])
                elif message["type"] != "connection_ack":
                    raise AssertionError(f"told {message}")
            self._socket = None

    def _keep(self, told: dict[str, Any]) -> None:
        cursor, dedup_id, at = told["cursor"], told["dedupId"], time.time()
        if cursor in self._by_cursor:
            self.repeats += 1
        if self._by_cursor.setdefault(cursor, dedup_id) != dedup_id:
            self.faults.append(f"{self._by_cursor[cursor]} was repeated as {dedup_id}")
        self.first_heard.setdefault(dedup_id, at)
        self.kept.append((cursor, dedup_id, at))

    def _forget(self) -> None:
        """Lose the newest ones, as a client does that had not written them down yet."""
        lost = min(self.dice.randrange(FORGOTTEN_MAX + 1), len(self.kept))
        del self.kept[len(self.kept) - lost :]


async def drop_at_random(subscribers: Sequence[Subscriber], drops: int, dice: random.Random, *, seconds: float) -> None:
    """Cut so many connections, spread over a while."""
    done = 0
    while done < drops and any(len(each.kept) < each.expected for each in subscribers):
        await asyncio.sleep(dice.random() * seconds / drops)
        done += dice.choice(subscribers).drop()


async def set_off(stages: Sequence[Stage], each: int, *, rate: float) -> dict[str, list[tuple[str, float]]]:
    """Let members use what reaches their limits; return each alert with the instant of its commit, in order."""

    async def one(stage: Stage) -> list[tuple[str, float]]:
        committed: dict[int, float] = {}
        head = await log.head(stage.reader, stage.organization_id)
        start, uses = head, [(member, step) for step in STEPS for member in range(-(-each // len(STEPS)))][:each]
        started_at = time.monotonic()
        for first in range(0, len(uses), USES_AT_ONCE):
            await asyncio.sleep(max(0.0, started_at + first * len(stages) / rate - time.monotonic()))
            await stage.use(uses[first : first + USES_AT_ONCE])
            at, before, head = time.time(), head, await log.head(stage.reader, stage.organization_id)
            committed.update(dict.fromkeys(range(before + 1, head + 1), at))
        found: list[tuple[str, float]] = []
        while start < head:
            batch = await log.after(stage.reader, stage.organization_id, start, limit=1_000)
            start = batch[-1].sequence
            found += [
                (json.loads(event.payload)["dedupId"], committed[event.sequence])
                for event in batch
                if event.kind == "SpendLimitThresholdReached"
            ]
        return found

    found = await asyncio.gather(*(one(stage) for stage in stages))
    return {stage.id: alerts for stage, alerts in zip(stages, found, strict=True)}


def judge(subscribers: Sequence[Subscriber], committed: dict[str, Committed]) -> tuple[list[str], list[float]]:
    """Return what went wrong, and how long after its commit each alert was first heard, in seconds."""
    faults, delays = [], []
    for subscriber in subscribers:
        faults += subscriber.faults
        wanted = [dedup_id for dedup_id, _ in committed[subscriber.organization]]
        order = [dedup_id for _, dedup_id, _ in subscriber.kept]
        if lost := set(wanted) - set(order):
            faults.append(f"{len(lost)} of {len(wanted)} alerts were lost")
        elif order != wanted:
            faults.append("alerts came in another order than they were committed in")
        heard = subscriber.first_heard
        delays += [heard[name] - at for name, at in committed[subscriber.organization] if name in heard]
    return faults, sorted(delays)


async def run(options: argparse.Namespace) -> int:
    """Set alerts off, drop connections, and print what became of them; return 1 when a promise was broken."""
    each, dice = options.alerts // ORGANIZATIONS, random.Random(options.seed)  # noqa: S311  # no secret
    with tempfile.TemporaryDirectory() as folder:
        asked = ("--alerts", str(options.alerts), "--rate", str(options.rate))
        command = (sys.executable, "-m", "benchmarks.alert_delivery", "--serve", folder, *asked)
        async with (
            databases.empty(options.database) as url,
            started(*command, "--database", url, cwd=Path(__file__).parents[1]) as (process, facts),
        ):
            subscribers = [
                Subscriber(facts["port"], facts["token"], stage["id"], stage["cursor"], each, random.Random(number))  # noqa: S311
                for number, stage in enumerate(facts["organizations"])
            ]
            following = [asyncio.create_task(subscriber.follow()) for subscriber in subscribers]
            dropping = asyncio.create_task(
                drop_at_random(subscribers, options.drops, dice, seconds=options.alerts / options.rate)
            )
            process.stdin.write("go\n")
            process.stdin.flush()
            committed = json.loads(await asyncio.to_thread(process.stdout.readline))
            await asyncio.gather(*following, dropping)
    faults, delays = judge(subscribers, committed)
    drops, repeats = sum(each.drops for each in subscribers), sum(each.repeats for each in subscribers)
    shown = [1_000 * cut for cut in (delays[len(delays) // 2], quantiles(delays, n=100)[98])]
    print(f"{len(delays)} alerts through {drops} drops on {databases.dialect_of(options.database)}: {repeats} repeats")  # noqa: T201
    print(f"  lost, out of order or renamed   {len(faults)}")  # noqa: T201
    print(f"  commit to client                p50 {shown[0]:.1f} ms   p99 {shown[1]:.1f} ms, time away included")  # noqa: T201
    for fault in faults:
        print(f"  {fault}")  # noqa: T201
    return int(bool(faults) or drops < options.drops)


async def produce(stages: Sequence[Stage], alerts: int, rate: float) -> None:
    """Wait to be told, set the alerts off, and print when each was committed."""
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(await set_off(stages, alerts // len(stages), rate=rate)), flush=True)  # noqa: T201  # for the process above


def main(arguments: list[str]) -> int:
    """Serve, where this process was started for that, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--drops", type=int, default=200)
    parser.add_argument("--rate", type=float, default=200.0, help="How many alerts a second are set off.")
    parser.add_argument("--seed", type=int, default=20_261)
    parser.add_argument("--database", default=databases.SQLITE, help="`sqlite`, or the URL of a PostgreSQL server.")
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        members = -(-options.alerts // ORGANIZATIONS // len(STEPS)) + 1
        server.run(
            serve(
                options.database,
                Path(options.serve),
                organizations=ORGANIZATIONS,
                members=members,
                beside=lambda stages: produce(stages, options.alerts, options.rate),
            )
        )
        return 0
    return asyncio.run(run(options))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
