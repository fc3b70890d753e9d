"""A sandbox changes its plan over HTTP, twice, and every invoice says what the previews said."""

from pathlib import Path
from typing import Any

from billing.plans import from_document, to_document
from models import plans
from models.database import Database
from models.sql import Client
from tests.api.served import Served, served
from tests.builders import DEARER
from tests.services.books import START

MONEY = "before { amount } after { amount } difference { amount }"
BILL = "total { amount } lines { key amount { amount } }"
CHANGED = f"plan {{ key }} effectiveAt preview {{ {MONEY} }}"
PREVIEW = f"""query($id: ID!, $plan: String!, $at: DateTime) {{
    previewPlanChange(organizationId: $id, planKey: $plan, effectiveAt: $at) {{
        {MONEY} upcomingInvoice {{ {BILL} }} userErrors {{ message }} }} }}"""
INVOICES = f"""query($id: ID!) {{ organization(id: $id) {{
    plan {{ key }} invoices {{ nodes {{ number status {BILL} }} }} }} }}"""


async def test_a_scheduled_change_and_one_at_once(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        await _offered(database)
        await house.open("sandbox", testClockAt="2026-10-01T00:00:00Z")
        await house.do("addMember", "member { id }", email="bo@x.example", name="Bo", role="member", tier="chat")

        scheduled, asked = await _changed(house, "dearer", "2026-10-16T12:00:00Z")
        await house.do("advanceTestClock", "clock { now }", to="2026-11-16T00:00:00Z")
        at_once, asked_again = await _changed(house, "pooled")
        await house.do("advanceTestClock", "clock { now }", to="2026-12-02T00:00:00Z")
        found = await house.ask("ann", INVOICES, id=house.organization)

    # half of October at 20.00 and half at 60.00; half of November the other way round
    assert (scheduled["plan"]["key"], scheduled["effectiveAt"]) == ("dearer", "2026-10-16T12:00:00Z")
    assert (at_once["plan"]["key"], at_once["effectiveAt"]) == ("pooled", "2026-11-16T00:00:00Z")
    assert found["plan"] == {"key": "pooled"}
    november, october = found["invoices"]["nodes"]
    assert (october["total"], november["total"]) == ({"amount": "40.00"}, {"amount": "40.00"})
    for invoice, preview, change in ((october, asked, scheduled), (november, asked_again, at_once)):
        assert invoice["status"] == "FINALIZED"
        assert {name: invoice[name] for name in ("total", "lines")} == preview["upcomingInvoice"]
        assert change["preview"] == {name: preview[name] for name in ("before", "after", "difference")}
        assert change["preview"]["after"] == invoice["total"]


async def _changed(house: Served, plan: str, at: str | None = None) -> tuple[Any, Any]:
    """Ask what a change will do and make it, at an instant to come or at once; return both answers."""
    asked = await house.ask("ann", PREVIEW, id=house.organization, plan=plan, at=at)
    assert asked["userErrors"] == []
    if at is None:
        return await house.do("changePlan", CHANGED, planKey=plan), asked
    return await house.do("schedulePlanChange", CHANGED, planKey=plan, effectiveAt=at), asked


async def _offered(database: Database) -> None:
    """Put the dearer plan into the catalogue."""

    async def publish(client: Client) -> None:
        document = to_document(from_document(DEARER))
        await plans.publish(client, key="dearer", version=1, currency="USD", document=document, published_at=START)

    await database.runner.run(publish, lane="catalog")
