"""Whatever a receiver does or answers, the postman goes on."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from models.database import Database
from tests.builders import START
from tests.receiving import a_postman, a_receiver, a_sender, says, with_postbox


async def test_redirects_are_not_followed(database: Database) -> None:
    async with a_receiver() as inside:

        async def redirect(_request: Request) -> Response:
            return RedirectResponse(inside.url, 307)

        async with a_receiver(redirect) as receiver:
            sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
            with_postbox(sender.owner, receiver.host, inside.host)
            await sender.happen("a")

            await a_postman(sender.owner).deliver(at=START)

            [delivery] = await sender.log()
            assert inside.received == []
            assert (delivery["status"], delivery["responseStatus"]) == ("PENDING", 307)


async def test_a_slow_receiver_is_left_after_a_time(database: Database) -> None:
    released = asyncio.Event()

    async def slow(_request: Request) -> Response:
        await released.wait()
        return Response()

    async with a_receiver(slow) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"], seconds_max=0.1)
        await sender.happen("a")

        await sender.deliver()

        [delivery] = await sender.log()
        released.set()
        assert (delivery["status"], delivery["fault"]) == ("PENDING", "TIMED_OUT")
        assert delivery["responseStatus"] is None


async def test_of_an_endless_answer_only_the_beginning_is_read(database: Database) -> None:
    sent = 0

    async def endless(_request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 1_000:
                sent += 1
                yield b"x" * 65_536
                await asyncio.sleep(0)

        return StreamingResponse(body())

    async with a_receiver(endless) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")

        await sender.deliver()

        [delivery] = await sender.log()
        assert delivery["status"] == "DELIVERED", "only the status counts"
        assert delivery["responseExcerpt"] == "x" * 1_024
        assert sent < 200


async def test_what_a_receiver_answers_can_be_kept_whatever_it_is(database: Database) -> None:
    async with a_receiver(says(500, "no\x00\x1b[31m \u202e")) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")

        await sender.deliver()

        [delivery] = await sender.log()
        assert delivery["responseExcerpt"] == "no\ufffd\ufffd[31m \ufffd"


async def test_nobody_there_is_a_failed_attempt(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
    await sender.happen("a")

    await sender.deliver()

    [delivery] = await sender.log()
    assert (delivery["status"], delivery["fault"]) == ("PENDING", "UNREACHABLE")


async def test_few_attempts_at_a_time_reach_one_endpoint(database: Database) -> None:
    async def takes_a_moment(_request: Request) -> Response:
        await asyncio.sleep(0.01)
        return Response()

    async with a_receiver(takes_a_moment) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen(*"abcdefghijkl")

        await sender.deliver()

        assert len(receiver.received) == 12
        assert 1 < receiver.most_at_once <= 4
