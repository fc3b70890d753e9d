"""Does a discount grow with the amount, and does a contract's take the place of the plan's?"""

from dataclasses import replace
from fractions import Fraction

import pytest

from billing import contracts, plans
from billing.contracts import InvalidContract, NegotiatedDiscounts
from billing.discounts import InvalidDiscount, PercentageDiscount, UsageDiscount, VolumeDiscount, VolumeTier, apply
from billing.invoices import draft
from billing.money import Money
from billing.plans import InvalidPlan
from tests.billing.builders import a_contract, a_fee, a_plan, amounts, facts


def usd(text):
    return Money.parse(text, "USD")


def volume(*tiers, name=None):
    return VolumeDiscount(tuple(VolumeTier(usd(bound), Fraction(percent)) for bound, percent in tiers), name)


GROWING = volume(("100.00", 10), ("200.00", 20))


@pytest.mark.parametrize(
    ("taken", "amount", "factor"),
    [
        ([], "99.99", 1),
        (["10.00"], "100.00", 1),
        (["20.00"], "199.99", 1),  # rounded: 19.999
        (["40.00"], "200.00", 1),
        (["20.00"], "100.00", Fraction(1, 2)),  # half of the interval reaches half of the bound
        (["-10.00"], "-100.00", 1),  # a correction gives its part back
    ],
)
def test_takes_the_percentage_of_the_highest_tier_that_is_reached(taken, amount, factor):
    money = usd(amount)

    found = apply((GROWING,), money, money.exact, factor=Fraction(factor))

    assert [each.taken.amount for each in found] == taken


def test_is_measured_on_what_the_discounts_before_it_leave():
    half = PercentageDiscount(Fraction(50))
    bill = draft(facts(a_plan(a_fee(discounts=(half, GROWING)))))

    assert amounts(bill) == [("fee", "310.00"), ("fee/discount-1", "-155.00"), ("fee/discount-2", "-15.50")]
    assert bill.lines[2].explanation.policy == ("discount=10 % from 100.00 USD",)


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: VolumeDiscount(()), "tiers"),
        (lambda: volume(("10.00", 1), ("10.00", 2)), "tiers.1.from_amount"),
        (lambda: volume(("-1.00", 1)), "from_amount"),
        (lambda: volume(("1.00", 101)), "percent"),
    ],
)
def test_refuses_what_is_no_volume(build, field):
    with pytest.raises(InvalidDiscount) as refused:
        build()

    assert refused.value.field == field


def test_a_plan_and_a_contract_write_it_and_read_it_back():
    plan = replace(a_plan(a_fee(discounts=(GROWING,))), discounts=(volume(("5.00", 1), name="Partner"),))
    contract = a_contract(
        commitment=usd("100.00"), discounts=(GROWING,), item_discounts=(NegotiatedDiscounts("fee", (GROWING,)),)
    )

    assert plans.from_document(plans.to_document(plan)) == plan
    assert contracts.from_document(contracts.to_document(contract)) == contract


def test_refuses_a_bound_in_another_currency():
    euros = VolumeDiscount((VolumeTier(Money.parse("1.00", "EUR"), Fraction(1)),))

    for build in (lambda: a_plan(a_fee(discounts=(euros,))), lambda: replace(a_plan(a_fee()), discounts=(euros,))):
        with pytest.raises(InvalidPlan, match=r"discounts.0.tiers.0.from_amount: 1.00 EUR is not in USD"):
            build()


def test_a_contract_takes_the_place_of_the_plan_s_terms_and_names_them():
    own = PercentageDiscount(Fraction(5), "list")
    plan = replace(a_plan(a_fee(discounts=(own,))), discounts=(own,), commitment=usd("1000.00"))
    contract = a_contract(
        commitment=usd("400.00"),
        discounts=(PercentageDiscount(Fraction(10)),),
        item_discounts=(NegotiatedDiscounts("fee", (PercentageDiscount(Fraction(50), "partner"),)),),
    )

    agreed = contracts.apply_prices(plan, contract)

    assert agreed.commitment == usd("400.00")
    assert [discount.name for discount in agreed.discounts] == [contract.number]
    assert [discount.name for discount in agreed.item("fee").discounts] == ["partner"]
    assert contracts.apply_prices(agreed, contract) == agreed
    assert contracts.apply_prices(plan, a_contract()) == plan


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"commitment": usd("-1.00")}, "commitment"),
        ({"commitment": Money.parse("1.00", "EUR")}, "commitment"),
        ({"discounts": (UsageDiscount(Fraction(1)),)}, "discounts.0.kind"),
        ({"item_discounts": (NegotiatedDiscounts("fee", ()),) * 2}, "item_discounts.1.item_key"),
    ],
)
def test_names_what_makes_no_terms_of_a_contract(change, field):
    with pytest.raises(InvalidContract) as refused:
        a_contract(**change)

    assert refused.value.field == field


def test_refuses_a_discount_on_what_the_plan_does_not_have():
    contract = replace(a_contract(), item_discounts=(NegotiatedDiscounts("seats", (GROWING,)),))

    with pytest.raises(InvalidPlan, match="'seats' has a negotiated discount and is not an item"):
        contracts.apply_prices(a_plan(a_fee()), contract)
