"""Of a replaced plan comes back what was billed for it: the same part of it, whatever discounts it was billed at."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plan_changes
from billing.advances import Advance, billed
from billing.discounts import AmountDiscount, PercentageDiscount
from billing.facts import advances_needed_from
from billing.invoices import draft
from billing.money import Money, Rounding
from billing.plan_items import Interval, Timing
from billing.plans import DayCount, Decrease
from billing.prices import UnitPrice
from billing.quantities import Flat
from tests.billing.builders import OCTOBER, a_month, a_plan, amounts, an_item, at, facts

MIDDLE = at("2026-10-11")  # 10 of 31 days before it, 21 after
SEPTEMBER = a_month("2026-09")


def usd(minor):
    return Money(minor, "USD")


def a_fee(amount, **policies):
    policies = {"key": "fee", "timing": Timing.ADVANCE, "proration": DayCount.ACTUAL_EXCLUSIVE, **policies}
    return an_item(Flat(), UnitPrice(Fraction(amount)), **policies)


def an_advance(net, *, key="fee/advance", period=OCTOBER, boundary=OCTOBER.start):
    return Advance(key, key.split("/")[0], period, boundary, usd(net))


def changed(old, new, advances, **more):
    known = facts(old, service_start=at("2026-01-01"), **more)
    return draft(replace(plan_changes.changed(known, new, at=MIDDLE), advances=advances))


def returned(bill):
    return sum(line.amount.minor for line in bill.lines if "/until-" in line.key)


@given(net=st.integers(0, 10**9), listed=st.integers(1, 10**7))
def test_the_part_that_comes_back_is_that_of_what_was_billed(net, listed):
    bill = changed(a_plan(a_fee(listed)), a_plan(a_fee(0)), (an_advance(net),))

    assert returned(bill) == -Money.rounded(Fraction(net * 21, 31 * 100), "USD", Rounding.HALF_AWAY).minor


def test_what_is_not_known_comes_back_at_the_list_price():
    assert returned(changed(a_plan(a_fee(310)), a_plan(a_fee(0)), None)) == -210_00


@pytest.mark.parametrize("decrease", [Decrease.NO_REFUND, Decrease.KEEP])
def test_nothing_comes_back_where_the_policy_gives_nothing_back(decrease):
    bill = changed(a_plan(a_fee(310, decrease=decrease)), a_plan(a_fee(0)), (an_advance(155_00),))

    assert returned(bill) == 0


def test_nothing_comes_back_of_what_costs_nothing():
    assert returned(changed(a_plan(a_fee(0)), a_plan(a_fee(7)), (an_advance(5),))) == 0


def test_the_discounts_of_neither_plan_are_taken_off_what_comes_back():
    half, ten = (PercentageDiscount(Fraction(50)),), (AmountDiscount(usd(10_00)),)
    old, new = replace(a_plan(a_fee(310)), discounts=half), replace(a_plan(a_fee(310)), discounts=ten)

    bill = changed(old, new, (an_advance(155_00),))

    assert amounts(bill) == [
        ("fee/until-2026-10-11", "-210.00"),
        ("fee/until-2026-10-11/as-billed", "105.00"),
        ("fee/first", "210.00"),
        ("fee/advance", "310.00"),
        ("discount-1", "-6.77"),  # 21 of 31 days of 10.00
    ]


def test_a_commitment_is_owed_for_the_days_of_its_plan_and_met_by_what_is_kept_of_an_advance():
    old = replace(a_plan(a_fee(310)), commitment=usd(620_00))  # 200.00 for ten days, of which 100.00 are kept
    new = replace(a_plan(a_fee(0)), commitment=usd(31_00))

    bill = changed(old, new, (an_advance(310_00),))

    assert amounts(bill) == [
        ("fee/until-2026-10-11", "-210.00"),
        ("until-2026-10-11/commitment", "100.00"),
        ("fee/first", "0.00"),
        ("fee/advance", "0.00"),
        ("commitment", "21.00"),
    ]


@pytest.mark.parametrize(
    ("advance", "counts"),
    [
        (an_advance(1), True),
        (an_advance(1, key="fee/first", boundary=at("2026-10-05")), True),
        (an_advance(1, key="fee/changes/discount-1", boundary=at("2026-10-05")), True),
        (an_advance(1, key="fee/changes"), False),  # at the instant in which the plan began: of the one before
        (an_advance(1, key="fee/until-2026-10-05", boundary=at("2026-10-05")), False),
        (an_advance(1, key="other/advance"), False),
        (an_advance(1, boundary=SEPTEMBER.start), False),
        (an_advance(1, period=SEPTEMBER, boundary=at("2026-10-05")), False),
        (an_advance(1, boundary=MIDDLE), False),  # what begins there is of the plan that takes over
        (an_advance(1, key="fee/first", boundary=MIDDLE), True),
        (an_advance(1, key="fee/first", boundary=at("2026-10-12")), False),
    ],
)
def test_a_line_counts_for_the_plan_interval_and_item_it_was_billed_for(advance, counts):
    found = billed((advance,), a_fee(1), OCTOBER, "USD", since=OCTOBER.start, until=MIDDLE)

    assert found == usd(int(counts))


def test_the_lines_of_an_invoice_know_what_is_left_of_them_after_the_discounts_of_the_whole():
    half = replace(a_plan(a_fee(310), a_fee(10, key="other")), discounts=(PercentageDiscount(Fraction(50)),))

    bill = draft(facts(half, service_start=at("2026-01-01")))

    assert [(line.key, net.minor) for line, net in bill.nets] == [("fee/advance", 155_00), ("other/advance", 5_00)]


def test_boundaries_are_asked_back_to_where_the_longest_interval_in_advance_began():
    yearly = a_plan(a_fee(1), a_fee(1, key="year", interval=Interval.YEAR))
    in_arrears = a_plan(a_fee(1, key="year", interval=Interval.YEAR, timing=Timing.ARREARS))

    assert advances_needed_from(yearly, OCTOBER, at("2026-02-15"), "UTC") == at("2026-02-01")
    assert advances_needed_from(in_arrears, OCTOBER, at("2026-02-15"), "UTC") == OCTOBER.start
