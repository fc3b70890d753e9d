"""Forecasts through the graph say how they were made, and to whom."""

from datetime import timedelta

from tests.builders import START, Caller, Database, a_member, an_organization, event, usd

DAY = timedelta(days=1)
FORECAST = """forecast { period { label } asOf method spent { amount } low { amount } expected { amount }
    high { amount } unavailable cap { amount } capReachedOn
    inputs { historyFrom historyDays daysLeft usual { weekday amount { amount } } meanDistance { amount } } }"""
STATUS = """query($id: ID!, $period: String) { organization(id: $id) {
    spendStatus(period: $period) { level subject forecast {
        expected { amount } unavailable cap { amount } capReachedOn spent { amount } } } } }"""
OWN = "query($id: ID!) { node(id: $id) { ... on Member { %s } } }"


async def _spent(owner: Caller, member_id: str, days: int) -> Caller:
    """Have a member spend a dollar on each of the first days of October; return the owner a day later."""
    events = [event(f"e{day}", member_id, "1", at=START + day * DAY) for day in range(days)]
    later = owner.later(days)
    payload = await later.do("recordUsage", "results { status }", events=events)
    assert payload["userErrors"] == []
    return later


async def test_shows_a_member_what_their_month_will_come_to(database: Database) -> None:
    owner = await an_organization(database)
    member_id, member = await a_member(owner, "max")
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=member_id, amount=usd("20.00"))
    await owner.do("setSpendLimit", "limit { id }", level="SEAT_TIER", tier="chat", amount=usd("25.00"))
    await owner.do(
        "setSpendLimit", "limit { id }", level="MEMBER", memberId=member_id, amount=usd("5.00"), interval="DAY"
    )
    await _spent(owner, member_id, 10)

    found = await member.later(10).data(OWN % FORECAST, id=member_id)

    assert found["node"]["forecast"] == {
        "period": {"label": "2026-10"},
        "asOf": "2026-10-11T00:00:00Z",
        "method": "MONTH_TO_DATE_PLUS_USUAL_WEEKDAYS",
        "spent": {"amount": "10.00"},
        "low": {"amount": "31.00"},
        "expected": {"amount": "31.00"},
        "high": {"amount": "31.00"},
        "unavailable": None,
        "cap": {"amount": "20.00"},
        "capReachedOn": "2026-10-20",
        "inputs": {
            "historyFrom": "2026-10-01",
            "historyDays": 10,
            "daysLeft": 21,
            "usual": [{"weekday": number, "amount": {"amount": "1.00"}} for number in range(1, 8)],
            "meanDistance": {"amount": "0.00"},
        },
    }


async def test_shows_every_level_with_the_cap_held_against_it(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    await owner.do("setSpendLimit", "limit { id }", level="ORGANIZATION", amount=usd("30.00"))
    await owner.do("setSpendLimit", "limit { id }", level="SEAT_TIER", tier="chat", amount=usd("12.00"))
    later = await _spent(owner, member_id, 10)

    found = await later.data(STATUS, id=owner.organization_id)

    by_subject = {each["subject"]: each["forecast"] for each in found["organization"]["spendStatus"]}
    assert by_subject[owner.organization_id] == {
        "expected": {"amount": "31.00"},
        "unavailable": None,
        "cap": {"amount": "30.00"},
        "capReachedOn": "2026-10-30",
        "spent": {"amount": "10.00"},
    }
    assert (by_subject["chat"]["expected"], by_subject["chat"]["cap"]) == ({"amount": "31.00"}, None)
    assert by_subject["chat_code"]["unavailable"] == "TOO_LITTLE_HISTORY"


async def test_gives_a_reason_where_it_has_no_number(database: Database) -> None:
    owner = await an_organization(database)
    member_id, member = await a_member(owner, "max")
    await _spent(owner, member_id, 3)

    few = (await member.later(3).data(OWN % FORECAST, id=member_id))["node"]["forecast"]
    assert (few["low"], few["expected"], few["high"], few["inputs"]) == (None,) * 4
    assert (few["unavailable"], few["spent"]) == ("TOO_LITTLE_HISTORY", {"amount": "3.00"})
    over = await owner.later(40).data(STATUS, id=owner.organization_id, period="2026-10")
    assert over["organization"]["spendStatus"][0]["forecast"]["expected"] == {"amount": "3.00"}


async def test_shows_members_their_own_and_nobody_elses(database: Database) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    _, eve = await a_member(owner, "eve")

    assert await eve.code(OWN % "forecast { asOf }", id=max_id) == "FORBIDDEN"
    assert (await owner.data(OWN % "forecast { asOf }", id=max_id))["node"]["forecast"]
