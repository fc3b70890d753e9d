"""Does a preview of a seat change say what the draft will bill?"""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import seat_changes
from billing.invoices import draft
from billing.plans import Decrease, Increase, PeakSeats, Seats, Timing
from billing.prices import UnitPrice
from billing.seat_changes import Change
from billing.seats import SeatInterval
from tests.billing.builders import OCTOBER, a_plan, a_seat, an_item, at, facts, in_advance, some_seats
from tests.billing.test_invoice_laws import crowds

CODE = an_item(Seats(("chat_code",)), UnitPrice(Fraction(62)), key="code", timing=Timing.ADVANCE)
TWO_TIERS = a_plan(an_item(Seats(("chat",)), UnitPrice(Fraction(31)), key="chat", timing=Timing.ADVANCE), CODE)
MIDDLE = at("2026-10-11")


def test_a_move_to_a_dearer_tier_credits_one_side_and_debits_the_other():
    held = (a_seat("ann", "2026-01-01"), a_seat("bob", "2026-01-01"))
    move = seat_changes.moved(held, "ann", to=a_seat("ann", "2026-10-11", tier="chat_code"), at=MIDDLE)

    found = seat_changes.preview(facts(TWO_TIERS, seats=held), move)

    changes = {each.key: (each.after and each.after.amount.amount) for each in found.changes}
    assert changes == {
        "chat/changes": "-21.00",
        "code/changes": "42.00",
        "chat/advance": "31.00",
        "code/advance": "62.00",
    }
    assert (found.net.amount, found.needs_quote) == ("52.00", False)


def test_a_seat_that_is_only_given_back_has_nothing_in_its_place():
    held = (a_seat("ann", "2026-01-01"),)

    found = seat_changes.preview(facts(TWO_TIERS, seats=held), seat_changes.moved(held, "ann", to=None, at=MIDDLE))

    assert [(each.key, each.before and each.before.amount.amount) for each in found.changes] == [
        ("chat/advance", "31.00"),
        ("chat/changes", None),
    ]
    assert found.net.amount == "-52.00"


def test_a_change_above_the_price_list_says_so():
    plan = a_plan(an_item(PeakSeats(), key="users", quote_above=5))
    more = Change(tuple(some_seats(6)), ())

    assert seat_changes.preview(facts(plan), more).needs_quote


@pytest.mark.parametrize("day", [1, 15, 31])
def test_a_free_seat_changes_nothing(day):
    free = a_seat("eve", f"2026-10-{day:02}", billable=False)

    found = seat_changes.preview(facts(TWO_TIERS), Change((free,), ()))

    assert (found.changes, found.net.minor) == ((), 0)


@given(
    crowd=crowds(),
    hours=st.integers(0, 31 * 24 - 1),
    increase=st.sampled_from(Increase),
    decrease=st.sampled_from(Decrease),
    timing=st.sampled_from(Timing),
)
def test_the_preview_is_what_the_draft_bills_once_the_change_is_made(crowd, hours, increase, decrease, timing):
    when = OCTOBER.start + timedelta(hours=hours)
    item = in_advance(increase=increase, decrease=decrease, timing=timing)
    known = facts(a_plan(item, tax="20"), seats=crowd)
    change = seat_changes.moved(crowd, "ann", to=SeatInterval("new", "member", True, "chat", (), when, None), at=when)

    found = seat_changes.preview(known, change)
    made = draft(replace(known, seats=seat_changes.applied(crowd, change)))

    assert found.after == made
    assert found.before == draft(known)
    assert found.net == made.total - draft(known).total
    moved = sum(
        (each.after.amount.minor if each.after else 0) - (each.before.amount.minor if each.before else 0)
        for each in found.changes
    )
    assert moved == (found.after.subtotal - found.before.subtotal).minor
