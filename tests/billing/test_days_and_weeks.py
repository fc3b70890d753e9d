"""Fees and seats by the day and by the week: each interval by itself, with the month in which it ends."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plan_changes
from billing.day_counts import DayCount
from billing.invoices import draft
from billing.periods import first_months, next_month, parse_label
from billing.plan_items import FirstPeriod, Interval, InvalidPlan, Timing
from billing.plans import Seats, Usage
from billing.prices import GraduatedPrice, UnitPrice, tier
from billing.quantities import Flat, PeakSeats
from tests.billing.builders import OCTOBER, a_plan, a_seat, amounts, an_item, at, facts

DAY, WEEK = Interval.DAY, Interval.WEEK


def a_fee(amount, interval, **policies):
    return an_item(Flat(), UnitPrice(Fraction(amount)), key="fee", interval=interval, **policies)


def total(bill):
    return bill.subtotal.exact


@pytest.mark.parametrize(
    ("month", "days"), [("2026-03", 31), ("2026-10", 31), ("2026-11", 30), ("2028-02", 29), ("2027-02", 28)]
)
def test_a_fee_by_the_day_is_owed_for_each_local_day_whatever_its_hours(month, days):
    # in New York the clocks change on 8 March and 1 November 2026
    zone = "America/New_York"
    period = parse_label(month, zone)
    bill = draft(facts(a_plan(a_fee(2, DAY)), period=period, following=next_month(period, zone), time_zone=zone))

    assert len(bill.lines) == days
    assert total(bill) == 2 * days
    assert bill.lines[0].key == f"fee/{month}-01"


def test_weeks_run_from_the_day_the_service_began_and_are_billed_when_they_end():
    # weeks from Thursday 3 September: those that end as 8, 15, 22 and 29 October begin; September has the one before
    bill = draft(facts(a_plan(a_fee(7, WEEK)), service_start=at("2026-09-03")))

    assert [line.key for line in bill.lines] == [
        "fee/2026-10-01",
        "fee/2026-10-08",
        "fee/2026-10-15",
        "fee/2026-10-22",
    ]
    assert total(bill) == 28


def test_every_day_and_week_is_billed_once_over_the_months():
    began, months = at("2026-09-03"), first_months(at("2026-09-03"), 13, "UTC")
    for interval, whole in ((DAY, 363), (WEEK, 51)):  # until 1 September 2027
        bills = [
            draft(facts(a_plan(a_fee(1, interval)), period=month, following=after, service_start=began))
            for month, after in pairwise(months)
        ]
        assert sum(map(total, bills)) == whole
        keys = [line.key for bill in bills for line in bill.lines]
        assert len(keys) == len(set(keys)) == whole


@pytest.mark.parametrize(
    ("first", "owed"), [(FirstPeriod.BY_DAYS_LEFT, 5), (FirstPeriod.FULL, 5), (FirstPeriod.FREE, 4)]
)
def test_nothing_is_owed_before_the_service_began(first, owed):
    bill = draft(facts(a_plan(a_fee(1, DAY, first_period=first)), service_start=at("2026-10-27")))

    assert total(bill) == owed, "five days are left from the 27th, that day counted"


def test_tiers_hold_for_each_day_by_itself():
    # two seats all month and a third from the 31st on: the first two cost 1 a day each, the third 5
    price = GraduatedPrice((tier(2, "1"), tier(None, "5")))
    item = an_item(Seats(), price, key="seat", interval=DAY, proration=DayCount.ACTUAL_INCLUSIVE)
    seats = (a_seat("ann"), a_seat("bob"), a_seat("eve", "2026-10-31"))

    bill = draft(facts(a_plan(item), seats=seats))

    assert [line.amount.minor for line in bill.lines] == [2_00] * 30 + [7_00]
    assert bill.lines[0].unit == "seat-day"


@pytest.mark.parametrize("interval", [DAY, WEEK])
@given(day=st.integers(2, 30), hour=st.integers(0, 23))
def test_a_change_of_plan_divides_the_interval_in_which_it_falls(interval, day, hour):
    when = OCTOBER.start + timedelta(days=day, hours=hour)
    fee = a_plan(a_fee(7, interval, proration=DayCount.BY_SECOND))
    known = facts(fee, service_start=at("2026-09-03"))
    november = next_month(OCTOBER, "UTC")
    moved = plan_changes.changed(known, fee, at=when)
    after = facts(
        fee, period=november, following=next_month(november, "UTC"), service_start=at("2026-09-03"), plan_since=when
    )

    with_change = total(draft(moved)) + total(draft(after))

    unchanged = facts(fee, period=november, following=after.following, service_start=at("2026-09-03"))
    whole = total(draft(known)) + total(draft(unchanged))
    assert abs(with_change - whole) <= Fraction(2, 100), "each of the two parts of one interval is rounded by itself"


def test_the_parts_of_a_divided_day_belong_to_their_plans():
    known = facts(a_plan(a_fee(24, DAY, proration=DayCount.BY_SECOND)))
    new = a_plan(a_fee(48, DAY, proration=DayCount.BY_SECOND))

    bill = draft(plan_changes.changed(known, new, at=at("2026-10-03").replace(hour=6)))

    assert amounts(bill)[:4] == [
        ("fee/until-2026-10-03/2026-10-01", "24.00"),
        ("fee/until-2026-10-03/2026-10-02", "24.00"),
        ("fee/until-2026-10-03/2026-10-03", "6.00"),
        ("fee/2026-10-03", "36.00"),
    ]


@pytest.mark.parametrize(
    ("quantity", "timing", "message"),
    [
        (Flat(), Timing.ADVANCE, "timing: by the day is billed what is over; bill it in ARREARS"),
        (PeakSeats(), Timing.ARREARS, "bill it by MONTH, not by DAY"),
        (Usage("tokens"), Timing.ARREARS, "usage has a window for each day"),
    ],
)
def test_what_cannot_be_billed_by_the_day_is_refused(quantity, timing, message):
    with pytest.raises(InvalidPlan, match=message):
        an_item(quantity, UnitPrice(Fraction(1)), interval=DAY, timing=timing)
