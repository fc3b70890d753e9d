"""Another plan, another seat: what the preview says is what the change says, and what the invoice says."""

from typing import Any

import pytest

from tests.builders import DEARER, Caller, Database, a_member, an_organization, as_role, event, on_offer, refusals

MIDDLE = "2026-10-16T12:00:00Z"
MONEY = "before { amount } after { amount } difference { amount }"
CHANGED = f"""plan {{ key name }} effectiveAt preview {{ {MONEY} }}
    organization {{ plan {{ key }} scheduledPlan {{ effectiveAt plan {{ key }} }} }}"""
BILL = "total { amount } lines { key description amount { amount } explanation { formula } }"
ASK_PLAN = f"""query($id: ID!, $plan: String!, $at: DateTime) {{
    previewPlanChange(organizationId: $id, planKey: $plan, effectiveAt: $at) {{
        {MONEY} upcomingInvoice {{ {BILL} }} userErrors {{ code field }} }} }}"""
ASK_SEAT = f"""query($id: ID!, $member: ID!, $tier: String, $addOns: [String!], $gone: Boolean! = false) {{
    previewSeatChange(organizationId: $id, memberId: $member, seatTier: $tier, addOns: $addOns, deactivate: $gone) {{
        {MONEY} upcomingInvoice {{ {BILL} }} userErrors {{ code field }} }} }}"""
HALF = {"before": {"amount": "20.00"}, "after": {"amount": "40.00"}, "difference": {"amount": "20.00"}}


async def _two_plans(database: Database) -> tuple[Caller, str]:
    """Return the owner of an organization with one seat of 20.00 and a dearer plan to go to; and the member."""
    owner = await an_organization(database)
    await on_offer(owner, DEARER)
    member_id, _ = await a_member(owner, "max")
    return owner, member_id


async def _preview(caller: Caller, document: str, **variables: Any) -> Any:
    data = await caller.data(document, id=caller.organization_id, **variables)
    return next(iter(data.values()))


async def test_says_the_same_before_after_and_on_the_invoice(database: Database) -> None:
    owner, _ = await _two_plans(database)

    asked = await _preview(owner, ASK_PLAN, plan="dearer", at=MIDDLE)
    scheduled = await owner.do("schedulePlanChange", CHANGED, planKey="dearer", effectiveAt=MIDDLE)
    closed = await owner.later(40).do("closeBillingPeriod", f"invoice {{ {BILL} }}", period="2026-10")

    # half a month of a seat at 20.00, and half at 60.00
    assert {name: asked[name] for name in HALF} == HALF
    assert asked["userErrors"] == []
    assert scheduled["preview"] == HALF
    assert closed["invoice"] == asked["upcomingInvoice"]
    assert closed["invoice"]["total"] == HALF["after"]


async def test_changes_the_plan_at_once(database: Database) -> None:
    owner, member_id = await _two_plans(database)
    middle = owner.later(15)
    middle.at = middle.at.replace(hour=12)
    await owner.do("recordUsage", "results { status }", events=[event("e1", member_id, "1")])

    asked = await _preview(middle, ASK_PLAN, plan="dearer")
    payload = await middle.do("changePlan", CHANGED, planKey="dearer")
    await middle.do("recordUsage", "results { status }", events=[event("e2", member_id, "1", at=middle.at)])
    closed = await owner.later(40).do("closeBillingPeriod", f"invoice {{ {BILL} }}", period="2026-10")

    assert payload["plan"] == {"key": "dearer", "name": "Dearer"}
    assert payload["effectiveAt"] == MIDDLE
    assert payload["preview"] == {name: asked[name] for name in HALF}
    assert payload["organization"] == {"plan": {"key": "dearer"}, "scheduledPlan": None}
    # to the middle a token costs a millionth of a dollar, and two from then on
    amounts = sorted(line["amount"]["amount"] for line in closed["invoice"]["lines"])
    assert amounts == ["1.00", "10.00", "2.00", "30.00"]


async def test_shows_what_is_scheduled_until_it_begins(database: Database) -> None:
    owner, _ = await _two_plans(database)

    payload = await owner.do("schedulePlanChange", CHANGED, planKey="dearer", effectiveAt=MIDDLE)
    then = await owner.later(20).data(
        "query($id: ID!) { organization(id: $id) { plan { key } scheduledPlan { effectiveAt } } }",
        id=owner.organization_id,
    )

    assert payload["plan"]["key"] == "dearer"
    assert payload["organization"] == {
        "plan": {"key": "pooled"},
        "scheduledPlan": {"effectiveAt": MIDDLE, "plan": {"key": "dearer"}},
    }
    assert then["organization"] == {"plan": {"key": "dearer"}, "scheduledPlan": None}


@pytest.mark.parametrize(
    ("code", "field", "plan", "at"),
    [
        ("NOT_FOUND", ["planKey"], "nothing", MIDDLE),
        ("STATUS_CONFLICT", ["planKey"], "pooled", MIDDLE),
        ("TIME_OUT_OF_RANGE", ["effectiveAt"], "dearer", "2026-09-30T00:00:00Z"),
        ("TIME_OUT_OF_RANGE", ["effectiveAt"], "dearer", "9999-12-31T23:00:00Z"),
    ],
)
async def test_refuses_before_what_it_refuses_after(
    database: Database, code: str, field: list[str], plan: str, at: str
) -> None:
    owner, _ = await _two_plans(database)

    asked = await _preview(owner, ASK_PLAN, plan=plan, at=at)
    payload = await owner.do("schedulePlanChange", CHANGED, planKey=plan, effectiveAt=at)

    assert asked["before"] is None
    assert refusals(asked) == refusals(payload) == [(code, field)]
    assert payload["plan"] is None


async def test_previews_another_seat(database: Database) -> None:
    owner, member_id = await _two_plans(database)
    middle = owner.later(15)

    asked = await _preview(middle, ASK_SEAT, member=member_id, tier="chat", addOns=["hipaa"])
    changed = await middle.do(
        "changeSeatTier", f"preview {{ {MONEY} }}", memberId=member_id, tier="chat", addOns=["hipaa"]
    )
    closed = await owner.later(40).do("closeBillingPeriod", f"invoice {{ {BILL} }}", period="2026-10")

    # an add-on of 5.00 for 16 of 31 days
    assert (asked["before"], asked["difference"]) == ({"amount": "20.00"}, {"amount": "2.58"})
    assert changed["preview"] == {name: asked[name] for name in HALF}
    assert closed["invoice"] == asked["upcomingInvoice"]


async def test_previews_a_farewell(database: Database) -> None:
    owner, member_id = await _two_plans(database)
    middle = owner.later(15)

    asked = await _preview(middle, ASK_SEAT, member=member_id, gone=True)
    await middle.do("deactivateMember", "member { id }", memberId=member_id)
    closed = await owner.later(40).do("closeBillingPeriod", f"invoice {{ {BILL} }}", period="2026-10")

    assert closed["invoice"] == asked["upcomingInvoice"]
    assert asked["difference"]["amount"].startswith("-")


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("NOT_FOUND", ["seatTier"], {"tier": "gold"}),
        ("NOT_FOUND", ["addOns"], {"addOns": ["gold"]}),
        ("INPUT_INVALID", ["deactivate"], {"tier": "chat", "gone": True}),
        ("ID_INVALID", ["memberId"], {"member": "max"}),
        ("NOT_FOUND", ["memberId"], {"member": f"mem_{'0' * 26}_{'0' * 26}"}),
    ],
)
async def test_names_the_argument_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner, member_id = await _two_plans(database)

    asked = await _preview(owner, ASK_SEAT, **{"member": member_id, **change})

    assert (asked["before"], asked["upcomingInvoice"]) == (None, None)
    assert refusals(asked) == [(code, field)]


async def test_previews_nothing_for_a_member_who_left(database: Database) -> None:
    owner, member_id = await _two_plans(database)
    await owner.do("deactivateMember", "member { id }", memberId=member_id)

    asked = await _preview(owner, ASK_SEAT, member=member_id, tier="chat")

    assert refusals(asked) == [("MEMBER_DEACTIVATED", ["memberId"])]


async def test_answers_only_those_who_may_do_it(database: Database) -> None:
    owner, member_id = await _two_plans(database)
    stranger = await an_organization(database, slug="globex")
    auditor = Caller(owner.books, as_role(owner.books.organization_id, "auditor"))
    variables = {"id": owner.organization_id, "plan": "dearer"}

    assert await auditor.code(ASK_PLAN, **variables) == "FORBIDDEN"
    assert await auditor.code(ASK_SEAT, id=owner.organization_id, member=member_id) == "FORBIDDEN"
    assert await stranger.code(ASK_PLAN, **variables) == "NOT_FOUND"
    assert await owner.code(ASK_PLAN, id="acme", plan="dearer") == "ID_INVALID"
    assert await Caller(owner.books, None).code(ASK_PLAN, **variables) == "UNAUTHENTICATED"
