"""Contracts are amended and renewed without losing a cent or a version."""

from datetime import UTC, datetime
from typing import Any

from billing import contracts as rules
from billing.money import Money
from models import contracts as rows
from models import invoices
from models.database import Database
from models.paging import Window
from services import clock, contracts, organizations
from services.dispatch import Request
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, Books, books

END = datetime(2027, 10, 1, tzinfo=UTC)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
BAND = {
    "key": "band",
    "version": 1,
    "name": {"en": "Enterprise"},
    "currency": "USD",
    "tax": {"mode": "EXCLUSIVE", "percent": "0"},
    "tiers": [],
    "items": [
        {
            "key": "band",
            "name": {"en": "Users of the band"},
            "quantity": {"kind": "CONTRACT_BAND"},
            "price": {"model": "BAND", "bands": [{"up_to": "250", "amount": "100000"}]},
        }
    ],
}
TERMS: dict[str, Any] = {
    "number": "C-1",
    "start": START.isoformat(),
    "end": END.isoformat(),
    "term_years": 1,
    "band_up_to": 250,
    "total": {"amount": "100000.01", "currency": "USD"},
    "schedule": "QUARTERLY",
}


async def under_contract(database: Database) -> Books:
    ours = await books(database, plan=BAND, evaluation_ends_at=END)
    signed = await ours.do(
        organizations.convert_evaluation, organizations.ConvertEvaluation, plan_key="band", contract=TERMS
    )
    assert isinstance(signed, organizations.EvaluationConverted), signed
    return ours


async def the_contract(ours: Books, at: datetime) -> rules.Contract:
    row = await rows.at_instant(ours.reader, ours.organization_id, at)
    assert row is not None
    return row.as_rule()


async def test_an_amendment_leaves_what_was_invoiced_and_spreads_the_rest(database: Database) -> None:
    ours = await under_contract(database)

    answer = await ours.do(
        contracts.amend,
        contracts.Amend,
        changes={"band_up_to": 400, "total": {"amount": "130000.00", "currency": "USD"}},
        effective_at=FEBRUARY,
        at=FEBRUARY,
    )

    assert isinstance(answer, contracts.ContractAmended)
    amended = await the_contract(ours, FEBRUARY)
    parts = [part.amount.amount for part in rules.instalments(amended, "UTC")]
    assert amended.band_up_to == 400
    assert parts == ["25000.01", "25000.00", "40000.00", "39999.99"]
    assert sum(Money.parse(part, "USD").minor for part in parts) == 130_000_00


async def test_a_rest_that_has_no_exact_third_is_kept_and_read_again(database: Database) -> None:
    ours = await under_contract(database)
    november = datetime(2026, 11, 1, tzinfo=UTC)
    changes = {"total": {"amount": "125000.02", "currency": "USD"}}

    await ours.do(contracts.amend, contracts.Amend, changes=changes, effective_at=november, at=november)

    parts = [part.amount.amount for part in rules.instalments(await the_contract(ours, november), "UTC")]
    assert parts == ["25000.01", "33333.34", "33333.34", "33333.33"]


async def test_the_terms_of_before_stay_on_record(database: Database) -> None:
    ours = await under_contract(database)
    await ours.do(contracts.amend, contracts.Amend, changes={"band_up_to": 400}, effective_at=FEBRUARY, at=FEBRUARY)

    history = await rows.history(database.reader, ours.organization_id)

    assert [(row.version, row.as_rule().band_up_to) for row in history] == [(1, 250), (2, 400)]
    assert (await the_contract(ours, START)).band_up_to == 250


async def test_a_total_below_what_was_invoiced_is_refused(database: Database) -> None:
    ours = await under_contract(database)

    answer = await ours.do(
        contracts.amend,
        contracts.Amend,
        changes={"total": {"amount": "50000.00", "currency": "USD"}},
        effective_at=FEBRUARY,
        at=FEBRUARY,
    )

    assert isinstance(answer, Refused)
    assert answer.field == ("changes", "total")


async def test_only_what_can_be_amended_is(database: Database) -> None:
    ours = await under_contract(database)

    for changes, code in (
        ({"start": FEBRUARY.isoformat()}, RefusalCode.CONTRACT_INVALID),
        ({"band_up_to": 0}, RefusalCode.CONTRACT_INVALID),
    ):
        answer = await ours.do(contracts.amend, contracts.Amend, changes=changes, effective_at=FEBRUARY, at=FEBRUARY)
        assert isinstance(answer, Refused)
        assert answer.code is code


async def test_a_renewal_follows_without_a_gap_and_once(database: Database) -> None:
    ours = await under_contract(database)

    first = await ours.do(contracts.renew, contracts.Renew, changes={"band_up_to": 500}, at=FEBRUARY)
    again = await ours.do(contracts.renew, contracts.Renew, changes={}, at=FEBRUARY)

    assert first == contracts.ContractRenewed(first.contract_id, "C-1-R")
    renewed = await the_contract(ours, END)
    assert (renewed.start, renewed.band_up_to, renewed.total) == (END, 500, Money.parse("100000.01", "USD"))
    assert isinstance(again, Refused)
    assert again.code is RefusalCode.ALREADY_EXISTS


async def test_a_contract_renews_itself_on_the_day_agreed(database: Database) -> None:
    ours = await books(database, plan=BAND, evaluation_ends_at=END, test_clock_at=START)
    terms = {**TERMS, "renewal_at": END.isoformat()}
    await ours.do(organizations.convert_evaluation, organizations.ConvertEvaluation, plan_key="band", contract=terms)
    later = datetime(2028, 1, 2, tzinfo=UTC)

    command = clock.Advance(ours.organization_id, "advance", later)
    _, happened = await clock.advance(ours.dispatcher, ours.reader, command, Request(ours.owner, START, "request"))

    assert [each.at for each in happened if each.what == "renewal"] == [END]
    assert (await the_contract(ours, later)).number == "C-1-R"
    page = await invoices.page_of(database.reader, ours.organization_id, Window(20))
    issued = {str(invoice.boundary_at.date()): invoice.total_minor for invoice in page.rows}
    assert issued == {
        "2026-10-01": 25_000_01,
        "2027-01-01": 25_000_00,
        "2027-04-01": 25_000_00,
        "2027-07-01": 25_000_00,
        "2027-10-01": 25_000_01,
        "2028-01-01": 25_000_00,
    }
