"""One organization that has one of everything, so that every field of the graph leads somewhere.

It lives by a clock of its own, on a contract, under a plan with an item of each price model; it has people, groups,
limits at each level, usage, alerts, invoices in several states, credit, payments and a change of plan to come.
"""

from copy import deepcopy
from typing import Any, Final

from models.database import Database
from schema.ids import Kind
from services import directory_groups
from tests.authorization.callers import AT, Home
from tests.builders import POOLED, Caller, a_contract, a_member, a_sandbox, days_later, event, on_offer, usd
from tests.receiving import with_postbox
from tests.signing_in import with_sign_in


def _item(key: str, quantity: dict[str, Any], price: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": {"en": key.title()}, "quantity": quantity, "price": price, **fields}


def _usage(meter: str) -> dict[str, Any]:
    return {"kind": "USAGE", "meter": meter}


EVERYTHING: Final[dict[str, Any]] = deepcopy(POOLED)
EVERYTHING["key"], EVERYTHING["name"] = "everything", {"en": "Everything"}
EVERYTHING["items"][0] |= {"timing": "ADVANCE", "proration": "ACTUAL_EXCLUSIVE", "decrease": "NEXT_PERIOD"}
EVERYTHING["items"] += [
    _item("band", {"kind": "CONTRACT_BAND"}, {"model": "BAND", "bands": [{"up_to": 500, "amount": "90000"}]}),
    _item("volume", _usage("volume"), {"model": "VOLUME", "tiers": [{"up_to": 5, "unit": "1"}, {"unit": "2"}]}),
    _item("graduated", {"kind": "PEAK_SEATS"},
          {"model": "GRADUATED", "tiers": [{"up_to": 5, "unit": "1"}, {"unit": "2"}]},
          allowance={"quantity": 2, "rule": "DEDUCT"}, minimum="1.00", quote_above=900),
    _item("package", _usage("package"), {"model": "PACKAGE", "size": 100, "amount": "5"}),
    _item("percentage", _usage("percentage"), {"model": "PERCENTAGE", "percent": "2.99"}),
    _item("shares", _usage("shares"),
          {"model": "GRADUATED_PERCENTAGE", "tiers": [{"up_to": "100", "percent": "2"}, {"percent": "1"}]}),
    _item("cluster", {"kind": "CAPACITY", "meters": ["cores"]},
          {"model": "CAPACITY", "bands": [{"up_to": {"cores": 4}, "amount": "7"}, {"amount": "9"}]}),
    _item("support", {"kind": "FLAT"}, {"model": "UNIT", "unit": "50"},
          discounts=[{"kind": "PERCENTAGE", "percent": "10"}], commitment={"amount": "10.00"}),
]  # fmt: skip
AGREED: Final[dict[str, Any]] = {
    "discounts": [{"kind": "VOLUME", "tiers": [{"fromAmount": "1000", "percent": "1"}]}],
    "itemDiscounts": [{"itemKey": "hipaa", "discounts": [{"kind": "PERCENTAGE", "percent": "10"}]}],
    "prices": [{"itemKey": "hipaa", "priceVersion": "negotiated", "price": {"unit": {"unit": "4"}}}],
}
LATER: Final = "2026-11-02T00:00:00Z"


async def furnished(database: Database, *, slug: str = "home") -> Home:
    """Return the organization; its slug is a part of every name and text in it."""
    owner = await a_sandbox(database, plan=EVERYTHING, slug=slug, evaluation_ends_at=days_later(5))
    with_postbox(owner)
    contract = a_contract(number=f"C-{slug}", **AGREED)
    signed = await owner.do("convertEvaluation", "userErrors { code }", planKey="everything", contract=contract)
    assert signed["userErrors"] == [], signed
    await on_offer(owner, EVERYTHING | {"key": f"later-{slug}"})
    group = (await owner.do("createGroup", "group { id }", key=slug, name=f"Research of {slug}"))["group"]["id"]
    own, _ = await a_member(owner, f"bo-{slug}")
    other, _ = await a_member(owner, f"cy-{slug}", tier="chat_code")
    await owner.do("assignToGroup", "userErrors { code }", memberIds=[own, other], groupId=group)
    limits = (
        {"level": "ORGANIZATION", "amount": usd("900.00")},
        {"level": "GROUP", "groupId": group, "amount": usd("800.00")},
        {"level": "SEAT_TIER", "tier": "chat", "scope": "POOLED", "amount": usd("700.00")},
        {"level": "SEAT_TIER", "tier": "chat_code", "scope": "PER_MEMBER", "amount": usd("100.00")},
        {"level": "MEMBER", "memberId": own, "amount": usd("10.00")},
        {"level": "MEMBER", "memberId": other, "amount": usd("10.00")},
    )
    for limit in limits:
        payload = await owner.do("setSpendLimit", "limit { id }", **limit, repeatEvery={"percent": 50})
        assert payload["userErrors"] == [], payload
    for number, member in enumerate((own, other)):
        used = await owner.do("recordUsage", "results { status }", events=[event(f"{slug}-{number}", member, "9")])
        assert used["results"] == [{"status": "RECORDED"}], used
    granted = await owner.do("grantCredit", "userErrors { code }", amount=usd("5.00"), reason=f"Welcome {slug}")
    assert granted["userErrors"] == [], granted
    await owner.do("setPaymentMethod", "userErrors { code }", kind="BANK_TRANSFER", label=f"Bank of {slug}")
    extra = [await a_member(owner, f"extra-{slug}-{number}") for number in range(3)]  # beyond the band: a review is due
    await owner.do("advanceTestClock", "userErrors { code }", to=LATER)
    await owner.do("changeMemberRole", "userErrors { code }", memberId=extra[0][0], role="view_only")
    await _settle(owner, slug)
    hook = {"url": f"https://93.184.215.14/{slug}", "description": f"Hook of {slug}"}
    opened = await owner.do("createWebhookEndpoint", "endpoint { id }", **hook)
    assert opened["userErrors"] == [], opened
    await owner.do("sendTestWebhook", "delivery { id }", endpointId=opened["endpoint"]["id"])
    await with_sign_in(owner, slug, at=AT)
    await _with_directory(owner, slug, own)
    await owner.do(
        "schedulePlanChange", "userErrors { code }", planKey=f"later-{slug}", effectiveAt="2026-12-01T00:00:00Z"
    )
    return Home(database, owner.books.organization_id, own.rsplit("_", 1)[1], other.rsplit("_", 1)[1])


async def _with_directory(owner: Caller, slug: str, member_id: str) -> None:
    """Let a directory in, with a group that gives something."""
    await owner.do("createScimToken", "secret", name=f"Directory of {slug}")
    kept = await owner.books.do(
        directory_groups.create,
        directory_groups.CreateGroup,
        name=f"Staff of {slug}",
        external_id=None,
        joining=(member_id.rsplit("_", 1)[1],),
    )
    rules = [{"directoryGroupId": owner.id(Kind.DIRECTORY_GROUP, kept.group_id), "role": "member"}]
    mapped = await owner.do("setGroupMapping", "applied", rules=rules)
    assert mapped["userErrors"] == [], mapped


async def _settle(owner: Caller, slug: str) -> None:
    """Pay a part of the newest invoice and credit another."""
    document = "query($id: ID!) { organization(id: $id) { invoices(first: 1) { nodes { id } } } }"
    [invoice] = (await owner.data(document, id=owner.organization_id))["organization"]["invoices"]["nodes"]
    about = {"invoiceId": invoice["id"], "amount": usd("1.00")}
    noted = await owner.do("issueCreditNote", "creditNote { id }", **about, reason=f"Goodwill of {slug}")
    assert noted["userErrors"] == [], noted
    paid = {"method": "BANK_TRANSFER", "reference": f"wire of {slug}", "receivedAt": "2026-11-01T12:00:00Z"}
    booked = await owner.do("recordPayment", "payment { id }", **about, **paid)
    assert booked["userErrors"] == [], booked
