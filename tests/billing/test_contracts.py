"""Do the instalments of a term add up to what was signed?"""

import itertools
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import contracts, plans, prices
from billing.contracts import (
    AccountManager,
    BillTo,
    Crossed,
    CustomInstalment,
    Inside,
    InvalidContract,
    NegotiatedPrice,
    Schedule,
)
from billing.money import Money, total
from billing.periods import Period
from tests.billing.builders import a_contract, a_plan, an_item, at


def custom(*parts):
    return tuple(CustomInstalment(at(day), part) for day, part in parts)


def usd(text):
    return Money.parse(text, "USD")


@pytest.mark.parametrize(
    ("changes", "amounts"),
    [
        ({"schedule": Schedule.ANNUAL}, ["100000.00"]),
        ({}, ["25000.00"] * 4),
        ({"schedule": Schedule.MONTHLY}, ["8333.34"] * 4 + ["8333.33"] * 8),
        ({"schedule": Schedule.ANNUAL, "end": at("2029-01-01"), "term_years": 3}, ["33333.34"] + ["33333.33"] * 2),
        (
            {
                "schedule": Schedule.CUSTOM,
                "custom": custom(
                    ("2026-01-01", Fraction(1)), ("2026-03-01", usd("10000.00")), ("2026-09-01", Fraction(2))
                ),
            },
            ["30000.00", "10000.00", "60000.00"],
        ),
        (
            {
                "schedule": Schedule.CUSTOM,
                "custom": custom(("2026-02-01", usd("40000.00")), ("2026-09-01", usd("60000.00"))),
            },
            ["40000.00", "60000.00"],
        ),
    ],
)
def test_instalments_add_up_to_the_total(changes, amounts):
    contract = a_contract(**changes)

    found = contracts.instalments(contract, "UTC")

    assert [part.amount.amount for part in found] == amounts
    assert total([part.amount for part in found], "USD") == contract.total
    assert [part.position for part in found] == list(range(1, len(amounts) + 1))
    assert (found[0].covers.start, found[-1].covers.end) == (contract.start, contract.end)


def test_instalments_are_due_after_the_net_terms_and_cover_their_quarter():
    first, second, *_ = contracts.instalments(a_contract(net_terms_days=45), "America/New_York")

    assert (first.issue_at, first.due_at) == (at("2026-01-01"), at("2026-02-15"))
    assert second.covers == Period(at("2026-03-31 23:00"), at("2026-06-30 23:00"))


@pytest.mark.parametrize(
    ("seats", "found"),
    [(0, Inside(0, 500)), (500, Inside(500, 500)), (501, Crossed(501, 500))],
)
def test_the_last_seat_of_the_band_is_inside(seats, found):
    assert contracts.position(a_contract(), seats) == found


def test_is_written_and_read_back():
    contract = a_contract(
        schedule=Schedule.CUSTOM,
        custom=custom(("2026-01-01", usd("40000.00")), ("2026-06-01", Fraction("2.5"))),
        purchase_order="PO-1",
        bill_to=BillTo("Acme LLP", ("1 Main St", "Almaty"), "BIN 123", "KZ", "ap@example.com"),
        account_manager=AccountManager("Ann", "ann@example.com"),
        support_response_time="4 h",
        renewal_at=at("2026-11-01"),
        prices=(NegotiatedPrice("seats", prices.UnitPrice(Fraction(30)), "C-7"),),
        version=2,
    )

    for each in (contract, a_contract()):
        assert contracts.from_document(json.loads(json.dumps(contracts.to_document(each)))) == each


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"end": at("2026-01-01")}, "end"),
        ({"term_years": 0}, "term_years"),
        ({"band_up_to": 0}, "band_up_to"),
        ({"net_terms_days": 366}, "net_terms_days"),
        ({"total": usd("-1.00")}, "total"),
        ({"schedule": Schedule.CUSTOM}, "custom"),
        ({"custom": custom(("2026-01-01", Fraction(1)))}, "custom"),
        ({"schedule": Schedule.CUSTOM, "custom": custom(("2026-01-01", usd("1.00")))}, "custom"),
        ({"schedule": Schedule.CUSTOM, "custom": custom(("2026-01-01", usd("100001.00")))}, "custom"),
        ({"schedule": Schedule.CUSTOM, "custom": custom(("2026-01-01", Money(1, "EUR")))}, "custom"),
        ({"schedule": Schedule.CUSTOM, "custom": custom(("2026-01-01", Fraction(0)))}, "custom"),
        ({"schedule": Schedule.CUSTOM, "custom": custom(("2027-01-01", Fraction(1)))}, "custom"),
        (
            {"schedule": Schedule.CUSTOM, "custom": custom(("2026-02-01", Fraction(1)), ("2026-01-01", Fraction(1)))},
            "custom",
        ),
    ],
)
def test_names_what_makes_no_contract(changes, field):
    with pytest.raises(InvalidContract) as refused:
        a_contract(**changes)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": {"amount": 5.0, "currency": "USD"}}, "total.amount"),
        ({"total": {"amount": "5.005", "currency": "USD"}}, "total.amount"),
        ({"total": {"amount": "5", "currency": "ZZZ"}}, "total.currency"),
        ({"schedule": "CUSTOM", "custom": [{"issue_at": "2026-01-01T00:00:00Z"}]}, "custom.0"),
        ({"bill_to": {"legal_name": ""}}, "bill_to.legal_name"),
        ({"colour": "red"}, "colour"),
        ({"start": "2026-01-01"}, "start"),
    ],
)
def test_names_the_path_of_what_is_wrong_in_a_document(change, field):
    with pytest.raises(InvalidContract) as refused:
        contracts.from_document(contracts.to_document(a_contract()) | change)

    assert refused.value.field == field


def test_its_prices_take_the_place_of_the_plan_s():
    plan = a_plan(an_item(key="seats"))
    contract = a_contract(prices=(NegotiatedPrice("seats", prices.UnitPrice(Fraction(30)), "C-7"),))

    assert contracts.apply_prices(plan, contract).item("seats").price == prices.UnitPrice(Fraction(30))
    assert contracts.apply_prices(plan, None) is plan
    with pytest.raises(plans.InvalidPlan):
        contracts.apply_prices(a_plan(), contract)


@given(minor=st.integers(0, 10**12), years=st.integers(1, 5), schedule=st.sampled_from(list(Schedule)[:3]))
def test_no_instalment_is_a_minor_unit_off_and_none_is_lost(minor, years, schedule):
    contract = a_contract(
        total=Money(minor, "USD"), schedule=schedule, term_years=years, end=at(f"{2026 + years}-01-01")
    )

    found = contracts.instalments(contract, "UTC")

    assert sum(part.amount.minor for part in found) == minor
    assert max(part.amount.minor for part in found) - min(part.amount.minor for part in found) <= 1
    assert all(left.covers.end == right.covers.start for left, right in itertools.pairwise(found))
