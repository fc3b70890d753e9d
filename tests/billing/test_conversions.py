"""Is usage priced in the units the price is for, and does the line say how they came about?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plans
from billing.conversions import Conversion
from billing.estimate_documents import answer
from billing.money import Rounding
from billing.plan_items import BelowZero, Cycle, InvalidPlan
from billing.plans import Tax, TaxMode, from_document, to_document
from billing.prices import InvalidPrice, UnitPrice
from tests.billing.test_estimate_documents import USAGE, a_question, an_entry

TWO = {"model": "GRADUATED", "tiers": [{"up_to": 5, "unit": "10"}, {"unit": "8"}]}
UNIT = {"model": "UNIT", "unit": "10"}
MILLIONS = {"divide_by": "1000000", "rounding": "UP"}


def asked(conversion, *, price=UNIT, quantity="1500001", **more):
    return answer(a_question(an_entry(price, counted={**USAGE, "conversion": conversion}, quantity=quantity, **more)))


@pytest.mark.parametrize(
    ("conversion", "price", "quantity", "total", "formula"),
    [
        # openmeterio/openmeter openmeter/billing/rating/service/rate/unit_test.go, tieredgraduated_test.go
        (MILLIONS, UNIT, "1500001", "20.00", "1500001 ÷ 1000000 = 1.500001 → 2; 2 × 10.00 = 20.00 USD"),
        ({"multiply_by": "1.2"}, {"model": "UNIT", "unit": "1"}, "100", "120.00", "100 × 1.2 = 120; 120 × 1.00"),
        ({"divide_by": "1000", "rounding": "DOWN"}, {"model": "UNIT", "unit": "5"}, "1999", "5.00", "= 1.999 → 1;"),
        (MILLIONS, TWO, "7500001", "74.00", "= 7.500001 → 8; 5 × 10.00 + 3 × 8.00 = 74.00 USD"),
        ({"rounding": "HALF_AWAY", "decimals": 1}, UNIT, "1.25", "13.00", "1.25 = 1.25 → 1.3; 1.3 × 10.00"),
    ],
)
def test_is_priced_in_the_units_of_the_price(conversion, price, quantity, total, formula):
    found = asked(conversion, price=price, quantity=quantity)

    assert found.total.amount == total
    assert formula in found.lines[0].explanation.formula
    assert any(policy.startswith("conversion=") for policy in found.lines[0].explanation.policy)


def test_what_is_free_is_counted_in_the_units_of_the_price():
    free = {"allowance": {"quantity": 2, "rule": "DEDUCT"}}

    some, all_of_it = (asked(MILLIONS, quantity=quantity, policies=free) for quantity in ("2500000", "1500000"))

    assert some.total.amount == "10.00"
    assert some.lines[0].explanation.formula.endswith("3 − 2 free = 1; 1 × 10.00 = 10.00 USD")
    assert all_of_it.lines[0].explanation.formula == "1500000 ÷ 1000000 = 1.5 → 2; 2 of 2 free = 0.00 USD"


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), st.sampled_from(Rounding))
def test_parts_billed_one_after_the_other_are_the_bill_of_the_whole(parts, rounding):
    conversion = {"divide_by": "1000000", "rounding": rounding.value}

    billed, before = Fraction(0), 0
    for part in parts:
        found = asked(conversion, quantity=str(part), billed={"quantity": str(before)})
        billed += found.total.exact
        before += part

    assert billed == asked(conversion, quantity=str(before)).total.exact


@pytest.mark.parametrize(
    ("conversion", "message"),
    [
        ({"divide_by": "0"}, "divide_by: 0 must be above 0 and at most 1000000000000000000"),
        ({"multiply_by": "-1"}, "multiply_by: -1 must be above 0 and at most 1000000000000000000"),
        ({"decimals": 13, "rounding": "UP"}, "decimals: 13 is outside 0 to 12"),
        ({"decimals": 2}, "decimals: 2 given, but nothing is rounded; give a rounding"),
        ({"rounding": "MAYBE"}, "rounding: 'MAYBE' is none of HALF_AWAY, HALF_EVEN, DOWN, UP"),
        ({"per": "9"}, "per: unknown key; known are decimals, divide_by, multiply_by, rounding"),
    ],
)
def test_names_what_is_wrong_with_a_conversion(conversion, message):
    with pytest.raises(InvalidPlan) as refused:
        asked(conversion)

    assert str(refused.value) == f"items.0.item.quantity.conversion.{message}"


def test_what_is_priced_event_by_event_has_no_quantity_to_convert():
    fees = {"model": "PERCENTAGE", "percent": "1", "fixed": "2"}

    with pytest.raises(InvalidPlan, match=r"quantity\.conversion: what is priced event by event has no quantity"):
        answer(a_question(an_entry(fees, counted={**USAGE, "conversion": MILLIONS}, amounts=["1"])))


@pytest.mark.parametrize("conversion", [None, Conversion(Fraction(3), Fraction(7)), Conversion(rounding=Rounding.UP)])
def test_a_plan_remembers_it(conversion):
    counted = plans.Usage("calls", conversion=conversion)
    item = plans.PlanItem(
        "calls", {"en": "Calls"}, counted, UnitPrice(Fraction(1)), below_zero=BelowZero.NOTHING, cycle=Cycle.WITH_PLAN
    )
    plan = plans.Plan("p", 1, {"en": "P"}, "USD", Tax(TaxMode.EXCLUSIVE, Fraction(0)), (), (item,))

    assert from_document(to_document(plan)) == plan


def test_refuses_a_factor_that_is_no_number_of_units():
    with pytest.raises(InvalidPrice):
        Conversion(divide_by=Fraction(0))
