"""What was sent, or would have been, is sent again where somebody asks for it."""

import json

import pytest

from models.database import Database
from services import replays
from tests.builders import days_later
from tests.receiving import Sender, a_receiver, a_sender


async def test_one_delivery_is_replayed_under_its_id(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")
        await sender.deliver()
        [first] = await sender.log()

        later = Sender(sender.owner.later(1), database, sender.postman, sender.endpoint_id, sender.secret)
        again = await later.change("replayWebhook", "count hasMore", deliveryId=first["id"])
        await sender.deliver(days=1)

        assert (again["count"], again["hasMore"]) == (1, False)
        assert receiver.ids[0] == receiver.ids[1]
        assert receiver.received[0].body == receiver.received[1].body
        assert [each["replayed"] for each in await sender.log()] == [True, False]


async def test_a_part_of_the_log_is_replayed(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a", "b")
        later = Sender(sender.owner.later(3), database, sender.postman, sender.endpoint_id, sender.secret)
        await later.happen("c")
        await sender.deliver(days=3)
        cursor = json.loads(receiver.in_order[0].body)["data"]["cursor"]
        first_time, passed = (
            [each.headers["webhook-id"] for each in receiver.in_order],
            (await sender.endpoint())["cursor"],
        )
        receiver.received.clear()

        after = await later.change("replayWebhook", "count cursor hasMore", after=cursor)
        await sender.deliver(days=3)
        replayed = sorted(receiver.ids)
        since = await later.change("replayWebhook", "count", since=days_later(2).isoformat())

        assert (after["count"], after["hasMore"]) == (2, False)
        assert replayed == sorted(first_time[1:])
        assert since["count"] == 1
        assert after["cursor"] == passed


async def test_a_replay_looks_at_a_part_of_the_log_and_says_where_to_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "LOOKED_AT_MAX", 4)
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a", "b")
        await sender.deliver(days=0)
        passed = (await sender.endpoint())["cursor"]

        count, cursor, rounds = 0, None, 0
        while cursor != passed:
            begin = {"after": cursor} if cursor else {"since": "2000-01-01T00:00:00Z"}
            part = await sender.change("replayWebhook", "count cursor hasMore", **begin)
            count, cursor, rounds = count + part["count"], part["cursor"], rounds + 1
            assert part["hasMore"] is (cursor != passed)

        assert (count, rounds > 1) == (2, True)


async def test_a_replay_since_an_instant_finds_it_in_a_log_of_any_length(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        for days in range(1, 9):
            later = Sender(sender.owner.later(days), database, sender.postman, sender.endpoint_id, sender.secret)
            await later.happen(f"of day {days}")
        await sender.deliver(days=9)

        for days in range(1, 9):
            since = {"since": days_later(days).isoformat()}
            assert (await later.change("replayWebhook", "count", **since))["count"] == 9 - days
        assert (await later.change("replayWebhook", "count", since=days_later(9).isoformat()))["count"] == 0


async def test_a_test_reaches_an_endpoint_that_does_not_listen(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["SpendLimitSet"])

        sent = await sender.change("sendTestWebhook", "delivery { id status kind }")
        await sender.deliver()

        assert sent["delivery"]["status"] == "PENDING"
        assert json.loads(receiver.received[0].body)["type"] == "WebhookTestSent"
        assert len(receiver.received) == 1
