"""What is an amount, how is it rounded, and how is it split?

Billed money is an integer number of minor units; metered cost is an integer number of nanos, 10⁻⁹ of the major
unit. A sum is rounded once, half away from zero, where a line is made; whatever is split afterwards is split by
largest remainder, so the parts always add up to the whole. No float comes in and none goes out.

>>> Money.parse("111200", "RUB").amount
'111200.00'
>>> allocate(100, (1, 1, 1))
(34, 33, 33)
>>> round_half_away(Fraction(-5, 2))
-3
>>> Money(100, "USD") + Money(100, "EUR")
Traceback (most recent call last):
    ...
billing.money.CurrencyMismatch: USD and EUR cannot be added or compared
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Final, Self, assert_never

from billing.currencies import exponent, minor_units

NANOS_PER_MAJOR: Final = 10**9
NANOS_MAX: Final = 2**63 - 1
MINOR_MAX: Final = 2**63 - 1
DIGITS_MAX: Final = 18

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


class InvalidAmount(ValueError):
    """The text or number is not an exact amount within bounds; the message names both."""


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} cannot be added or compared")


class Rounding(StrEnum):
    """How an exact amount becomes whole minor units. The house rule is HALF_AWAY; an item may name another."""

    HALF_AWAY = "HALF_AWAY"  # 0.5 → 1, −0.5 → −1
    HALF_EVEN = "HALF_EVEN"  # 0.5 → 0, 1.5 → 2
    DOWN = "DOWN"  # towards zero
    UP = "UP"  # away from zero


@dataclass(frozen=True, slots=True)
class Money:
    """Minor units of one currency. Amounts of different currencies neither add nor compare."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)
        if type(self.minor) is not int:
            raise InvalidAmount(f"{self.minor!r} is not an integer number of minor units")
        if abs(self.minor) > MINOR_MAX:
            raise InvalidAmount(f"{self.minor} minor units are beyond the bound of {MINOR_MAX}")

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Return nothing, in `currency`."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """Return the amount written in `text`, a plain decimal with no more decimals than the currency has."""
        exact = parse_exact(text)
        scaled = exact * minor_units(currency)
        if scaled.denominator != 1:
            raise InvalidAmount(f"{text!r} has more decimals than the {exponent(currency)} of {currency}")
        return cls(scaled.numerator, currency)

    @classmethod
    def rounded(cls, exact: Fraction, currency: str, rounding: Rounding = Rounding.HALF_AWAY) -> Self:
        """Return `exact` major units rounded to whole minor units."""
        return cls(round_by(exact * minor_units(currency), rounding), currency)

    @property
    def amount(self) -> str:
        """The amount in major units as an exact decimal, with every decimal of the currency."""
        return minor_amount(self.minor, exponent(self.currency))

    @property
    def exact(self) -> Fraction:
        """The amount in major units."""
        return Fraction(self.minor, minor_units(self.currency))

    def allocate(self, weights: Sequence[int] | Sequence[Fraction]) -> "tuple[Money, ...]":
        """Return one part for each weight; the parts add up to this amount."""
        return tuple(Money(minor, self.currency) for minor in allocate(self.minor, weights))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.minor


def total(amounts: Sequence[Money], currency: str) -> Money:
    """Return the sum of `amounts`, which may be none."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result


def is_decimal(text: str) -> bool:
    """Return whether `text` is written as a plain decimal number, however many digits it has."""
    return _DECIMAL.fullmatch(text) is not None


def parse_exact(text: str) -> Fraction:
    """Return the number written in `text`: an optional minus, digits, and perhaps a point and digits."""
    if not isinstance(text, str):
        raise InvalidAmount(f"{text!r} is a {type(text).__name__}; an amount is written as a decimal text")
    if not is_decimal(text):
        raise InvalidAmount(f"{text[:40]!r} is not a plain decimal number")
    digits = sum(character.isdigit() for character in text)
    if digits > DIGITS_MAX:
        raise InvalidAmount(f"{text[:40]!r} has {digits} digits; the bound is {DIGITS_MAX}")
    return Fraction(text)


def round_half_away(exact: Fraction) -> int:
    """Return the nearest integer; a half goes away from zero."""
    magnitude = floor(abs(exact) + Fraction(1, 2))
    return magnitude if exact >= 0 else -magnitude


def round_by(exact: Fraction, rounding: Rounding) -> int:
    """Return `exact` as an integer, by the named rule."""
    match rounding:
        case Rounding.HALF_AWAY:
            return round_half_away(exact)
        case Rounding.HALF_EVEN:
            return round(exact)
        case Rounding.DOWN:
            return floor(exact) if exact >= 0 else ceil(exact)
        case Rounding.UP:
            return ceil(exact) if exact >= 0 else floor(exact)
        case _:
            assert_never(rounding)


def allocate(total: int, weights: Sequence[int] | Sequence[Fraction], *, keys: Sequence[str] = ()) -> tuple[int, ...]:
    """Return `total` in proportion to `weights`, by largest remainder; equal remainders go to the earlier part.

    With `keys`, one for each weight, equal remainders go to the lower key, so that the order given has no say:

    >>> allocate(5, (1, 1, 1), keys=("C", "A", "B"))
    (1, 2, 2)

    The parts add up to `total`, and none is a whole unit away from its exact share. A negative total is split
    like its opposite, so that a credit mirrors the charge it takes back.
    """
    whole = Fraction(sum(weights))
    if any(weight < 0 for weight in weights):
        raise InvalidAmount(f"weight {min(weights)} is negative; the bound is 0")
    if whole == 0:
        if total != 0:
            raise InvalidAmount(f"{total} cannot be split over {len(weights)} weights that are all zero")
        return (0,) * len(weights)
    if total < 0:
        return tuple(-part for part in allocate(-total, weights, keys=keys))
    return apportion(total, tuple(Fraction(total * weight) / whole for weight in weights), keys=keys)


def apportion(total: int, shares: Sequence[Fraction], *, keys: Sequence[str] = ()) -> tuple[int, ...]:
    """Return integers next to the exact `shares` that add up to `total`, which is their rounded sum.

    Unlike `allocate` this keeps the sign and size of every share, so a correction stays a correction: shares of
    +1000.2 and −999.6 give 1000 and −999 when the sum of 0.6 was rounded to 1.
    """
    parts = [floor(share) for share in shares]
    left = total - sum(parts)
    ranks = {index: rank for rank, index in enumerate(sorted(range(len(keys)), key=lambda index: keys[index]))}
    order = sorted(range(len(parts)), key=lambda index: (parts[index] - shares[index], ranks.get(index, index)))
    assert 0 <= left <= len(parts), f"{total} is not the rounded sum of shares {sum(shares)}"
    for index in order[:left]:
        parts[index] += 1
    return tuple(parts)


def nanos_to_minor_exact(nanos: int, currency: str) -> Fraction:
    """Return `nanos` in minor units of `currency`, not rounded."""
    return Fraction(nanos * minor_units(currency), NANOS_PER_MAJOR)


def minor_to_nanos(minor: int, currency: str) -> int:
    """Return `minor` units in nanos: exact, for no currency has more than nine decimals."""
    return minor * NANOS_PER_MAJOR // minor_units(currency)


def minor_amount(minor: int, decimals: int) -> str:
    """Return `minor` units of a currency with so many decimals in major units, with every decimal.

    >>> minor_amount(11_120_000, 2), minor_amount(-5, 2), minor_amount(7, 0), minor_amount(-1_234, 3)
    ('111200.00', '-0.05', '7', '-1.234')
    """
    if not decimals:
        return str(minor)
    digits = str(abs(minor)).rjust(decimals + 1, "0")
    return f"{'-' if minor < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def nanos_amount(nanos: int, decimals_min: int = 0) -> str:
    """Return `nanos` in major units as an exact decimal with at least `decimals_min` decimals, at most nine.

    >>> nanos_amount(1_500_000_000), nanos_amount(1_500_000_000, 2), nanos_amount(-7), nanos_amount(2_000_000_000)
    ('1.5', '1.50', '-0.000000007', '2')
    """
    major, rest = divmod(abs(nanos), NANOS_PER_MAJOR)
    decimals = f"{rest:09}".rstrip("0").ljust(decimals_min, "0")
    sign = "-" if nanos < 0 else ""
    return f"{sign}{major}.{decimals}" if decimals else f"{sign}{major}"


def check_nanos(nanos: int) -> int:
    """Return `nanos`, or raise when a row could not hold them."""
    if abs(nanos) > NANOS_MAX:
        raise InvalidAmount(f"{nanos} nanos are beyond the bound of {NANOS_MAX}")
    return nanos


def decimal_text(exact: Fraction, decimals_min: int = 0) -> str:
    """Return `exact` as a decimal with at least `decimals_min` decimals, or as a/b when no decimal is exact.

    >>> decimal_text(Fraction(1, 8)), decimal_text(Fraction(440), 2), decimal_text(Fraction(1, 3))
    ('0.125', '440.00', '1/3')
    """
    decimals = _decimals(exact.denominator)
    if decimals is None:
        return f"{exact.numerator}/{exact.denominator}"
    decimals = max(decimals, decimals_min)
    digits = str(abs(exact.numerator) * 10**decimals // exact.denominator).rjust(decimals + 1, "0")
    sign = "-" if exact < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else sign + digits


def _decimals(denominator: int) -> int | None:
    """Return how many decimals 1/denominator takes, or None when it has no last one."""
    twos = fives = 0
    while denominator % 2 == 0:
        denominator //= 2
        twos += 1
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    return max(twos, fives) if denominator == 1 else None
