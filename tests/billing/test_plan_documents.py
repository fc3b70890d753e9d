"""Is a plan with every policy read back as it was written, and an old one as it was meant?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plans
from billing.commitments import Commitment, Shortfall
from billing.discounts import AmountDiscount, PercentageDiscount, UsageDiscount
from billing.money import Money
from billing.plans import (
    Aggregation,
    Capacity,
    DayCount,
    Decrease,
    Increase,
    InvalidPlan,
    Placement,
    Seats,
    Tax,
    TaxBase,
    TaxMode,
    TaxRounding,
    Usage,
    Window,
)
from billing.prices import (
    CapacityBand,
    CapacityPrice,
    GraduatedPrice,
    Tier,
    TierBound,
    TierMeasure,
    UnitPrice,
    VolumePrice,
)
from tests.billing.builders import an_item, graduated

DISCOUNTS = (
    UsageDiscount(Fraction("2.5")),
    PercentageDiscount(Fraction(10), "Partner"),
    AmountDiscount(Money(5_00, "USD")),
)
ITEMS = (
    an_item(Seats(), graduated((5, "1"), (None, "2")), key="placed", placement=Placement.BY_RUNNING_UNITS),
    an_item(Seats(), key="kept", increase=Increase.FULL, decrease=Decrease.KEEP_PEAK, proration=DayCount.FIXED_28),
    an_item(
        Usage("calls", Aggregation.MAX, Window.HOUR), key="hours", commitment=Commitment(Money(1, "USD"), Fraction(2))
    ),
    an_item(
        Capacity(("cores",)),
        CapacityPrice((CapacityBand({"cores": Fraction(4)}, Fraction(1)), CapacityBand(None, Fraction(2)))),
        key="bands",
    ),
    an_item(Usage("calls"), key="off", discounts=DISCOUNTS, tax_percent=Fraction("7.5")),
    an_item(
        Usage("calls"),
        VolumePrice((Tier(1000, Fraction(1), block=100),), TierBound.ROUNDED_UP, TierMeasure.BY_WIDTH),
        key="blocks",
        commitment=Commitment(Money(1, "USD"), shortfall=Shortfall.FORGIVEN),
    ),
)
TAX = Tax(TaxMode.EXCLUSIVE, Fraction(20), TaxBase.UNROUNDED, TaxRounding.LINE, "non-profit")
PLAN = plans.Plan("p", 1, {"en": "P"}, "USD", TAX, (), ITEMS, DISCOUNTS[1:], Money(99_00, "USD"))


def test_every_policy_is_written_and_read_back():
    assert plans.from_document(plans.to_document(PLAN)) == PLAN


def test_a_plan_written_before_a_policy_existed_means_what_it_meant():
    document = plans.to_document(PLAN)
    old = {
        key: value for key, value in document["items"][1].items() if key not in ("increase", "decrease", "discounts")
    }
    document |= {"items": [old], "tax": {"mode": "INCLUSIVE", "percent": "20"}}
    del document["discounts"], document["commitment"]

    plan = plans.from_document(document)

    assert (plan.items[0].increase, plan.items[0].decrease) == (Increase.PRORATE, Decrease.CREDIT)
    assert (plan.discounts, plan.commitment, plan.tax) == ((), None, Tax(TaxMode.INCLUSIVE, Fraction(20)))


@given(
    increase=st.sampled_from(Increase),
    decrease=st.sampled_from(Decrease),
    proration=st.sampled_from(DayCount),
    bound=st.sampled_from(TierBound),
    measure=st.sampled_from(TierMeasure),
)
def test_any_combination_of_policies_is_read_back(increase, decrease, proration, bound, measure):
    price = GraduatedPrice((Tier(5, Fraction(1)), Tier(None, Fraction(2))), bound, measure)
    item = an_item(Seats(), price, increase=increase, decrease=decrease, proration=proration)
    plan = plans.Plan("p", 1, {"en": "P"}, "USD", TAX, (), (item,))

    assert plans.from_document(plans.to_document(plan)) == plan


@pytest.mark.parametrize(
    ("currency", "items", "field"),
    [
        ("EUR", (ITEMS[2],), "items.0.commitment.amount"),
        ("EUR", (an_item(discounts=(DISCOUNTS[2],)),), "items.0.discounts.0.amount"),
        ("EUR", (an_item(Seats(), UnitPrice(Fraction(1)), maximum=Money(1, "USD")),), "items.0.maximum"),
    ],
)
def test_refuses_amounts_in_another_currency(currency, items, field):
    with pytest.raises(InvalidPlan) as refused:
        plans.Plan("p", 1, {"en": "P"}, currency, TAX, (), items)

    assert refused.value.field == field
