"""Whatever is followed, and over whichever transport: a cursor goes on with the very next news, and no other."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from api.house import now
from tests.api.served import Served, served
from tests.builders import Database

FOLLOWED = {
    "limitApproaching": "dedupId alert { threshold period { label } }",
    "usageUpdated": "update { entries difference { amount } }",
    "seatChanged": "change { kind occurredAt }",
    "invoiceStatusChanged": "change { occurredAt status }",
    "organizationEvents": "event { sequence kind }",
    "spendOverrun": "dedupId overrun { overLimit { amount } }",
    "limitIncreaseChanged": "change { kind occurredAt }",
}
TIERS = ("chat_code", "chat")


async def _living_through_two_months(house: Served) -> None:
    """Let everything that can be followed happen in each of two months of a sandbox."""
    started = now().replace(day=15, hour=12, minute=0, second=0, microsecond=0)
    await house.open("sandbox", testClockAt=started.isoformat())
    bo = await house.add("bo")
    for number, tier in enumerate(TIERS, start=1):
        at = started + timedelta(days=31 * number)
        await house.do("advanceTestClock", to=at.isoformat())
        await house.do("changeSeatTier", memberId=bo, tier=tier)
        await house.do("recordUsage", events=[_use(f"fits-{number}", bo, at, "800000")])
        over = _use(f"over-{number}", bo, at, "900000")
        await house.do("recordUsage", events=[over], overage="RECORD")
        more = {"amount": f"{number + 1}.00", "currency": "USD"}
        asked = await house.do("requestLimitIncrease", "request { id }", memberId=bo, amount=more, reason="Quarter end")
        await house.do("withdrawLimitIncrease", requestId=asked["request"]["id"])


def _use(event_id: str, member_id: str, at: datetime, quantity: str) -> dict[str, str]:
    what = {"meter": "tokens", "model": "atlas", "direction": "INPUT", "quantity": quantity}
    return {"id": event_id, "memberId": member_id, "occurredAt": at.isoformat(), **what}


async def test_goes_on_with_the_very_next_news(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        await _living_through_two_months(house)
        for field, selection in FOLLOWED.items():
            document = f"""subscription($id: ID!, $after: String) {{
                {field}(organizationId: $id, after: $after) {{ cursor {selection} }} }}"""

            first, second = await _over_socket(house, document, 2, after=house.start)
            resumed = await _over_socket(house, document, 1, after=first["cursor"])
            streamed = [told for _, told in await house.stream("ann", document, 2, after=house.start)]
            went_on = [told for _, told in await house.stream("ann", document, 1, after=first["cursor"])]

            assert first != second
            assert resumed == [second], field
            assert [each[field] for each in streamed] == [first, second], field
            assert [each[field] for each in went_on] == [second], field


async def _over_socket(house: Served, document: str, count: int, **variables: Any) -> list[Any]:
    async with house.socket("ann") as socket:
        await socket.subscribe(document, **variables)
        return [await socket.news() for _ in range(count)]
