"""Somebody is asked to come, and does, once, as what they were asked to be."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from models import invitations as rows
from models.database import Database
from tests.builders import START, Caller, a_member, a_person, an_organization, refusals

INVITED = "token invitation { id email tier status expiresAt role { key } member { name } }"
ACCEPT = """mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
    organization { slug } member { id email role { key } seat { tier { key } } } userErrors { code field message } }
}"""
LISTED = """query($id: ID!) { organization(id: $id) { invitations { totalCount nodes {
    id email status acceptedAt member { email } } } } }"""


def account(owner: Caller, email: str, *, name: str = "guest") -> Caller:
    """Return somebody who signed in and belongs nowhere."""
    return Caller(owner.books, replace(a_person(name), email=email), owner.at)


async def accept(caller: Caller, token: str, *, key: str = "come") -> Any:
    return (await caller.data(ACCEPT, input={"token": token, "idempotencyKey": key}))["acceptInvitation"]


async def listed(owner: Caller) -> list[Any]:
    return list((await owner.data(LISTED, id=owner.organization_id))["organization"]["invitations"]["nodes"])


async def test_whoever_was_asked_comes_as_what_they_were_asked_to_be(database: Database) -> None:
    owner = await an_organization(database)
    asked = await owner.do("inviteMember", INVITED, email="Guest@x.example", role="team_member", tier="chat")
    guest = account(owner, "guest@X.example")

    come = await accept(guest, asked["token"])
    again = await accept(guest, asked["token"])
    later = await accept(guest, asked["token"], key="once more")

    assert asked["invitation"]["status"] == "OPEN"
    assert (come["organization"]["slug"], come["member"]["role"]["key"]) == ("acme", "team_member")
    assert (come["member"]["email"], come["member"]["seat"]["tier"]["key"]) == ("guest@x.example", "chat")
    assert again["member"]["id"] == come["member"]["id"]
    assert refusals(later) == [("STATUS_CONFLICT", ["token"])]
    (shown,) = await listed(owner)
    assert (shown["status"], shown["member"]["email"]) == ("ACCEPTED", "guest@x.example")
    (added,) = [each for each in await owner.books.facts("MemberAdded") if each.actor.startswith("account:")]
    assert added.actor != "system"


async def test_the_token_is_shown_once_and_never_kept(database: Database) -> None:
    owner = await an_organization(database)

    asked = await owner.do("inviteMember", INVITED, email="g@x.example", role="member", idempotencyKey="once")
    again = await owner.do("inviteMember", INVITED, email="g@x.example", role="member", idempotencyKey="once")

    assert asked["token"].startswith("bgi_")
    assert (again["token"], again["invitation"]["id"]) == (None, asked["invitation"]["id"])
    row = await rows.find_open(owner.books.reader, owner.books.organization_id, "g@x.example", at=START)
    assert row is not None
    assert asked["token"] not in row.token_hash
    kept = await owner.books.reader.execute_query_dict("SELECT input FROM audit_records")
    assert all(asked["token"] not in record["input"] for record in kept)


async def test_only_the_invited_address_may_come_in_time_and_while_it_holds(database: Database) -> None:
    owner = await an_organization(database)
    asked = await owner.do("inviteMember", INVITED, email="g@x.example", role="member", expiresInHours=24)
    guest = account(owner, "g@x.example")
    late = replace(guest, at=START + timedelta(hours=24))

    other = await accept(account(owner, "h@x.example"), asked["token"], key="1")
    expired = await accept(late, asked["token"], key="2")
    nonsense = await accept(guest, "bgi_nonsense", key="3")
    newer = await owner.do("inviteMember", INVITED, email="g@x.example", role="auditor")
    void = await accept(guest, asked["token"], key="4")
    gone = await owner.do("revokeInvitation", "invitation { status }", invitationId=newer["invitation"]["id"])
    revoked = await accept(guest, newer["token"], key="5")

    assert refusals(other) == [("INPUT_INVALID", ["token"])]
    assert refusals(expired) == [("STATUS_CONFLICT", ["token"])]
    assert [refusals(each) for each in (nonsense, void, revoked)] == [[("NOT_FOUND", ["token"])]] * 3
    assert gone["invitation"]["status"] == "REVOKED"
    assert [each["status"] for each in await listed(owner)] == ["REVOKED", "REVOKED"]


async def test_a_member_does_not_come_twice(database: Database) -> None:
    owner = await an_organization(database)
    asked = await owner.do("inviteMember", INVITED, email="g@x.example", role="member")
    await owner.books.add("g")

    come = await accept(account(owner, "g@x.example"), asked["token"])

    assert refusals(come) == [("ALREADY_EXISTS", ["token"])]


async def test_refuses_to_ask_for_what_cannot_be(database: Database) -> None:
    owner = await an_organization(database)
    await a_member(owner, "bo")
    _, admin = await a_member(owner, "adam", role="billing_admin")

    asked = [
        await owner.do("inviteMember", INVITED, email="nobody", role="member"),
        await owner.do("inviteMember", INVITED, email="bo@x.example", role="member"),
        await owner.do("inviteMember", INVITED, email="g@x.example", role="emperor"),
        await owner.do("inviteMember", INVITED, email="g@x.example", role="member", tier="gold"),
        await owner.do("inviteMember", INVITED, email="g@x.example", role="member", expiresInHours=0),
        await admin.do("inviteMember", INVITED, email="g@x.example", role="owner"),
    ]

    assert [refusals(each) for each in asked] == [
        [("INPUT_INVALID", ["email"])],
        [("ALREADY_EXISTS", ["email"])],
        [("NOT_FOUND", ["role"])],
        [("NOT_FOUND", ["tier"])],
        [("INPUT_INVALID", ["expiresInHours"])],
        [("ROLE_ABOVE_OWN", ["role"])],
    ]
