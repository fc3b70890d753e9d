"""Does a plan change in the middle of a month cost what its preview says?"""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plan_changes, plans
from billing.invoices import Stretch, draft, seats_needed_from
from billing.periods import next_month
from billing.plan_items import Cycle
from billing.plans import DayCount, Decrease, FirstPeriod, Interval, PeakSeats, Tax, TaxMode, Timing
from billing.prices import UnitPrice
from tests.billing.builders import (
    OCTOBER,
    a_month,
    a_plan,
    a_seat,
    a_total,
    amounts,
    an_item,
    at,
    facts,
    in_advance,
    some_seats,
    tokens,
)

NO_TAX = Tax(TaxMode.EXCLUSIVE, Fraction(0))
MIDDLE = at("2026-10-11")  # 10 of 31 days before it, 21 after


def a_price(amount, **policies):
    return an_item(plans.Flat(), UnitPrice(Fraction(amount)), key="fee", **policies)


def changed(old, new, *, when=MIDDLE, **more):
    return draft(plan_changes.changed(facts(a_plan(old), **more), a_plan(new), at=when))


@pytest.mark.parametrize(
    ("policies", "lines"),
    [
        ({}, [("fee/until-2026-10-11", "10.00"), ("fee", "42.00")]),
        ({"proration": DayCount.FULL}, [("fee/until-2026-10-11", "0.00"), ("fee", "62.00")]),
        (
            {"timing": Timing.ADVANCE},
            [("fee/until-2026-10-11", "-21.00"), ("fee/first", "42.00"), ("fee/advance", "62.00")],
        ),
        ({"timing": Timing.ADVANCE, "decrease": Decrease.KEEP}, [("fee/first", "42.00"), ("fee/advance", "62.00")]),
        (
            {"timing": Timing.ADVANCE, "decrease": Decrease.NO_REFUND},
            [("fee/first", "42.00"), ("fee/advance", "62.00")],
        ),
    ],
)
def test_a_fee_is_billed_on_both_sides_of_the_change(policies, lines):
    bill = changed(a_price(31, **policies), a_price(62, **policies))

    assert amounts(bill) == lines


def test_a_fee_by_the_quarter_is_settled_at_the_change():
    # the quarter from August to October has 92 days, 71 of them before 11 October
    bill = changed(
        a_price(92, interval=Interval.QUARTER), a_price(920, interval=Interval.QUARTER), service_start=at("2026-02-01")
    )

    assert amounts(bill) == [("fee/until-2026-10-11", "71.00"), ("fee", "210.00")]


ANEW = {"timing": Timing.ADVANCE, "cycle": Cycle.WITH_PLAN, "first_period": FirstPeriod.FULL}


def test_a_new_cycle_begins_where_the_length_of_the_interval_changes():
    # polarsource/polar server/tests/subscription/test_service_prorations.py: the debit is the whole new price
    monthly = a_price(310, timing=Timing.ADVANCE)
    yearly = a_price(3650, timing=Timing.ADVANCE, interval=Interval.YEAR)
    upgraded = a_price(1000, interval=Interval.YEAR, **ANEW)
    downgraded = a_price(62, **ANEW)

    to_year = changed(monthly, upgraded, service_start=at("2026-02-01"))
    to_month = changed(yearly, downgraded, service_start=at("2026-01-01"))

    assert amounts(to_year) == [("fee/until-2026-10-11", "-210.00"), ("fee/first", "1000.00")]
    # 82 days of the year are left; the month of the change is the first of the new cycle, and the next one follows
    assert amounts(to_month) == [("fee/until-2026-10-11", "-820.00"), ("fee/first", "62.00"), ("fee/advance", "62.00")]
    assert "cycle=WITH_PLAN" in to_year.lines[1].explanation.policy


@pytest.mark.parametrize(
    ("month", "lines"),
    [("2026-11", []), ("2027-09", [("fee/advance", "1000.00")]), ("2027-10", [])],
)
def test_a_new_cycle_returns_after_its_interval_counted_from_the_month_of_the_change(month, lines):
    plan = a_plan(a_price(1000, interval=Interval.YEAR, **ANEW))
    following = next_month(a_month(month), "UTC")

    bill = draft(
        facts(plan, period=a_month(month), following=following, service_start=at("2026-02-01"), plan_since=MIDDLE)
    )

    assert amounts(bill) == lines


def test_a_plan_that_takes_over_at_a_bound_begins_its_cycle_there():
    plan = a_plan(a_price(1000, interval=Interval.YEAR, **ANEW))
    known = {"service_start": at("2026-02-01"), "plan_since": None}

    bill = draft(facts(a_plan(a_price(310)), next_plan=plan, **known))

    assert amounts(bill) == [("fee", "310.00"), ("fee/advance", "1000.00")]


def test_seats_by_the_cycle_of_their_plan_are_known_from_its_beginning():
    plan = a_plan(an_item(interval=Interval.HALF_YEAR, cycle=Cycle.WITH_PLAN))

    since = seats_needed_from(plan, a_month("2027-02"), at("2026-02-15"), "UTC", plan_since=MIDDLE)

    assert since == at("2026-10-01")
    assert seats_needed_from(plan, a_month("2027-02"), at("2026-02-15"), "UTC") == at("2027-02-01")


def test_nothing_is_left_to_settle_where_the_interval_of_the_former_plan_ended_by_itself():
    former = Stretch(a_plan(a_price(31)), OCTOBER.start)

    bill = draft(facts(a_plan(a_price(62)), earlier=(former,), plan_since=OCTOBER.start))

    assert amounts(bill) == [("fee", "62.00")]


def test_a_quarter_goes_on_in_the_months_after_the_change():
    quarter = {"interval": Interval.QUARTER, "timing": Timing.ADVANCE, "decrease": Decrease.CREDIT}
    known = {"service_start": at("2026-01-01"), "period": a_month("2026-11"), "following": a_month("2026-12")}
    earlier = Stretch(a_plan(in_advance(**quarter)), MIDDLE)
    plan = a_plan(in_advance(**quarter))
    held = (a_seat("ann", "2026-01-01"), a_seat("new", "2026-11-16"))

    bill = draft(facts(plan, **known, plan_since=MIDDLE, earlier=(earlier,), seats=held))

    # only what changed in November: 46 of the quarter's 92 days
    assert amounts(bill) == [("seats/changes", "20.00")]


def test_seats_and_usage_stay_with_the_plan_that_was_in_force():
    seats_item = an_item(key="seats", proration=DayCount.ACTUAL_INCLUSIVE)
    peak = an_item(PeakSeats(), key="peak", proration=DayCount.ACTUAL_EXCLUSIVE)
    before, after = a_plan(seats_item, peak, tokens()), a_plan(seats_item, peak, tokens())
    held = (*some_seats(31), a_seat("gone", "2026-10-01", "2026-10-05"))
    now = plan_changes.changed(
        facts(before, seats=held, usage=(a_total(cost_nanos=10**9),)), after, at=at("2026-10-11 09:00")
    )

    bill = draft(now)

    # 31 × 40 × 10/31 + 40 × 4/31; the peak was 32; and 21 of 31 days of 31 seats
    assert amounts(bill) == [
        ("seats/until-2026-10-11", "405.16"),
        ("peak/until-2026-10-11", "412.90"),
        ("tokens/until-2026-10-11/sonnet/INPUT/v1", "1.00"),
        ("seats", "840.00"),
        ("peak", "840.00"),
    ]


def test_nothing_is_left_of_a_month_that_is_not_prorated():
    peak = an_item(PeakSeats(), key="peak", proration=DayCount.FULL)
    whole = an_item(key="seats", proration=DayCount.FULL)

    bill = draft(plan_changes.changed(facts(a_plan(peak, whole), seats=(a_seat(),)), a_plan(peak, whole), at=MIDDLE))

    assert amounts(bill) == [("peak", "40.00"), ("seats", "40.00")]


def test_a_service_that_began_in_the_month_is_billed_from_there():
    free = a_price(31, first_period=FirstPeriod.FREE)

    bill = changed(a_price(31), a_price(62), service_start=at("2026-10-06"))
    nothing = changed(free, free, service_start=at("2026-10-06"))
    opened = changed(
        a_price(31, timing=Timing.ADVANCE), a_price(62, timing=Timing.ADVANCE), service_start=at("2026-10-06")
    )

    assert amounts(bill) == [("fee/until-2026-10-11", "5.00"), ("fee", "42.00")]
    assert amounts(nothing) == [("fee/until-2026-10-11", "0.00"), ("fee", "0.00")]
    assert amounts(opened) == [("fee/until-2026-10-11", "5.00"), ("fee/first", "42.00"), ("fee/advance", "62.00")]


def test_seats_above_the_price_list_are_quoted_on_either_side():
    item = in_advance(quote_above=1)
    held = tuple(some_seats(2, "2026-01-01"))

    bill = draft(plan_changes.changed(facts(a_plan(item), seats=held), a_plan(item), at=MIDDLE))

    assert [quote.item_key for quote in bill.quotes] == ["seats"] * 3


@given(hours=st.integers(1, 31 * 24 - 1), proration=st.sampled_from(DayCount), timing=st.sampled_from(Timing))
def test_changing_to_the_same_plan_changes_nothing_that_is_owed(hours, proration, timing):
    plan = a_plan(a_price("310.00", proration=proration, timing=timing))
    known = facts(plan)

    found = plan_changes.drafted(known, plan, at=OCTOBER.start + timedelta(hours=hours))

    assert abs(found.net.minor) <= 1  # two parts are each rounded once
    assert found.after.total - found.before.total == found.net
    assert found.before == draft(known)
