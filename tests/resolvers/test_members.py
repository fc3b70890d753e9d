"""People through the graph: added, moved, deactivated, and never without a reason when refused."""

from typing import Any

import pytest

from tests.builders import Database, a_member, an_organization

MEMBER = "member { id name email status externalId role { key billable } seat { tier { key name } addOns billable } }"


async def test_adds_a_person_with_role_and_seat_in_one_answer(database: Database) -> None:
    owner = await an_organization(database)

    payload = await owner.do(
        "addMember",
        MEMBER,
        email="Max@X.example",
        name="Max",
        role="member",
        tier="chat",
        addOns=["hipaa"],
        externalId="directory-7",
    )

    assert payload["userErrors"] == []
    assert payload["member"] | {"id": ""} == {
        "id": "",
        "name": "Max",
        "email": "max@x.example",
        "status": "ACTIVE",
        "externalId": "directory-7",
        "role": {"key": "member", "billable": True},
        "seat": {"tier": {"key": "chat", "name": "Chat"}, "addOns": ["hipaa"], "billable": True},
    }


@pytest.mark.parametrize(
    ("type_name", "code", "field", "change"),
    [
        ("ValidationError", "INPUT_INVALID", ["email"], {"email": "max"}),
        ("ValidationError", "INPUT_INVALID", ["name"], {"name": " "}),
        ("ConflictError", "ALREADY_EXISTS", ["email"], {"email": "ANN@x.example"}),
        ("NotFoundError", "NOT_FOUND", ["role"], {"role": "king"}),
        ("NotFoundError", "NOT_FOUND", ["tier"], {"tier": "gold"}),
        ("NotFoundError", "NOT_FOUND", ["addOns"], {"addOns": ["gold"]}),
        ("ValidationError", "INPUT_INVALID", ["idempotencyKey"], {"idempotencyKey": ""}),
        ("ValidationError", "ID_INVALID", ["organizationId"], {"organizationId": "acme"}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, type_name: str, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner = await an_organization(database)
    given = {"email": "max@x.example", "name": "Max", "role": "member", "tier": "chat", **change}

    payload = await owner.do("addMember", MEMBER, **given)

    assert payload["member"] is None
    assert [(error["__typename"], error["code"], error["field"]) for error in payload["userErrors"]] == [
        (type_name, code, field)
    ]


async def test_changes_a_role_and_with_it_whether_the_seat_is_paid(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")

    payload = await owner.later(1).do("changeMemberRole", MEMBER, memberId=member_id, role="client")

    assert payload["member"]["role"] == {"key": "client", "billable": False}
    assert payload["member"]["seat"]["billable"] is False


async def test_deactivates_and_brings_back(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")

    gone = await owner.later(1).do("deactivateMember", MEMBER, memberId=member_id)
    twice = await owner.later(2).do("deactivateMember", MEMBER, memberId=member_id)
    back = await owner.later(3).do("reactivateMember", MEMBER, memberId=member_id, tier="chat_code")

    assert (gone["member"]["status"], gone["member"]["seat"]) == ("DEACTIVATED", None)
    assert [error["code"] for error in twice["userErrors"]] == ["STATUS_CONFLICT"]
    assert (back["member"]["status"], back["member"]["seat"]["tier"]["key"]) == ("ACTIVE", "chat_code")


async def test_keeps_the_last_primary_owner(database: Database) -> None:
    owner = await an_organization(database)
    found = await owner.data("{ viewer { memberships { member { id } } } }")
    own_id = found["viewer"]["memberships"][0]["member"]["id"]

    payload = await owner.do("changeMemberRole", MEMBER, memberId=own_id, role="owner")

    assert [error["code"] for error in payload["userErrors"]] == ["LAST_PRIMARY_OWNER"]


async def test_refuses_a_member_of_another_organization_like_one_that_never_was(database: Database) -> None:
    owner = await an_organization(database)
    other = await an_organization(database, slug="globex")
    foreign, _ = await a_member(other, "max")
    never = "mem_00000000000000000000000000_00000000000000000000000000"

    refusals = [
        (await owner.do("deactivateMember", MEMBER, memberId=member_id))["userErrors"] for member_id in (foreign, never)
    ]

    assert refusals[0] == refusals[1]
    assert [error["code"] for error in refusals[0]] == ["NOT_FOUND"]


async def test_defines_a_role_that_can_be_given(database: Database) -> None:
    owner = await an_organization(database)

    role = await owner.do(
        "createRole",
        "role { key name billable builtIn permissions }",
        key="reporter",
        name="Reporter",
        billable=False,
        permissions=["USAGE_READ", "ORGANIZATION_READ"],
    )
    payload = await owner.do("addMember", MEMBER, email="r@x.example", name="R", role="reporter")

    assert role["role"] == {
        "key": "reporter",
        "name": "Reporter",
        "billable": False,
        "builtIn": False,
        "permissions": ["ORGANIZATION_READ", "USAGE_READ"],
    }
    assert payload["member"]["role"] == {"key": "reporter", "billable": False}


async def test_answers_a_replay_alike_and_refuses_another_body(database: Database) -> None:
    owner = await an_organization(database)
    given = {"idempotencyKey": "same", "email": "max@x.example", "name": "Max", "role": "member"}

    first = await owner.do("addMember", MEMBER, **given)
    again = await owner.do("addMember", MEMBER, **given)
    other = await owner.do("addMember", MEMBER, **{**given, "name": "Maximilian"})

    assert first == again
    assert first["userErrors"] == []
    assert (other["member"], [error["code"] for error in other["userErrors"]]) == (None, ["IDEMPOTENCY_MISMATCH"])


async def test_moves_a_seat_and_says_what_it_costs(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max", tier=None)
    middle = owner.later(15)
    given = {"idempotencyKey": "same", "memberId": member_id, "tier": "chat"}
    selection = "member { seat { tier { key } } } preview { before { amount } after { amount } difference { amount } }"

    payload = await middle.do("changeSeatTier", selection, **given)
    again = await middle.do("changeSeatTier", selection, **given)
    upcoming = await middle.data(
        "query($id: ID!) { organization(id: $id) { upcomingInvoice { total { amount } } } }", id=owner.organization_id
    )

    assert payload["member"]["seat"]["tier"] == {"key": "chat"}
    # a seat of 20.00 for 16 of 31 days
    assert payload["preview"] == {
        "before": {"amount": "0.00"},
        "after": {"amount": "10.32"},
        "difference": {"amount": "10.32"},
    }
    assert again == payload
    assert upcoming["organization"]["upcomingInvoice"]["total"] == payload["preview"]["after"]


async def test_counts_seats_and_shows_the_intervals(database: Database) -> None:
    owner = await an_organization(database)
    for name in ("max", "eve"):
        member_id, _ = await a_member(owner, name)
    await owner.later(5).do("deactivateMember", "member { id }", memberId=member_id)

    found = await owner.later(6).data(
        """query($id: ID!) { organization(id: $id) { seatUsage { period { label } current peak peakAt billable
            intervals(first: 10) { totalCount nodes { billable start end member { name } } } } } }""",
        id=owner.organization_id,
    )

    usage = found["organization"]["seatUsage"]
    assert (usage["current"], usage["peak"], usage["peakAt"], usage["billable"]) == (1, 2, "2026-10-01T00:00:00Z", 2)
    assert usage["intervals"]["totalCount"] == 3
    assert {node["member"]["name"]: node["end"] for node in usage["intervals"]["nodes"]} == {
        "Ann": None,
        "max": None,
        "eve": "2026-10-06T00:00:00Z",
    }
