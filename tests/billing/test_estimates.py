"""Does an estimate say what the invoice will say?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plans, prices
from billing.estimates import Ask, Tokens, estimate
from billing.invoices import draft
from billing.money import Money
from billing.plans import Tax, TaxMode
from billing.prices import QuoteRequired
from billing.rating import Direction
from tests.billing.builders import RUB_TIERS, a_plan, an_item, facts, some_seats, tokens, tracker

INCLUDED = Tax(TaxMode.INCLUSIVE, Fraction(20))


@pytest.mark.parametrize(
    ("users", "total"),
    [(0, "0.00"), (5, "0.00"), (6, "2640.00"), (270, "111200.00"), (500, "194000.00")],
)
def test_the_calculator_shows_the_tracker_s_prices(users, total):
    found = estimate((Ask(tracker().items[0], Fraction(users)),), currency="RUB", tax=INCLUDED)

    assert found.total == Money.parse(total, "RUB")


def test_above_the_price_list_it_answers_with_a_quote():
    item = tracker().items[0]

    found = estimate((Ask(item, Fraction(501)), Ask(item, Fraction(6))), currency="RUB", tax=INCLUDED)

    assert found.total == QuoteRequired(Fraction(501), 500)
    assert [line.amount.amount for line in found.lines] == ["2640.00"]


def test_estimates_tokens_seats_and_bands_together():
    million = 1_000_000
    band = prices.BandPrice((prices.Band(500, Fraction(900)),))
    asks = (
        Ask(tokens(), tokens=(Tokens("sonnet", Direction.INPUT, million), Tokens("sonnet", Direction.OUTPUT, million))),
        Ask(an_item(key="seats"), Fraction(10)),
        Ask(an_item(plans.ContractBand(), band, key="band"), Fraction(7)),
    )

    found = estimate(asks, currency="USD", tax=Tax(TaxMode.EXCLUSIVE, Fraction(10)), locale="ru")

    assert [line.amount.amount for line in found.lines] == ["3.00", "15.00", "400.00", "900.00"]
    assert (found.subtotal.amount, found.tax.amount, str(found.total)) == ("1318.00", "131.80", "1449.80 USD")


@given(users=st.integers(0, 520))
def test_an_estimate_is_the_invoice_of_a_whole_month(users):
    item = an_item(plans.PeakSeats(), RUB_TIERS, key="users", quote_above=500)
    bill = draft(facts(a_plan(item, currency="RUB"), seats=tuple(some_seats(users))))

    found = estimate((Ask(item, Fraction(users)),), currency="RUB", tax=Tax(TaxMode.EXCLUSIVE, Fraction(0)))

    assert [line.explanation.formula for line in found.lines] == [line.explanation.formula for line in bill.lines]
    assert (found.total == bill.total) if users <= 500 else (found.total == bill.quotes[0].required)
