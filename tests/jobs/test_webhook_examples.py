"""What the documentation tells receivers to do: the snippet verifies, and the bridge runs as it stands."""

import asyncio
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.database import Database
from tests.receiving import a_postman, a_receiver, a_sender, with_postbox

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
BRIDGE = ROOT / "examples" / "webhooks" / "bridge.py"


def documented() -> Any:
    """Return the function of the Python snippet."""
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)  # the snippet is ours
    return names["verify"]


async def test_the_snippet_takes_what_is_ours_and_nothing_else(database: Database) -> None:
    verify = documented()
    async with a_receiver() as receiver:
        sender = await a_sender(database, receiver, kinds=["PaymentMethodSet"])
        await sender.happen("a")
        await sender.postman.deliver(at=datetime.now(UTC))
        [got] = receiver.received

        assert verify(sender.secret, got.headers, got.body)["type"] == "PaymentMethodSet"
        for headers, body in (
            (got.headers, got.body + b" "),
            ({**got.headers, "webhook-id": "event_other"}, got.body),
            ({**got.headers, "webhook-timestamp": "1"}, got.body),
            ({**got.headers, "webhook-signature": "v1,AAAA v2,BBBB"}, got.body),
        ):
            with pytest.raises(ValueError, match=r"signature|old"):
                verify(sender.secret, headers, body)


async def test_the_bridge_carries_a_message_to_a_chat_once(database: Database) -> None:
    async with a_receiver() as chat:
        sender = await a_sender(database, chat, kinds=["PaymentMethodSet"])
        bridge = await asyncio.create_subprocess_exec(
            sys.executable,
            str(BRIDGE),
            "0",
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "WEBHOOK_SECRET": sender.secret, "CHAT_URL": chat.url},
        )
        assert bridge.stdout is not None
        try:
            greeting = (await asyncio.wait_for(bridge.stdout.readline(), timeout=20)).decode()
            url = greeting.split()[-1]
            with_postbox(sender.owner, url.removeprefix("http://").rstrip("/"))
            await sender.change("updateWebhookEndpoint", url=url)
            await sender.happen("a")
            at = datetime.now(UTC)
            await a_postman(sender.owner).deliver(at=at)
            [delivery] = await sender.log()
            await sender.change("replayWebhook", "count", deliveryId=delivery["id"])
            await a_postman(sender.owner).deliver(at=at)
            told = (await asyncio.wait_for(bridge.stdout.readline(), timeout=10)).decode()
        finally:
            bridge.kill()
            await bridge.wait()

        assert "PaymentMethodSet" in told
        assert [each["responseExcerpt"] for each in await sender.log()].count("seen before") == 1
        assert len(chat.received) == 1
        assert b"PaymentMethodSet" in chat.received[0].body


def test_the_page_names_the_schedule_as_it_is() -> None:
    from billing.webhooks import ATTEMPTS_MAX, WAITS

    [row] = [line for line in PAGE.splitlines() if line.startswith("| after the one before")]
    units = {"s": 1, "min": 60, "h": 3_600}
    stated = [int(cell.split()[0]) * units[cell.split()[1]] for cell in row.split("|")[3:-1]]

    assert stated == [int(wait.total_seconds()) for wait in WAITS]
    assert len(stated) + 1 == ATTEMPTS_MAX
