"""How much tax is owed, on what, and who owes none?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plans
from billing.invoices import draft
from billing.money import Money
from billing.plans import Tax, TaxBase, TaxMode, TaxRounding
from billing.taxes import InvalidTax, Taxable, assess
from tests.billing.builders import a_fee, a_plan, amounts, facts

CENT = Taxable(Money(1, "EUR"), Fraction(20), Fraction("0.006"))


@pytest.mark.parametrize(
    ("base", "rounding", "tax"),
    [
        (TaxBase.ROUNDED, TaxRounding.RATE, 1),  # 5 × 0.2 cents
        (TaxBase.ROUNDED, TaxRounding.LINE, 0),
        (TaxBase.UNROUNDED, TaxRounding.RATE, 1),  # 5 × 0.12 cents
        (TaxBase.UNROUNDED, TaxRounding.LINE, 0),
    ],
)
def test_the_base_and_the_rounding_are_named(base, rounding, tax):
    found = assess((CENT,) * 5, Tax(TaxMode.EXCLUSIVE, Fraction(20), base, rounding), "EUR")

    assert (found.on_top.minor, found.included.minor) == (tax, 0)
    assert sum(part.minor for part in found.parts) == tax


def test_an_unrounded_base_that_is_not_known_is_the_amount():
    tax = Tax(TaxMode.EXCLUSIVE, Fraction(20), TaxBase.UNROUNDED)

    assert assess((Taxable(Money(500, "EUR"), Fraction(20)),), tax, "EUR").on_top.minor == 100


@pytest.mark.parametrize("mode", list(TaxMode))
def test_who_is_exempt_owes_no_tax_and_the_invoice_says_why(mode):
    plan = a_plan(a_fee(), tax="20", mode=mode)

    bill = draft(facts(plan, tax_exemption="reverse charge"))

    assert (bill.tax.minor, bill.included_tax.minor, bill.exemption) == (0, 0, "reverse charge")
    assert amounts(bill) == [("fee", "310.00")]
    assert plan.tax.of(bill.subtotal).minor > 0


def test_nothing_has_no_tax():
    assert assess((), Tax(TaxMode.EXCLUSIVE, Fraction(20)), "EUR").rates == ()


@pytest.mark.parametrize("percent", [-1, 101])
def test_refuses_a_rate_that_is_none(percent):
    with pytest.raises(InvalidTax, match=f"tax.percent: {percent} is outside 0 to 100"):
        Tax(TaxMode.EXCLUSIVE, Fraction(percent))


def test_an_item_may_have_a_rate_of_its_own():
    plan = a_plan(a_fee(tax_percent=Fraction(0)), tax="20")

    assert draft(facts(plan)).tax.minor == 0
    assert [plan.tax_percent(key) for key in ("fee", "other")] == [0, 20]
    assert plans.from_document(plans.to_document(plan)) == plan


@given(
    amounts_=st.lists(st.tuples(st.integers(-(10**6), 10**6), st.sampled_from((0, 7, 20))), max_size=10),
    mode=st.sampled_from(TaxMode),
    rounding=st.sampled_from(TaxRounding),
)
def test_parts_and_rates_are_the_tax(amounts_, mode, rounding):
    taxables = tuple(Taxable(Money(minor, "USD"), Fraction(rate)) for minor, rate in amounts_)

    found = assess(taxables, Tax(mode, Fraction(20), rounding=rounding), "USD")

    owed = (found.on_top + found.included).minor
    assert owed == sum(part.minor for part in found.parts) == sum(rate.amount.minor for rate in found.rates)
    exact = sum(minor * Fraction(rate, 100 if mode is TaxMode.EXCLUSIVE else 100 + rate) for minor, rate in amounts_)
    assert abs(owed - exact) <= (Fraction(3, 2) if rounding is TaxRounding.RATE else Fraction(len(taxables), 2))
