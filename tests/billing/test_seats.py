"""Are seats counted once, and only once?"""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import periods, seats
from billing.seats import DayCount, InvalidSeat, SeatInterval, Selection
from tests.billing.builders import OCTOBER, a_month, a_seat, at, some_seats, tracker_month


def test_tracker_month_peaks_at_270():
    # 245 (14 days), 270 (7 days), 260 (10 days): the tracker vendor's own example
    found = seats.peak(tracker_month(), OCTOBER)

    assert (found.quantity, found.at) == (270, at("2026-10-15"))
    assert len(found.intervals) == 270
    assert [seats.count_at(tracker_month(), at(day)) for day in ("2026-10-14", "2026-10-21", "2026-10-22")] == [
        245,
        270,
        260,
    ]


def test_revoking_first_keeps_the_peak_lower():
    hundred = some_seats(99)
    revoke_first = (*hundred, a_seat("old", end="2026-10-09 12:00"), a_seat("new", "2026-10-09 12:00"))
    grant_first = (*hundred, a_seat("old", end="2026-10-09 12:00:01"), a_seat("new", "2026-10-09 12:00"))

    assert seats.peak(revoke_first, OCTOBER).quantity == 100
    assert seats.peak(grant_first, OCTOBER).quantity == 101


def test_read_only_users_never_count():
    readers = [a_seat(f"r{index}", role="view_only", billable=False) for index in range(900)]

    assert seats.peak((*readers, *some_seats(5)), OCTOBER).quantity == 5
    assert seats.count_at(readers, OCTOBER.start) == 0
    assert seats.prorated(readers, OCTOBER, "UTC", DayCount.FULL).parts == ()


def test_an_empty_month_has_no_peak():
    assert seats.peak((), OCTOBER) == seats.Peak(0, None)
    assert seats.peak((a_seat(start="2026-11-01"), a_seat(end="2026-10-01")), OCTOBER).quantity == 0
    assert seats.first_held((), OCTOBER) is None


def test_selects_by_tier_and_add_on():
    held = (a_seat("a"), a_seat("b", tier="chat_code"), a_seat("c", add_ons=("hipaa",)))

    assert seats.count_at(held, OCTOBER.start, Selection(("chat",))) == 2
    assert seats.count_at(held, OCTOBER.start, Selection(("chat",), "hipaa")) == 1
    assert seats.peak(held, OCTOBER, Selection(("chat_code",))).quantity == 1


def test_refuses_a_seat_that_ends_before_it_starts():
    with pytest.raises(InvalidSeat, match="ends before that"):
        a_seat(start="2026-10-02", end="2026-10-01")


@pytest.mark.parametrize(
    ("policy", "start", "end", "share"),
    [
        (DayCount.ACTUAL_INCLUSIVE, "2026-10-10 08:00", "2026-10-12 09:00", "3/31"),
        (DayCount.ACTUAL_EXCLUSIVE, "2026-10-10 08:00", "2026-10-12 09:00", "2/31"),
        (DayCount.FIXED_30, "2026-10-10 08:00", "2026-10-12 09:00", "2/30"),
        (DayCount.FIXED_30, "2026-10-16", None, "15/30"),
        (DayCount.FIXED_30, "2026-10-31", None, "1/30"),
        (DayCount.BY_SECOND, "2026-10-10 08:00", "2026-10-12 09:00", "49/744"),
        (DayCount.FULL, "2026-10-10 08:00", "2026-10-12 09:00", "1"),
        (DayCount.ACTUAL_INCLUSIVE, "2026-10-15", None, "17/31"),
        (DayCount.ACTUAL_EXCLUSIVE, "2026-10-15", None, "17/31"),
        (DayCount.ACTUAL_INCLUSIVE, "2026-09-01", "2026-10-02", "1/31"),
    ],
)
def test_each_day_count_follows_its_formula(policy, start, end, share):
    found = seats.prorated((a_seat(start=start, end=end),), OCTOBER, "UTC", policy)

    assert found.seat_months == Fraction(share)


def test_fixed_30_counts_february_like_any_month():
    # A well-known fixed-30 example: 23 February to 15 March is 22 days
    period = periods.Period(at("2023-02-15"), at("2023-03-15"))

    found = seats.prorated((a_seat(start="2023-02-23"),), period, "UTC", DayCount.FIXED_30)

    assert found.seat_months == Fraction(22, 30)


@pytest.mark.parametrize(
    ("policy", "chat", "code"),
    [
        (DayCount.BY_SECOND, "19/62", "43/62"),  # 9.5 and 21.5 of 31 days
        (DayCount.ACTUAL_INCLUSIVE, "9/31", "22/31"),
        (DayCount.ACTUAL_EXCLUSIVE, "9/31", "22/31"),
        (DayCount.FIXED_30, "9/30", "21/30"),
        (DayCount.FULL, "0", "1"),
    ],
)
def test_moving_between_tiers_bills_no_day_twice(policy, chat, code):
    moved = (a_seat(end="2026-10-10 12:00"), a_seat(start="2026-10-10 12:00", tier="chat_code"))

    shares = [
        seats.prorated(moved, OCTOBER, "UTC", policy, Selection((tier,))).seat_months for tier in ("chat", "chat_code")
    ]

    assert shares == [Fraction(chat), Fraction(code)]


def test_a_day_with_three_seats_belongs_to_the_last():
    day = (
        a_seat(start="2026-10-10 01:00", end="2026-10-10 02:00"),
        a_seat(start="2026-10-10 03:00", end="2026-10-10 04:00", tier="chat_code"),
        a_seat(start="2026-10-10 05:00", end="2026-10-10 06:00"),
    )

    found = seats.prorated(day, OCTOBER, "UTC", DayCount.ACTUAL_INCLUSIVE)

    assert found.parts == (seats.Part(day[2], Fraction(1, 31)),)


def test_days_left_counts_the_first_day():
    assert seats.days_left(at("2026-10-01"), OCTOBER, "UTC") == 1
    assert seats.days_left(at("2026-10-31 23:59"), OCTOBER, "UTC") == Fraction(1, 31)
    assert seats.days_left(at("2026-11-05"), OCTOBER, "UTC") == 0
    assert seats.days_left(at("2026-09-05"), OCTOBER, "UTC") == 1


@pytest.mark.parametrize("month", ["2026-03", "2026-11"])
@pytest.mark.parametrize("policy", DayCount)
def test_a_whole_month_is_one_seat_month_when_the_clocks_change(month, policy):
    period = a_month(month, "America/New_York")

    found = seats.prorated((a_seat(start="2026-01-01"),), period, "America/New_York", policy)

    assert found.seat_months == 1


def test_knows_what_was_known_at_an_instant():
    ended, open_, later = a_seat(end="2026-10-05"), a_seat("b", end="2026-10-20"), a_seat("c", "2026-10-11")

    assert seats.frozen_at((ended, open_, later), at("2026-10-10")) == (ended, a_seat("b"))
    assert seats.since((ended, open_, later), at("2026-10-10")) == (
        a_seat("b", "2026-10-10", "2026-10-20"),
        later,
    )


minutes = st.integers(-3_000, 48_000)


@st.composite
def crowds(draw):
    """Seats that begin and end around October, open ones and free ones among them."""
    made = []
    for index in range(draw(st.integers(0, 12))):
        start = draw(minutes)
        length = draw(st.none() | st.integers(0, 30_000))
        begin = OCTOBER.start + timedelta(minutes=start)
        end = None if length is None else begin + timedelta(minutes=length)
        made.append(SeatInterval(f"m{index}", "member", draw(st.integers(0, 4)) > 0, "chat", (), begin, end))
    return tuple(made)


@given(crowd=crowds())
def test_the_peak_is_what_a_count_at_every_change_finds(crowd):
    instants = {OCTOBER.start} | {seat.start for seat in crowd if OCTOBER.contains(seat.start)}
    brute = max(sum(seat.billable and seat.holds(instant) for seat in crowd) for instant in instants)

    found = seats.peak(crowd, OCTOBER)

    assert found.quantity == brute == len(found.intervals)
    assert found.quantity == 0 or seats.count_at(crowd, found.at) == brute


@given(cuts=st.lists(st.integers(1, 44_639), unique=True, max_size=6), policy=st.sampled_from(DayCount))
def test_a_month_cut_into_tiers_is_still_one_month(cuts, policy):
    bounds = [OCTOBER.start, *(OCTOBER.start + timedelta(minutes=cut) for cut in sorted(cuts)), OCTOBER.end]
    pieces = tuple(
        SeatInterval("ann", "member", True, f"t{index}", (), start, end)
        for index, (start, end) in enumerate(pairwise(bounds))
    )

    found = seats.prorated(pieces, OCTOBER, "America/New_York" if policy is DayCount.BY_SECOND else "UTC", policy)

    assert found.seat_months == sum(part.share for part in found.parts) == 1


@given(crowd=crowds(), policy=st.sampled_from(DayCount))
def test_no_member_is_more_than_one_seat_and_order_does_not_matter(crowd, policy):
    found = seats.prorated(crowd, OCTOBER, "UTC", policy)

    assert found == seats.prorated(tuple(reversed(crowd)), OCTOBER, "UTC", policy)
    assert all(0 < part.share <= 1 for part in found.parts)


def test_order_of_intervals_does_not_change_the_peak():
    few = (a_seat("a"), a_seat("b", "2026-10-03", "2026-10-05"), a_seat("c", "2026-10-05"))

    assert {seats.peak(order, OCTOBER).quantity for order in permutations(few)} == {2}
