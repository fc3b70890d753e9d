"""A seat that is given back is kept for as long as an item that loses it says."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from billing.plan_items import Interval, PlanItem, Timing
from billing.plans import Plan, SeatTier
from billing.prices import UnitPrice
from billing.quantities import Flat, Seats
from billing.releases import Service, begins_at, with_coming
from billing.seat_policies import Decrease
from billing.seats import SeatInterval
from billing.taxes import Tax, TaxMode

JUNE, JULY = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
MIDDLE, NEW_YEAR = datetime(2026, 6, 11, 8, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def an_item(key, quantity, decrease=Decrease.NEXT_PERIOD, interval=Interval.MONTH):
    return PlanItem(
        key, {"en": key}, quantity, UnitPrice(Fraction(9)), Timing.ADVANCE, interval=interval, decrease=decrease
    )


def a_service(*items):
    tiers = (
        SeatTier("lite", {"en": "Lite"}),
        SeatTier("chat", {"en": "Chat"}, ("lite",)),
        SeatTier("both", {"en": "Both"}, ("chat", "lite")),
        SeatTier("other", {"en": "Other"}),
    )
    plan = Plan("plan", 1, {"en": "Plan"}, "USD", Tax(TaxMode.EXCLUSIVE, Fraction(0)), tiers, items)
    return Service(plan, JUNE.replace(month=1), "UTC")


SERVICE = a_service(
    *(an_item(key, Seats((key,))) for key in ("lite", "chat", "both", "other")),
    an_item("hipaa", Seats(add_on="hipaa"), interval=Interval.YEAR),
    an_item("fee", Flat()),
)


def a_seat(tier, *add_ons, billable=True):
    return SeatInterval("ann", "member", billable, tier, add_ons, JUNE, None)


@pytest.mark.parametrize(
    ("expected", "held", "wanted"),
    [
        (JULY, a_seat("both"), a_seat("chat")),  # a tier that the held one includes
        (JULY, a_seat("both"), a_seat("lite")),
        (JULY, a_seat("both"), a_seat(None)),
        (JULY, a_seat("both"), a_seat("both", billable=False)),
        (MIDDLE, a_seat("chat"), a_seat("both")),  # a tier that includes the held one
        (MIDDLE, a_seat("chat"), a_seat("other")),  # another tier: something is gained
        (MIDDLE, a_seat(None), a_seat("chat")),
        (MIDDLE, a_seat("chat"), a_seat("chat", "hipaa")),
        (NEW_YEAR, a_seat("chat", "hipaa"), a_seat("chat")),  # what is paid for by the year is kept for it
        (NEW_YEAR, a_seat("chat", "hipaa"), a_seat(None)),  # of two things lost, the one that is kept longest
        (MIDDLE, a_seat("chat"), a_seat("chat")),
    ],
)
def test_keeps_what_is_paid_for_where_a_change_only_takes_away(expected, held, wanted):
    assert begins_at(SERVICE, held, wanted, at=MIDDLE) == expected


@pytest.mark.parametrize("decrease", sorted(set(Decrease) - {Decrease.NEXT_PERIOD}))
def test_lets_go_at_once_under_every_other_policy(decrease):
    service = a_service(an_item("both", Seats(("both",)), decrease))

    assert begins_at(service, a_seat("both"), a_seat(None), at=MIDDLE) == MIDDLE


def test_the_instant_at_which_an_interval_begins_is_not_yet_paid_for():
    assert begins_at(SERVICE, a_seat("both"), a_seat(None), at=JUNE) == JUNE


def test_what_comes_takes_over_from_what_is_held_then_and_from_nobody_else():
    bob = SeatInterval("bob", "member", True, "chat", (), JUNE, None)
    coming = SeatInterval("ann", "view_only", False, None, (), JULY, None)

    found = with_coming((a_seat("both"), bob), (coming,))

    assert [(seat.member_id, seat.tier, seat.start, seat.end) for seat in found] == [
        ("ann", "both", JUNE, JULY),
        ("bob", "chat", JUNE, None),
        ("ann", None, JULY, None),
    ]
