"""A follower gets everything it wants, once and in order, whatever becomes of the wake-ups."""

import asyncio
from contextlib import aclosing

from events import tail
from events.feed import Feed, Told
from tests.builders import Database
from tests.events.logs import Log, Reads, a_log, kinds

SECONDS_MAX = 10


async def heard(feed: Feed, after: int, count: int) -> list[Told]:
    """Return the next things a feed tells."""
    told: list[Told] = []
    async with asyncio.timeout(SECONDS_MAX), aclosing(feed.follow(after)) as following:
        async for each in following:
            told.append(each)
            if len(told) == count:
                break
    return told


async def until_followed(log: Log) -> None:
    """Return when somebody follows, and has seen where the log stands."""
    async with asyncio.timeout(SECONDS_MAX):
        while not log.hub.followed:  # noqa: ASYNC110  # it is a matter of a few turns of the loop
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)


async def test_tells_what_was_missed_and_then_what_comes(database: Database) -> None:
    log = await a_log(database)
    after = await log.head()
    await log.write("A", "B", "A")
    listening = asyncio.create_task(heard(log.feed("A"), after, 4))
    await until_followed(log)

    await log.write("B")
    await log.write("A")
    await log.write("A", "B")

    told = await listening
    assert [each.last - after for each in told] == [1, 3, 5, 6]


async def test_many_followers_share_the_reads(database: Database) -> None:
    log, reads = await a_log(database), Reads(database.reader)
    after = await log.head()
    listening = [asyncio.create_task(heard(log.feed("A", client=reads), after, 20)) for _ in range(50)]
    await until_followed(log)
    reads.count = 0

    for _ in range(20):
        await log.write("A")
    everybody = await asyncio.gather(*listening)

    assert all([each.last - after for each in told] == list(range(1, 21)) for told in everybody)
    assert reads.count <= 45, "each write is read about once, however many follow"


async def test_one_who_is_far_behind_reads_the_log_and_catches_up(database: Database) -> None:
    log = await a_log(database)
    after = await log.head()
    following = asyncio.create_task(heard(log.feed("Z"), after, 1))
    await until_followed(log)
    for _ in range(3):
        await log.write(*["A"] * 700)  # more than a tail remembers
    await asyncio.sleep(0.2)

    late = asyncio.create_task(heard(log.feed("A", "Z"), after, 2_102))
    await asyncio.sleep(0.2)
    await log.write("A", "Z")

    assert [each.last - after for each in await late] == list(range(1, 2_103))
    assert kinds((await following)[0]) == ["Z"]
    assert tail.EVENTS_REMEMBERED_MAX < 2_100


async def test_a_lost_wake_up_loses_nothing(database: Database) -> None:
    log = await a_log(database, poll_seconds=0.2)
    after = await log.head()
    listening = asyncio.create_task(heard(log.feed("A"), after, 3))
    await until_followed(log)

    for _ in range(3):
        await log.write("A", wake=False)

    assert [each.last - after for each in await listening] == [1, 2, 3]


async def test_repeated_wake_ups_double_nothing(database: Database) -> None:
    log = await a_log(database)
    after = await log.head()
    listening = asyncio.create_task(heard(log.feed("A"), after, 5))
    await until_followed(log)

    for _ in range(5):
        await log.write("A")
        for _ in range(10):
            log.hub.wake(log.organization_id)
            log.hub.wake_all()

    assert [each.last - after for each in await listening] == [1, 2, 3, 4, 5]


async def test_a_tail_ends_with_its_last_follower(database: Database) -> None:
    log = await a_log(database)
    after = await log.head()
    listening = [asyncio.create_task(heard(log.feed("A"), after, 1)) for _ in range(3)]
    await until_followed(log)
    assert log.hub.followed == 1

    for each in listening:
        each.cancel()
    await asyncio.gather(*listening, return_exceptions=True)

    assert log.hub.followed == 0


async def test_tells_together_what_belongs_together(database: Database) -> None:
    log = await a_log(database)
    after = await log.head()
    feed = log.feed("A", "B", joins=lambda before, event: before.kind == event.kind == "A", pause_seconds=0.25)
    await log.write("A", "A", "C", "A", "B", "B")
    listening = asyncio.create_task(heard(feed, after, 4))
    await asyncio.sleep(0.1)

    for _ in range(5):
        await log.write("A")

    told = await listening
    assert [kinds(each) for each in told] == [["A", "A", "A"], ["B"], ["B"], ["A"] * 5]
    assert [(each.first - after, each.last - after) for each in told] == [(1, 4), (5, 5), (6, 6), (7, 11)]
