"""Does the comparison accept what is equal, and only that?"""

from fractions import Fraction

import pytest

from billing.money import Money
from tests.conformance.comparing import Amount, Endless, difference, same

BILLED = Amount(Money.parse("16.14", "USD"), Fraction("16.142"))


@pytest.mark.parametrize(
    ("expected", "got", "equal"),
    [
        ("16.14", BILLED, True),
        ("16.142", BILLED, True),
        ("16.1", BILLED, False),
        ("16.143", BILLED, False),
        ("0.724137931", Fraction(21, 29), True),
        ("0.724137932", Fraction(21, 29), False),
        ("0.67", Fraction(2, 3), True),
        (0, Fraction(0), True),
        ("0", Fraction(1, 3), False),
        (419, 419, True),
        ([419, 629], [419, 629], True),
        ([419], [419, 629], False),
        (["a"], Endless(("a", "b")), True),
        (["a", "b", "c"], Endless(("a", "b")), False),
        ({"A": 50}, {"A": Fraction(50), "B": Fraction(1)}, True),
        ({"A": 50}, {"B": Fraction(50)}, False),
        ("rejected or recorded as late usage by policy", "rejected", True),
        ("granted", "denied", False),
        (None, None, True),
        (None, "tier", False),
        (True, True, True),
    ],
)
def test_figures_are_compared_at_the_digits_expected(expected, got, equal):
    assert same(expected, got) is equal


def test_a_difference_names_both_sides():
    found = difference({"amount": "10", "peak": 5, "error": "out of range"}, {"amount": BILLED, "error": "refused: 11"})

    assert found == "amount: expected '10' got 16.14 (of 16.142); peak: expected 5 got refused: 11"
