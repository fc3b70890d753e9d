"""Does the invoice say what is owed, and why?"""

from fractions import Fraction

import pytest

from billing import invoices, periods, plans, prices
from billing.contracts import CustomInstalment, NegotiatedPrice, Schedule
from billing.invoices import Boundary, draft
from billing.money import Money, Rounding
from billing.plans import Allowance, AllowanceRule, FirstPeriod, Timing
from billing.prices import QuoteRequired
from tests.billing.builders import (
    KZT_TIERS,
    OCTOBER,
    RUB_TIERS,
    a_contract,
    a_fee,
    a_month,
    a_plan,
    a_total,
    amounts,
    an_item,
    at,
    facts,
    some_seats,
    tokens,
    tracker,
    tracker_month,
)


@pytest.mark.parametrize(
    ("price", "currency", "total", "formula"),
    [
        (RUB_TIERS, "RUB", "111200.00", "100 × 440.00 + 150 × 400.00 + 20 × 360.00 = 111200.00 RUB"),
        (KZT_TIERS, "KZT", "556000.00", "100 × 2200.00 + 150 × 2000.00 + 20 × 1800.00 = 556000.00 KZT"),
    ],
)
def test_the_tracker_month_costs_what_the_vendor_s_example_says(price, currency, total, formula):
    bill = draft(facts(tracker(price, currency), seats=tracker_month()))

    (line,) = bill.lines
    assert (bill.total.amount, line.explanation.formula) == (total, formula)
    assert (line.quantity, line.quantity_text, line.unit, line.period) == (270, "270", "seat", OCTOBER)
    assert len(line.shares) == 270
    assert sum(share.amount.minor for share in line.shares) == line.amount.minor


def test_an_inclusive_tax_is_reported_and_not_added():
    bill = draft(facts(tracker(), seats=tracker_month()))

    assert (bill.subtotal, bill.tax, bill.total) == (bill.total, Money(0, "RUB"), Money.parse("111200.00", "RUB"))
    assert bill.included_tax.amount == "18533.33"


@pytest.mark.parametrize(
    ("users", "lines"),
    [(0, []), (5, [("users", "0.00")]), (6, [("users", "2640.00")]), (100, [("users", "44000.00")])],
)
def test_five_users_are_free_and_the_sixth_bills_all_six(users, lines):
    bill = draft(facts(tracker(), seats=tuple(some_seats(users))))

    assert amounts(bill) == lines


def test_a_free_line_explains_its_zero():
    (line,) = draft(facts(tracker(), seats=tuple(some_seats(5)))).lines

    assert line.explanation.formula == "5 of 5 free = 0.00 RUB"
    assert "allowance=CLIFF 5" in line.explanation.policy


@pytest.mark.parametrize(
    ("first_period", "total"),
    [
        (FirstPeriod.BY_DAYS_LEFT, "1447.74"),  # 2640 × 17/31 = 1447.7419…
        (FirstPeriod.FULL, "2640.00"),
        (FirstPeriod.FREE, "0.00"),
    ],
)
def test_the_first_month_is_owed_from_the_first_paid_access(first_period, total):
    item = an_item(plans.PeakSeats(), RUB_TIERS, key="users", first_period=first_period)
    seats = tuple(some_seats(6, "2026-10-15 18:00"))

    bill = draft(facts(a_plan(item, currency="RUB"), seats=seats, service_start=at("2026-10-15 18:00")))

    assert bill.total.amount == total


def test_the_first_month_says_its_share():
    seats = tuple(some_seats(6, "2026-10-15 18:00"))

    (line,) = draft(facts(tracker(), seats=seats, service_start=at("2026-10-05"))).lines

    assert line.explanation.formula == "(6 × 440.00) × 17/31 = 44880/31 → 1447.74 RUB"
    assert line.explanation.rounding.exact == "44880/31"


def test_above_500_users_a_person_is_asked():
    bill = draft(facts(tracker(), seats=tuple(some_seats(501))))

    assert bill.lines == ()
    assert bill.quotes == (invoices.ItemQuote("users", QuoteRequired(Fraction(501), 500)),)


@pytest.mark.parametrize(
    ("quantity", "lines"),
    [
        (0, [("item/minimum", "100.00")]),
        (5, [("item", "50.00"), ("item/minimum", "50.00")]),
        (15, [("item", "150.00")]),
        (30, [("item", "300.00"), ("item/maximum", "-100.00")]),
    ],
)
def test_a_minimum_is_topped_up_and_a_maximum_taken_off_on_a_line_of_its_own(quantity, lines):
    item = an_item(
        plans.Usage("tokens"),
        prices.UnitPrice(Fraction(10)),
        minimum=Money(100_00, "USD"),
        maximum=Money(200_00, "USD"),
    )

    bill = draft(facts(a_plan(item), usage=(a_total(quantity=quantity),)))

    assert amounts(bill) == lines


def test_a_minimum_of_usage_by_rate_card_is_topped_up():
    item = tokens(minimum=Money(100_00, "USD"))

    bill = draft(facts(a_plan(item), usage=(a_total(cost_nanos=10**10),)))

    assert amounts(bill) == [("tokens/sonnet/INPUT/v1", "10.00"), ("tokens/minimum", "90.00")]


def test_a_deduction_bills_only_what_is_above_it():
    item = an_item(plans.Usage("tokens"), prices.UnitPrice(Fraction(10)), allowance=Allowance(5, AllowanceRule.DEDUCT))

    (line,) = draft(facts(a_plan(item), usage=(a_total(quantity=12),))).lines

    assert line.explanation.formula == "12 − 5 free = 7; 7 × 10.00 = 70.00 USD"


@pytest.mark.parametrize(
    ("rounding", "total"),
    [(Rounding.HALF_AWAY, "1.01"), (Rounding.HALF_EVEN, "1.00"), (Rounding.DOWN, "1.00"), (Rounding.UP, "1.01")],
)
def test_rounds_where_the_line_is_made_by_the_item_s_rule(rounding, total):
    item = an_item(plans.Usage("tokens"), prices.UnitPrice(Fraction("0.335")), rounding=rounding)

    (line,) = draft(facts(a_plan(item), usage=(a_total(quantity=3),))).lines

    assert line.explanation.formula == f"3 × 0.335 = 1.005 → {total} USD"
    assert (line.explanation.rounding.exact, line.explanation.rounding.rounded) == ("1.005", total)


def a_band():
    price = prices.BandPrice((prices.Band(500, Fraction(100_000)),))
    return an_item(plans.ContractBand(), price, key="band", timing=Timing.ADVANCE)


@pytest.mark.parametrize(
    ("month", "boundary", "lines"),
    [
        ("2025-12", Boundary.OPENING, [("band/instalment-1", "25000.00")]),
        ("2026-01", Boundary.CLOSING, []),
        ("2026-03", Boundary.CLOSING, [("band/instalment-2", "25000.00")]),
        ("2026-12", Boundary.CLOSING, []),
    ],
)
def test_an_instalment_is_on_the_invoice_of_its_boundary(month, boundary, lines):
    period = a_month(month)
    held = facts(
        a_plan(a_band()),
        contract=a_contract(purchase_order="PO-1"),
        period=period,
        following=periods.next_month(period, "UTC"),
        boundary=boundary,
        seats=tuple(some_seats(400, "2026-01-01")),
    )

    bill = draft(held)

    assert amounts(bill) == lines
    for line in bill.lines:
        assert line.description.startswith("Contract C-7: instalment")
        assert ("purchase_order", "PO-1") in line.explanation.sources[0].facts


def test_inside_the_band_seats_never_change_the_invoice():
    bills = {
        draft(facts(a_plan(a_band()), contract=a_contract(), seats=tuple(some_seats(count)))).total.amount
        for count in (0, 1, 500, 501)
    }

    assert len(bills) == 1


def test_a_band_without_a_contract_bills_nothing():
    assert draft(facts(a_plan(a_band()))).lines == ()


def test_a_contract_needs_no_band_item_and_carries_its_own_prices():
    march = a_month("2026-03")
    negotiated = NegotiatedPrice("fee", prices.UnitPrice(Fraction(200)), "C-7")
    contract = a_contract(prices=(negotiated,))

    bill = draft(facts(a_plan(a_fee()), contract=contract, period=march, following=periods.next_month(march, "UTC")))

    assert amounts(bill) == [("fee", "200.00"), ("contract/instalment-2", "25000.00")]
    assert bill.lines[0].explanation.price_version == "C-7"


@pytest.mark.parametrize(
    ("parts", "formulas"),
    [
        ({"10-02": Fraction(1), "12-01": Fraction(3)}, ["100000.00 × 1 of 4 shares = 25000.00 USD"]),
        (
            {"10-02": Money.parse("40000.00", "USD"), "10-03": Fraction(1), "12-01": Fraction(1)},
            ["40000.00 of 100000.00, agreed = 40000.00 USD", "(100000.00 − 40000.00) × 1 of 2 shares = 30000.00 USD"],
        ),
    ],
)
def test_an_instalment_of_a_custom_schedule_says_how_it_follows_from_the_total(parts, formulas):
    custom = tuple(CustomInstalment(at(f"2026-{day}"), part) for day, part in parts.items())
    contract = a_contract(schedule=Schedule.CUSTOM, custom=custom)

    bill = draft(facts(a_plan(a_band()), contract=contract))

    assert [line.explanation.formula for line in bill.lines] == formulas
