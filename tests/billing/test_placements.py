"""In which tiers do changes of units fall?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.estimate_documents import answer
from billing.invoices import draft
from billing.placements import Change, Placement, charge_changes
from billing.plans import DayCount, Seats
from billing.prices import BeyondLast, FlatAtZero, GraduatedPrice, InvalidPrice, UnitPrice, VolumePrice, charge, tier
from tests.billing.builders import a_plan, a_seat, an_item, facts, some_seats
from tests.billing.test_estimate_documents import a_question, an_entry

TWO = (tier(5, "10", "100"), tier(None, "5", "50"))
THREE = (tier(5, "10", "100"), tier(15, "5", "50"), tier(None, "2"))
LAGO = (tier(100, "2", "10"), tier(200, "1"), tier(None, "0.5", "50"))


def changes(*pairs):
    return tuple(Change(Fraction(units), Fraction(part)) for units, part in pairs)


@pytest.mark.parametrize(
    ("tiers", "moves", "amount"),
    [
        # getlago/lago-api spec/services/charge_models/prorated_graduated_service_spec.rb
        (TWO, changes(("1", "0.7")), "107"),
        (TWO, changes(("2", "1.4"), ("5", "2.66667"), ("10", "2"), ("-6", "-2.2")), "184.33336"),
        (
            THREE,
            changes(("2", "1.4"), ("5", "2.5"), ("10", "2"), ("-6", "-2.2"), ("4", "0.667"), ("60", "2")),
            "191.335",
        ),
        (TWO, (), "0"),
    ],
)
def test_each_change_is_priced_in_the_tiers_it_passes(tiers, moves, amount):
    assert charge_changes(GraduatedPrice(tiers), moves).exact == Fraction(amount)


def test_the_first_flat_fee_is_owed_for_nothing_where_the_price_says_so():
    price = GraduatedPrice(TWO, flat_at_zero=FlatAtZero.CHARGED)

    assert charge_changes(price, ()).exact == 100
    assert charge_changes(price, changes(("1", "0.7"))).exact == 107


def test_a_volume_tier_is_found_by_the_units_at_the_end():
    assert charge_changes(VolumePrice(LAGO), changes(("300", "210"))).exact == 155


def test_a_volume_tier_that_ends_prices_no_more_than_it_holds():
    price = VolumePrice((tier(100, "2", "10"),), beyond=BeyondLast.UNBILLED)

    assert charge_changes(price, changes(("200", "150"))).exact == 160  # 75 of the 150 are within the tier
    assert charge_changes(price, changes(("50", "25"))).exact == 60


@pytest.mark.parametrize(
    ("entry", "total"),
    [
        # getlago/lago-api spec/services/charge_models/prorated_graduated_service_spec.rb, volume_service_spec.rb
        ({"changes": [{"units": "5", "prorated": "2"}, {"units": "-100", "prorated": "-33.33"}]}, "0.00"),
        ({"changes": [{"units": "5", "prorated": "2"}, {"units": "-4", "prorated": "-1"}]}, "110.00"),
        ({"quantity": "-5"}, "0.00"),
    ],
)
def test_below_zero_nothing_may_be_owed_and_nothing_come_back(entry, total):
    tiers = [{"up_to": 5, "unit": "10", "flat": "100"}, {"unit": "5", "flat": "50"}]
    policies = {"below_zero": "NOTHING", "placement": "BY_RUNNING_UNITS"}
    question = a_question(an_entry({"model": "GRADUATED", "tiers": tiers}, policies=policies, **entry))

    found = answer(question)

    assert found.total.amount == total
    assert "below_zero=NOTHING" in found.lines[0].explanation.policy


def test_a_unit_price_has_no_tiers_to_place():
    assert charge_changes(UnitPrice(Fraction(3)), changes(("2", "1"), ("-1", "-0.5"))).exact == Fraction(3, 2)


def test_refuses_fewer_units_than_none():
    with pytest.raises(InvalidPrice, match="the units fall to -1; the bound is 0"):
        charge_changes(UnitPrice(Fraction(1)), changes(("1", "1"), ("-2", "-1")))


@given(units=st.integers(1, 300), parts=st.lists(st.integers(1, 40), max_size=6))
def test_whole_changes_cost_what_their_sum_costs(units, parts):
    price = GraduatedPrice(THREE)
    moves = changes(*((str(part), str(part)) for part in (units, *parts)))

    assert charge_changes(price, moves).exact == charge(price, units + sum(parts)).exact


@given(first=st.integers(1, 20), more=st.integers(1, 20), day=st.integers(1, 30))
def test_what_comes_and_goes_at_once_adds_only_flat_fees(first, more, day):
    share = Fraction(day, 31)
    price = GraduatedPrice((tier(5, "10"), tier(None, "5")))
    stay = changes((first, first))
    passing = (*stay, Change(Fraction(more), more * share), Change(Fraction(-more), -more * share))

    assert charge_changes(price, passing).exact == charge_changes(price, stay).exact


def test_seats_are_placed_as_they_came_and_went():
    # 4 from the start; 3 more on 15 October: one of them is the fifth, two are above; one of the first four goes
    item = an_item(
        Seats(),
        GraduatedPrice((tier(5, "31"), tier(None, "62"))),
        placement=Placement.BY_RUNNING_UNITS,
        proration=DayCount.ACTUAL_EXCLUSIVE,
    )
    seats = (
        *some_seats(3),
        a_seat("gone", "2026-10-01", "2026-10-25"),
        *some_seats(3, "2026-10-15", prefix="new"),
    )

    (line,) = draft(facts(a_plan(item), seats=seats)).lines

    # 4 × 31 + 17/31 × 31 + 2 × 17/31 × 62 − 7/31 × 62
    assert line.amount.amount == "195.00"
    assert "placement=BY_RUNNING_UNITS" in line.explanation.policy
