"""Groups through the graph: kept, filled, capped and shown."""

from typing import Any

from tests.builders import Caller, Database, a_member, an_organization, as_role, event, refusals, usd

GROUP = "group { id key name archivedAt members { totalCount nodes { name } } monthToDate { amount } }"


async def _group(owner: Caller, *member_ids: str, key: str = "CC-100") -> Any:
    made = await owner.do("createGroup", "group { id }", key=key, name="Sales")
    group_id = made["group"]["id"]
    if member_ids:
        await owner.do("assignToGroup", "moved", memberIds=list(member_ids), groupId=group_id)
    return group_id


async def test_keeps_renames_and_archives_a_group(database: Database) -> None:
    owner = await an_organization(database)

    made = await owner.do("createGroup", GROUP, key="CC-100", name="Sales")
    group_id = made["group"]["id"]
    renamed = await owner.do("renameGroup", GROUP, groupId=group_id, name="Sales and more")
    archived = await owner.later(1).do("archiveGroup", GROUP, groupId=group_id)
    again = await owner.later(1).do("archiveGroup", GROUP, groupId=group_id)
    twin = await owner.do("createGroup", GROUP, key="CC-100", name="Other")

    assert made["group"]["key"] == "CC-100"
    assert renamed["group"]["name"] == "Sales and more"
    assert archived["group"]["archivedAt"] == "2026-10-02T00:00:00Z"
    assert refusals(again) == [("STATUS_CONFLICT", ["groupId"])]
    assert refusals(twin) == [("ALREADY_EXISTS", ["key"])]


async def test_shows_who_is_in_it_and_what_they_spent(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await a_member(owner, "max")
    eve_id, _ = await a_member(owner, "eve")
    group_id = await _group(owner, max_id)
    await owner.do("recordUsage", "results { status }", events=[event("1", max_id, "2"), event("2", eve_id, "3")])

    found = await owner.data(
        f"""query($id: ID!, $group: ID!) {{
            organization(id: $id) {{ groups {{ totalCount }} members {{ nodes {{ name group {{ key }} }} }} }}
            node(id: $group) {{ ... on Group {{ {GROUP.removeprefix("group {").removesuffix("}")} }} }} }}""",
        id=owner.organization_id,
        group=group_id,
    )
    own = await max_.data("query($id: ID!) { node(id: $id) { ... on Member { group { name } } } }", id=max_id)

    assert found["organization"]["groups"]["totalCount"] == 1
    groups = {node["name"]: node["group"] for node in found["organization"]["members"]["nodes"]}
    assert groups == {"Ann": None, "max": {"key": "CC-100"}, "eve": None}
    assert found["node"]["members"] == {"totalCount": 1, "nodes": [{"name": "max"}]}
    assert found["node"]["monthToDate"] == {"amount": "2.00"}
    assert own["node"]["group"] == {"name": "Sales"}


async def test_a_refusal_at_a_group_says_so(database: Database) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    group_id = await _group(owner, max_id)
    limit = await owner.do(
        "setSpendLimit",
        "limit { level subject group { key } interval kind cap { amount } unlimited }",
        level="GROUP",
        groupId=group_id,
        interval="DAY",
        amount=usd("1.00"),
    )

    payload = await owner.do("recordUsage", "results { status }", events=[event("1", max_id, "1.5")])

    assert limit["limit"] == {
        "level": "GROUP",
        "subject": group_id,
        "group": {"key": "CC-100"},
        "interval": "DAY",
        "kind": "HARD",
        "cap": {"amount": "1.00"},
        "unlimited": False,
    }
    (error,) = payload["userErrors"]
    assert error["message"] == "charge of 1.50 USD is 0.50 over the daily group limit"
    assert (error["level"], error["resetsAt"]) == ("GROUP", "2026-10-02T00:00:00Z")


async def test_the_whole_chain_says_what_binds_and_when_it_resets(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await a_member(owner, "max")
    group_id = await _group(owner, max_id)
    places: list[dict[str, Any]] = [
        {"level": "ORGANIZATION", "amount": usd("100")},
        {"level": "GROUP", "groupId": group_id, "interval": "WEEK", "amount": usd("3.00")},
        {"level": "SEAT_TIER", "tier": "chat", "amount": usd("2.00")},
        {"level": "MEMBER", "memberId": max_id, "unlimited": True},
    ]
    for place in places:
        assert (await owner.do("setSpendLimit", "limit { id }", **place))["userErrors"] == []
    await owner.do("recordUsage", "results { status }", events=[event("1", max_id, "2.5")])

    found = await max_.data(
        """query($id: ID!) { node(id: $id) { ... on Member { effectiveLimit {
            amount { amount } remaining { amount } bindingLevel bindingInterval resetsAt
            chain { level kind interval cap { amount } remaining { amount } resetsAt binds } } } } }""",
        id=max_id,
    )
    effective = found["node"]["effectiveLimit"]

    assert (effective["bindingLevel"], effective["bindingInterval"]) == ("GROUP", "WEEK")
    assert (effective["amount"], effective["remaining"]) == ({"amount": "3.00"}, {"amount": "0.50"})
    assert effective["resetsAt"] == "2026-10-05T00:00:00Z"
    assert [(link["level"], link["cap"] and link["cap"]["amount"], link["binds"]) for link in effective["chain"]] == [
        ("ORGANIZATION", "100.00", False),
        ("GROUP", "3.00", True),
        ("MEMBER", None, False),
    ]


async def test_a_limit_is_an_amount_or_the_word_that_there_is_none(database: Database) -> None:
    owner = await an_organization(database)
    limit = "limit { id unlimited cap { amount } thresholds amountThresholds { amount } repeatEvery { percent } }"

    neither = await owner.do("setSpendLimit", limit, level="ORGANIZATION")
    both = await owner.do("setSpendLimit", limit, level="ORGANIZATION", amount=usd("1"), unlimited=True)
    step = await owner.do("setSpendLimit", limit, level="ORGANIZATION", amount=usd("1"), repeatEvery={})
    group = await owner.do("setSpendLimit", limit, level="GROUP", amount=usd("1"))
    misplaced = await owner.do("setSpendLimit", limit, level="ORGANIZATION", groupId="x", amount=usd("1"))
    full = await owner.do(
        "setSpendLimit",
        limit,
        level="ORGANIZATION",
        amount=usd("9"),
        amountThresholds=[usd("1.50")],
        repeatEvery={"percent": 25},
    )
    lifted = await owner.do("setSpendLimit", limit, level="ORGANIZATION", unlimited=True)

    assert refusals(neither) == refusals(both) == [("INPUT_INVALID", ["amount"])]
    assert refusals(step) == [("INPUT_INVALID", ["repeatEvery"])]
    assert refusals(group) == refusals(misplaced) == [("INPUT_INVALID", ["groupId"])]
    assert full["limit"]["thresholds"] == [75, 90, 100]
    assert full["limit"]["amountThresholds"] == [{"amount": "1.50"}]
    assert full["limit"]["repeatEvery"] == {"percent": 25}
    assert (lifted["limit"]["unlimited"], lifted["limit"]["cap"], lifted["limit"]["thresholds"]) == (True, None, [])


async def test_the_status_of_spend_shows_groups_and_intervals(database: Database) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    group_id = await _group(owner, max_id)
    await owner.do(
        "setSpendLimit", "limit { id }", level="MEMBER", memberId=max_id, interval="DAY", kind="SOFT", amount=usd("1")
    )
    await owner.do("recordUsage", "results { overLimit }", events=[event("1", max_id, "2")])

    found = await owner.data(
        """query($id: ID!) { organization(id: $id) { spendStatus {
            level interval kind cap { amount } spent { amount } remaining { amount } resetsAt group { key } } } }""",
        id=owner.organization_id,
    )
    status = {each["level"]: each for each in found["organization"]["spendStatus"]}

    assert status["GROUP"]["group"] == {"key": "CC-100"}
    assert status["GROUP"]["spent"] == status["ORGANIZATION"]["spent"] == {"amount": "2.00"}
    assert (status["MEMBER"]["interval"], status["MEMBER"]["kind"]) == ("DAY", "SOFT")
    assert status["MEMBER"]["remaining"] == {"amount": "0.00"}
    assert status["MEMBER"]["resetsAt"] == "2026-10-02T00:00:00Z"
    assert group_id


async def test_only_those_who_manage_members_keep_groups(database: Database) -> None:
    owner = await an_organization(database)
    group_id = await _group(owner)
    member = Caller(owner.books, as_role(owner.books.organization_id, "member"))
    document = "mutation($i: RenameGroupInput!) { renameGroup(input: $i) { group { id } } }"
    given = {"organizationId": owner.organization_id, "idempotencyKey": "k", "groupId": group_id, "name": "Mine"}

    assert await member.code(document, i=given) == "FORBIDDEN"
    assert await member.code("query($id: ID!) { node(id: $id) { id } }", id=group_id) == "FORBIDDEN"
