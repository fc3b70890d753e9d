"""Do what is billed in advance and what changed since add up?"""

from fractions import Fraction

import pytest

from billing import invoices
from billing.invoices import Boundary, draft
from billing.plans import DayCount, Decrease, FirstPeriod, Interval, Timing
from tests.billing.builders import (
    NOVEMBER,
    OCTOBER,
    a_fee,
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


@pytest.mark.parametrize(
    ("policies", "service_start", "lines"),
    [
        ({}, "2026-01-01", [("fee", "310.00")]),
        ({}, "2026-10-15", [("fee", "170.00")]),
        ({"first_period": FirstPeriod.FULL}, "2026-10-15", [("fee", "310.00")]),
        ({"first_period": FirstPeriod.FREE}, "2026-10-15", [("fee", "0.00")]),
        ({}, "2026-11-01", []),
        ({"timing": Timing.ADVANCE}, "2026-01-01", [("fee/advance", "310.00")]),
        ({"timing": Timing.ADVANCE}, "2026-10-15", [("fee/first", "170.00"), ("fee/advance", "310.00")]),
        ({"timing": Timing.ADVANCE}, "2026-11-01", []),
        ({"interval": Interval.QUARTER}, "2026-08-01", [("fee", "310.00")]),
        ({"interval": Interval.QUARTER}, "2026-09-01", []),
        ({"interval": Interval.YEAR, "timing": Timing.ADVANCE}, "2025-11-05", [("fee/advance", "310.00")]),
        ({"interval": Interval.YEAR, "timing": Timing.ADVANCE}, "2025-10-05", []),
    ],
)
def test_a_fee_is_billed_in_its_interval(policies, service_start, lines):
    bill = draft(facts(a_plan(a_fee(**policies)), service_start=at(service_start)))

    assert amounts(bill) == lines


def test_an_opening_bills_only_what_is_in_advance():
    plan = a_plan(a_fee(timing=Timing.ADVANCE), an_item(key="later"), tokens())
    opening = facts(
        plan, usage=(a_total(),), seats=(a_seat("ann"),), service_start=NOVEMBER.start, boundary=Boundary.OPENING
    )

    (line,) = draft(opening).lines

    assert (line.key, line.amount.amount, line.period) == ("fee/advance", "310.00", NOVEMBER)


def test_the_plan_that_begins_bills_what_is_in_advance():
    old, new = a_plan(a_fee()), a_plan(a_fee(timing=Timing.ADVANCE))

    bill = draft(facts(old, next_plan=new))

    assert amounts(bill) == [("fee", "310.00"), ("fee/advance", "310.00")]


@pytest.mark.parametrize(
    ("decrease", "changed", "lines"),
    [
        # one more from 15 October: 40 × 17/31 = 21.94, and 11 for November
        (Decrease.CREDIT, a_seat("new", "2026-10-15"), [("seats/changes", "21.94"), ("seats/advance", "440.00")]),
        # one of 11 gone on 15 October: 14 of 31 days used, 17 come back
        (
            Decrease.CREDIT,
            a_seat("old", "2026-09-01", "2026-10-15"),
            [("seats/changes", "-21.94"), ("seats/advance", "400.00")],
        ),
        (Decrease.KEEP, a_seat("old", "2026-09-01", "2026-10-15"), [("seats/advance", "400.00")]),
        (Decrease.KEEP, a_seat("new", "2026-10-15"), [("seats/changes", "21.94"), ("seats/advance", "440.00")]),
    ],
)
def test_what_changed_since_the_advance_is_on_the_next_invoice(decrease, changed, lines):
    seats = (*some_seats(10, "2026-01-01"), changed)

    bill = draft(facts(a_plan(in_advance(decrease=decrease)), seats=seats))

    assert amounts(bill) == lines
    for line in bill.lines:
        assert sum(share.amount.minor for share in line.shares) == line.amount.minor


def test_a_change_explains_both_sides():
    seats = (*some_seats(10, "2026-01-01"), a_seat("new", "2026-10-15"))

    line = draft(facts(a_plan(in_advance()), seats=seats)).lines[0]

    assert line.explanation.formula == "(327/31 × 40.00) − (10 × 40.00): 421.94 − 400.00 = 21.94 USD"
    assert [share.member_id for share in line.shares if share.amount.minor] == ["new"]
    assert line.quantity == Fraction(17, 31)


@pytest.mark.parametrize(
    ("first_period", "proration", "total"),
    [
        (FirstPeriod.BY_DAYS_LEFT, DayCount.ACTUAL_EXCLUSIVE, "21.94"),
        (FirstPeriod.BY_DAYS_LEFT, DayCount.FULL, "21.94"),
        (FirstPeriod.FULL, DayCount.ACTUAL_EXCLUSIVE, "40.00"),
        (FirstPeriod.FREE, DayCount.ACTUAL_EXCLUSIVE, "0.00"),
    ],
)
def test_a_service_that_begins_within_a_month_is_billed_from_there(first_period, proration, total):
    # the seat was held since September, in the evaluation; what lies before the service is never billed
    item = in_advance(first_period=first_period, proration=proration)

    bill = draft(facts(a_plan(item), seats=(a_seat("ann", "2026-09-01"),), service_start=at("2026-10-15")))

    assert amounts(bill) == [("seats/first", total), ("seats/advance", "40.00")]


def test_a_change_that_needs_a_quote_is_not_billed_on_the_quiet():
    item = in_advance(quote_above=10)
    more = (*some_seats(10, "2026-01-01"), a_seat("new", "2026-10-15"))
    fewer = (*some_seats(10, "2026-01-01"), a_seat("old", "2026-01-01", "2026-10-01 12:00"))

    assert [quote.item_key for quote in draft(facts(a_plan(item), seats=more)).quotes] == ["seats", "seats"]
    assert [quote.required.quantity for quote in draft(facts(a_plan(item), seats=fewer)).quotes] == [11]


def test_knows_from_when_seats_are_needed():
    plan = a_plan(in_advance(interval=Interval.QUARTER), a_fee(interval=Interval.YEAR))

    assert invoices.seats_needed_from(plan, OCTOBER, at("2026-02-15"), "UTC") == at("2026-08-01")
    assert invoices.seats_needed_from(a_plan(), OCTOBER, at("2026-02-15"), "UTC") == OCTOBER.start
