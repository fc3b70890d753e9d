"""What does a counted quantity cost, whichever way it was counted?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import lines
from billing.charges import Counted, EventAmounts, Peaks, Windows, charged, trimmed
from billing.commitments import Commitment, Shortfall, committed
from billing.discounts import UsageDiscount
from billing.money import Money
from billing.plans import Allowance, AllowanceRule, Capacity, Usage, Window
from billing.prices import (
    CapacityBand,
    CapacityPrice,
    GraduatedPrice,
    InvalidPrice,
    PackagePrice,
    PercentagePrice,
    Step,
    UnitPrice,
    VolumePrice,
    charge,
    tier,
)
from tests.billing.builders import an_item

CALLS = Usage("calls")
TEN = Money.parse("10.00", "USD")
HOURLY = Usage("calls", window=Window.HOUR)


def priced(item, quantity="0", **counted):
    made = lines.priced(
        item, Counted(Fraction(quantity), "call", (), **counted), key=item.key, currency="USD", locale="en"
    )
    return [(line.key, line.amount.amount, line.explanation.formula) for line in made]


def test_each_window_is_priced_by_itself():
    item = an_item(HOURLY, PackagePrice(100, Fraction(5)))
    windows = Windows((Fraction(50), Fraction(150), Fraction(200), Fraction(99)))

    assert priced(item, "499", detail=windows) == [
        ("item", "30.00", "1 × 5.00 + 2 × 5.00 + 2 × 5.00 + 1 × 5.00 = 30.00 USD")
    ]


@pytest.mark.parametrize(
    ("shortfall", "formula"),
    [
        (Shortfall.TRUE_UP, "2 × 2.00 + 1 × 6.00 + 1 × 10.00 + 6 × 2.00 = 32.00 USD"),
        (Shortfall.FORGIVEN, "2 × 2.00 + 1 × 10.00 + 6 × 2.00 = 26.00 USD"),
    ],
)
def test_a_commitment_holds_for_each_window(shortfall, formula):
    owed = Commitment(TEN, Fraction(2), shortfall)
    item = an_item(HOURLY, UnitPrice(Fraction(2)), commitment=owed)

    ((_, _, written),) = priced(item, "10", detail=Windows((Fraction(2), Fraction(8))))

    assert written == formula
    assert f"commitment={shortfall} 10.00 USD, above it × 2" in lines.policies(item)


@pytest.mark.parametrize(("spent", "owed"), [("0", "10"), ("10", "10"), ("12", "12")])
def test_without_a_factor_a_commitment_is_a_minimum(spent, owed):
    assert committed(charge(UnitPrice(Fraction(1)), Fraction(spent)), Commitment(TEN)).exact == Fraction(owed)


def test_a_commitment_holds_for_events_and_capacity_too():
    fees = an_item(CALLS, PercentagePrice(Fraction(1), Fraction(2)), commitment=Commitment(TEN))
    bands = an_item(Capacity(("cores",)), CapacityPrice((CapacityBand(None, Fraction(7)),)), commitment=Commitment(TEN))

    assert priced(fees, "100", detail=EventAmounts((Fraction(100),)))[0][1] == "10.00"
    assert priced(bands, "1", detail=Peaks((("cores", Fraction(4)),)))[0][1] == "10.00"


@pytest.mark.parametrize(("field", "wrong"), [("amount", {"amount": -TEN}), ("overage", {"overage": Fraction(1, 2)})])
def test_refuses_a_commitment_that_makes_no_sense(field, wrong):
    with pytest.raises(InvalidPrice, match=field):
        Commitment(**({"amount": TEN} | wrong))


def test_a_volume_price_that_falls_takes_back_what_was_billed():
    item = an_item(CALLS, VolumePrice((tier(10, "5"), tier(None, "1"))))

    assert priced(item, "5", before=Fraction(10)) == [("item", "-35.00", "15 × 1.00 + -10 × 5.00 = -35.00 USD")]


@pytest.mark.parametrize(
    ("maximum", "kept", "steps"),
    [("170", "10.00", ["-5", "-7"]), ("180", "20.00", ["-2"]), ("1000", "22.00", [])],
)
def test_a_maximum_trims_the_steps_in_order(maximum, kept, steps):
    tiers = (tier(5, "0", "100"), tier(10, "0", "50"), tier(15, "5"), tier(None, "1"))
    item = an_item(CALLS, GraduatedPrice(tiers), maximum=Money.parse(maximum, "USD"))
    counted = Counted(Fraction(10), "call", (), before=Fraction(12))

    made = lines.priced(item, counted, key="item", currency="USD", locale="en")

    assert sum(line.amount.minor for line in made) == Money.parse(kept, "USD").minor
    assert [str(step.amount) for line in made[1:] for step in line.explanation.steps] == steps


def test_what_was_over_the_maximum_before_adds_nothing():
    item = an_item(CALLS, UnitPrice(Fraction(1)), maximum=TEN)

    assert priced(item, "5", before=Fraction(20)) == [
        ("item", "5.00", "25 × 1.00 + -20 × 1.00 = 5.00 USD".replace("25 × 1.00 + -20 × 1.00", "5 × 1.00")),
        ("item/maximum", "-5.00", "10.00 − 25.00 = -15.00 USD; billed before: -10.00 USD"),
    ]


def test_a_minimum_billed_before_comes_back_when_it_is_reached():
    item = an_item(CALLS, UnitPrice(Fraction(1)), minimum=TEN)

    assert [amount for _, amount, _ in priced(item, "20", before=Fraction(4))] == ["20.00", "-6.00"]


@pytest.mark.parametrize("sizes", [(3, 4), (-3, 10)])
def test_steps_below_zero_are_not_trimmed_one_by_one(sizes):
    steps = tuple(Step(Fraction(1), Fraction(size), Fraction(0), Fraction(size)) for size in sizes)

    assert sum(step.amount for step in trimmed(steps, Fraction(2))) <= 0


def test_usage_discounts_come_before_the_allowance():
    item = an_item(
        CALLS,
        UnitPrice(Fraction(1)),
        discounts=(UsageDiscount(Fraction(10)),),
        allowance=Allowance(5, AllowanceRule.DEDUCT),
    )

    assert priced(item, "30") == [("item", "15.00", "30 − 15 free = 15; 15 × 1.00 = 15.00 USD")]
    assert priced(item, "12")[0][1] == "0.00"


@given(parts=st.lists(st.integers(0, 50), max_size=8))
def test_windows_of_a_unit_price_are_the_price_of_their_sum(parts):
    item = an_item(HOURLY, UnitPrice(Fraction("0.25")))
    windows = Windows(tuple(map(Fraction, parts)))

    by_window = charged(item, Counted(Fraction(sum(parts)), "call", (), detail=windows), "USD")

    assert by_window.exact == charge(item.price, sum(parts)).exact
