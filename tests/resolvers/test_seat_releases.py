"""Clients see what a seat will become, ask beforehand, and are refused beforehand what they would be refused then."""

from models.database import Database
from schema.ids import Kind
from tests.builders import a_member, an_organization
from tests.services.test_releases import a_plan

SEAT = "seat { tier { key } billable pending { beginsAt requestedAt role tier { key } addOns billable } }"
CHANGED = f"effectiveAt member {{ {SEAT} }} preview {{ after {{ amount }} }}"
PREVIEW = """query($o: ID!, $m: ID!, $tier: String, $leave: Boolean!) {
    previewSeatChange(organizationId: $o, memberId: $m, seatTier: $tier, deactivate: $leave) {
        effectiveAt after { amount } userErrors { code field message } } }"""
ROLE = """query($o: ID!, $m: ID!, $role: String!) { previewRoleChange(organizationId: $o, memberId: $m, role: $role) {
    effectiveAt after { amount } upcomingInvoice { total { amount } } userErrors { code field } } }"""
HAND_ON = """query($o: ID!, $m: ID!, $to: SeatRecipientInput!) {
    previewSeatReassignment(organizationId: $o, memberId: $m, to: $to) {
        effectiveAt before { amount } after { amount } userErrors { code field message } } }"""


async def test_shows_what_a_seat_will_become_and_when(database: Database) -> None:
    first = (await an_organization(database, plan=a_plan())).later(1)
    bo, _ = await a_member(first, "bo", tier="chat_code")
    owner = first.later(10)
    asked = {"o": owner.organization_id, "m": bo}

    preview = (await owner.data(PREVIEW, **asked, tier="chat", leave=False))["previewSeatChange"]
    payload = await owner.do("changeSeatTier", CHANGED, memberId=bo, tier="chat")

    assert preview["effectiveAt"] == payload["effectiveAt"] == "2026-11-01T00:00:00Z"
    assert preview["after"] == payload["preview"]["after"]
    assert payload["member"]["seat"] == {
        "tier": {"key": "chat_code"},
        "billable": True,
        "pending": {
            "beginsAt": "2026-11-01T00:00:00Z",
            "requestedAt": "2026-10-11T00:00:00Z",
            "role": "member",
            "tier": {"key": "chat"},
            "addOns": [],
            "billable": True,
        },
    }


async def test_previews_a_role_that_is_free(database: Database) -> None:
    first = (await an_organization(database, plan=a_plan())).later(1)
    bo, _ = await a_member(first, "bo", tier="chat")
    owner = first.later(10)

    preview = (await owner.data(ROLE, o=owner.organization_id, m=bo, role="view_only"))["previewRoleChange"]
    unknown = (await owner.data(ROLE, o=owner.organization_id, m=bo, role="king"))["previewRoleChange"]

    assert preview["effectiveAt"] == "2026-11-01T00:00:00Z"
    assert preview["upcomingInvoice"]["total"] == preview["after"]
    assert unknown["userErrors"] == [{"code": "NOT_FOUND", "field": ["role"]}]


async def test_refuses_beforehand_what_the_change_refuses(database: Database) -> None:
    owner = await an_organization(database)
    own = owner.books.owner.membership(owner.books.organization_id)
    assert own is not None
    me = owner.id(Kind.MEMBER, str(own.member_id))

    preview = (await owner.data(PREVIEW, o=owner.organization_id, m=me, leave=True))["previewSeatChange"]
    payload = await owner.do("deactivateMember", "member { id }", memberId=me)

    assert preview["after"] is None
    assert [error["code"] for error in preview["userErrors"]] == ["LAST_PRIMARY_OWNER"]
    assert [error["message"] for error in payload["userErrors"]] == [preview["userErrors"][0]["message"]]


async def test_previews_a_seat_that_changes_hands(database: Database) -> None:
    first = await an_organization(database)
    bo, _ = await a_member(first, "bo", tier="chat")
    owner = first.later(10)
    to = {"person": {"email": "cy@x.example", "name": "Cy"}}

    preview = (await owner.data(HAND_ON, o=owner.organization_id, m=bo, to=to))["previewSeatReassignment"]
    taken = {"person": {"email": "bo@x.example", "name": "Bo"}}
    refused = (await owner.data(HAND_ON, o=owner.organization_id, m=bo, to=taken))["previewSeatReassignment"]
    payload = await owner.do("reassignSeat", "preview { before { amount } after { amount } }", memberId=bo, to=to)

    assert payload["preview"] == {"before": preview["before"], "after": preview["after"]}
    assert refused["userErrors"][0]["code"] == "ALREADY_EXISTS"
    assert refused["userErrors"][0]["field"] == ["to", "person", "email"]
