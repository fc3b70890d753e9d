"""What is taken off, in which order, and what is left to tax?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import discounts, plans
from billing.discounts import AmountDiscount, InvalidDiscount, PercentageDiscount, UsageDiscount, apply
from billing.estimates import Ask, estimate
from billing.invoices import draft
from billing.money import Money
from billing.plans import InvalidPlan, Tax, TaxMode, Timing
from tests.billing.builders import a_fee, a_plan, a_seat, a_total, amounts, an_item, at, facts, in_advance, tokens
from tests.billing.test_invoice_laws import totals

NO_TAX = Tax(TaxMode.EXCLUSIVE, Fraction(0))


def percent(number, name=None):
    return PercentageDiscount(Fraction(number), name)


def off(amount, currency="USD", name=None):
    return AmountDiscount(Money.parse(amount, currency), name)


@pytest.mark.parametrize(
    ("given_", "lines"),
    [
        ((percent(10), off("31.00")), [("fee", "310.00"), ("fee/discount-1", "-31.00"), ("fee/discount-2", "-31.00")]),
        ((off("31.00"), percent(10)), [("fee", "310.00"), ("fee/discount-1", "-31.00"), ("fee/discount-2", "-27.90")]),
        ((off("500.00"), off("1.00")), [("fee", "310.00"), ("fee/discount-1", "-310.00")]),
        ((percent(100),), [("fee", "310.00"), ("fee/discount-1", "-310.00")]),
        ((percent(0),), [("fee", "310.00")]),
    ],
)
def test_discounts_are_taken_in_the_order_in_which_they_are_written(given_, lines):
    bill = draft(facts(a_plan(a_fee(discounts=given_))))

    assert amounts(bill) == lines
    assert sum(line.amount.minor for line in bill.lines) == bill.total.minor >= 0


def test_a_discount_says_what_it_is():
    plan = a_plan(a_fee(discounts=(percent(10, "Partner"), off("1.00"))))

    _, first, second = draft(facts(plan, locale="ru")).lines

    assert (first.description, first.explanation.formula) == ("fee по-русски: Partner", "10 % of 310.00 = 31.00 USD")
    assert (second.description, second.explanation.formula) == ("fee по-русски: скидка", "1.00 USD off 279.00")
    assert (first.explanation.policy, second.explanation.policy) == (("discount=10 %",), ("discount=1.00 USD",))


def test_a_minimum_holds_after_discounts():
    bill = draft(facts(a_plan(a_fee(discounts=(percent(50),), minimum=Money.parse("200.00", "USD")))))

    assert amounts(bill) == [("fee", "310.00"), ("fee/discount-1", "-155.00"), ("fee/minimum", "45.00")]


def test_a_fixed_discount_of_the_first_month_is_owed_for_the_days_left():
    bill = draft(facts(a_plan(a_fee(discounts=(off("31.00"),))), service_start=at("2026-10-15")))

    assert amounts(bill) == [("fee", "170.00"), ("fee/discount-1", "-17.00")]


def test_rated_usage_is_discounted_as_a_whole():
    plan = a_plan(tokens(discounts=(percent(50),)))
    used = (a_total("ann", cost_nanos=10**9), a_total("bob", "opus", cost_nanos=10**9))

    assert amounts(draft(facts(plan, usage=used)))[-1] == ("tokens/discount-1", "-1.00")


def test_what_changed_in_advance_is_discounted_as_it_was_billed():
    plan = a_plan(in_advance(discounts=(percent(25),)))
    held = (a_seat("ann", "2026-01-01"), a_seat("new", "2026-10-15"))

    bill = draft(facts(plan, seats=held))

    # 30 for ann, and of the 30 for the new seat 17/31
    assert amounts(bill) == [
        ("seats/changes", "16.46"),
        ("seats/advance", "80.00"),
        ("seats/advance/discount-1", "-20.00"),
    ]


@pytest.mark.parametrize(("currency", "amount", "taken"), [("JPY", "999.9", "100"), ("USD", "10.45", "1.05")])
def test_a_percentage_is_of_the_exact_amount(currency, amount, taken):
    exact = Fraction(amount)

    (found,) = apply((percent(10),), Money.rounded(exact, currency), exact)

    assert found.taken.amount == taken


def test_a_correction_gives_its_part_of_a_percentage_back_and_no_amount():
    found = apply((percent(10), off("1.00"), UsageDiscount(Fraction(1))), Money(-100_00, "USD"), Fraction(-100))

    assert [each.taken.amount for each in found] == ["-10.00", "0.00"]


def test_units_taken_off_are_never_more_than_there_are():
    two = (UsageDiscount(Fraction(10)), UsageDiscount(Fraction(5)))

    assert [discounts.priced_quantity(two, Fraction(n)) for n in (0, 12, 20, -3)] == [0, 0, 5, -3]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: percent(101), "percent: 101 is outside 0 to 100"),
        (lambda: off("-0.01"), "amount: -0.01 USD is below 0"),
        (lambda: UsageDiscount(Fraction(-1)), "quantity: -1 is below 0"),
    ],
)
def test_refuses_a_discount_that_makes_no_sense(build, message):
    with pytest.raises(InvalidDiscount) as refused:
        build()

    assert str(refused.value) == message


def test_a_discount_of_the_plan_is_one_line_that_every_charge_shares():
    # getlago/lago-api taxes_on_invoice_spec.rb
    rates = ((10_000, 10), (5_000, 0), (3_000, 20), (2_000, 20))
    items = tuple(
        an_item(a_fee().quantity, plans_price(minor), key=f"fee-{place}", tax_percent=Fraction(rate))
        for place, (minor, rate) in enumerate(rates)
    )
    plan = plans.Plan("p", 1, {"en": "P"}, "USD", NO_TAX, (), items, (off("10.00", name="coupon"),))

    bill = draft(facts(plan))

    assert amounts(bill)[-1] == ("discount-1", "-10.00")
    assert [tax.minor for tax in bill.line_taxes] == [950, 0, 570, 380]
    assert [(str(rate.percent), rate.base.minor, rate.amount.minor) for rate in bill.tax_rates] == [
        ("0", 4750, 0),
        ("10", 9500, 950),
        ("20", 4750, 950),
    ]
    assert (bill.subtotal.minor, bill.tax.minor, bill.total.minor) == (19_000, 1_900, 20_900)


def plans_price(minor):
    return a_fee().price.__class__(Fraction(minor, 100))


@pytest.mark.parametrize(
    ("committed", "service_start", "lines"),
    [
        ("500.00", "2026-01-01", [("fee", "310.00"), ("commitment", "190.00"), ("discount-1", "-50.00")]),
        ("300.00", "2026-01-01", [("fee", "310.00"), ("discount-1", "-31.00")]),
        ("620.00", "2026-10-15", [("fee", "170.00"), ("commitment", "170.00"), ("discount-1", "-34.00")]),
    ],
)
def test_a_committed_amount_is_topped_up_before_the_plan_s_discounts(committed, service_start, lines):
    plan = plans.Plan("p", 1, {"en": "P"}, "USD", NO_TAX, (), (a_fee(),), (percent(10),), Money.parse(committed, "USD"))

    bill = draft(facts(plan, service_start=at(service_start)))

    assert amounts(bill) == lines


def test_a_plan_that_begins_has_its_own_discounts():
    old = plans.Plan(
        "old", 1, {"en": "Old"}, "USD", NO_TAX, (), (a_fee(),), (percent(10),), Money.parse("500.00", "USD")
    )
    new = plans.Plan("new", 1, {"en": "New"}, "USD", NO_TAX, (), (a_fee(timing=Timing.ADVANCE),), (off("5.00"),))

    bill = draft(facts(old, next_plan=new))

    assert amounts(bill) == [
        ("fee", "310.00"),
        ("commitment", "190.00"),
        ("fee/advance", "310.00"),
        ("discount-1", "-50.00"),
        ("next/discount-1", "-5.00"),
    ]
    assert len(bill.line_taxes) == 3


def test_a_commitment_is_not_owed_when_the_service_only_opens():
    fee = a_fee(timing=Timing.ADVANCE)
    plan = plans.Plan("p", 1, {"en": "P"}, "USD", NO_TAX, (), (fee,), (), Money.parse("500.00", "USD"))

    bill = draft(facts(plan, boundary="OPENING", service_start=at("2026-11-01")))

    assert amounts(bill) == [("fee/advance", "310.00")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"discounts": (UsageDiscount(Fraction(1)),)}, "discounts.0"),
        ({"discounts": (off("1", "EUR"),)}, "discounts.0.amount"),
        ({"commitment": Money(1, "EUR")}, "commitment"),
    ],
)
def test_refuses_a_plan_whose_discounts_could_not_be_billed(change, field):
    with pytest.raises(InvalidPlan) as refused:
        plans.Plan("p", 1, {"en": "P"}, "USD", NO_TAX, (), (), **change)

    assert refused.value.field == field


@pytest.mark.parametrize("kept", [tokens, lambda **more: an_item(plans.Usage("m", window=plans.Window.DAY), **more)])
def test_refuses_units_off_what_is_priced_by_the_event(kept):
    with pytest.raises(InvalidPlan, match=r"discounts\.0"):
        kept(discounts=(UsageDiscount(Fraction(1)),))


some_discounts = st.lists(
    st.one_of(
        st.integers(0, 100).map(percent), st.integers(0, 10**6).map(lambda minor: AmountDiscount(Money(minor, "USD")))
    ),
    max_size=4,
).map(tuple)


@given(taken=some_discounts, of_plan=some_discounts, used=totals, rate=st.sampled_from(("0", "7.25", "20")))
def test_lines_are_the_subtotal_and_the_taxes_of_lines_are_the_tax(taken, of_plan, used, rate):
    items = (a_fee(discounts=taken), tokens(discounts=taken, tax_percent=Fraction(5)))
    plan = plans.Plan("p", 1, {"en": "P"}, "USD", Tax(TaxMode.EXCLUSIVE, Fraction(rate)), (), items, of_plan)

    bill = draft(facts(plan, usage=tuple(used)))

    assert sum(line.amount.minor for line in bill.lines) == bill.subtotal.minor
    assert (
        sum(tax.minor for tax in bill.line_taxes) == bill.tax.minor == sum(each.amount.minor for each in bill.tax_rates)
    )
    assert sum(each.base.minor for each in bill.tax_rates) == bill.subtotal.minor
    assert bill.total == bill.subtotal + bill.tax


@given(taken=some_discounts, credit=st.integers(0, 10**7))
def test_subtotal_and_tax_less_credit_are_what_is_due(taken, credit):
    tax = Tax(TaxMode.EXCLUSIVE, Fraction(20))

    found = estimate(
        (Ask(a_fee(), Fraction(1)),), currency="USD", tax=tax, discounts=taken, credit=Money(credit, "USD")
    )

    assert found.subtotal + found.tax - found.credit == found.due
    assert 0 <= found.due.minor <= found.total.minor
