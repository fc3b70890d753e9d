"""Who attempts to spend, all at once?

Writers share out numbered attempts. What an attempt is follows from its number alone, so any process can tell, and so
can the oracle afterwards. Half of the commands record usage; the others hold spend first, and then settle it, release
it, or leave it to expire. Some attempts come twice under other keys, some commands are asked for twice under the same
key, and some callers hang up and come back.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from benchmarks.scene import NANOS_PER_TOKEN, START, Person, Scene
from billing.rating import Direction
from events.hub import Hub
from models.database import Database, opened
from services import reservation_facts as facts
from services import reservations, settling, usage
from services.dispatch import Dispatcher, Verb

QUANTITY_POWERS = 15
MEAN_QUANTITY = (2**QUANTITY_POWERS - 1) // QUANTITY_POWERS
DUPLICATED, REPLAYED, CANCELLED = 0.06, 0.04, 0.04
HELD, SETTLED, RELEASED = 0.5, 0.5, 0.75
HOLD_SECONDS_MAX = 20
STEP = timedelta(milliseconds=50)
FILLED_AT = START + timedelta(hours=8)
FILLERS = 4
SEED = 20_261
VERBS: dict[str, Verb[Any, Any]] = {
    "use": usage.record,
    "reserve": reservations.reserve,
    "settle": settling.settle,
    "release": reservations.release,
    "fill": usage.record,
}
"""The verb of each command, by the first part of its key."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one process does: its share of the writers' commands."""

    scene: Scene
    attempts: int
    batch: int
    writers: tuple[int, ...]
    writers_in_all: int


@dataclass(slots=True)
class Done:
    """What came of it: the seconds that each command took, and what should not have happened."""

    seconds: list[float] = field(default_factory=list)
    replays: int = 0
    changed_by_replay: int = 0
    cancelled: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: "Done") -> None:
        """Take in what another process did."""
        self.seconds += other.seconds
        self.replays += other.replays
        self.changed_by_replay += other.changed_by_replay
        self.cancelled += other.cancelled
        self.faults += other.faults


def in_a_process(url: str, work: Work) -> Done:
    """Do the work on connections of this process's own."""

    async def run() -> Done:
        async with opened(url) as database:
            return await write(database, work)

    return asyncio.run(run())


async def write(database: Database, work: Work) -> Done:
    """Let all writers of this process attempt at once."""
    done = Done()
    dispatcher = Dispatcher(database.runner, Hub())
    await asyncio.gather(*(_Writer(dispatcher, work, number, done).run() for number in work.writers))
    return done


async def fill(database: Database, scene: Scene) -> None:
    """Spend whatever the organization's own cap leaves, to the last token, from several sides at once."""
    dispatcher = Dispatcher(database.runner, Hub())

    async def one(number: int) -> None:
        for position, power in enumerate([*reversed(range(QUANTITY_POWERS + 10)), 0, 0]):
            key = f"fill-{number}-{position}-{power}"
            command = usage.Record(scene.organization_id, key, (use_of(scene, key),))
            for _ in range(2):
                await dispatcher.execute(usage.record, command, scene.request(key, FILLED_AT))

    await asyncio.gather(*(one(number) for number in range(FILLERS)))


def at_of(key: str) -> datetime:
    """Return the instant at which a command is asked for: its number is its place in time."""
    kind, number = key.split("-")[:2]
    return FILLED_AT if kind == "fill" else START + int(number) * STEP


def quantity_of(name: str) -> int:
    """Return how many tokens an attempt is about."""
    if name.startswith("fill-"):
        return 1 << int(name.rpartition("-")[2])
    return 1 << _dice(name, "quantity").randrange(QUANTITY_POWERS)


def person_of(scene: Scene, name: str) -> Person:
    """Return who makes an attempt."""
    return scene.filler if name.startswith("fill-") else _dice(name, "person").choice(scene.people)


def use_of(scene: Scene, name: str) -> usage.UsageFact:
    """Return the use that an attempt reports."""
    member_id = person_of(scene, name).member_id
    return usage.UsageFact(name, member_id, "tokens", "atlas", Direction.INPUT, quantity_of(name), START)


def ask_of(scene: Scene, name: str) -> facts.Ask:
    """Return the hold that an attempt asks for."""
    return facts.Ask(
        name,
        person_of(scene, name).member_id,
        amount_nanos=quantity_of(name) * NANOS_PER_TOKEN,
        currency="USD",
        ttl_seconds=_dice(name, "ttl").randrange(1, HOLD_SECONDS_MAX),
    )


def actual_of(name: str) -> facts.Actual:
    """Return what became of a hold: a part of it was used, perhaps all, perhaps nothing."""
    quantity = _dice(name, "actual").randrange(quantity_of(name) + 1)
    use = facts.Use(f"settled/{name}", "tokens", "atlas", Direction.INPUT, quantity, START)
    return facts.Actual(facts.Which(None, name), (use,))


@dataclass(slots=True)
class _Writer:
    """One of those who attempt."""

    dispatcher: Dispatcher
    work: Work
    number: int
    done: Done

    async def run(self) -> None:
        """Make every attempt of this writer's, one command after another."""
        dice = _dice("writer", self.number)
        for number, names in self._batches():
            if _dice("command", number).random() >= HELD:
                uses = tuple(use_of(self.work.scene, f"use/{name}") for name in names)
                await self._ask(dice, f"use-{number}", usage.Record, uses)
                continue
            asks = tuple(ask_of(self.work.scene, f"hold/{name}") for name in names)
            answer = await self._ask(dice, f"reserve-{number}", facts.Reserve, asks)
            if isinstance(answer, facts.ReserveAnswer):
                await self._end(dice, number, [each for each in answer.outcomes if isinstance(each, facts.Reserved)])

    async def _end(self, dice: random.Random, number: int, held: list[facts.Reserved]) -> None:
        """Settle some of the holds, release some, and leave the rest to their time."""
        names = {each.external_id for each in held if not each.repeated}
        fates = {name: _dice(name, "fate").random() for name in sorted(names)}
        settled = tuple(actual_of(name) for name, fate in fates.items() if fate < SETTLED)
        released = tuple(facts.Which(None, name) for name, fate in fates.items() if SETTLED <= fate < RELEASED)
        if settled:
            await self._ask(dice, f"settle-{number}", facts.Settle, settled)
        if released:
            await self._ask(dice, f"release-{number}", facts.Release, released)

    async def _ask(self, dice: random.Random, key: str, command: Any, items: tuple[Any, ...]) -> Any:
        """Return the answer to a command, which some hang up on first and some ask for again."""
        asked = command(self.work.scene.organization_id, key, items)
        verb, request = VERBS[key.partition("-")[0]], self.work.scene.request(key, at_of(key))
        started = time.perf_counter()
        try:
            if dice.random() < CANCELLED:
                asking = asyncio.create_task(self.dispatcher.execute(verb, asked, request))
                await asyncio.sleep(dice.random() * 0.01)
                self.done.cancelled += asking.cancel()
                await asyncio.wait([asking])
            answer = await self.dispatcher.execute(verb, asked, request)
            self.done.seconds.append(time.perf_counter() - started)
            if dice.random() < REPLAYED:
                self.done.replays += 1
                self.done.changed_by_replay += answer != await self.dispatcher.execute(verb, asked, request)
        except Exception as error:  # a proof counts whatever goes wrong, and says so
            self.done.faults.append(f"{key}: {error!r}")
            return None
        return answer

    def _batches(self) -> Iterator[tuple[int, list[str]]]:
        size = self.work.batch
        for number in range(self.number, (self.work.attempts + size - 1) // size, self.work.writers_in_all):
            attempts = range(number * size, min((number + 1) * size, self.work.attempts))
            yield number, [_name(attempt) for attempt in attempts]


def _name(attempt: int) -> str:
    """Return the name of what is attempted: its own, or that of something attempted before."""
    dice = _dice("attempt", attempt)
    return str(dice.randrange(attempt + 1) if dice.random() < DUPLICATED else attempt)


def _dice(*about: object) -> random.Random:
    """Return chance that falls the same way whenever it is about the same."""
    return random.Random("/".join(map(str, (SEED, *about))))  # noqa: S311  # a proof is repeated, not guarded
