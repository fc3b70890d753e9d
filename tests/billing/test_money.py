"""Does money add up?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.currencies import EXPONENTS, UnknownCurrency, exponent, minor_units
from billing.money import (
    NANOS_MAX,
    CurrencyMismatch,
    InvalidAmount,
    Money,
    Rounding,
    allocate,
    apportion,
    check_nanos,
    decimal_text,
    minor_amount,
    minor_to_nanos,
    nanos_amount,
    nanos_to_minor_exact,
    round_by,
    round_half_away,
    total,
)


@pytest.mark.parametrize(
    ("text", "currency", "minor", "amount"),
    [
        ("500", "JPY", 500, "500"),
        ("111200", "RUB", 111_200_00, "111200.00"),
        ("556000.00", "KZT", 556_000_00, "556000.00"),
        ("1.234", "KWD", 1_234, "1.234"),
        ("0.0005", "CLF", 5, "0.0005"),
        ("-0.05", "USD", -5, "-0.05"),
        ("1.500", "USD", 150, "1.50"),
        ("0", "USD", 0, "0.00"),
    ],
)
def test_reads_and_writes_exact_decimals(text, currency, minor, amount):
    money = Money.parse(text, currency)

    assert money == Money(minor, currency)
    assert money.amount == amount
    assert str(money) == f"{amount} {currency}"


@pytest.mark.parametrize(
    "text", [1.5, 1, None, "1e3", "NaN", "Infinity", "1.005", "", " 1", "1,5", "+1", "1.", "٣", "1" * 19, "1_000"]
)
def test_refuses_what_is_not_an_exact_amount(text):
    with pytest.raises(InvalidAmount):
        Money.parse(text, "USD")


def test_names_the_value_and_the_bound():
    with pytest.raises(InvalidAmount, match=r"'1\.005' has more decimals than the 2 of USD"):
        Money.parse("1.005", "USD")
    with pytest.raises(InvalidAmount, match="has 19 digits; the bound is 18"):
        Money.parse("1" * 19, "USD")
    with pytest.raises(InvalidAmount, match="beyond the bound of 9223372036854775807"):
        Money(2**63, "USD")
    with pytest.raises(InvalidAmount, match="not an integer"):
        Money(1.0, "USD")
    with pytest.raises(InvalidAmount, match="not an integer"):
        Money(True, "USD")


def test_never_mixes_currencies():
    one, other = Money(1, "USD"), Money(1, "EUR")

    for mixed in (
        lambda: one + other,
        lambda: one - other,
        lambda: one < other,
        lambda: one <= other,
        lambda: one > other,
        lambda: one >= other,
    ):
        with pytest.raises(CurrencyMismatch, match="USD and EUR"):
            mixed()
    assert one != other


def test_adds_compares_and_negates_in_one_currency():
    small, large = Money(1, "USD"), Money(2, "USD")

    assert small + large == Money(3, "USD")
    assert small - large == -small == Money(-1, "USD")
    assert small < large
    assert small <= large
    assert large > small
    assert large >= small
    assert total([small, large], "USD") == Money(3, "USD")
    assert total([], "USD") == Money.zero("USD")


@pytest.mark.parametrize(
    ("code", "decimals"),
    [("JPY", 0), ("ISK", 0), ("USD", 2), ("IRR", 2), ("KWD", 3), ("TND", 3), ("CLF", 4), ("UYW", 4)],
)
def test_knows_the_decimals_of_iso_4217(code, decimals):
    assert exponent(code) == decimals
    assert minor_units(code) == 10**decimals


@pytest.mark.parametrize("code", ["usd", "XAU", "HRK", "", "US"])
def test_refuses_an_unknown_currency(code):
    with pytest.raises(UnknownCurrency, match="not an active ISO 4217"):
        Money(0, code)


def test_holds_every_active_currency_once():
    assert len(EXPONENTS) == 165
    assert set(EXPONENTS.values()) == {0, 2, 3, 4}


@pytest.mark.parametrize(
    ("exact", "half_away", "half_even", "down", "up"),
    [
        ("5/2", 3, 2, 2, 3),
        ("-5/2", -3, -2, -2, -3),
        ("7/2", 4, 4, 3, 4),
        ("2025/2", 1013, 1012, 1012, 1013),
        ("9/4", 2, 2, 2, 3),
        ("-9/4", -2, -2, -2, -3),
        ("3", 3, 3, 3, 3),
        ("0", 0, 0, 0, 0),
    ],
)
def test_rounds_by_the_named_rule(exact, half_away, half_even, down, up):
    exact = Fraction(exact)

    assert round_half_away(exact) == half_away
    assert [round_by(exact, rule) for rule in Rounding] == [half_away, half_even, down, up]


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [
        (5, (1, 1, 1), (2, 2, 1)),
        (1, (100, 1), (1, 0)),
        (100, (1, 1, 1), (34, 33, 33)),
        (-100, (1, 1, 1), (-34, -33, -33)),
        (10, (0, 1, 0), (0, 10, 0)),
        (0, (0, 0), (0, 0)),
        (0, (), ()),
        (7, (Fraction(1, 3), Fraction(2, 3)), (2, 5)),
    ],
)
def test_splits_by_largest_remainder(whole, weights, parts):
    assert allocate(whole, weights) == parts
    assert Money(whole, "USD").allocate(weights) == tuple(Money(part, "USD") for part in parts)


def test_refuses_weights_that_split_nothing():
    with pytest.raises(InvalidAmount, match="all zero"):
        allocate(1, (0, 0))
    with pytest.raises(InvalidAmount, match="weight -1 is negative"):
        allocate(1, (2, -1))


def test_keeps_the_sign_of_exact_shares():
    assert apportion(1, (Fraction("1000.2"), Fraction("-999.6"))) == (1000, -999)


def test_converts_nanos_exactly():
    assert nanos_to_minor_exact(12_345_678, "USD") == Fraction("1.2345678")
    assert minor_to_nanos(1, "USD") == 10_000_000
    assert minor_to_nanos(1, "JPY") == 10**9
    assert minor_to_nanos(1, "CLF") == 100_000
    assert nanos_amount(12_400_000_000) == "12.4"
    assert nanos_amount(-18_000) == "-0.000018"
    assert nanos_amount(0) == "0"
    assert check_nanos(-NANOS_MAX) == -NANOS_MAX
    with pytest.raises(InvalidAmount, match="beyond the bound"):
        check_nanos(NANOS_MAX + 1)


amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


@given(whole=amounts, weights=weights)
def test_parts_sum_to_the_whole_and_none_is_a_unit_off(whole, weights):
    parts = allocate(whole, weights)

    assert sum(parts) == whole
    assert all(
        abs(part - Fraction(whole * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )


@given(
    nanos=st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=30),
    currency=st.sampled_from(("JPY", "USD", "KWD", "CLF")),
    rule=st.sampled_from(Rounding),
)
def test_rounded_sum_of_signed_shares_is_split_without_loss(nanos, currency, rule):
    exact = [nanos_to_minor_exact(each, currency) for each in nanos]
    whole = round_by(sum(exact, Fraction(0)), rule)

    parts = apportion(whole, exact)

    assert sum(parts) == whole
    assert all(abs(part - share) < 1 for part, share in zip(parts, exact, strict=True))


@given(minor=amounts, currency=st.sampled_from(("JPY", "USD", "KWD", "CLF")))
def test_what_is_written_reads_back(minor, currency):
    money = Money(minor, currency)

    assert Money.parse(money.amount, currency) == money
    assert nanos_to_minor_exact(minor_to_nanos(minor, currency), currency) == minor


@given(minor=amounts, decimals=st.integers(0, 4))
def test_minor_units_are_written_as_the_fraction_they_are(minor, decimals):
    assert minor_amount(minor, decimals) == decimal_text(Fraction(minor, 10**decimals), decimals)


@given(numerator=amounts, twos=st.integers(0, 6), fives=st.integers(0, 6))
def test_a_decimal_text_is_exact(numerator, twos, fives):
    exact = Fraction(numerator, 2**twos * 5**fives)

    assert Fraction(decimal_text(exact)) == exact
    assert "/" not in decimal_text(exact)
