"""Who attempts to spend, all at once?

Writers share out numbered attempts. What an attempt is follows from its number alone, so any process can tell, and so
can the oracle afterwards. Some attempts come twice under other keys, some commands are asked for twice under the same
key, and some callers hang up and come back.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.scene import START, Person, Scene
from billing.rating import Direction
from events.hub import Hub
from models.database import Database, opened
from services import usage
from services.dispatch import Dispatcher

QUANTITY_POWERS = 15
MEAN_QUANTITY = (2**QUANTITY_POWERS - 1) // QUANTITY_POWERS
DUPLICATED, REPLAYED, CANCELLED = 0.06, 0.04, 0.04
FILLERS = 4
SEED = 20_261


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
    dispatcher, done = Dispatcher(database.runner, Hub()), Done()
    await asyncio.gather(*(_writer(dispatcher, work, writer, done) for writer in work.writers))
    return done


async def fill(database: Database, scene: Scene) -> None:
    """Spend whatever the organization's own cap leaves, to the last token, from several sides at once."""
    dispatcher = Dispatcher(database.runner, Hub())

    async def one(number: int) -> None:
        for position, power in enumerate([*reversed(range(QUANTITY_POWERS + 10)), 0, 0]):
            event_id = f"fill-{number}-{position}-{power}"
            command = usage.Record(scene.organization_id, event_id, (fact_of(scene, event_id),))
            for _ in range(2):
                await dispatcher.execute(usage.record, command, scene.request(event_id))

    await asyncio.gather(*(one(number) for number in range(FILLERS)))


def fact_of(scene: Scene, event_id: str) -> usage.UsageFact:
    """Return the use that an event id stands for."""
    person, quantity = person_of(scene, event_id), 0
    if event_id.startswith("fill-"):
        quantity = 2 ** int(event_id.rpartition("-")[2])
    else:
        quantity = 2 ** _dice(event_id, "quantity").randrange(QUANTITY_POWERS)
    return usage.UsageFact(event_id, person.member_id, "tokens", "atlas", Direction.INPUT, quantity, START)


def person_of(scene: Scene, event_id: str) -> Person:
    """Return who attempts what an event id stands for."""
    if event_id.startswith("fill-"):
        return scene.filler
    return _dice(event_id, "person").choice(scene.people)


async def _writer(dispatcher: Dispatcher, work: Work, writer: int, done: Done) -> None:
    dice = _dice("writer", writer)
    for key, command in _commands(work, writer):
        request = work.scene.request(key)
        started = time.perf_counter()
        try:
            if dice.random() < CANCELLED:
                asking = asyncio.create_task(dispatcher.execute(usage.record, command, request))
                await asyncio.sleep(dice.random() * 0.01)
                done.cancelled += asking.cancel()
                await asyncio.wait([asking])
            answer = await dispatcher.execute(usage.record, command, request)
            done.seconds.append(time.perf_counter() - started)
            if dice.random() < REPLAYED:
                done.replays += 1
                done.changed_by_replay += answer != await dispatcher.execute(usage.record, command, request)
        except Exception as error:  # a proof counts whatever goes wrong, and says so
            done.faults.append(f"{key}: {error!r}")


def _commands(work: Work, writer: int) -> Iterator[tuple[str, usage.Record]]:
    for number in range(writer, (work.attempts + work.batch - 1) // work.batch, work.writers_in_all):
        attempts = range(number * work.batch, min((number + 1) * work.batch, work.attempts))
        facts = tuple(fact_of(work.scene, _event_id(attempt)) for attempt in attempts)
        yield f"attempt-{number}", usage.Record(work.scene.organization_id, f"attempt-{number}", facts)


def _event_id(attempt: int) -> str:
    """Return the id of an attempt's event: its own, or that of an earlier one."""
    dice = _dice("attempt", attempt)
    return f"use-{dice.randrange(attempt + 1) if dice.random() < DUPLICATED else attempt}"


def _dice(*about: object) -> random.Random:
    """Return chance that falls the same way whenever it is about the same."""
    return random.Random("/".join(map(str, (SEED, *about))))  # noqa: S311  # a proof is repeated, not guarded
