"""Work that nobody asked us to repeat is done piece by piece, in turn, with time for others in between."""

import asyncio
import itertools
import time

import httpx2
import pytest

from api.pacing import Pace
from schema.errors import ErrorCode, GraphError
from tests.api.house import serving


def work(seconds: float) -> float:
    """Work without a pause, and return when that was done."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
    return until


async def test_goes_round_among_those_who_ask() -> None:
    pace, done = Pace(rest=0.1), list[str]()

    asked = [pace.run(name[0], lambda name=name: done.append(name)) for name in ("a1", "a2", "a3", "a4", "b1", "c1")]
    await asyncio.gather(*asked)

    assert done == ["a1", "a2", "b1", "c1", "a3", "a4"]


async def test_leaves_the_loop_to_others_for_longer_than_it_worked() -> None:
    pace = Pace(rest=2.0)

    ends = await asyncio.gather(*(pace.run("a", lambda: work(0.005)) for _ in range(4)))

    assert all(later - earlier > 0.0149 for earlier, later in itertools.pairwise(ends))


async def test_begins_at_once_where_nobody_waits() -> None:
    pace = Pace()
    await pace.run("a", lambda: None)
    await asyncio.sleep(0.01)

    running = pace.run("a", lambda: "done")

    with pytest.raises(StopIteration, match="done"):
        running.send(None)


async def test_keeps_nobody_waiting_without_end() -> None:
    pace = Pace(waiting_max=2)
    first = asyncio.create_task(pace.run("a", lambda: work(0.002)))
    waiting = [asyncio.create_task(pace.run("a", lambda: None)) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(GraphError) as refused:
        await pace.run("a", lambda: None)
    other = await pace.run("b", lambda: "b")

    assert refused.value.code is ErrorCode.OVERLOADED
    assert other == "b"
    await asyncio.gather(first, *waiting)


async def test_passes_the_turn_of_one_who_has_gone_to_the_next() -> None:
    pace = Pace(rest=0.1)
    first = asyncio.create_task(pace.run("a", lambda: work(0.002)))
    gone, after = (asyncio.create_task(pace.run("a", lambda name=name: name)) for name in ("gone", "after"))
    await first
    gone.cancel()

    assert await after == "after"
    assert gone.cancelled()


async def test_a_failure_ends_a_turn_like_anything_else() -> None:
    pace = Pace(rest=0.1)

    failed = await asyncio.gather(*(pace.run("a", lambda: 1 // 0) for _ in range(2)), return_exceptions=True)

    assert [type(each) for each in failed] == [ZeroDivisionError] * 2
    assert await pace.run("a", lambda: "next") == "next"


async def test_documents_that_were_read_before_wait_for_nobody() -> None:
    async with serving() as house, httpx2.AsyncClient(base_url=house.url) as client:
        await client.post("/graphql", json={"query": "{ hello }"})
        pace = house.server.config.app.state.operations.pace  # type: ignore[union-attr]  # it is our application
        while pace._is_taken:  # noqa: ASYNC110  # what was asked first is still followed by its rest
            await asyncio.sleep(0.001)
        pace._is_taken = True

        known = await client.post("/graphql", json={"query": "{ hello }"})
        new = asyncio.create_task(client.post("/graphql", json={"query": "{ member { name } }"}))
        large = asyncio.create_task(client.post("/graphql", json={"query": "{ hello }", "x": "y" * 20_000}))
        await asyncio.sleep(0.05)
        is_waiting = not new.done() and not large.done()
        pace._next()

        assert known.json()["data"] == {"hello": "hello world"}
        assert is_waiting
        assert (await new).json()["data"] == {"member": {"name": "Ada"}}
        assert (await large).json()["data"] == {"hello": "hello world"}
