"""One organization that has one of everything, so that every field of the graph leads somewhere.

It lives by a clock of its own, on a contract, under a plan with an item of each price model; it has people, groups,
limits at each level, usage, alerts, invoices in several states, credit, payments and a change of plan to come.
"""

from copy import deepcopy
from typing import Any, Final

from auth.principal import Principal
from jobs.imports import Importer
from models.database import Database
from schema.ids import Kind
from services import directory_groups, exemptions
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
    _item("package", _usage("package") | {"conversion": {"divide_by": "1000"}},
          {"model": "PACKAGE", "size": 100, "amount": "5"}),
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
    await on_offer(owner, EVERYTHING | {"key": f"later-{slug}"})
    await _done(owner, "convertEvaluation", planKey="everything", contract=a_contract(number=f"C-{slug}", **AGREED))
    own, _ = await a_member(owner, f"bo-{slug}")
    other, _ = await a_member(owner, f"cy-{slug}", tier="chat_code")
    extra = [(await a_member(owner, f"extra-{slug}-{number}"))[0] for number in range(3)]  # a review is due
    await _limit(owner, slug, own, other)
    await _use(owner, slug, own, other)
    await _done(owner, "grantCredit", amount=usd("5.00"), reason=f"Welcome {slug}")
    await _done(owner, "setPaymentMethod", kind="BANK_TRANSFER", label=f"Bank of {slug}")
    await _exempt(owner, slug)
    await _done(owner, "advanceTestClock", to=LATER)
    await _done(owner, "changeMemberRole", memberId=extra[0], role="view_only")
    await _settle(owner, slug)
    await _done(owner, "reserveSpend", memberId=own, externalId=f"hold-{slug}", amount=usd("0.10"), ttlSeconds=86_400)
    await _done(owner, "requestLimitIncrease", memberId=own, amount=usd("90.00"), reason=f"Quarter end of {slug}")
    hook = {"url": f"https://93.184.215.14/{slug}", "description": f"Hook of {slug}"}
    endpoint = (await owner.do("createWebhookEndpoint", "endpoint { id }", **hook))["endpoint"]
    await _done(owner, "sendTestWebhook", endpointId=endpoint["id"])
    await with_sign_in(owner, slug, at=AT)
    await _with_directory(owner, slug, own)
    asked = await owner.do("inviteMember", "invitation { id }", email=f"guest@{slug}.example", role="member")
    assert asked["userErrors"] == [], asked
    await _import(owner, slug)
    await _done(owner, "schedulePlanChange", planKey=f"later-{slug}", effectiveAt="2026-12-01T00:00:00Z")
    return Home(database, owner.books.organization_id, own.rsplit("_", 1)[1], other.rsplit("_", 1)[1])


async def _done(owner: Caller, name: str, **fields: Any) -> None:
    """Carry out a mutation that must not be refused."""
    payload = await owner.do(name, "__typename", **fields)
    assert payload["userErrors"] == [], (name, payload)


async def _limit(owner: Caller, slug: str, own: str, other: str) -> None:
    """Put both in a group, and a limit at each level."""
    group = (await owner.do("createGroup", "group { id }", key=slug, name=f"Research of {slug}"))["group"]["id"]
    await _done(owner, "assignToGroup", memberIds=[own, other], groupId=group)
    for limit in (
        {"level": "ORGANIZATION", "amount": usd("900.00")},
        {"level": "GROUP", "groupId": group, "amount": usd("800.00")},
        {"level": "SEAT_TIER", "tier": "chat", "scope": "POOLED", "amount": usd("700.00")},
        {"level": "SEAT_TIER", "tier": "chat_code", "scope": "PER_MEMBER", "amount": usd("100.00")},
        {"level": "MEMBER", "memberId": own, "amount": usd("20.00")},
        {"level": "MEMBER", "memberId": other, "amount": usd("20.00")},
    ):
        await _done(owner, "setSpendLimit", **limit, repeatEvery={"percent": 50})


async def _use(owner: Caller, slug: str, own: str, other: str) -> None:
    """Let each spend a little on many days, and much on the last: near their limit, and unusual."""
    await _done(owner, "setSpendWatch", sensitivity="HIGH", floor=usd("1.00"))
    await _done(owner, "advanceTestClock", to=days_later(29).isoformat())
    for member, name in ((own, "own"), (other, "other")):
        little = [event(f"{slug}-{name}-{day}", member, "0.10", at=days_later(day)) for day in range(2, 28)]
        much = event(f"{slug}-{name}-29", member, "14", at=days_later(29))
        used = await owner.do("recordUsage", "results { status }", events=[*little, much])
        assert {each["status"] for each in used["results"]} == {"RECORDED"}, used


async def _exempt(owner: Caller, slug: str) -> None:
    """Let the seller accept a certificate that is not valid yet."""
    given = {"certificate": f"X-{slug}", "jurisdiction": "DE", "reason": "Export", "valid_from": days_later(300)}
    system = Principal.system(owner.books.organization_id)
    accepted = await owner.books.do(exemptions.accept, exemptions.Accept, actor=system, **given)
    assert isinstance(accepted, exemptions.Accepted), accepted


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
    await _done(owner, "setGroupMapping", rules=rules)


async def _import(owner: Caller, slug: str) -> None:
    """Bring a list of which nobody can come in."""
    await _done(owner, "importMembers", mode="BEST_EFFORT", csv=f"email,name,role\nnobody of {slug},N,member\n")
    await Importer(owner.books.reader, owner.books.dispatcher, clock=lambda: AT).carry_out()


async def _settle(owner: Caller, slug: str) -> None:
    """Pay a part of the newest invoice, and credit a part."""
    document = "query($id: ID!) { organization(id: $id) { invoices(first: 1) { nodes { id } } } }"
    [invoice] = (await owner.data(document, id=owner.organization_id))["organization"]["invoices"]["nodes"]
    about = {"invoiceId": invoice["id"], "amount": usd("1.00")}
    await _done(owner, "issueCreditNote", **about, reason=f"Goodwill of {slug}")
    paid = {"method": "BANK_TRANSFER", "reference": f"wire of {slug}", "receivedAt": "2026-11-01T12:00:00Z"}
    await _done(owner, "recordPayment", **about, **paid)
