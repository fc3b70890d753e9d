"""A sandbox lives through three months in the graph alone, and every cent of it can be explained."""

from decimal import Decimal
from typing import Any

from tests.builders import DEARER, Caller, Database, a_person, an_organization, event, on_offer, usd

OPEN = """mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) {
    organization { id testClock { now } } userErrors { code message } } }"""
BOOKS = """query($id: ID!) { organization(id: $id) { balance { amount } creditBalance { amount }
    plan { key } scheduledPlan { plan { key } effectiveAt }
    invoices(first: 100) { nodes { id number status period { label } total { amount } credits { amount }
        amountDue { amount } lines { key amount { amount } usageEvents { nodes { eventId } } } } }
    creditEntries { nodes { kind amount { amount } } } } }"""
UPCOMING = (
    "query($id: ID!) { organization(id: $id) { upcomingInvoice { total { amount } lines { key amount { amount } } } } }"
)
MOVED = "clock { now } happened { at what invoice { id number total { amount } } userError { message } }"


class Sandbox:
    """Somebody who plays with a sandbox, and stops at the first surprise."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.id = ""

    async def do(self, name: str, selection: str, **fields: Any) -> Any:
        payload = await self.caller.do(name, selection, organizationId=self.id, **fields)
        assert payload["userErrors"] == [], payload
        return payload

    async def to(self, instant: str) -> list[str]:
        """Let time pass, and return what happened."""
        moved = await self.do("advanceTestClock", MOVED, to=instant)
        return [f"{each['at'][:10]} {each['what']}" for each in moved["happened"]]

    async def ask(self, document: str) -> Any:
        return (await self.caller.data(document, id=self.id))["organization"]


async def _opened(database: Database) -> tuple[Sandbox, str]:
    """Open a sandbox on the pooled plan with two days of grace, and add one person with a chat seat."""
    owner = await an_organization(database)
    await on_offer(owner, DEARER)
    sandbox = Sandbox(Caller(owner.books, a_person("player")))
    given = {
        "idempotencyKey": "open",
        "slug": "sandbox",
        "name": "Sandbox",
        "currency": "USD",
        "timeZone": "UTC",
        "locale": "en",
        "planKey": "pooled",
        "invoiceGraceHours": 48,
        "testClockAt": "2026-10-01T00:00:00Z",
    }
    opened = (await sandbox.caller.data(OPEN, input=given))["createOrganization"]
    assert opened["userErrors"] == []
    sandbox.id = opened["organization"]["id"]
    assert sandbox.caller.last is not None
    sandbox.caller.principal = sandbox.caller.last.principal
    rows = [{"email": "max@x.example", "name": "Max", "role": "member", "tier": "chat"}]
    imported = await sandbox.do("importMembers", "members { id }", rows=rows)
    return sandbox, imported["members"][0]["id"]


async def test_lives_through_three_months(database: Database) -> None:
    sandbox, member_id = await _opened(database)

    # October: a gift of 30.00, a dollar of usage, and three more that come while the invoice is a draft
    await sandbox.do("grantCredit", "creditGrant { id }", amount=usd("30.00"), reason="Welcome")
    await sandbox.do("recordUsage", "results { status }", events=[_used("e1", member_id, "1", "2026-10-01")])
    assert await sandbox.to("2026-11-02T00:00:00Z") == ["2026-11-01 DRAFT"]
    await sandbox.do("recordUsage", "results { status }", events=[_used("e2", member_id, "3", "2026-10-31")])
    assert await sandbox.to("2026-11-04T00:00:00Z") == ["2026-11-03 MONTH"]
    october = (await sandbox.ask(BOOKS))["invoices"]["nodes"][0]

    # November: what was reported too high is corrected, something comes too late, and the plan changes in the middle
    await sandbox.do("correctUsage", "billedLater", eventId="e2", correctionId="c2", quantity="1000000")
    late = _used("late", member_id, "0.5", "2026-10-15")
    await sandbox.do("recordUsage", "results { status }", events=[late], overage="RECORD")
    planned = await sandbox.do(
        "schedulePlanChange",
        "preview { before { amount } after { amount } }",
        planKey="dearer",
        effectiveAt="2026-11-16T00:00:00Z",
    )
    scheduled = (await sandbox.ask(BOOKS))["scheduledPlan"]
    assert await sandbox.to("2026-11-20T00:00:00Z") == []
    await sandbox.do("recordUsage", "results { status }", events=[_used("e3", member_id, "1", "2026-11-20")])
    foreseen = (await sandbox.ask(UPCOMING))["upcomingInvoice"]
    assert await sandbox.to("2026-12-04T00:00:00Z") == ["2026-12-01 DRAFT", "2026-12-03 MONTH"]
    november = (await sandbox.ask(BOOKS))["invoices"]["nodes"][0]

    # December: November's invoice was wrong, is taken back, and gives back what it drew
    await sandbox.do("voidInvoice", "invoice { id }", invoiceId=november["id"], reason="Wrong purchase order")
    assert await sandbox.to("2027-01-04T00:00:00Z") == ["2027-01-01 DRAFT", "2027-01-03 MONTH"]
    books = await sandbox.ask(BOOKS)
    december = books["invoices"]["nodes"][0]

    # 20.00 of seat, 1.00 and 3.00 of usage: the gift covers all of it, and 6.00 are left
    assert (october["total"]["amount"], october["credits"]["amount"]) == ("24.00", "24.00")
    assert october["amountDue"]["amount"] == "0.00"
    assert _evidence(october) == ["e1", "e2"]
    # the plan alone: 15 of 30 days at 20.00 and 15 at 60.00; with it the corrections of October
    assert planned["preview"] == {"before": {"amount": "18.50"}, "after": {"amount": "38.50"}}
    assert scheduled == {"plan": {"key": "dearer"}, "effectiveAt": "2026-11-16T00:00:00Z"}
    # and a dollar of usage at the price of two
    assert november["total"]["amount"] == foreseen["total"]["amount"] == "40.50"
    assert [line["key"] for line in november["lines"]] == [line["key"] for line in foreseen["lines"]]
    assert _evidence(november) == ["c2", "e3", "late"]
    assert (november["credits"]["amount"], november["amountDue"]["amount"]) == ("6.00", "34.50")
    # 60.00 of seat; what was corrected of October was on the invoice that is void now, and comes here
    assert (december["total"]["amount"], december["period"]["label"]) == ("58.50", "2026-12")
    assert _evidence(december) == ["c2", "late"]
    assert december["amountDue"]["amount"] == "52.50"
    assert [(each["kind"], each["amount"]["amount"]) for each in reversed(books["creditEntries"]["nodes"])] == [
        ("GRANTED", "30.00"),
        ("DRAWN", "-24.00"),
        ("DRAWN", "-6.00"),
        ("RETURNED", "6.00"),
        ("DRAWN", "-6.00"),
    ]
    assert books["creditBalance"]["amount"] == "0.00"
    assert [(each["number"], each["status"]) for each in reversed(books["invoices"]["nodes"])] == [
        ("BILLGRAPH-000001", "PAID"),
        ("BILLGRAPH-000002", "VOIDED"),
        ("BILLGRAPH-000003", "FINALIZED"),
    ]
    assert books["plan"] == {"key": "dearer"}
    assert books["balance"]["amount"] == _due(books)


def _used(event_id: str, member_id: str, dollars: str, day: str) -> dict[str, Any]:
    return {**event(event_id, member_id, dollars), "occurredAt": f"{day}T00:00:00Z"}


def _evidence(invoice: Any) -> list[str]:
    return sorted(node["eventId"] for line in invoice["lines"] for node in line["usageEvents"]["nodes"])


def _due(books: Any) -> str:
    return str(sum(Decimal(each["amountDue"]["amount"]) for each in books["invoices"]["nodes"]))
