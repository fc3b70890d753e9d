"""Does money that is given back stay within what was billed?"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credit_notes import Billed, CreditTooHigh, Note, capped, note
from billing.money import Money


def usd(minor):
    return Money(minor, "USD")


INVOICE = Billed(usd(769_00), usd(153_80))


@pytest.mark.parametrize(
    ("computed", "paid", "credited", "credit"), [(100, 200, 180, 20), (50, 100, 0, 50), (5, 1, 2, 0)]
)
def test_credits_of_a_period_never_exceed_what_was_paid(computed, paid, credited, credit):
    assert capped(usd(computed), paid=usd(paid), credited=usd(credited)) == usd(credit)


@pytest.mark.parametrize("minor", [769_01, -1])
def test_refuses_to_give_back_more_than_is_left(minor):
    with pytest.raises(CreditTooHigh, match=r"above the 769\.00 USD that is left"):
        note(INVOICE, (), usd(minor))


def test_of_nothing_nothing_comes_back():
    assert note(Billed(usd(0), usd(0)), (), usd(0)).total == usd(0)


@given(
    subtotal=st.integers(1, 10**7),
    rate=st.sampled_from((0, 7, 19, 20)),
    cuts=st.lists(st.integers(0, 10**7), max_size=6),
)
def test_notes_that_give_back_the_whole_give_back_its_tax(subtotal, rate, cuts):
    invoice = Billed(usd(subtotal), usd((subtotal * rate + 50) // 100))
    bounds = [0, *sorted(min(cut, subtotal) for cut in cuts), subtotal]
    notes: list[Note] = []

    for low, high in pairwise(bounds):
        notes.append(note(invoice, notes, usd(high - low)))

    assert sum(each.tax.minor for each in notes) == invoice.tax.minor
    assert all(each.tax.minor >= 0 for each in notes)
    assert sum(each.total.minor for each in notes) == subtotal + invoice.tax.minor
