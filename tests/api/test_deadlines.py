"""A block that takes too long ends, and nothing else does."""

import asyncio

import pytest

from api.deadlines import Deadline


async def test_ends_a_block_when_its_time_is_over_and_lets_the_task_go_on() -> None:
    with pytest.raises(TimeoutError), Deadline(0.001):
        await asyncio.Event().wait()

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


async def test_leaves_a_block_alone_that_ends_in_time() -> None:
    with Deadline(0.001):
        await asyncio.sleep(0)

    await asyncio.sleep(0.002)


async def test_says_what_went_wrong_inside() -> None:
    with pytest.raises(ValueError, match="inside"), Deadline(60):
        raise ValueError("inside")


async def test_obeys_whoever_else_cancels_the_task() -> None:
    async def waits() -> None:
        with Deadline(60):
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_does_not_take_a_cancellation_for_its_own_end() -> None:
    async def waits() -> None:
        task = asyncio.current_task()
        assert task is not None
        with Deadline(0):
            task.cancel()  # before the time is over, and not by it
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())

    with pytest.raises(asyncio.CancelledError):
        await task
