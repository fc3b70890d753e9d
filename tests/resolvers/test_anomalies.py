"""Unusual spend reaches the member and those who manage, through the graph."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from tests.builders import START, Caller, Database, a_member, an_organization, event, refusals, usd

DAY = timedelta(days=1)
TODAY = START + 14 * DAY
ANOMALY = "id dedupId day spent { amount } usual { amount } threshold { amount } historyDays detectedAt member { name }"
HEAR = f"""subscription($id: ID!, $member: ID, $after: String) {{
    unusualSpend(organizationId: $id, memberId: $member, after: $after) {{
        cursor dedupId anomaly {{ {ANOMALY} }} }} }}"""
LISTED = f"""query($id: ID!) {{ organization(id: $id) {{
    spendAnomalies {{ totalCount nodes {{ {ANOMALY} }} }} }} }}"""
WATCH = "query($id: ID!) { organization(id: $id) { spendWatch { sensitivity floor { amount currency } } } }"
SECONDS_MAX = 10


async def _heard(caller: Caller, count: int, **variables: Any) -> list[Any]:
    taken: list[Any] = []
    async with (
        asyncio.timeout(SECONDS_MAX),
        aclosing(caller.hear(HEAR, id=caller.organization_id, **variables)) as events,
    ):
        async for data in events:
            taken.append(data["unusualSpend"])
            if len(taken) == count:
                break
    return taken


async def _unusual(owner: Caller, *names: str) -> tuple[str, dict[str, tuple[str, Caller]]]:
    """Have members spend 20 a day for two weeks and 50 today; return a cursor before it, and the members."""
    people = {name: await a_member(owner, name) for name in names}
    later = owner.later(14)
    for name, (member_id, _) in people.items():
        usual = [event(f"{name}-{day}", member_id, "20", at=TODAY - day * DAY) for day in range(1, 15)]
        await later.do("recordUsage", "results { status }", events=usual)
    found = await owner.data("query($id: ID!) { organization(id: $id) { eventCursor } }", id=owner.organization_id)
    for name, (member_id, _) in people.items():
        await later.do("recordUsage", "results { status }", events=[event(f"{name}-0", member_id, "50", at=TODAY)])
    return found["organization"]["eventCursor"], people


async def test_reaches_the_member_and_those_who_manage(database: Database) -> None:
    owner = await an_organization(database)
    after, people = await _unusual(owner, "max", "eve")
    max_id, max_ = people["max"]

    everybody = await _heard(owner, 2, after=after)
    filtered = await _heard(owner, 1, after=after, member=max_id)
    own = await _heard(max_, 1, after=after)

    assert [each["anomaly"]["member"]["name"] for each in everybody] == ["max", "eve"]
    assert own == filtered == everybody[:1]
    assert own[0]["dedupId"] == own[0]["anomaly"]["dedupId"]
    assert own[0]["anomaly"] == {
        "id": own[0]["anomaly"]["id"],
        "dedupId": own[0]["dedupId"],
        "day": "2026-10-15",
        "spent": {"amount": "50.00"},
        "usual": {"amount": "20.00"},
        "threshold": {"amount": "40.000000004"},
        "historyDays": 14,
        "detectedAt": "2026-10-15T00:00:00Z",
        "member": {"name": "max"},
    }


async def test_lists_them_to_whoever_may_see_them(database: Database) -> None:
    owner = await an_organization(database)
    _, people = await _unusual(owner, "max", "eve")
    (_, max_), (_, eve) = people["max"], people["eve"]
    node = "query($id: ID!) { node(id: $id) { ... on SpendAnomaly { day } } }"

    everybody = (await owner.data(LISTED, id=owner.organization_id))["organization"]["spendAnomalies"]
    own = (await max_.data(LISTED, id=owner.organization_id))["organization"]["spendAnomalies"]

    assert (everybody["totalCount"], own["totalCount"]) == (2, 1)
    assert own["nodes"] == [each for each in everybody["nodes"] if each["member"]["name"] == "max"]
    assert (await max_.data(node, id=own["nodes"][0]["id"]))["node"] == {"day": "2026-10-15"}
    assert await eve.code(node, id=own["nodes"][0]["id"]) == "FORBIDDEN"


async def test_the_watch_is_set_by_owners_and_seen_by_those_who_see_limits(database: Database) -> None:
    owner = await an_organization(database)
    _, max_ = await a_member(owner, "max")
    document = "mutation($i: SetSpendWatchInput!) { setSpendWatch(input: $i) { userErrors { code } } }"
    given = {"organizationId": owner.organization_id, "idempotencyKey": "k", "sensitivity": "OFF"}

    before = (await owner.data(WATCH, id=owner.organization_id))["organization"]["spendWatch"]
    watch = "watch { sensitivity floor { amount } }"
    high = await owner.do("setSpendWatch", watch, sensitivity="HIGH", floor=usd("5.00"))
    low = await owner.do("setSpendWatch", watch, sensitivity="LOW")
    wrong = await owner.do("setSpendWatch", watch, sensitivity="LOW", floor={"amount": "5", "currency": "EUR"})

    assert before == {"sensitivity": "NORMAL", "floor": {"amount": "10.00", "currency": "USD"}}
    assert high["watch"] == {"sensitivity": "HIGH", "floor": {"amount": "5.00"}}
    assert low["watch"] == {"sensitivity": "LOW", "floor": {"amount": "5.00"}}
    assert refusals(wrong) == [("CURRENCY_MISMATCH", ["floor", "currency"])]
    assert await max_.code(document, i=given) == "FORBIDDEN"
    assert await max_.code(WATCH, id=owner.organization_id) == "FORBIDDEN"
