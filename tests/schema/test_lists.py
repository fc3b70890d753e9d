"""Lists are walked by cursor, bounded, and refuse what they did not issue."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.builders import Caller, Database, a_member, an_organization

PAGE = """query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { organization(id: $id) {
    members(first: $first, after: $after, last: $last, before: $before) {
        totalCount edges { cursor node { name } } nodes { name }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } } }"""


async def _seven(database: Database) -> Caller:
    owner = await an_organization(database)
    for number in range(1, 7):
        await a_member(owner.later(number), f"m{number}")
    return owner


async def _page(owner: Caller, **arguments: Any) -> Any:
    found = await owner.data(PAGE, id=owner.organization_id, **arguments)
    return found["organization"]["members"]


async def test_walks_forward_without_gap_or_repeat(database: Database) -> None:
    owner = await _seven(database)

    seen: list[str] = []
    after, pages = None, 0
    while True:
        page = await _page(owner, first=3, after=after)
        seen += [node["name"] for node in page["nodes"]]
        after, pages = page["pageInfo"]["endCursor"], pages + 1
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert seen == ["Ann", "m1", "m2", "m3", "m4", "m5", "m6"]
    assert pages == 3
    assert page["totalCount"] == 7


async def test_walks_backward(database: Database) -> None:
    owner = await _seven(database)

    end = await _page(owner, last=2)
    before = await _page(owner, last=2, before=end["pageInfo"]["startCursor"])

    assert [node["name"] for node in end["nodes"]] == ["m5", "m6"]
    assert [node["name"] for node in before["nodes"]] == ["m3", "m4"]
    assert before["pageInfo"]["hasPreviousPage"] is True
    assert before["pageInfo"]["hasNextPage"] is True


async def test_walks_the_log_both_ways(database: Database) -> None:
    owner = await _seven(database)
    query = """query($id: ID!, $first: Int, $after: String, $last: Int) { organization(id: $id) {
        auditEvents(first: $first, after: $after, last: $last, filter: {kinds: ["MemberAdded"]}) {
            totalCount nodes { sequence kind } pageInfo { endCursor hasNextPage } } } }"""

    first = (await owner.data(query, id=owner.organization_id, first=4))["organization"]["auditEvents"]
    second = (await owner.data(query, id=owner.organization_id, first=4, after=first["pageInfo"]["endCursor"]))[
        "organization"
    ]["auditEvents"]
    oldest = (await owner.data(query, id=owner.organization_id, last=1))["organization"]["auditEvents"]

    numbers = [int(node["sequence"]) for page in (first, second) for node in page["nodes"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == first["totalCount"] == 7
    assert int(oldest["nodes"][0]["sequence"]) == numbers[-1]


@pytest.mark.parametrize("arguments", [{"first": 101}, {"first": -1}, {"last": 101}, {"first": 1, "last": 1}])
async def test_refuses_page_sizes_out_of_bounds(database: Database, arguments: dict[str, int]) -> None:
    owner = await an_organization(database)

    fault = await owner.fault(PAGE, id=owner.organization_id, **arguments)

    assert fault["extensions"]["code"] == "PAGE_SIZE_INVALID"
    assert fault["extensions"]["pageMax"] == 100


@pytest.mark.parametrize("garbage", ["", "x", "💥", "bWVtYmVycw", "A" * 500, "bWVtYmVyczo6"])
async def test_refuses_garbage_for_a_cursor(database: Database, garbage: str) -> None:
    owner = await an_organization(database)

    assert await owner.code(PAGE, id=owner.organization_id, after=garbage) == "CURSOR_INVALID"


async def test_refuses_a_cursor_of_another_list_and_of_another_organization(database: Database) -> None:
    owner = await an_organization(database)
    other = await an_organization(database, slug="globex")
    own = (await _page(owner))["pageInfo"]["endCursor"]
    foreign = (await _page(other))["pageInfo"]["endCursor"]
    invoices = "query($id: ID!, $after: String) { organization(id: $id) { invoices(after: $after) { totalCount } } }"
    forged = urlsafe_b64encode(f"events:{owner.books.organization_id}:-1".encode()).decode().rstrip("=")
    events = "query($id: ID!, $after: String) { organization(id: $id) { auditEvents(after: $after) { totalCount } } }"

    assert await owner.code(invoices, id=owner.organization_id, after=own) == "CURSOR_INVALID"
    assert await owner.code(PAGE, id=owner.organization_id, after=foreign) == "CURSOR_INVALID"
    assert await owner.code(events, id=owner.organization_id, after=forged) == "CURSOR_INVALID"


async def test_filters_members(database: Database) -> None:
    owner = await _seven(database)
    query = """query($id: ID!, $f: MemberFilter) { organization(id: $id) {
        members(filter: $f) { totalCount nodes { name } } } }"""

    found = await owner.data(query, id=owner.organization_id, f={"search": "m3@x", "status": "ACTIVE"})

    assert found["organization"]["members"] == {"totalCount": 1, "nodes": [{"name": "m3"}]}
