"""Does money that is given back stay within what was billed?"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credit_notes import Billed, CreditTooHigh, Note, capped, note, note_of_total
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
    by_total=st.booleans(),
)
def test_notes_that_give_back_the_whole_give_back_its_tax(subtotal, rate, cuts, by_total):
    invoice = Billed(usd(subtotal), usd((subtotal * rate + 50) // 100))
    whole, made = (invoice.total.minor, note_of_total) if by_total else (subtotal, note)
    bounds = [0, *sorted(min(cut, whole) for cut in cuts), whole]
    notes: list[Note] = []

    for low, high in pairwise(bounds):
        notes.append(made(invoice, notes, usd(high - low)))

    assert sum(each.tax.minor for each in notes) == invoice.tax.minor
    assert all(each.tax.minor >= 0 for each in notes)
    assert sum(each.total.minor for each in notes) == subtotal + invoice.tax.minor


@given(
    subtotal=st.integers(1, 500),
    rate=st.sampled_from((0, 1, 20, 100)),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=6),
)
def test_named_with_tax_or_without_no_note_takes_tax_back_and_the_last_one_gives_the_rest(subtotal, rate, steps):
    invoice = Billed(usd(subtotal), usd((subtotal * rate + 50) // 100))
    notes: list[Note] = []

    for by_total, wanted in steps:
        left = (invoice.total if by_total else invoice.subtotal) - sum(
            (each.total if by_total else each.subtotal for each in notes), usd(0)
        )
        made = note_of_total if by_total else note
        notes.append(made(invoice, notes, usd(max(0, min(wanted, left.minor)))))
    rest = invoice.total - sum((each.total for each in notes), usd(0))
    notes.append(note_of_total(invoice, notes, rest))

    assert all(0 <= each.tax.minor <= invoice.tax.minor for each in notes)
    assert sum((each.total for each in notes), usd(0)) == invoice.total
    assert sum((each.tax for each in notes), usd(0)) == invoice.tax
