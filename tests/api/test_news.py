"""News arrives, over both transports, once for each who may hear it and worked out once for all who asked the same."""

import asyncio
import gc
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import websockets

from api import following
from api.house import now
from auth.sessions import Account, Sessions
from events import tail
from models import events as log
from models.sql import Client, Statement
from schema import ids
from tests.api.served import Served, Socket, served
from tests.builders import Database

ALERTS = """subscription($id: ID!, $after: String) { limitApproaching(organizationId: $id, after: $after) {
    cursor dedupId alert { threshold member { name } } } }"""
USAGE = """subscription($id: ID!, $after: String) { usageUpdated(organizationId: $id, after: $after) {
    cursor update { kind entries events difference { amount } members { name } } } }"""
EVENTS = """subscription($id: ID!, $after: String) { organizationEvents(organizationId: $id, after: $after) {
    cursor event { sequence kind } } }"""
_LEAVE = Statement("UPDATE members SET status = 'DEACTIVATED' WHERE organization_id = :organization_id AND id = :id")
_AGE = Statement("""
    UPDATE events SET occurred_at = :occurred_at WHERE organization_id = :organization_id AND sequence <= :sequence
""")


async def closing(socket: Socket) -> tuple[int, str]:
    """Return the code and reason with which the server closes within five seconds."""
    async with asyncio.timeout(5):
        with suppress(websockets.ConnectionClosed):
            async for _ in socket.live:
                pass
    assert socket.live.close_code is not None
    return socket.live.close_code, socket.live.close_reason or ""


async def test_works_out_one_answer_for_all_who_asked_the_same(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        bo = await house.add("bo")
        sockets = [await _opened(house, "ann") for _ in range(8)]
        for number, socket in enumerate(sockets):
            # where somebody begins, and what they call the operation, is no part of the question
            variables = {"after": await _cursor(house)} if number % 2 else {}
            await socket.subscribe(ALERTS, f"id-{number}", **variables)

        await house.use(bo, "0.80")
        heard = [await socket.hear() for socket in sockets]
        executions, encodings, open_ = house.channels.executions, house.channels.encodings, len(house.channels)
        await _close(sockets)
        await asyncio.sleep(0.2)

        assert (executions, encodings, open_) == (1, 1, 1)
        assert [message["id"] for message in heard] == [f"id-{number}" for number in range(8)]
        assert len({json.dumps(message["payload"]) for message in heard}) == 1
        assert len(house.channels) == 0, "a question nobody asks any more is forgotten"


async def test_tells_each_only_what_they_may_see(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        bo, cy = await house.add("bo"), await house.add("cy")
        await house.add("dan", role="auditor")
        names = ("ann", "dan", "bo", "cy")
        sockets = {name: await _opened(house, name) for name in names}
        for socket in sockets.values():
            await socket.subscribe(ALERTS)

        await house.use(bo, "0.80")
        await house.use(cy, "0.95")
        heard = {name: [await socket.news() for _ in range(_count(name))] for name, socket in sockets.items()}
        quiet = await asyncio.gather(*(socket.is_quiet() for socket in sockets.values()))
        open_ = len(house.channels)
        await _close(sockets.values())

        told = {
            name: [(each["alert"]["member"]["name"], each["alert"]["threshold"]) for each in news]
            for name, news in heard.items()
        }
        everybody = [("bo", 75), ("cy", 75), ("cy", 90)]
        assert told == {"ann": everybody, "dan": everybody, "bo": [("bo", 75)], "cy": [("cy", 75), ("cy", 90)]}
        assert all(quiet)
        assert open_ == 4, "an owner, an auditor and two members see four different things"


async def test_a_reader_that_stalls_is_resumed_from_the_log(database: Database, tmp_path: Path) -> None:
    count = 2_000
    async with served(database, tmp_path) as house, house.socket("ann", max_queue=1) as slow:
        await slow.subscribe(EVENTS)
        server_side = _server_sides(house)[0]
        for _ in range(count // 500):
            await house.write(500)
            house.app.state.hub.wake(house.organization_id)
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        buffered = server_side.transport.get_write_buffer_size()
        events, answers = alive(log.Event), alive(following.Answered)

        heard = [await slow.news() for _ in range(count)]

        numbers = [int(each["event"]["sequence"]) for each in heard]
        assert numbers == list(range(numbers[0], numbers[0] + count))
        assert buffered < 1 << 18
        assert answers <= following.REMEMBERED_MAX + 1, "and the one that is being told"
        assert events <= tail.EVENTS_REMEMBERED_MAX + tail.BATCH < count


def alive(kind: type) -> int:
    """Return how many objects of a kind this process holds, wherever they are kept."""
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


async def test_a_slow_reader_holds_nobody_up(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house, house.socket("ann", max_queue=1) as slow:
        await slow.subscribe(EVENTS)
        for _ in range(4):
            await house.write(100)
        async with house.socket("ann") as quick:
            await quick.subscribe(EVENTS)
            await house.write(1, kind="Newest")
            house.app.state.hub.wake(house.organization_id)

            assert (await quick.news())["event"]["kind"] == "Newest"


async def test_a_member_who_leaves_hears_nothing_of_what_follows(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        bo = await house.add("bo", role="auditor")
        async with house.socket("bo") as socket:
            await socket.subscribe(EVENTS)
            await house.write(1, kind="Before")
            house.app.state.hub.wake(house.organization_id)
            assert (await socket.news())["event"]["kind"] == "Before"

            await house.do("deactivateMember", "member { id }", memberId=bo)
            await house.write(1, kind="After")
            message = await socket.hear()

            assert message["type"] == "error", message
            assert message["payload"][0]["extensions"]["code"] == "NOT_FOUND"
            assert await socket.is_quiet()


async def test_a_member_whose_role_changes_goes_on_with_what_they_may_see_now(
    database: Database, tmp_path: Path
) -> None:
    async with served(database, tmp_path) as house:
        bo, cy = await house.add("bo"), await house.add("cy")
        async with house.socket("bo") as socket:
            await socket.subscribe(ALERTS)
            await house.use(cy, "0.80")
            await house.do("changeMemberRole", "member { id }", memberId=bo, role="auditor")
            await house.use(cy, "0.15")

            # everything after the last event heard, as if they had come back with its cursor
            heard = [(await socket.news())["alert"] for _ in range(2)]
            assert heard == [{"threshold": threshold, "member": {"name": "cy"}} for threshold in (75, 90)]


async def test_access_that_ends_without_an_event_ends_the_stream_in_time(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        bo = await house.add("bo")
        async with house.socket("bo") as socket:
            await socket.subscribe(ALERTS)

            async def leave(client: Client) -> None:
                key = ids.parse(bo, ids.Kind.MEMBER).key
                await _LEAVE.run(client, organization_id=house.organization_id, id=key)

            await database.runner.run(leave, lane=house.organization_id)
            async with asyncio.timeout(5):
                message = await socket.hear()

            assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")


async def test_signing_out_closes_the_sockets_of_the_session(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        sessions = Sessions(database)
        account = Account(f"{house.settings.public_url}/dev", "somebody", "", "", now())
        token = await sessions.open(account, at=now())
        headers = {"Cookie": f"billgraph={token}"}
        async with house.socket("", additional_headers=headers, origin=house.settings.public_url) as socket:
            await sessions.revoke(token, at=now())

            assert await closing(socket) == (4403, "the sign-in behind this stream has ended")


async def test_sums_up_usage_that_comes_thick_and_fast(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        bo = await house.add("bo")
        async with house.socket("ann") as socket:
            await socket.subscribe(USAGE)
            await house.use(bo, "0.01")
            first = await socket.news()
            await asyncio.gather(*(house.use(bo, "0.01") for _ in range(20)))

            rest = []
            while sum(int(each["update"]["entries"]) for each in rest) < 20:
                rest.append(await socket.news())
            again = await house.stream("ann", f"{USAGE} ", 1, after=first["cursor"])

        assert first["update"]["entries"] == "1"
        assert len(rest) < 12
        assert sum(float(each["update"]["difference"]["amount"]) for each in rest) == pytest.approx(0.20)
        assert sum(int(each["update"]["events"]) for each in rest) == 20
        (summed,) = [each["usageUpdated"] for _, each in again]
        assert (summed["update"]["entries"], summed["update"]["difference"]["amount"]) == ("20", "0.20")
        assert summed["cursor"] == rest[-1]["cursor"], "a backlog is summed up too"


async def test_a_browser_goes_on_from_the_last_event_it_has_seen(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        bo = await house.add("bo")
        for dollars in ("0.80", "0.12", "0.08"):
            await house.use(bo, dollars)

        both = await house.stream("bo", ALERTS, 2, after=house.start)
        last = both[-1][0]
        missed = await house.stream("bo", ALERTS, 1, {"last-event-id": last}, after=house.start)

        assert [each["limitApproaching"]["alert"]["threshold"] for _, each in both] == [75, 90]
        assert [each["limitApproaching"]["cursor"] for _, each in both] == [identity for identity, _ in both]
        assert [each["limitApproaching"]["alert"]["threshold"] for _, each in missed] == [100]


async def test_says_that_a_cursor_is_too_old_and_where_to_begin(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path, events_resumable_days=7) as house:
        await house.write(1)
        newest = await _cursor(house)

        async def age(client: Client) -> None:
            long_ago = int((now() - timedelta(days=8)).timestamp() * 1_000_000)
            await _AGE.run(client, occurred_at=long_ago, organization_id=house.organization_id, sequence=10_000)

        await database.runner.run(age, lane=house.organization_id)
        variables = {"id": house.organization, "after": house.start}
        headers = {"authorization": f"Bearer {house.token('ann')}", "accept": "text/event-stream"}
        body = {"query": EVENTS, "variables": variables}
        over_http = await house.client.post("/graphql/stream", json=body, headers=headers)
        async with house.socket("ann") as socket:
            await socket.subscribe(EVENTS, after=house.start)
            refused = await socket.hear()
            await socket.subscribe(EVENTS, "2", after=refused["payload"][0]["extensions"]["eventCursor"])
            await house.write(1, kind="New")
            house.app.state.hub.wake(house.organization_id)

            assert refused["payload"][0]["extensions"]["code"] == "CURSOR_EXPIRED"
            assert refused["payload"][0]["extensions"]["eventCursor"] == newest
            assert '"code":"CURSOR_EXPIRED"' in over_http.text
            assert f'"eventCursor":"{newest}"' in over_http.text
            assert (await socket.news())["event"]["kind"] == "New"


async def test_everybody_who_comes_back_gets_what_they_missed(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        await house.write(120)
        async with house.socket("ann") as live:
            await live.subscribe(EVENTS)
            await house.write(10)
            house.app.state.hub.wake(house.organization_id)
            newest = [await live.news() for _ in range(10)]
            sockets = [await _opened(house, "ann") for _ in range(6)]
            for number, socket in enumerate(sockets):
                after = house.start if number % 2 else newest[4]["cursor"]
                await socket.subscribe(EVENTS, after=after)
            heard = [
                [await socket.news() for _ in range(130 if number % 2 else 5)] for number, socket in enumerate(sockets)
            ]
            await _close(sockets)

        numbers = [[int(each["event"]["sequence"]) for each in news] for news in heard]
        last = int(newest[-1]["event"]["sequence"])
        assert numbers[0] == numbers[2] == list(range(last - 4, last + 1))
        assert numbers[1] == numbers[3] == list(range(last - 129, last + 1))


async def _opened(house: Served, name: str) -> Socket:
    context = house.socket(name)
    socket = await context.__aenter__()
    socket.closing = context
    return socket


async def _close(sockets: Any) -> None:
    await asyncio.gather(*(socket.closing.__aexit__(None, None, None) for socket in sockets))


def _count(name: str) -> int:
    return {"bo": 1, "cy": 2}.get(name, 3)


async def _cursor(house: Served) -> str:
    found = await house.ask("ann", "query($id: ID!) { organization(id: $id) { eventCursor } }", id=house.organization)
    return str(found["eventCursor"])


def _server_sides(house: Served) -> list[Any]:
    return [stream._socket for stream in house.app.state.watch._streams]
