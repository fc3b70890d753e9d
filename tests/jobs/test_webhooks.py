"""Webhooks over real HTTP: signed, retried, rotated, replayed, and never lost. Time is what the test says it is."""

import asyncio
import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response

from billing.webhooks import ATTEMPTS_MAX, WAITS
from jobs.webhooks import Postman
from models import events
from models.database import Database
from tests.builders import START, an_organization, days_later
from tests.receiving import Received, a_postman, a_receiver, a_sender, says, with_postbox


def verified(secret: str, received: Received) -> Any:
    """Return what the official library makes of a message; it judges timestamps by the machine's clock."""
    headers = dict(received.headers)
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(headers["webhook-id"], at, received.body.decode())
    assert signature in headers["webhook-signature"].split(" ")
    return json.loads(received.body)


async def test_tells_an_endpoint_what_happens(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("4242")

        made = await sender.deliver()

        assert made == len(receiver.received) == 1
        told = verified(sender.secret, receiver.received[0])
        [happened] = await sender.owner.books.facts("PaymentMethodSet")
        assert told["type"] == "PaymentMethodSet"
        assert told["timestamp"] == "2026-10-01T00:00:00Z"
        assert told["data"] == {
            **json.loads(happened.payload),
            "organizationId": sender.owner.organization_id,
            "cursor": told["data"]["cursor"],
            "schemaVersion": 1,
        }
        node = "query($id: ID!) { node(id: $id) { ... on AuditEvent { kind } } }"
        found = await sender.owner.data(node, id=receiver.received[0].headers["webhook-id"])
        assert found == {"node": {"kind": "PaymentMethodSet"}}, "the webhook-id is the event's own"
        [delivery] = await sender.log()
        assert (delivery["status"], delivery["responseStatus"], delivery["attempts"]) == ("DELIVERED", 200, 1)
        assert await sender.deliver() == 0, "what was taken is not sent again"


async def test_a_cursor_in_a_message_continues_the_log(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver)
        await sender.happen("a", "b")
        await sender.deliver()
        cursors = [json.loads(each.body)["data"]["cursor"] for each in receiver.in_order]

        found = await sender.owner.data(
            """query($id: ID!, $before: String) { organization(id: $id) {
            auditEvents(last: 1, before: $before) { nodes { kind } } } }""",
            id=sender.owner.organization_id,
            before=cursors[-2],
        )

        assert found["organization"]["auditEvents"]["nodes"] == [{"kind": "PaymentMethodSet"}]


async def test_the_official_library_takes_a_message_of_now(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver)
        await sender.happen("a")

        await sender.postman.deliver(at=datetime.now(UTC))

        told = Webhook(sender.secret).verify(receiver.received[-1].body, receiver.received[-1].headers)
        assert told["type"] == "PaymentMethodSet"


async def test_an_organization_hears_only_of_itself(database: Database) -> None:
    other = await an_organization(database, slug="globex")
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver)
        await other.do("setPaymentMethod", "paymentMethod { id }", kind="CARD", label="secret of globex")
        await sender.happen("a")

        await sender.deliver()

        told = [json.loads(each.body) for each in receiver.received]
        assert {each["data"]["organizationId"] for each in told} == {sender.owner.organization_id}
        assert b"globex" not in b"".join(each.body for each in receiver.received)


async def test_hears_of_the_kinds_it_asked_for_and_of_all_by_default(database: Database) -> None:
    async with a_receiver() as narrow, a_receiver() as wide:
        chosen = await a_sender(database, narrow, kinds=["SpendLimitSet"])
        everything = await a_sender(database, wide, owner=chosen.owner)
        with_postbox(chosen.owner, narrow.host, wide.host)
        postman = a_postman(chosen.owner)
        await chosen.happen("a")
        await chosen.owner.do(
            "setSpendLimit", "limit { id }", level="ORGANIZATION", amount={"amount": "9.00", "currency": "USD"}
        )

        await postman.deliver(at=START)

        assert [json.loads(each.body)["type"] for each in narrow.received] == ["SpendLimitSet"]
        kinds = {json.loads(each.body)["type"] for each in wide.received}
        assert kinds == {"PaymentMethodSet", "SpendLimitSet"}
        assert (await everything.endpoint())["cursor"] == (await chosen.endpoint())["cursor"], "both saw everything"


async def test_tries_again_on_the_schedule_and_gives_a_message_up_after_the_last(database: Database) -> None:
    async with a_receiver(says(503, "try later")) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")
        at = START
        waits = []

        while await sender.postman.deliver(at=at):
            [delivery] = await sender.log()
            if delivery["nextAttemptAt"] is None:
                break
            due = datetime.fromisoformat(delivery["nextAttemptAt"])
            waits.append(due - at)
            assert await sender.postman.deliver(at=due - timedelta(microseconds=1)) == 0, "not a moment earlier"
            at = due

        assert len(receiver.received) == ATTEMPTS_MAX
        assert [
            (wait, waited) for wait, waited in zip(WAITS, waits, strict=True) if not wait <= waited <= wait * 1.1
        ] == []
        assert len(set(receiver.ids)) == len({each.body for each in receiver.received}) == 1, "recognizable repeats"
        assert delivery["status"] == "FAILED"
        assert (delivery["responseStatus"], delivery["responseExcerpt"]) == (503, "try later")
        assert (await sender.endpoint())["status"] == "ENABLED", "three days are not five"


async def test_a_message_that_fails_does_not_hold_up_the_others(database: Database) -> None:
    async def picky(request: Request) -> Response:
        bad = b'"CARD"' in await request.body() and request.headers["webhook-id"].endswith("_9")
        return Response(status_code=500 if bad else 200)

    async with a_receiver(picky) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a", "b", "c", "d", "e")

        await sender.deliver()

        log = await sender.log()
        assert sorted(each["status"] for each in log) == ["DELIVERED"] * 4 + ["PENDING"]
        assert (await sender.endpoint())["failures"] <= 1


async def test_waits_as_long_as_the_receiver_asks_but_not_for_ever(database: Database) -> None:
    async with a_receiver(says(429, retry_after="3600"), says(503, retry_after="99999999"), says(200)) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")

        await sender.deliver()
        [first] = await sender.log()
        await sender.deliver(hours=1)
        [second] = await sender.log()

        assert datetime.fromisoformat(first["nextAttemptAt"]) == START + timedelta(hours=1)
        assert datetime.fromisoformat(second["nextAttemptAt"]) == START + timedelta(hours=25)
        assert await sender.deliver(hours=25) == 1


async def test_an_endpoint_that_is_gone_is_disabled_at_once_and_misses_nothing(database: Database) -> None:
    async with a_receiver(says(410)) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")

        await sender.deliver()
        await sender.happen("b")
        quiet = await sender.deliver(days=1)

        gone = await sender.endpoint()
        assert (gone["status"], gone["disabledReason"], quiet) == ("DISABLED", "GONE", 0)
        [event] = await sender.owner.books.facts("WebhookEndpointDisabled")
        assert json.loads(event.payload)["reason"] == "GONE"
        receiver.answers = [says(200)]
        receiver.received.clear()
        await sender.change("updateWebhookEndpoint", enabled=True)
        assert await sender.deliver(days=1) == 2, "the one that was refused and the one that came after"
        assert (await sender.endpoint())["status"] == "ENABLED"


async def test_is_disabled_when_everything_has_failed_for_five_days(database: Database) -> None:
    async with a_receiver(says(500)) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")
        for day in range(5):
            await sender.deliver(days=day)
        await sender.happen("b", "c", "d", "e", "f")
        before = await sender.endpoint()

        await sender.deliver(days=5)

        after = await sender.endpoint()
        assert (before["status"], before["failures"] > 0) == ("ENABLED", True)
        assert (after["status"], after["disabledReason"]) == ("DISABLED", "FAILING")
        assert len(await sender.owner.books.facts("WebhookEndpointDisabled")) == 1
        assert {each["status"] for each in await sender.log()} == {"PENDING"}, "what waits keeps waiting"


async def test_one_success_in_five_days_keeps_it_enabled(database: Database) -> None:
    async with a_receiver(*[says(500)] * 12, says(204), says(500)) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen(*"abcdefghijkl")
        await sender.deliver()
        await sender.deliver(days=4)

        await sender.deliver(days=6)

        assert (await sender.endpoint())["status"] == "ENABLED"


async def test_a_rotated_secret_signs_beside_the_one_before_until_its_time_is_over(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        rotated = await sender.change("rotateWebhookSecret", "secret endpoint { previousSecretUntil }", overlapHours=24)
        await sender.happen("a")
        await sender.deliver()
        await sender.happen("b")
        await sender.deliver(hours=24)

        during, after = receiver.received
        assert rotated["endpoint"]["previousSecretUntil"] == "2026-10-02T00:00:00Z"
        assert verified(sender.secret, during) == verified(rotated["secret"], during)
        assert len(during.headers["webhook-signature"].split(" ")) == 2
        verified(rotated["secret"], after)
        assert len(after.headers["webhook-signature"].split(" ")) == 1
        assert sender.secret != rotated["secret"]


async def test_without_overlap_the_secret_before_is_worth_nothing_at_once(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        rotated = await sender.change("rotateWebhookSecret", "secret", overlapHours=0)
        await sender.happen("a")

        await sender.deliver()

        verified(rotated["secret"], receiver.received[0])
        assert len(receiver.received[0].headers["webhook-signature"].split(" ")) == 1


async def test_a_server_without_the_key_sends_nothing_unsigned(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")
        without = a_postman(with_postbox(sender.owner, receiver.host, keys=()))

        await without.deliver(at=START)
        [refused] = await sender.log()
        await a_postman(with_postbox(sender.owner, receiver.host)).deliver(at=START + timedelta(minutes=1))

        assert (refused["fault"], refused["status"]) == ("KEY_MISSING", "PENDING")
        verified(sender.secret, receiver.received[0])
        assert len(receiver.received) == 1


async def test_what_dies_with_its_process_is_sent_again_under_the_same_id(database: Database) -> None:
    hanging = asyncio.Event()

    async def hangs_once(_request: Request) -> Response:
        hanging.set()
        await asyncio.sleep(3_600)
        return Response()

    async with a_receiver(hangs_once, says(200)) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a", "b", "c")
        dying = asyncio.create_task(a_postman(sender.owner, seconds_max=60).deliver(at=START))
        await asyncio.wait_for(hanging.wait(), timeout=10)
        while len(receiver.received) < 3:  # noqa: ASYNC110  # the receiver has no event for it
            await asyncio.sleep(0.005)
        for task in asyncio.all_tasks():
            if "_make" in str(task.get_coro()):
                task.cancel()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)

        early = await a_postman(sender.owner).deliver(at=START + timedelta(seconds=30))
        late = await a_postman(sender.owner).deliver(at=START + timedelta(seconds=90))

        assert early == 0, "the lease of the dead process runs"
        assert late >= 1
        assert {each["status"] for each in await sender.log()} == {"DELIVERED"}
        assert len(set(receiver.ids)) == 3


async def test_two_processes_make_each_attempt_once(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen(*"abcdefghijkl")
        one, two = a_postman(sender.owner), a_postman(sender.owner)

        made = await asyncio.gather(one.deliver(at=START), two.deliver(at=START))
        rest = await one.deliver(at=START)

        assert sum(made) + rest == len(receiver.received) == len(set(receiver.ids)) == 12


async def test_a_commit_wakes_the_postman_on_duty(database: Database) -> None:
    arrived = asyncio.Event()

    async def note(_request: Request) -> Response:
        arrived.set()
        return Response()

    async with a_receiver(note) as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        postman: Postman = a_postman(sender.owner)
        async with postman.on_duty():
            await sender.happen("a")
            await asyncio.wait_for(arrived.wait(), timeout=10)

        [delivery] = await sender.log()
        assert delivery["status"] == "DELIVERED", "an attempt under way is finished before the postman leaves"


async def test_a_sandbox_is_told_at_once_whatever_its_clock_says(database: Database) -> None:
    owner = await an_organization(database, test_clock_at=days_later(500))
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, owner=owner)
        await sender.change("sendTestWebhook", "delivery { id }")

        made = await sender.deliver()

        assert made == len(receiver.received) == 1


async def test_deliveries_are_forgotten_after_a_month_and_with_their_endpoint(database: Database) -> None:
    from services import deliveries

    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")
        await sender.deliver()
        await sender.happen("b")

        early = await deliveries.purge(database.runner, at=START + timedelta(days=29))
        late = await deliveries.purge(database.runner, at=START + timedelta(days=31))
        await sender.deliver()
        await sender.change("deleteWebhookEndpoint", "deletedId")
        orphaned = await deliveries.purge(database.runner, at=START)

        assert (early, late, orphaned) == (0, 1, 1)


async def test_signatures_are_what_the_standard_says(database: Database) -> None:
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")

        await sender.deliver()

        got = receiver.received[0]
        key = base64.b64decode(sender.secret.removeprefix("whsec_"))
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
        expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        assert got.headers["webhook-signature"] == f"v1,{expected}"
        assert 24 <= len(key) <= 64
        assert got.headers["content-type"] == "application/json"
        rows = await events.after(sender.owner.books.reader, sender.owner.books.organization_id, 0, limit=100)
        assert sender.secret not in "".join(row.payload for row in rows)
