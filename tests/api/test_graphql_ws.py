"""graphql-transport-ws, message by message, with a real client."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import websockets
from websockets.typing import Subprotocol

from api.push_socket import PushSocket
from tests.api.house import TOKEN, House, serving

ADA = {"authorization": f"Bearer {TOKEN}"}
Socket = websockets.ClientConnection


@asynccontextmanager
async def connected(house: House, *, protocol: str = "graphql-transport-ws", **rest: Any) -> AsyncIterator[Socket]:
    async with websockets.connect(house.socket_url, subprotocols=[Subprotocol(protocol)], **rest) as socket:
        yield socket


@asynccontextmanager
async def introduced(house: House, **rest: Any) -> AsyncIterator[Socket]:
    async with connected(house, **rest) as socket:
        await say(socket, type="connection_init", payload=ADA)
        assert await hear(socket) == {"type": "connection_ack"}
        yield socket


async def say(socket: Socket, **message: object) -> None:
    await socket.send(json.dumps(message))


async def subscribe(socket: Socket, identity: str, query: str, **rest: object) -> None:
    await say(socket, id=identity, type="subscribe", payload={"query": query, **rest})


async def hear(socket: Socket) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def closing(socket: Socket) -> tuple[int, str]:
    """Return the code and reason with which the server closes, whatever it says before."""
    async with asyncio.timeout(5):
        with suppress(websockets.ConnectionClosed):
            async for _ in socket:
                pass
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def test_streams_every_event_and_then_completes(house: House) -> None:
    async with introduced(house) as socket:
        await subscribe(socket, "a", "subscription S($to: Int!) { count(to: $to) }", variables={"to": 2})

        assert [await hear(socket) for _ in range(3)] == [
            {"id": "a", "type": "next", "payload": {"data": {"count": "1"}}},
            {"id": "a", "type": "next", "payload": {"data": {"count": "2"}}},
            {"id": "a", "type": "complete"},
        ]


@pytest.mark.parametrize(
    ("expected", "query"), [({"hello": "hello world"}, "{ hello }"), ({"pay": "paid"}, "mutation { pay }")]
)
async def test_answers_queries_and_mutations_too(house: House, expected: object, query: str) -> None:
    async with introduced(house) as socket:
        await subscribe(socket, "a", query)

        message = await hear(socket)
        assert (message["id"], message["type"], message["payload"]["data"]) == ("a", "next", expected)
        assert await hear(socket) == {"id": "a", "type": "complete"}


async def test_runs_operations_side_by_side(house: House) -> None:
    async with introduced(house) as socket:
        await subscribe(socket, "slow", "{ slow(seconds: 0.2) }")
        await subscribe(socket, "fast", "{ hello }")

        assert [(await hear(socket))["id"] for _ in range(4)] == ["fast", "fast", "slow", "slow"]


async def test_lets_an_id_be_used_again_after_complete(house: House) -> None:
    async with introduced(house) as socket:
        for _ in range(20):
            await subscribe(socket, "a", "{ hello }")
            assert [(await hear(socket))["type"] for _ in range(2)] == ["next", "complete"]


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        ("GRAPHQL_PARSE_FAILED", "{"),
        ("GRAPHQL_VALIDATION_FAILED", "{ helo }"),
        ("BAD_USER_INPUT", "query A($name: String!) { hello(name: $name) }"),
        ("BAD_USER_INPUT", "subscription A($to: Int!) { count(to: $to) }"),
    ],
)
async def test_answers_a_faulty_operation_with_an_error(house: House, expected: str, query: str) -> None:
    async with introduced(house) as socket:
        await subscribe(socket, "a", query)
        message = await hear(socket)
        await subscribe(socket, "a", "{ hello }")

        assert (message["id"], message["type"]) == ("a", "error")
        assert message["payload"][0]["extensions"]["code"] == expected
        assert (await hear(socket))["type"] == "next"


async def test_masks_what_a_source_raises(house: House) -> None:
    async with introduced(house) as socket:
        await subscribe(socket, "a", "subscription { breaks }")
        first, second = await hear(socket), await hear(socket)

    assert first["payload"] == {"data": {"breaks": 1}}
    assert second["type"] == "error"
    assert second["payload"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in json.dumps(second)


async def test_opens_a_fresh_context_for_each_event(house: House) -> None:
    async with introduced(house) as socket:
        await subscribe(socket, "a", "subscription { friends { contextNumber } }")
        numbers = [(await hear(socket))["payload"]["data"]["friends"]["contextNumber"] for _ in range(2)]

    assert numbers[0] < numbers[1]


async def test_gives_up_an_event_that_takes_too_long() -> None:
    async with serving(query_seconds_max=0.1) as house, introduced(house) as socket:
        await subscribe(socket, "a", "subscription { friends { slowName } }")
        message = await hear(socket)

    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "TIMEOUT")


async def test_stops_a_subscription_the_client_completes(house: House) -> None:
    closed = house.notes.closed_streams
    async with introduced(house) as socket:
        await subscribe(socket, "a", "subscription { count(to: 1000, pause: 0.01) }")
        await hear(socket)

        await say(socket, id="a", type="complete")
        await say(socket, id="unknown", type="complete")
        await asyncio.sleep(0.1)

    assert house.notes.closed_streams == closed + 1


async def test_stops_everything_when_the_client_leaves(house: House) -> None:
    closed = house.notes.closed_streams
    async with introduced(house) as socket:
        for identity in "abc":
            await subscribe(socket, identity, "subscription { count(to: 1000, pause: 0.01) }")
        for _ in range(6):
            await hear(socket)
        socket.transport.abort()

    await asyncio.sleep(0.2)
    assert house.notes.closed_streams == closed + 3


async def test_finishes_a_mutation_whose_caller_has_left(house: House) -> None:
    finished = house.notes.finished_mutations
    async with introduced(house) as socket:
        await subscribe(socket, "a", "mutation { pay(seconds: 0.2) }")
        await asyncio.sleep(0.1)
        socket.transport.abort()

    assert house.notes.finished_mutations == finished
    await asyncio.sleep(0.3)
    assert house.notes.finished_mutations == finished + 1


async def test_answers_pings_before_and_after_introductions(house: House) -> None:
    async with connected(house) as socket:
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}
        await say(socket, type="connection_init", payload=ADA)
        await hear(socket)
        await say(socket, type="pong", payload=None)
        await say(socket, type="ping", payload={"n": 1})

        assert await hear(socket) == {"type": "pong", "payload": {"n": 1}}


@pytest.mark.parametrize(
    "frame",
    [
        "1",
        "null",
        '"subscribe"',
        "[]",
        "{}",
        "{",
        b"\x00\x01",
        '{"type":1}',
        '{"type":"nonsense"}',
        '{"type":"connection_ack"}',
        '{"type":"next","id":"a","payload":{}}',
        '{"type":"ping","payload":"x"}',
        '{"type":"complete"}',
        '{"type":"complete","id":1}',
        '{"type":"subscribe","payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":["a"],"payload":{"query":"{hello}"}}',
        '{"type":"subscribe","id":"a"}',
        '{"type":"subscribe","id":"a","payload":"{hello}"}',
        '{"type":"subscribe","id":"a","payload":{"query":1}}',
        '{"type":"subscribe","id":"a","payload":{"query":"{hello}","variables":[]}}',
        '{"type":"subscribe","id":"a","payload":{"query":"{hello}","operationName":1}}',
        '{"type":"subscribe","id":"a","payload":{"query":"{hello}","extensions":"x"}}',
        '{"type":"ping","payload":{"a":' + "9" * 5000 + "}}",
        '{"type":"ping","payload":{"a":' + "[" * 100 + "]" * 100 + "}}",
        "[" * 100_000,
    ],
    ids=lambda frame: repr(frame[:60]),
)
async def test_closes_on_a_frame_that_is_no_message(house: House, frame: str | bytes) -> None:
    async with introduced(house) as socket:
        await socket.send(frame)
        code, reason = await closing(socket)

    assert code == 4400
    assert reason


async def test_closes_on_a_bad_introduction(house: House) -> None:
    async with connected(house) as socket:
        await socket.send('{"type":"connection_init","payload":[1]}')

        assert (await closing(socket))[0] == 4400


async def test_knows_no_other_protocol(house: House) -> None:
    async with connected(house, protocol="graphql-ws") as socket:
        assert await closing(socket) == (4406, "Subprotocol not acceptable")


async def test_wants_an_introduction_before_work(house: House) -> None:
    async with connected(house) as socket:
        await subscribe(socket, "a", "{ hello }")

        assert await closing(socket) == (4401, "Unauthorized")


async def test_wants_one_introduction_only(house: House) -> None:
    async with introduced(house) as socket:
        await say(socket, type="connection_init")

        assert await closing(socket) == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("payload", [{"authorization": "Bearer forged"}, {}, None])
async def test_turns_away_whom_it_does_not_know(house: House, payload: object) -> None:
    async with connected(house) as socket:
        await say(socket, type="connection_init", payload=payload)

        assert (await closing(socket))[0] == 4403


async def test_wants_each_id_once_at_a_time(house: House) -> None:
    async with introduced(house) as socket:
        await subscribe(socket, "a", "{ slow(seconds: 1) }")
        await subscribe(socket, "a", "{ hello }")

        assert await closing(socket) == (4409, "Subscriber for a already exists")


async def test_serves_no_page_of_another_site(house: House) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with connected(house, origin="https://evil.example"):
            pass

    assert refused.value.response.status_code == 403


async def test_waits_for_an_introduction_only_so_long() -> None:
    async with serving(socket_init_seconds_max=0.2) as house, connected(house) as socket:
        await say(socket, type="ping")

        assert await closing(socket) == (4408, "Connection initialisation timeout")


async def test_does_not_blame_a_client_for_the_time_it_takes_to_recognize_it() -> None:
    async with serving(socket_init_seconds_max=0.1, recognizing_seconds=0.3) as house, introduced(house) as socket:
        await subscribe(socket, "a", "{ hello }")

        assert (await hear(socket))["type"] == "next"


async def test_keeps_nothing_of_the_handshake_once_a_socket_is_open(house: House) -> None:
    async with introduced(house, additional_headers={"x-large": "h" * 4_000}) as socket:
        await subscribe(socket, "a", "subscription { count(to: 1000, pause: 0.01) }")
        await hear(socket)
        (open_,) = (each for each in house.server.server_state.connections if isinstance(each, PushSocket))

        assert open_.request is None
        assert open_.response is None
        assert set(open_.scope) == {"type", "client"}


async def test_ends_when_the_token_does() -> None:
    async with serving(token_seconds=0.3) as house, introduced(house) as socket:
        await subscribe(socket, "a", "subscription { count(to: 1000, pause: 0.01) }")

        assert await closing(socket) == (4403, "The session or token has expired")


async def test_limits_the_operations_of_one_socket() -> None:
    async with serving(socket_operations_max=2) as house, introduced(house) as socket:
        for identity in "ab":
            await subscribe(socket, identity, "{ slow(seconds: 0.2) }")
        await subscribe(socket, "c", "{ hello }")
        refused = await hear(socket)

        assert (refused["id"], refused["payload"][0]["extensions"]["code"]) == ("c", "OVERLOADED")
        assert {(await hear(socket))["id"] for _ in range(4)} == {"a", "b"}


async def test_limits_the_subscriptions_of_one_process() -> None:
    async with serving(streams_max=1) as house, introduced(house) as socket:
        await subscribe(socket, "a", "subscription { count(to: 1000, pause: 0.05) }")
        await hear(socket)
        await subscribe(socket, "b", "subscription { count }")
        messages = [await hear(socket) for _ in range(3)]

    (refused,) = (message for message in messages if message["id"] == "b")
    assert refused["payload"][0]["extensions"]["code"] == "OVERLOADED"


async def test_closes_on_a_frame_that_is_too_large() -> None:
    async with serving(frame_bytes_max=1_000) as house, introduced(house) as socket:
        await say(socket, type="ping", payload={"a": "x" * 2_000})

        assert (await closing(socket))[0] == 1009


async def test_makes_the_source_wait_for_a_slow_reader_and_then_cuts_it() -> None:
    async with (
        serving(socket_queue_max=4, socket_stall_seconds_max=1) as house,
        introduced(house, max_queue=1) as socket,
    ):
        await subscribe(socket, "a", "subscription { count(to: 5000, size: 100000) }")
        await asyncio.sleep(0.8)
        produced = house.notes.produced_events
        await asyncio.sleep(0.1)
        assert house.notes.produced_events == produced

        await asyncio.sleep(0.6)
        assert house.notes.closed_streams == 1
        socket.transport.abort()

    assert 4 <= produced < 500


async def test_says_goodbye_when_the_server_stops() -> None:
    async with serving() as house, introduced(house) as socket:
        await subscribe(socket, "a", "subscription { count(to: 1000, pause: 0.01) }")
        await hear(socket)
        house.server.should_exit = True

        assert (await closing(socket))[0] in {1001, 1012}
        await asyncio.sleep(0.1)
        assert house.notes.closed_streams == 1
