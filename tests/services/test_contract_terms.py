"""A commitment and discounts are terms of the contract: agreed, amended, and said on every invoice."""

import copy
from typing import Any

from models import invoices
from models.database import Database
from models.paging import Window
from services import closing, contracts, organizations
from services.outcomes import RefusalCode, Refused
from tests.services.books import POOLED, START, Books, books, days_later
from tests.services.test_contracts import END, TERMS

FREE = {**TERMS, "total": {"amount": "0.00", "currency": "USD"}}
VOLUME = {
    "kind": "VOLUME",
    "tiers": [{"from_amount": "100.00", "percent": "10"}, {"from_amount": "150.00", "percent": "20"}],
}


async def signed(database: Database, **terms: Any) -> tuple[Books, Any]:
    ours = await books(database, plan=copy.deepcopy(POOLED), evaluation_ends_at=END)
    make = organizations.ConvertEvaluation
    answer = await ours.do(organizations.convert_evaluation, make, plan_key="pooled", contract={**FREE, **terms})
    return ours, answer


async def billed(ours: Books) -> list[list[tuple[str, int]]]:
    page = await invoices.page_of(ours.reader, ours.organization_id, Window(10))
    lines = await invoices.lines_of(ours.reader, ours.organization_id, [row.id for row in page.rows])
    bills = [
        [(line.key, line.amount_minor) for line in lines if line.invoice_id == row.id] for row in reversed(page.rows)
    ]
    assert bills[0] == [("contract/instalment-1", 0)], "the total of the contract is nothing"
    return bills[1:]


async def test_a_commitment_is_topped_up_to(database: Database) -> None:
    ours, _ = await signed(database, commitment={"amount": "50.00", "currency": "USD"})
    await ours.add("bo", tier="chat")

    await ours.do(closing.close, closing.Close, period="2026-10", at=days_later(31))

    assert await billed(ours) == [[("seat-chat", 20_00), ("commitment", 30_00)]]


async def test_a_discount_by_volume_grows_with_the_bill_and_names_the_contract(database: Database) -> None:
    ours, _ = await signed(database, discounts=[VOLUME])
    for number in range(5):
        await ours.add(f"p{number}", tier="chat")
    await ours.do(closing.close, closing.Close, period="2026-10", at=days_later(31))
    for number in range(5, 8):
        await ours.add(f"p{number}", tier="chat", at=days_later(31))
    await ours.do(closing.close, closing.Close, period="2026-11", at=days_later(61))

    page = await invoices.page_of(ours.reader, ours.organization_id, Window(10))
    lines = await invoices.lines_of(ours.reader, ours.organization_id, [page.rows[0].id])

    assert await billed(ours) == [
        [("seat-chat", 100_00), ("discount-1", -10_00)],
        [("seat-chat", 160_00), ("discount-1", -32_00)],
    ]
    assert (lines[1].description, lines[1].explanation["policy"]) == ("C-1", ["discount=20 % from 150.00 USD"])


async def test_an_amendment_changes_them_from_its_date(database: Database) -> None:
    ours, _ = await signed(database, item_discounts=[{"item_key": "seat-chat", "discounts": [_percent("10")]}])
    await ours.add("bo", tier="chat")
    await ours.do(closing.close, closing.Close, period="2026-10", at=days_later(31))

    changes = {
        "item_discounts": [{"item_key": "seat-chat", "discounts": [_percent("50")]}],
        "commitment": {"amount": "15.00", "currency": "USD"},
    }
    amended = await ours.do(
        contracts.amend, contracts.Amend, changes=changes, effective_at=days_later(31), at=days_later(31)
    )
    await ours.do(closing.close, closing.Close, period="2026-11", at=days_later(61))

    assert isinstance(amended, contracts.ContractAmended)
    assert await billed(ours) == [
        [("seat-chat", 20_00), ("seat-chat/discount-1", -2_00)],
        [("seat-chat", 20_00), ("seat-chat/discount-1", -10_00), ("commitment", 5_00)],
    ]


async def test_refuses_terms_that_do_not_fit_the_plan(database: Database) -> None:
    ours, unknown = await signed(database, item_discounts=[{"item_key": "seats", "discounts": [_percent("10")]}])
    _, signed_one = await signed_again(ours, discounts=[_percent("5")])
    amended = await ours.do(
        contracts.amend,
        contracts.Amend,
        changes={"prices": [{"item_key": "x", "price": {"model": "UNIT", "unit": "1"}, "price_version": "C"}]},
        effective_at=START,
    )
    usage = await ours.do(
        contracts.amend,
        contracts.Amend,
        changes={"item_discounts": [{"item_key": "usage", "discounts": [{"kind": "USAGE", "quantity": "5"}]}]},
        effective_at=START,
    )

    assert isinstance(signed_one, organizations.EvaluationConverted)
    assert [_why(each) for each in (unknown, amended)] == [
        (RefusalCode.CONTRACT_INVALID, ("contract", "item_discounts", "0", "item_key")),
        (RefusalCode.CONTRACT_INVALID, ("changes", "prices", "0", "item_key")),
    ]
    assert _why(usage)[0] is RefusalCode.CONTRACT_INVALID


async def signed_again(ours: Books, **terms: Any) -> tuple[Books, Any]:
    make = organizations.ConvertEvaluation
    return ours, await ours.do(organizations.convert_evaluation, make, plan_key="pooled", contract={**FREE, **terms})


def _percent(percent: str) -> dict[str, str]:
    return {"kind": "PERCENTAGE", "percent": percent}


def _why(answer: Any) -> tuple[RefusalCode, tuple[str, ...]]:
    assert isinstance(answer, Refused), answer
    return answer.code, answer.field
