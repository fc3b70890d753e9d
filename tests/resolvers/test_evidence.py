"""From a line of an invoice to the very events and seats behind it, for ever the same."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest

from billing.roles import Permission
from tests.builders import (
    DEARER,
    POOLED,
    START,
    TRACKER,
    Caller,
    Database,
    a_member,
    an_organization,
    as_role,
    event,
    on_offer,
    with_permissions,
)

EVENTS = "usageEvents(first: 100) { totalCount nodes { eventId quantity cost { amount } member { name } } }"
SEATS = "seatIntervals(first: 100) { totalCount nodes { member { name } tier addOns start end billable } }"
BILL = f"""invoice {{ id lines {{ key itemKey quantity amount {{ amount }}
    explanation {{ sources {{ kind count }} }} {EVENTS} {SEATS} }} }}"""
AGAIN = f"query($id: ID!) {{ node(id: $id) {{ ... on Invoice {{ lines {{ key {EVENTS} {SEATS} }} }} }} }}"


async def _report(caller: Caller, *events: dict[str, Any], overage: str = "REFUSE") -> None:
    payload = await caller.do("recordUsage", "results { status }", events=list(events), overage=overage)
    assert payload["userErrors"] == []


async def _close(owner: Caller, month: str, days: int) -> Any:
    payload = await owner.later(days).do("closeBillingPeriod", BILL, period=month)
    assert payload["userErrors"] == []
    return payload["invoice"]


def _line(invoice: Any, beginning: str) -> Any:
    (found,) = [line for line in invoice["lines"] if line["key"].startswith(beginning)]
    return found


def _ids(line: Any) -> list[str]:
    return sorted(node["eventId"] for node in line["usageEvents"]["nodes"])


async def test_shows_the_events_that_add_up_to_the_line(database: Database) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    eve_id, _ = await a_member(owner, "eve")
    await _report(owner, event("e1", max_id, "1"), event("e2", eve_id, "2"), event("e3", max_id, "0.5"))

    line = _line(await _close(owner, "2026-10", 40), "usage")

    nodes = line["usageEvents"]["nodes"]
    assert _ids(line) == ["e1", "e2", "e3"]
    assert sum(int(node["quantity"]) for node in nodes) == int(line["quantity"])
    assert line["usageEvents"]["totalCount"] == line["explanation"]["sources"][0]["count"] == 3
    assert [node["member"]["name"] for node in nodes] in (["max", "max", "eve"], ["eve", "max", "max"])
    assert line["seatIntervals"]["totalCount"] == 0


async def test_keeps_the_evidence_of_an_issued_invoice_whatever_comes_later(database: Database) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    await _report(owner, event("e1", max_id, "10"), event("e2", max_id, "1"))
    await owner.do("correctUsage", "billedLater", eventId="e2", correctionId="c2", quantity="2000000")
    october = await _close(owner, "2026-10", 40)
    november = owner.later(41)

    await _report(november, event("late", max_id, "3", at=START), overage="RECORD")
    await november.do("correctUsage", "billedLater", eventId="e1", correctionId="c1", quantity="4000000")
    await november.do("correctUsage", "billedLater", eventId="c2", correctionId="c3", quantity="1000000")

    preview = await november.data(
        f"query($id: ID!) {{ organization(id: $id) {{ upcomingInvoice {{ lines {{ key {EVENTS} }} }} }} }}",
        id=owner.organization_id,
    )
    issued = await _close(owner, "2026-11", 70)
    then = (await owner.data(AGAIN, id=october["id"]))["node"]

    assert _ids(_line(october, "usage")) == ["c2", "e1"]
    assert _ids(_line(then, "usage")) == ["c2", "e1"]
    for later in (preview["organization"]["upcomingInvoice"], issued):
        assert _ids(_line(later, "usage/late")) == ["late"]
        assert _ids(_line(later, "usage/corrected")) == ["c1", "c3"]


async def test_tells_the_events_of_two_plans_in_one_month_apart(database: Database) -> None:
    owner = await an_organization(database)
    await on_offer(owner, DEARER)
    max_id, _ = await a_member(owner, "max")
    await _report(owner, event("before", max_id, "1"))
    middle = owner.later(15)
    await middle.do("changePlan", "plan { key }", planKey="dearer")
    await _report(middle, event("after", max_id, "1", at=middle.at))

    invoice = await _close(owner, "2026-10", 40)

    assert _ids(_line(invoice, "usage/until")) == ["before"]
    assert _ids(_line(invoice, "usage/atlas")) == ["after"]


async def test_shows_the_seats_of_a_tier_and_of_an_add_on(database: Database) -> None:
    owner = await an_organization(database)
    max_id, _ = await a_member(owner, "max")
    await a_member(owner, "eve", tier="chat_code")
    await owner.later(10).do("changeSeatTier", "member { id }", memberId=max_id, tier="chat", addOns=["hipaa"])

    invoice = await _close(owner, "2026-10", 40)

    chat, hipaa = _line(invoice, "seat-chat"), _line(invoice, "hipaa")
    assert [(node["member"]["name"], node["addOns"]) for node in chat["seatIntervals"]["nodes"]] == [
        ("max", []),
        ("max", ["hipaa"]),
    ]
    assert [(node["member"]["name"], node["start"]) for node in hipaa["seatIntervals"]["nodes"]] == [
        ("max", "2026-10-11T00:00:00Z")
    ]
    assert chat["seatIntervals"]["totalCount"] == chat["explanation"]["sources"][0]["count"] == 2
    assert chat["usageEvents"]["totalCount"] == 0


async def test_shows_the_seats_of_the_peak(database: Database) -> None:
    owner = await an_organization(database, plan=TRACKER, slug="tracker")
    gone, _ = await a_member(owner, "gone", tier=None)
    await owner.later(1).do("deactivateMember", "member { id }", memberId=gone)
    for name in ("max", "eve"):
        await a_member(owner.later(2), name, tier=None)

    line = _line(await _close(owner, "2026-10", 40), "users")

    assert line["quantity"] == "2"
    assert sorted(node["member"]["name"] for node in line["seatIntervals"]["nodes"]) == ["eve", "max"]


async def test_shows_of_a_month_paid_in_advance_the_seats_that_were_known_then(database: Database) -> None:
    items = [{**POOLED["items"][0], "timing": "ADVANCE"}]
    owner = await an_organization(database, plan={**POOLED, "items": items})
    await a_member(owner, "max")
    october = await _close(owner, "2026-10", 31)
    await a_member(owner.later(35), "late")

    then = (await owner.data(AGAIN, id=october["id"]))["node"]
    november = await _close(owner, "2026-11", 70)

    advance = _line(then, "seat-chat/advance")
    assert [node["member"]["name"] for node in advance["seatIntervals"]["nodes"]] == ["max"]
    changes = _line(november, "seat-chat/changes")
    assert [node["member"]["name"] for node in changes["seatIntervals"]["nodes"]] == ["max", "late"]


USAGE_ALONE = {**POOLED, "items": [POOLED["items"][2]]}
PAGE = """query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) {
    ... on Invoice { lines { usageEvents(first: $first, after: $after, last: $last, before: $before) {
        nodes { eventId } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } } }"""


async def _nine_events(database: Database) -> tuple[Caller, str]:
    """Return an owner and an invoice of one line, which three events of each of three members are behind."""
    owner = await an_organization(database, plan=USAGE_ALONE)
    for name in ("max", "eve", "bob"):
        member_id, _ = await a_member(owner, name)
        used = [event(f"{name}-{hour}", member_id, "1", at=START + timedelta(hours=hour)) for hour in (2, 1, 0)]
        await _report(owner.later(1), *used)
    invoice = await _close(owner, "2026-10", 40)
    return owner, invoice["id"]


async def _page(owner: Caller, invoice_id: str, **arguments: Any) -> Any:
    (line,) = (await owner.data(PAGE, id=invoice_id, **arguments))["node"]["lines"]
    return line["usageEvents"]


@pytest.mark.parametrize("size", [1, 2, 4, 100])
async def test_walks_the_events_both_ways(database: Database, size: int) -> None:
    owner, invoice_id = await _nine_events(database)
    forward: list[str] = []
    backward: list[str] = []

    page: Any = {"pageInfo": {"endCursor": None, "hasNextPage": True}}
    while page["pageInfo"]["hasNextPage"]:
        page = await _page(owner, invoice_id, first=size, after=page["pageInfo"]["endCursor"])
        forward += [node["eventId"] for node in page["nodes"]]
    page = {"pageInfo": {"startCursor": None, "hasPreviousPage": True}}
    while page["pageInfo"]["hasPreviousPage"]:
        page = await _page(owner, invoice_id, last=size, before=page["pageInfo"]["startCursor"])
        backward = [node["eventId"] for node in page["nodes"]] + backward

    assert forward == backward
    assert sorted(name.split("-")[0] for name in forward[:3]) == [forward[0].split("-")[0]] * 3
    assert [name.split("-")[1] for name in forward] == ["0", "1", "2"] * 3


async def test_refuses_a_cursor_that_it_did_not_give(database: Database) -> None:
    owner, invoice_id = await _nine_events(database)
    own = (await _page(owner, invoice_id, first=1))["pageInfo"]["endCursor"]
    text = urlsafe_b64decode(own + "=" * (-len(own) % 4)).decode()
    prefix = text.rsplit(":", 1)[0]
    forged = [
        urlsafe_b64encode(f"{prefix}:{key}".encode()).decode().rstrip("=")
        for key in ("x", "a.b.c", f"{'0' * 26}.-1.{'0' * 26}", f"{'0' * 26}.{'9' * 30}.{'0' * 26}")
    ]

    codes = [await owner.code(PAGE, id=invoice_id, after=cursor) for cursor in ("garbage", *forged)]

    assert codes == ["CURSOR_INVALID"] * 5


async def test_shows_evidence_only_to_those_who_may_see_it(database: Database) -> None:
    owner, invoice_id = await _nine_events(database)
    clerk = with_permissions(owner, Permission.ORGANIZATION_READ, Permission.INVOICES_READ)
    auditor = Caller(owner.books, as_role(owner.books.organization_id, "auditor"))

    assert await clerk.code(PAGE, id=invoice_id) == "FORBIDDEN"
    assert await auditor.data(PAGE, id=invoice_id)


async def test_has_no_evidence_of_what_is_only_supposed(database: Database) -> None:
    owner, _ = await _nine_events(database)
    await on_offer(owner, DEARER)
    ask = f"""query($id: ID!) {{ previewPlanChange(organizationId: $id, planKey: "dearer") {{
        upcomingInvoice {{ lines {{ {EVENTS} {SEATS} }} }} }} }}"""

    asked = await owner.later(45).data(ask, id=owner.organization_id)

    lines = asked["previewPlanChange"]["upcomingInvoice"]["lines"]
    assert {line["usageEvents"]["totalCount"] + line["seatIntervals"]["totalCount"] for line in lines} == {0}
