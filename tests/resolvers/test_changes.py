"""Usage, seats and invoices are told to subscribers as they change, from where they left off."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from tests.builders import Caller, Database, a_member, a_sandbox, an_organization, event, usd

USAGE = """subscription($id: ID!, $member: ID, $after: String) {
    usageUpdated(organizationId: $id, memberId: $member, after: $after) { cursor update {
        kind entries period { label } events difference { amount } members { name } correction { eventId } } } }"""
SEATS = """subscription($id: ID!, $member: ID, $after: String) {
    seatChanged(organizationId: $id, memberId: $member, after: $after) { cursor change {
        kind occurredAt member { name } before { tier billable } after { tier billable role addOns } } } }"""
INVOICES = """subscription($id: ID!, $after: String) {
    invoiceStatusChanged(organizationId: $id, after: $after) { cursor change {
        status occurredAt invoice { number status } } } }"""
SECONDS_MAX = 10


async def _taken(caller: Caller, count: int, document: str, **variables: Any) -> list[Any]:
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


async def _start(owner: Caller) -> str:
    """Return a cursor that stands before everything."""
    found = await owner.data(
        "query($id: ID!) { organization(id: $id) { auditEvents(last: 1) { pageInfo { endCursor } } } }",
        id=owner.organization_id,
    )
    return str(found["organization"]["auditEvents"]["pageInfo"]["endCursor"])


async def test_tells_of_usage_and_of_what_becomes_of_it(database: Database) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    after = await _start(owner)
    used = [event("e1", max_id, "1"), event("e2", max_id, "0.000003")]
    await owner.do("recordUsage", "results { status }", events=used)
    await owner.do("correctUsage", "billedLater", eventId="e1", correctionId="c1", quantity="250000")

    recorded, corrected = (each["update"] for each in await _taken(owner, 2, USAGE, after=after))

    assert recorded == {
        "kind": "RECORDED",
        "entries": "1",
        "period": {"label": "2026-10"},
        "events": "2",
        "difference": {"amount": "1.000003"},
        "members": [{"name": "max"}],
        "correction": None,
    }
    assert corrected == {
        "kind": "CORRECTED",
        "entries": "1",
        "period": None,
        "events": "0",
        "difference": {"amount": "-0.75"},
        "members": [{"name": "max"}],
        "correction": {"eventId": "c1"},
    }


async def test_tells_a_member_of_their_own_usage_and_not_what_others_spent(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await a_member(owner, "max")
    eve_id, _ = await a_member(owner, "eve")
    after = await _start(owner)
    for used in ([("e1", eve_id)], [("e2", max_id), ("e3", eve_id)], [("e4", max_id)]):
        await owner.do("recordUsage", "results { status }", events=[event(name, who, "1") for name, who in used])

    everybody = await _taken(owner, 1, USAGE, after=after)
    about_max = await _taken(owner, 1, USAGE, after=after, member=max_id)
    own = [each["update"] for each in await _taken(max_, 2, USAGE, after=after)]

    assert [(each["update"]["entries"], each["update"]["events"]) for each in everybody] == [("3", "4")]
    assert [each["update"]["difference"] for each in everybody] == [{"amount": "4.00"}]
    assert [(each["update"]["entries"], each["update"]["events"]) for each in about_max] == [("2", "3")]
    assert {each["name"] for each in about_max[0]["update"]["members"]} == {"max", "eve"}
    assert [each["members"] for each in own] == [[{"name": "max"}]] * 2
    assert [(each["events"], each["difference"]) for each in own] == [(None, None), ("1", {"amount": "1.00"})]


async def test_tells_what_a_seat_was_and_what_it_is(database: Database) -> None:
    owner = await an_organization(database)
    after = await _start(owner)
    max_id, max_ = await a_member(owner, "max")
    await a_member(owner, "eve")
    await owner.later(1).do("changeSeatTier", "member { id }", memberId=max_id, tier="chat_code")
    await owner.later(2).do("deactivateMember", "member { id }", memberId=max_id)

    heard = [each["change"] for each in await _taken(owner, 3, SEATS, after=after, member=max_id)]
    own = [each["change"] for each in await _taken(max_, 3, SEATS, after=after)]

    chat, code = ({"tier": tier, "billable": True} for tier in ("chat", "chat_code"))
    rest = {"role": "member", "addOns": []}
    assert [(each["kind"], each["before"], each["after"]) for each in heard] == [
        ("GRANTED", None, {**chat, **rest}),
        ("CHANGED", chat, {**code, **rest}),
        ("REVOKED", code, None),
    ]
    assert heard[1]["occurredAt"] == "2026-10-02T00:00:00Z"
    assert own == heard
    assert {each["member"]["name"] for each in own} == {"max"}


async def test_tells_each_step_of_an_invoice(database: Database) -> None:
    owner = await a_sandbox(database, invoice_grace_seconds=86_400)
    await a_member(owner, "max")
    after = await _start(owner)
    await owner.do("advanceTestClock", "clock { now }", to="2026-12-03T00:00:00Z")
    listed = await owner.data(
        "query($id: ID!) { organization(id: $id) { invoices { nodes { id period { label } } } } }",
        id=owner.organization_id,
    )
    invoices = {node["period"]["label"]: node["id"] for node in listed["organization"]["invoices"]["nodes"]}
    paid = {"invoiceId": invoices["2026-10"], "amount": usd("20.00"), "reference": "wire"}
    await owner.do("recordPayment", "payment { id }", receivedAt="2026-12-01T00:00:00Z", **paid)
    await owner.do("voidInvoice", "invoice { id }", invoiceId=invoices["2026-11"], reason="Wrong")

    heard = await _taken(owner, 6, INVOICES, after=after)
    missed = await _taken(owner, 2, INVOICES, after=heard[3]["cursor"])

    assert [each["change"]["status"] for each in heard] == [
        "DRAFT",
        "FINALIZED",
        "DRAFT",
        "FINALIZED",
        "PAID",
        "VOIDED",
    ]
    # a draft makes room for the invoice that is issued; an invoice is shown as it is now
    assert [each["change"]["invoice"] for each in heard[:2]] == [
        None,
        {"number": "BILLGRAPH-000001", "status": "PAID"},
    ]
    assert [each["change"]["status"] for each in missed] == ["PAID", "VOIDED"]


@pytest.mark.parametrize("document", [USAGE, SEATS])
async def test_tells_only_what_is_new_without_a_cursor(database: Database, document: str) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    listening = asyncio.create_task(_taken(owner, 1, document))
    await asyncio.sleep(0.1)

    await owner.do("changeSeatTier", "member { id }", memberId=max_id, tier="chat_code")
    await owner.do("recordUsage", "results { status }", events=[event("e1", max_id, "1")])

    assert len(await listening) == 1


async def test_refuses_listeners_it_may_not_tell(database: Database) -> None:
    from resolvers.roots import schema
    from schema.errors import present

    owner = await an_organization(database)
    _, max_ = await a_member(owner, "max")
    eve_id, _ = await a_member(owner, "eve")
    stranger = await an_organization(database, slug="globex")

    async def code(caller: Caller, document: str, **variables: Any) -> str:
        variables = {"id": owner.organization_id, **variables}
        stream: Any = await schema.subscribe(document, variable_values=variables, context_value=caller.context())
        errors = getattr(stream, "errors", None) or (await anext(aiter(stream))).errors
        return str(present(errors[0], "request")["extensions"]["code"])

    assert await code(max_, INVOICES) == "FORBIDDEN"
    assert await code(max_, USAGE, member=eve_id) == "FORBIDDEN"
    assert await code(max_, SEATS, member=eve_id) == "FORBIDDEN"
    assert [await code(stranger, document) for document in (USAGE, SEATS, INVOICES)] == ["NOT_FOUND"] * 3
    assert await code(owner, USAGE, after="garbage") == "CURSOR_INVALID"
    assert await code(owner, SEATS, after=await _start(stranger)) == "CURSOR_INVALID"
