"""Asking for more through the graph: both sides hear of it, and nobody else."""

import asyncio
from contextlib import aclosing
from typing import Any

from schema.limit_increases import KINDS
from services import limit_increases
from tests.builders import Caller, Database, a_member, a_sandbox, an_organization, refusals, usd, with_permissions
from tests.services.books import Permission

REQUEST = """request { id status amount { amount } reason until requestedAt expiresAt grantedAmount { amount }
    grantedUntil decidedAt note endedAt member { name } requestedBy { email } decidedBy { email }
    limit { id cap { amount } } grantedLimit { cap { amount } } }"""
HEAR = """subscription($id: ID!, $member: ID, $after: String) {
    limitIncreaseChanged(organizationId: $id, memberId: $member, after: $after) { cursor
        change { kind request { status member { name } } } } }"""
LISTED = """query($id: ID!, $filter: LimitIncreaseRequestFilter) { organization(id: $id) {
    limitIncreaseRequests(filter: $filter) { totalCount nodes { status member { name } } } } }"""
SECONDS_MAX = 10


async def _capped(owner: Caller, name: str = "max") -> tuple[str, Caller]:
    member_id, member = await a_member(owner, name)
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=member_id, amount=usd("100.00"))
    return member_id, member


async def _ask(caller: Caller, amount: str = "200.00", **fields: Any) -> Any:
    return await caller.do(
        "requestLimitIncrease", REQUEST, **{"amount": usd(amount), "reason": "Quarter end", **fields}
    )


async def _heard(caller: Caller, count: int, **variables: Any) -> list[tuple[str, str]]:
    taken: list[tuple[str, str]] = []
    async with (
        asyncio.timeout(SECONDS_MAX),
        aclosing(caller.hear(HEAR, id=caller.organization_id, **variables)) as events,
    ):
        async for data in events:
            change = data["limitIncreaseChanged"]["change"]
            taken.append((change["kind"], change["request"]["member"]["name"]))
            if len(taken) == count:
                break
    return taken


async def _cursor(caller: Caller) -> str:
    found = await caller.data("query($id: ID!) { organization(id: $id) { eventCursor } }", id=caller.organization_id)
    return str(found["organization"]["eventCursor"])


async def test_a_blocked_member_asks_and_is_answered(database: Database) -> None:
    owner = await an_organization(database)
    member_id, member = await _capped(owner)
    blocked = await member.data(
        """query($id: ID!) { node(id: $id) { ... on Member { effectiveLimit {
            whoCanRaise { email } chain { limitId level } } } } }""",
        id=member_id,
    )
    (link,) = blocked["node"]["effectiveLimit"]["chain"]

    asked = await _ask(member, limitId=link["limitId"], until="2026-10-20T00:00:00Z")
    decided = await owner.later(1).do(
        "decideLimitIncrease",
        REQUEST,
        requestId=asked["request"]["id"],
        decision="APPROVE",
        amount=usd("150.00"),
        note="A start",
    )

    assert blocked["node"]["effectiveLimit"]["whoCanRaise"] == [{"email": "ann@x.example"}]
    assert asked["request"] == {
        "id": asked["request"]["id"],
        "status": "PENDING",
        "amount": {"amount": "200.00"},
        "reason": "Quarter end",
        "until": "2026-10-20T00:00:00Z",
        "requestedAt": "2026-10-01T00:00:00Z",
        "expiresAt": "2026-10-20T00:00:00Z",
        "grantedAmount": None,
        "grantedUntil": None,
        "decidedAt": None,
        "note": None,
        "endedAt": None,
        "member": {"name": "max"},
        "requestedBy": {"email": "max@x.example"},
        "decidedBy": None,
        "limit": {"id": link["limitId"], "cap": {"amount": "100.00"}},
        "grantedLimit": None,
    }
    assert decided["userErrors"] == []
    assert decided["request"] == {
        **asked["request"],
        "status": "APPROVED",
        "grantedAmount": {"amount": "150.00"},
        "grantedUntil": "2026-10-20T00:00:00Z",
        "decidedAt": "2026-10-02T00:00:00Z",
        "note": "A start",
        "decidedBy": {"email": "ann@x.example"},
        "grantedLimit": {"cap": {"amount": "150.00"}},
    }


async def test_a_second_question_is_answered_with_the_first(database: Database) -> None:
    owner = await an_organization(database)
    _, member = await _capped(owner)
    first = await _ask(member)
    document = """mutation($input: RequestLimitIncreaseInput!) { requestLimitIncrease(input: $input) {
        request { id } userErrors { __typename code field ... on LimitIncreaseAlreadyRequested { requestId } } } }"""
    given = {"organizationId": owner.organization_id, "idempotencyKey": "again", "amount": usd("300"), "reason": "More"}

    second = await member.data(document, input=given)

    assert second["requestLimitIncrease"] == {
        "request": None,
        "userErrors": [
            {
                "__typename": "LimitIncreaseAlreadyRequested",
                "code": "ALREADY_EXISTS",
                "field": ["limitId"],
                "requestId": first["request"]["id"],
            }
        ],
    }


async def test_pushes_every_step_to_both_sides_and_to_nobody_else(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await _capped(owner)
    _, eve = await _capped(owner, "eve")
    after = await _cursor(owner)
    first = await _ask(max_)
    await max_.do("withdrawLimitIncrease", "request { status }", requestId=first["request"]["id"])
    second = await _ask(max_)
    await owner.do(
        "decideLimitIncrease", "request { status }", requestId=second["request"]["id"], decision="DECLINE", note="No"
    )
    await _ask(eve)

    steps = [("REQUESTED", "max"), ("WITHDRAWN", "max"), ("REQUESTED", "max"), ("DECIDED", "max")]
    assert await _heard(owner, 5, after=after) == [*steps, ("REQUESTED", "eve")]
    assert await _heard(owner, 4, after=after, member=max_id) == steps
    assert await _heard(max_, 4, after=after) == steps
    assert await _heard(eve, 1, after=after) == [("REQUESTED", "eve")]


async def test_tells_of_what_ends_by_itself(database: Database) -> None:
    owner = await a_sandbox(database)
    _, member = await _capped(owner)
    after = await _cursor(owner)
    short = await _ask(member, until="2026-10-03T00:00:00Z")
    await owner.do("decideLimitIncrease", "request { id }", requestId=short["request"]["id"], decision="APPROVE")
    await _ask(member, "300.00", until="2026-10-04T00:00:00Z")

    moved = await owner.do("advanceTestClock", "happened { what userError { code } }", to="2026-10-05T00:00:00Z")

    assert moved["happened"] == [
        {"what": "LIMIT_RAISE", "userError": None},
        {"what": "LIMIT_REQUEST", "userError": None},
    ]
    assert [kind for kind, _ in await _heard(member, 5, after=after)] == [
        "REQUESTED",
        "DECIDED",
        "REQUESTED",
        "ENDED",
        "EXPIRED",
    ]
    assert set(KINDS) == set(limit_increases.KINDS)


async def test_lists_requests_to_whoever_may_see_them(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await _capped(owner)
    eve_id, eve = await _capped(owner, "eve")
    request = (await _ask(max_))["request"]
    await _ask(eve)
    await owner.do("decideLimitIncrease", "request { id }", requestId=request["id"], decision="DECLINE")
    node = "query($id: ID!) { node(id: $id) { ... on LimitIncreaseRequest { status } } }"
    own = "query($id: ID!) { node(id: $id) { ... on Member { limitIncreaseRequests { status } } } }"

    async def listed(caller: Caller, **matching: Any) -> list[tuple[str, str]]:
        found = await caller.data(LISTED, id=owner.organization_id, filter=matching)
        connection = found["organization"]["limitIncreaseRequests"]
        assert connection["totalCount"] == len(connection["nodes"])
        return [(each["member"]["name"], each["status"]) for each in connection["nodes"]]

    assert sorted(await listed(owner)) == [("eve", "PENDING"), ("max", "DECLINED")]
    assert await listed(owner, status="PENDING") == [("eve", "PENDING")]
    assert await listed(owner, memberId=max_id) == [("max", "DECLINED")]
    assert await listed(max_) == [("max", "DECLINED")]
    assert await listed(max_, memberId=max_id) == [("max", "DECLINED")]
    assert await listed(max_, memberId=eve_id) == []
    assert await listed(eve, status="DECLINED") == []
    assert (await max_.data(node, id=request["id"]))["node"] == {"status": "DECLINED"}
    assert await eve.code(node, id=request["id"]) == "FORBIDDEN"
    assert (await max_.data(own, id=max_id))["node"] == {"limitIncreaseRequests": [{"status": "DECLINED"}]}
    assert await max_.code(own, id=eve_id) == "FORBIDDEN"


async def test_refuses_what_cannot_be_asked_or_decided(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await _capped(owner)
    eve_id, eve = await a_member(owner, "eve")
    other = await an_organization(database, slug="globex")
    foreign_id, _ = await a_member(other, "foreign")
    request_id = (await _ask(max_))["request"]["id"]
    document = "mutation($i: {0}!) {{ {1}(input: $i) {{ userErrors {{ code }} }} }}"
    given = {"organizationId": owner.organization_id, "idempotencyKey": "k"}
    ask = document.format("RequestLimitIncreaseInput", "requestLimitIncrease")
    decide = document.format("DecideLimitIncreaseInput", "decideLimitIncrease")
    asked = {**given, "amount": usd("500"), "reason": "More"}

    assert refusals(await _ask(max_, "50.00")) == [("AMOUNT_INVALID", ["amount"])]
    assert refusals(await _ask(eve)) == [("STATUS_CONFLICT", ["limitId"])]
    assert refusals(await _ask(owner, memberId=foreign_id)) == [("NOT_FOUND", ["memberId"])]
    assert refusals(await _ask(owner, memberId="max")) == [("ID_INVALID", ["memberId"])]
    nobody = with_permissions(owner, Permission.SELF_READ, Permission.SELF_WRITE)
    assert refusals(await _ask(nobody)) == [("INPUT_INVALID", ["memberId"])]
    assert await eve.code(ask, i={**asked, "memberId": max_id}) == "FORBIDDEN"
    for caller in (max_, eve):
        assert await caller.code(decide, i={**given, "requestId": request_id, "decision": "APPROVE"}) == "FORBIDDEN"
    mine = await eve.do("withdrawLimitIncrease", "request { id }", requestId=request_id)
    assert refusals(mine) == [("NOT_FOUND", ["requestId"])]
    missing = await owner.do("decideLimitIncrease", "request { id }", requestId=eve_id, decision="APPROVE")
    assert refusals(missing) == [("ID_INVALID", ["requestId"])]


async def test_whoever_decides_without_seeing_limits_still_gets_an_answer(database: Database) -> None:
    owner = await an_organization(database)
    _, member = await _capped(owner)
    request_id = (await _ask(member))["request"]["id"]
    decider = with_permissions(owner, Permission.SPEND_LIMITS_WRITE)

    decided = await decider.do("decideLimitIncrease", "request { status }", requestId=request_id, decision="APPROVE")

    assert decided == {"request": {"status": "APPROVED"}, "userErrors": []}
