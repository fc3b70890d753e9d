"""What holds for every command alike: who may give it, to whom, and that repeating it does it once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schema.ids import Kind
from tests.builders import (
    DEARER,
    Caller,
    Database,
    a_contract,
    a_member,
    a_person,
    a_sandbox,
    an_organization,
    as_role,
    event,
    on_offer,
    refusals,
    usd,
)

CONTRACT = {"planKey": "pooled", "contract": a_contract(bandUpTo=100)}
NOVEMBER = "2026-11-02T00:00:00Z"
PERSON = {"person": {"email": "new@x.example", "name": "New"}}
# Each command with a body, another body, and the permission it takes; an id stands for what the stage has of it.
COMMANDS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "updateOrganization": ({"name": "Acme Ltd"}, {"name": "Acme Inc"}, "ORGANIZATION_WRITE"),
    "importMembers": (
        {"rows": [{"email": "new@x.example", "name": "New", "role": "member"}]},
        {"rows": [{"email": "newer@x.example", "name": "Newer", "role": "member"}]},
        "MEMBERS_WRITE",
    ),
    "reassignSeat": ({"memberId": Kind.MEMBER, "to": PERSON}, {"freeRole": "client"}, "MEMBERS_WRITE"),
    "correctUsage": ({"eventId": "e1", "correctionId": "c1", "quantity": "5"}, {"quantity": "6"}, "USAGE_WRITE"),
    "changePlan": ({"planKey": "dearer"}, {"planKey": "pooled"}, "PLAN_WRITE"),
    "schedulePlanChange": (
        {"planKey": "dearer", "effectiveAt": "2026-12-01T00:00:00Z"},
        {"effectiveAt": "2026-12-02T00:00:00Z"},
        "PLAN_WRITE",
    ),
    "amendContract": (
        {"effectiveAt": NOVEMBER, "changes": {"bandUpTo": 400}},
        {"changes": {"bandUpTo": 401}},
        "PLAN_WRITE",
    ),
    "renewContract": ({"changes": {"bandUpTo": 400}}, {"changes": {}}, "PLAN_WRITE"),
    "finalizeInvoice": ({"invoiceId": Kind.INVOICE}, {"invoiceId": None}, "INVOICES_WRITE"),
    "voidInvoice": ({"invoiceId": Kind.INVOICE, "reason": "wrong"}, {"reason": "very wrong"}, "INVOICES_WRITE"),
    "markInvoiceUncollectible": (
        {"invoiceId": Kind.INVOICE, "reason": "gone"},
        {"reason": "long gone"},
        "INVOICES_WRITE",
    ),
    "grantCredit": ({"amount": usd("5.00"), "reason": "Sorry"}, {"reason": "Very sorry"}, "INVOICES_WRITE"),
    "advanceTestClock": ({"to": "2026-11-03T00:00:00Z"}, {"to": "2026-11-04T00:00:00Z"}, "ORGANIZATION_WRITE"),
}
LOG = "query($id: ID!) { organization(id: $id) { auditEvents { totalCount } } }"


async def _stage(database: Database) -> tuple[Caller, dict[Kind, str]]:
    """Return the owner of a sandbox in November, with a contract, a member, usage and an invoice; and their ids."""
    owner = await a_sandbox(database, evaluation_ends_at=datetime(2026, 12, 1, tzinfo=UTC))
    await on_offer(owner, DEARER)
    await owner.do("convertEvaluation", "contract { number }", **CONTRACT)
    member_id, _ = await a_member(owner, "max")
    await owner.do("recordUsage", "results { status }", events=[event("e1", member_id, "1")])
    moved = await owner.do("advanceTestClock", "happened { what invoice { id } }", to=NOVEMBER)
    (invoice_id,) = [each["invoice"]["id"] for each in moved["happened"] if each["what"] == "MONTH"]
    return owner, {Kind.MEMBER: member_id, Kind.INVOICE: invoice_id}


def _filled(owner: Caller, ids: dict[Kind, str], fields: dict[str, Any]) -> dict[str, Any]:
    never = owner.id(Kind.INVOICE, "00000000000000000000000000")
    filled = {name: ids.get(value, value) if isinstance(value, Kind) else value for name, value in fields.items()}
    return {name: never if value is None else value for name, value in filled.items()}


async def _entries(owner: Caller) -> int:
    return int((await owner.data(LOG, id=owner.organization_id))["organization"]["auditEvents"]["totalCount"])


@pytest.mark.parametrize("name", COMMANDS)
async def test_happens_once_however_often_it_is_sent(database: Database, name: str) -> None:
    owner, ids = await _stage(database)
    body = {"idempotencyKey": "same", **_filled(owner, ids, COMMANDS[name][0])}

    first = await owner.do(name, "__typename", **body)
    told = await _entries(owner)
    again = await owner.do(name, "__typename", **body)

    assert again == first
    assert await _entries(owner) == told


@pytest.mark.parametrize("name", COMMANDS)
async def test_refuses_another_body_under_the_same_key_without_effect(database: Database, name: str) -> None:
    owner, ids = await _stage(database)
    body, other, _ = COMMANDS[name]
    given = {"idempotencyKey": "same", **_filled(owner, ids, body)}
    changed = {**given, **_filled(owner, ids, other)}
    await owner.do(name, "__typename", **given)
    told = await _entries(owner)

    payload = await owner.do(name, "__typename", **changed)

    assert refusals(payload) == [("IDEMPOTENCY_MISMATCH", ["idempotencyKey"])]
    assert await _entries(owner) == told


@pytest.mark.parametrize("name", COMMANDS)
async def test_takes_its_permission_in_this_very_organization(database: Database, name: str) -> None:
    owner, ids = await _stage(database)
    body, _, permission = COMMANDS[name]
    capital = f"{name[0].upper()}{name[1:]}"
    document = f"mutation($input: {capital}Input!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
    given = {
        "organizationId": owner.organization_id,
        "idempotencyKey": "k",
        **_filled(owner, ids, body),
    }
    auditor = Caller(owner.books, as_role(owner.books.organization_id, "auditor"))
    stranger = Caller(owner.books, a_person("stranger"))

    fault = await auditor.fault(document, input=given)

    assert (fault["extensions"]["code"], fault["extensions"]["permission"]) == ("FORBIDDEN", permission)
    assert await stranger.code(document, input=given) == "NOT_FOUND"
    assert await Caller(owner.books, None).code(document, input=given) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("finalizeInvoice", ["invoiceId"]),
        ("voidInvoice", ["invoiceId"]),
        ("markInvoiceUncollectible", ["invoiceId"]),
        ("reassignSeat", ["memberId"]),
        ("reassignSeat", ["to", "memberId"]),
    ],
)
async def test_refuses_an_id_of_another_organization_like_one_that_never_was(
    database: Database, name: str, path: list[str]
) -> None:
    owner, ids = await _stage(database)
    other = await an_organization(database, slug="globex")
    foreign = {Kind.MEMBER: (await a_member(other, "eve"))[0], Kind.INVOICE: other.id(Kind.INVOICE, "0" * 26)}
    kind = Kind.INVOICE if path == ["invoiceId"] else Kind.MEMBER
    answers = []
    for wrong in (foreign[kind], owner.id(kind, "0" * 26)):
        body = _filled(owner, ids, COMMANDS[name][0])
        body |= {path[0]: wrong} if len(path) == 1 else {path[0]: {path[1]: wrong}}
        answers.append((await owner.do(name, "__typename", **body))["userErrors"])

    assert answers[0] == answers[1]
    assert [(error["code"], error["field"]) for error in answers[0]] == [("NOT_FOUND", path)]
