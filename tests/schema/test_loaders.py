"""An answer takes as many statements for fifty members as for five."""

import asyncio
from typing import Any, cast

import pytest

from billing.money import Money
from models.sql import Client
from schema.batches import Loader
from services import closing, credits, groups, imports, limit_increases
from tests.builders import Caller, Database, a_use, an_organization, days_later
from tests.schema.counting import CountingReader

PEOPLE = """query($id: ID!) { organization(id: $id) {
    members(first: 100) { totalCount nodes {
        name role { name permissions } group { name monthToDate { amount } } seat { tier { name } addOns }
        monthToDate { amount }
        effectiveLimit { amount { amount } remaining { amount } bindingLevel whoCanRaise { name }
            chain { level subject cap { amount } spent { amount } held { amount } remaining { amount } } }
        forecast { expected { amount } capReachedOn }
        limitIncreaseRequests { status limit { version } requestedBy { name } decidedBy { name } }
        usage(groupBy: [MODEL, DIRECTION]) { total { amount } rows { keys { value } cost { amount } } }
    } }
} }"""
BILLS = """query($id: ID!) { organization(id: $id) {
    invoices(first: 100) { totalCount nodes {
        number amountDue { amount } payments { reference } creditNotes { number }
        lines { description amount { formatted } explanation { formula steps { amount } sources { kind count } } }
        memberBreakdown(first: 100) { totalCount nodes {
            member { name role { key } } amount { amount } shares { amount { amount } }
        } }
    } }
} }"""
LOG = """query($id: ID!) { organization(id: $id) {
    auditEvents(first: 100) { nodes { kind payload member { name } actorMember { name } } }
} }"""
CREDIT = """query($id: ID!) { organization(id: $id) {
    creditGrants(first: 100) { totalCount nodes { reason remaining { amount } } }
    creditEntries(first: 100) { totalCount nodes { kind amount { amount } grant { reason } invoice { number } } }
} }"""
REQUESTS = """query($id: ID!) { organization(id: $id) { limitIncreaseRequests(first: 100) {
    totalCount nodes { status member { name } limit { cap { amount } } requestedBy { name } decidedBy { name } }
} } }"""
SPEND = """query($id: ID!) { organization(id: $id) {
    spendStatus { level subject cap { amount } spent { amount } member { name } forecast { expected { amount } } }
} }"""
ODD = """query($id: ID!) { organization(id: $id) {
    spendAnomalies(first: 100) { totalCount nodes { day spent { amount } member { name } } }
} }"""


async def test_people_take_as_many_statements_for_fifty_as_for_five(database: Database) -> None:
    owner = await an_organization(database)
    await _populate(owner, 0, 5)
    few = await _statements(owner, PEOPLE, people=6)

    await _populate(owner, 5, 50)

    assert await _statements(owner, PEOPLE, people=51) == few


@pytest.mark.parametrize("document", [BILLS, LOG, SPEND, CREDIT, REQUESTS, ODD])
async def test_bills_take_as_many_statements_for_months_as_for_one(database: Database, document: str) -> None:
    owner = await an_organization(database)
    await _populate(owner, 0, 5)
    await owner.books.do(closing.close, closing.Close, at=days_later(40), period="2026-10")
    few = await _statements(owner, document)

    await _populate(owner, 5, 30)
    for period in ("2026-11", "2026-12", "2027-01", "2027-02"):
        await owner.books.do(closing.close, closing.Close, at=days_later(160), period=period)

    assert await _statements(owner, document) == few


async def test_only_what_is_selected_of_a_seat_is_read(database: Database) -> None:
    owner = await an_organization(database)
    await _populate(owner, 0, 1)
    page = "query ($id: ID!) { organization(id: $id) { members { nodes { seat { tier { key %s } } } } } }"

    key, name = [await _statements(owner, page % more) for more in ("", "name")]

    assert key < name


async def _populate(owner: Caller, start: int, end: int) -> None:
    books = owner.books
    people = tuple(
        imports.NewMember(f"p{number}@x.example", f"P {number}", "member", "chat" if number % 2 else "chat_code")
        for number in range(start, end)
    )
    added = await books.do(imports.add_many, imports.AddMany, members=people)
    assert isinstance(added, imports.ManyAdded), added
    await books.cap("ORGANIZATION", "100000")
    await books.cap("SEAT_TIER", "500", "chat")
    for member_id in added.member_ids:
        await books.cap("MEMBER", "300", member_id)
        await books.do(
            limit_increases.ask,
            limit_increases.Ask,
            member_id=member_id,
            limit_id=None,
            amount=Money.parse("900", "USD"),
            reason="More",
            until=None,
        )
    kept = await books.do(groups.create, groups.CreateGroup, key=f"group-{start}", name="Group")
    await books.do(groups.assign, groups.AssignGroup, member_ids=added.member_ids, group_id=kept.group_id)
    amount = Money.parse("7.00", "USD")
    await books.do(credits.grant, credits.Grant, amount=amount, reason="Launch")
    uses = [a_use(f"e-{member_id}", member_id, 29_000) for member_id in added.member_ids]
    await books.use(*uses)


async def _statements(owner: Caller, document: str, *, people: int | None = None) -> int:
    counting = CountingReader(owner.books.reader)
    found: Any = await Caller(owner.books, owner.principal, owner.at, cast(Client, counting)).data(
        document, id=owner.organization_id
    )
    if people is not None:
        assert found["organization"]["members"]["totalCount"] == people
    return len(counting.statements)


async def test_a_field_that_gives_up_leaves_the_others_waiting() -> None:
    """The library cancels what siblings of a failed field wait for, and they wait for rows together."""
    read = asyncio.Event()

    async def load(keys: list[str]) -> list[str]:
        await read.wait()
        return keys

    async def wait() -> str:
        return await loader.load("ann")

    loader = Loader(load)
    impatient, patient = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    impatient.cancel()
    read.set()

    assert await patient == "ann"
