"""What does a seat cost that comes or goes within an interval, by each named policy?"""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import seat_policies, seats
from billing.day_counts import DayCount
from billing.invoices import draft
from billing.periods import Period
from billing.plans import Decrease, Increase, Seats
from billing.seat_policies import Rules
from billing.seats import SeatInterval, Selection
from tests.billing.builders import OCTOBER, a_plan, a_seat, an_item, at, facts, in_advance, some_seats
from tests.billing.test_invoice_laws import crowds

AUGUST_TO_NOVEMBER = Period(at("2026-08-01"), at("2026-11-01"))


def counted(held, increase=Increase.PRORATE, decrease=Decrease.CREDIT, **more):
    rules = Rules(more.pop("proration", DayCount.ACTUAL_EXCLUSIVE), increase, decrease)
    return seat_policies.counted(held, OCTOBER, "UTC", rules, OCTOBER.start, **more).seat_months * 31


# ann all month; bob 11th to 21st (10 days); bob again from the 26th (6 days); eve from the 30th (2 days)
HELD = (
    a_seat("ann", "2026-09-01"),
    a_seat("bob", "2026-10-11", "2026-10-21"),
    a_seat("bob", "2026-10-26"),
    a_seat("eve", "2026-10-30"),
)


@pytest.mark.parametrize(
    ("increase", "decrease", "days"),
    [
        (Increase.PRORATE, Decrease.CREDIT, 31 + 10 + 6 + 2),
        (Increase.PRORATE, Decrease.KEEP, 31 + 10 + 6 + 2),
        (Increase.PRORATE, Decrease.NO_REFUND, 31 + 21 + 2),  # bob's first seat counts until his second
        (Increase.PRORATE, Decrease.KEEP_PEAK, 31 + 21 + 2),  # eve's is the third place
        (Increase.PRORATE, Decrease.NEXT_PERIOD, 31 + 21 + 2),
        (Increase.FULL, Decrease.CREDIT, 31 + 20 + 31 + 31),
        (Increase.FULL, Decrease.KEEP_PEAK, 31 + 31 + 31),
        (Increase.FREE_UNTIL_PERIOD_END, Decrease.CREDIT, 31),
        (Increase.FREE_UNTIL_PERIOD_END, Decrease.KEEP_PEAK, 31),
    ],
)
def test_october_counts_by_the_named_policies(increase, decrease, days):
    assert counted(HELD, increase, decrease) == days


def test_a_place_given_back_is_taken_over_by_whoever_comes_next():
    held = (a_seat("ann", "2026-09-01", "2026-10-05"), a_seat("bob", "2026-10-20"))

    assert counted(held, decrease=Decrease.KEEP_PEAK) == 31
    assert counted(held, decrease=Decrease.NO_REFUND) == 31 + 12


def test_a_removal_in_the_middle_is_not_credited():
    # github/docs#6123: a licence held 7 to 15 January is billed from the 7th to the end, 25 days of 31, at 39
    item = an_item(Seats(), key="seats", proration=DayCount.ACTUAL_INCLUSIVE, decrease=Decrease.NO_REFUND)
    held = (a_seat("ann", "2026-10-07", "2026-10-15"), a_seat("ann", "2026-10-20"))

    (line,) = draft(facts(a_plan(item), seats=held)).lines

    assert line.quantity == Fraction(25, 31)


def test_a_move_between_tiers_is_not_two_seats():
    held = (a_seat("ann", "2026-09-01", "2026-10-11"), a_seat("ann", "2026-10-11", tier="chat_code"))
    chat, code = Selection(("chat",)), Selection(("chat_code",))

    assert [counted(held, decrease=Decrease.NO_REFUND, selection=each) for each in (chat, code)] == [10, 21]


def test_what_is_not_selected_is_left_alone():
    held = (a_seat("ann", "2026-10-11", tier="chat_code"), a_seat("bob", "2026-10-11", billable=False))

    for increase in Increase:
        assert counted(held, increase, selection=Selection(("chat",))) == 0


@pytest.mark.parametrize(
    ("decrease", "released"),
    [(Decrease.NEXT_PERIOD, OCTOBER.end), (Decrease.CREDIT, at("2026-10-11")), (Decrease.KEEP_PEAK, at("2026-10-11"))],
)
def test_a_seat_is_released_at_once_or_when_the_interval_ends(decrease, released):
    assert seat_policies.released_at(at("2026-10-11"), OCTOBER, decrease) == released


@pytest.mark.parametrize(
    ("levels", "charged"),
    # getlago/lago-api pay_in_advance_units_change_spec.rb: only the rise above the paid maximum is charged
    [((10, 5), []), ((10, 15), ["200.00"]), ((10, 5, 12), ["80.00"]), ((10, 5, 12, 12, 15), ["200.00"])],
)
def test_paid_in_advance_and_not_prorated_only_a_new_peak_is_charged(levels, charged):
    held: list[SeatInterval] = []
    for day, level in enumerate(levels, 1):
        start, end = f"2026-10-{day:02}", f"2026-10-{day + 1:02}"
        held += some_seats(level, "2026-09-01" if day == 1 else start, None if day == len(levels) else end, f"{day}-")

    bill = draft(facts(a_plan(in_advance(increase=Increase.FULL, decrease=Decrease.KEEP_PEAK)), seats=tuple(held)))

    changes = [line for line in bill.lines if line.key == "seats/changes"]
    assert [line.amount.amount for line in changes] == charged
    assert all("increase=FULL" in line.explanation.policy for line in changes)


@given(crowd=crowds(), proration=st.sampled_from(DayCount))
def test_nothing_back_is_never_less_than_something_back(crowd, proration):
    credit, kept, none = (
        seat_policies.counted(crowd, OCTOBER, "UTC", Rules(proration, Increase.PRORATE, decrease), OCTOBER.start)
        for decrease in (Decrease.CREDIT, Decrease.KEEP_PEAK, Decrease.NO_REFUND)
    )

    assert none.seat_months >= credit.seat_months
    assert (
        proration is DayCount.FULL or proration is DayCount.ACTUAL_INCLUSIVE or kept.seat_months >= credit.seat_months
    )


@given(crowd=crowds(), proration=st.sampled_from(DayCount))
def test_free_is_never_more_than_prorated_and_full_never_less(crowd, proration):
    free, prorated, full = (
        seat_policies.counted(crowd, OCTOBER, "UTC", Rules(proration, increase, Decrease.NO_REFUND), OCTOBER.start)
        for increase in (Increase.FREE_UNTIL_PERIOD_END, Increase.PRORATE, Increase.FULL)
    )

    assert free.seat_months <= prorated.seat_months
    assert proration is DayCount.ACTUAL_INCLUSIVE or prorated.seat_months <= full.seat_months


@given(crowd=crowds())
def test_kept_places_are_as_many_as_the_peak(crowd):
    rules = Rules(DayCount.BY_SECOND, Increase.FULL, Decrease.KEEP_PEAK)

    found = seat_policies.counted(crowd, OCTOBER, "UTC", rules, OCTOBER.start)

    assert found.seat_months == seats.peak(crowd, OCTOBER).quantity


@given(crowd=crowds())
def test_the_peak_is_what_counting_every_hour_finds(crowd):
    hours = (AUGUST_TO_NOVEMBER.end - AUGUST_TO_NOVEMBER.start) // timedelta(hours=1)
    instants = (AUGUST_TO_NOVEMBER.start + timedelta(hours=hour) for hour in range(hours))

    counts = [seats.count_at(crowd, instant) for instant in instants]

    assert seats.peak(crowd, AUGUST_TO_NOVEMBER).quantity == max(counts)


@given(crowd=crowds(), proration=st.sampled_from(DayCount))
def test_changes_add_up_to_the_seats_they_make(crowd, proration):
    rules = Rules(proration)
    found = seat_policies.counted(crowd, OCTOBER, "UTC", rules, OCTOBER.start)

    moves = seat_policies.changes(found, OCTOBER, "UTC", proration)

    assert sum(move.prorated for move in moves) == found.seat_months
    assert sum(move.units for move in moves) == len(
        [part for part in found.parts if part.interval.end is None or part.interval.end >= OCTOBER.end]
    )
