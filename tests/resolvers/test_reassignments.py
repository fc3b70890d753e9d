"""A licence changes hands at one instant, and never counts twice."""

from typing import Any

import pytest

from tests.builders import TRACKER, Caller, Database, a_member, an_organization, refusals

MOVED = """member { id name role { key } seat { tier { key } addOns billable since } }
    former { name status role { key } seat { tier { key } addOns billable } }
    preview { before { amount } after { amount } difference { amount } }"""
PERSON = {"person": {"email": "new@x.example", "name": "New"}}


async def _holder(database: Database) -> tuple[Caller, str]:
    """Return the owner of an organization and a member with a chat seat and an add-on."""
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    await owner.do("changeSeatTier", "member { id }", memberId=member_id, tier="chat", addOns=["hipaa"])
    return owner, member_id


async def test_hands_the_seat_to_somebody_new(database: Database) -> None:
    owner, member_id = await _holder(database)

    payload = await owner.later(10).do("reassignSeat", MOVED, memberId=member_id, to=PERSON)

    assert payload["userErrors"] == []
    assert payload["member"] | {"id": ""} == {
        "id": "",
        "name": "New",
        "role": {"key": "member"},
        "seat": {"tier": {"key": "chat"}, "addOns": ["hipaa"], "billable": True, "since": "2026-10-11T00:00:00Z"},
    }
    assert payload["former"] == {"name": "max", "status": "DEACTIVATED", "role": {"key": "member"}, "seat": None}
    # one seat after another for a whole month is one seat
    assert payload["preview"] == {
        "before": {"amount": "25.00"},
        "after": {"amount": "25.00"},
        "difference": {"amount": "0.00"},
    }


async def test_hands_the_seat_to_a_member_and_lets_the_holder_stay(database: Database) -> None:
    owner, member_id = await _holder(database)
    eve_id, _ = await a_member(owner, "eve", role="client", tier=None)

    payload = await owner.later(10).do(
        "reassignSeat", MOVED, memberId=member_id, to={"memberId": eve_id}, formerHolder="WITHOUT_SEAT"
    )

    assert payload["member"]["role"] == {"key": "member"}
    assert payload["member"]["seat"]["tier"] == {"key": "chat"}
    assert payload["former"] == {
        "name": "max",
        "status": "ACTIVE",
        "role": {"key": "view_only"},
        "seat": {"tier": None, "addOns": [], "billable": False},
    }


async def test_leaves_a_paid_role_of_the_recipient_alone(database: Database) -> None:
    owner, member_id = await _holder(database)
    boss_id, _ = await a_member(owner, "boss", role="project_administrator", tier=None)

    payload = await owner.do("reassignSeat", MOVED, memberId=member_id, to={"memberId": boss_id})

    assert payload["member"]["role"] == {"key": "project_administrator"}


async def test_never_raises_the_peak(database: Database) -> None:
    owner = await an_organization(database, plan=TRACKER, slug="tracker")
    member_id, _ = await a_member(owner, "max", tier=None)

    await owner.later(10).do("reassignSeat", MOVED, memberId=member_id, to=PERSON)
    found = await owner.later(11).data(
        "query($id: ID!) { organization(id: $id) { seatUsage { peak current } } }", id=owner.organization_id
    )

    assert found["organization"]["seatUsage"] == {"peak": 1, "current": 1}


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("ALREADY_EXISTS", ["to", "person", "email"], {"to": {"person": {"email": "ANN@x.example", "name": "A"}}}),
        ("INPUT_INVALID", ["to", "person", "name"], {"to": {"person": {"email": "a@x.example", "name": ""}}}),
        ("INPUT_INVALID", ["to", "memberId"], {"to": None}),
        ("INPUT_INVALID", ["freeRole"], {"formerHolder": "WITHOUT_SEAT", "freeRole": "team_member"}),
        ("NOT_FOUND", ["freeRole"], {"formerHolder": "WITHOUT_SEAT", "freeRole": "king"}),
        ("ID_INVALID", ["to", "memberId"], {"to": {"memberId": "max"}}),
        ("ID_INVALID", ["to", "memberId"], {"to": {"memberId": ""}}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner, member_id = await _holder(database)
    given = {"memberId": member_id, "to": PERSON, **change}
    given["to"] = given["to"] or {"memberId": member_id}

    payload = await owner.do("reassignSeat", MOVED, **given)

    assert (payload["member"], payload["former"]) == (None, None)
    assert refusals(payload) == [(code, field)]


async def test_moves_neither_from_nor_to_somebody_who_left(database: Database) -> None:
    owner, member_id = await _holder(database)
    eve_id, _ = await a_member(owner, "eve")
    await owner.do("deactivateMember", "member { id }", memberId=eve_id)

    given_by = await owner.do("reassignSeat", MOVED, memberId=eve_id, to=PERSON)
    given_to = await owner.do("reassignSeat", MOVED, memberId=member_id, to={"memberId": eve_id})

    assert refusals(given_by) == [("MEMBER_DEACTIVATED", ["memberId"])]
    assert refusals(given_to) == [("MEMBER_DEACTIVATED", ["to", "memberId"])]


async def test_keeps_the_last_primary_owner(database: Database) -> None:
    owner = await an_organization(database)
    found = await owner.data("{ viewer { memberships { member { id } } } }")
    own_id = found["viewer"]["memberships"][0]["member"]["id"]

    payload = await owner.do("reassignSeat", MOVED, memberId=own_id, to=PERSON)

    assert refusals(payload) == [("LAST_PRIMARY_OWNER", ["memberId"])]


async def test_asks_for_a_role_where_the_seats_own_is_free(database: Database) -> None:
    owner = await an_organization(database)
    boss_id, _ = await a_member(owner, "boss", role="owner", tier=None)

    silent = await owner.do("reassignSeat", MOVED, memberId=boss_id, to=PERSON)
    named = await owner.do(
        "reassignSeat", MOVED, memberId=boss_id, to={"person": {**PERSON["person"], "role": "auditor"}}
    )

    assert refusals(silent) == [("INPUT_INVALID", ["to", "person", "role"])]
    assert named["member"]["role"] == {"key": "auditor"}
