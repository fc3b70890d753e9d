"""Alerts reach subscribers once, in order, and from where they left off."""

import asyncio
from contextlib import aclosing
from typing import Any

from tests.builders import Caller, Database, a_member, an_organization, event

HEAR = """subscription($id: ID!, $member: ID, $after: String) {
    limitApproaching(organizationId: $id, memberId: $member, after: $after) { cursor dedupId
        alert { level subject threshold cap { amount } spent { amount } remaining { amount } period { label }
            member { name } } } }"""
HEAR_ALL = """subscription($id: ID!, $after: String) {
    organizationEvents(organizationId: $id, after: $after) { cursor event { kind sequence } } }"""
SECONDS_MAX = 10


async def _taken(caller: Caller, count: int, document: str = HEAR, **variables: Any) -> list[Any]:
    """Return the next events of a subscription."""
    taken: list[Any] = []
    async with (
        asyncio.timeout(SECONDS_MAX),
        aclosing(caller.hear(document, id=caller.organization_id, **variables)) as events,
    ):
        async for data in events:
            taken.append(next(iter(data.values())))
            if len(taken) == count:
                break
    return taken


async def _spender(database: Database, name: str = "max") -> tuple[Caller, str, Caller]:
    owner = await an_organization(database)
    member_id, member = await a_member(owner, name)
    cap = {"amount": "10.00", "currency": "USD"}
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=member_id, amount=cap)
    return owner, member_id, member


async def _use(owner: Caller, event_id: str, member_id: str, dollars: str) -> None:
    payload = await owner.do("recordUsage", "results { status }", events=[event(event_id, member_id, dollars)])
    assert payload["userErrors"] == []


async def _start(owner: Caller) -> str:
    """Return a cursor that stands before everything."""
    found = await owner.data(
        "query($id: ID!) { organization(id: $id) { auditEvents(last: 1) { pageInfo { endCursor } } } }",
        id=owner.organization_id,
    )
    return str(found["organization"]["auditEvents"]["pageInfo"]["endCursor"])


async def test_tells_each_threshold_once_and_in_order(database: Database) -> None:
    owner, member_id, _ = await _spender(database)
    for number, dollars in enumerate(["7", "1", "0.5", "0.5", "1"]):
        await _use(owner, f"e{number}", member_id, dollars)

    heard = await _taken(owner, 3, after=await _start(owner))
    listed = await owner.data(
        "query($id: ID!) { organization(id: $id) { limitAlerts { totalCount nodes { dedupId threshold } } } }",
        id=owner.organization_id,
    )

    assert [each["alert"]["threshold"] for each in heard] == [75, 90, 100]
    assert len({each["dedupId"] for each in heard}) == 3
    assert heard[0]["alert"] == {
        "level": "MEMBER",
        "subject": member_id,
        "threshold": 75,
        "cap": {"amount": "10.00"},
        "spent": {"amount": "8.00"},
        "remaining": {"amount": "2.00"},
        "period": {"label": "2026-10"},
        "member": {"name": "max"},
    }
    alerts = listed["organization"]["limitAlerts"]
    assert alerts["totalCount"] == 3
    assert {node["dedupId"] for node in alerts["nodes"]} == {each["dedupId"] for each in heard}


async def test_goes_on_from_a_cursor(database: Database) -> None:
    owner, member_id, _ = await _spender(database)
    await _use(owner, "e1", member_id, "7.5")
    (first,) = await _taken(owner, 1, after=await _start(owner))
    await _use(owner, "e2", member_id, "1.5")
    await _use(owner, "e3", member_id, "1")

    missed = await _taken(owner, 2, after=first["cursor"])

    assert [each["alert"]["threshold"] for each in missed] == [90, 100]


async def test_tells_only_what_is_new_without_a_cursor(database: Database) -> None:
    owner, member_id, _ = await _spender(database)
    await _use(owner, "e1", member_id, "7.5")
    listening = asyncio.create_task(_taken(owner, 1))
    await asyncio.sleep(0.1)

    await _use(owner, "e2", member_id, "1.5")

    (heard,) = await listening
    assert heard["alert"]["threshold"] == 90


async def test_shows_a_member_their_own_alerts_only(database: Database) -> None:
    owner, max_id, max_ = await _spender(database)
    eve_id, _ = await a_member(owner, "eve")
    cap = {"amount": "10.00", "currency": "USD"}
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=eve_id, amount=cap)
    after = await _start(owner)
    await _use(owner, "e1", eve_id, "8")
    await _use(owner, "e2", max_id, "8")
    alerts = "query($id: ID!) { organization(id: $id) { limitAlerts { totalCount nodes { subject } } } }"

    everybody = await _taken(owner, 2, after=after)
    filtered = await _taken(owner, 1, after=after, member=max_id)
    own = await _taken(max_, 1, after=after)
    listed = await max_.data(alerts, id=owner.organization_id)

    assert [each["alert"]["member"]["name"] for each in everybody] == ["eve", "max"]
    assert [each["alert"]["subject"] for each in filtered] == [max_id]
    assert [each["alert"]["subject"] for each in own] == [max_id]
    assert listed["organization"]["limitAlerts"] == {"totalCount": 1, "nodes": [{"subject": max_id}]}


async def test_refuses_listeners_it_may_not_tell(database: Database) -> None:
    owner, _, max_ = await _spender(database)
    eve_id, _ = await a_member(owner, "eve")
    other = await an_organization(database, slug="globex")

    async def code(caller: Caller, document: str = HEAR, **variables: Any) -> str:
        variables = {"id": owner.organization_id, **variables}
        from resolvers.roots import schema
        from schema.errors import present

        stream = await schema.subscribe(document, variable_values=variables, context_value=caller.context())
        errors = getattr(stream, "errors", None)
        if errors is None:
            async for result in stream:  # type: ignore[union-attr]
                errors = result.errors
                break
        assert errors
        return str(present(errors[0], "request")["extensions"]["code"])

    assert await code(other) == "NOT_FOUND"
    assert await code(max_, member=eve_id) == "FORBIDDEN"
    assert await code(max_, HEAR_ALL) == "FORBIDDEN"
    assert await code(owner, after="garbage") == "CURSOR_INVALID"
    assert await code(owner, after=await _start(other)) == "CURSOR_INVALID"
    assert await code(owner, member="max") == "ID_INVALID"
    assert await code(owner, id="acme") == "ID_INVALID"
    assert await code(Caller(owner.books, None)) == "UNAUTHENTICATED"


async def test_tells_everything_that_happens_to_an_auditor(database: Database) -> None:
    owner, member_id, _ = await _spender(database)
    after = await _start(owner)

    heard = await _taken(owner, 4, HEAR_ALL, after=after)

    numbers = [int(each["event"]["sequence"]) for each in heard]
    assert numbers == list(range(2, 6))
    assert member_id


async def test_a_first_subscriber_starts_where_the_news_stands_and_misses_nothing(database: Database) -> None:
    owner, member_id, member = await _spender(database)
    found = await member.data("query($id: ID!) { organization(id: $id) { eventCursor } }", id=owner.organization_id)
    await _use(owner, "between", member_id, "8")

    (heard,) = await _taken(member, 1, after=found["organization"]["eventCursor"])

    assert heard["alert"]["threshold"] == 75
