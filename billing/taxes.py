"""How much tax is on an amount, or in it?

Exclusive tax comes on top of the prices; inclusive tax is already inside them and is only reported. Lines are grouped
by rate, and the tax of a rate is worked out once on their sum and rounded once; the part of each line comes from it
by largest remainder. Where the field disagrees on the base or the rounding, the convention is named on the tax.

>>> subtotal = Money.parse("120.00", "EUR")
>>> str(Tax(TaxMode.INCLUSIVE, Fraction(20)).of(subtotal)), str(Tax(TaxMode.EXCLUSIVE, Fraction(20)).of(subtotal))
('20.00 EUR', '24.00 EUR')
>>> cents = tuple(Taxable(Money(3, "EUR"), Fraction(20)) for _ in range(2))
>>> for rounding in TaxRounding:
...     print(rounding, assess(cents, Tax(TaxMode.EXCLUSIVE, Fraction(20), rounding=rounding), "EUR").on_top)
RATE 0.01 EUR
LINE 0.02 EUR
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from billing.currencies import minor_units
from billing.money import Money, apportion, round_half_away, total
from billing.reading import InvalidDocument

NOTHING = Fraction(0)


class InvalidTax(InvalidDocument):
    """A tax is out of its bounds; `field` is its dotted path."""


class TaxMode(StrEnum):
    """Whether prices already contain the tax."""

    EXCLUSIVE = "EXCLUSIVE"  # the tax is added to the subtotal
    INCLUSIVE = "INCLUSIVE"  # the tax is inside the subtotal and is only reported


class TaxBase(StrEnum):
    """What the tax is worked out on."""

    ROUNDED = "ROUNDED"  # the amounts of the lines
    UNROUNDED = "UNROUNDED"  # their exact amounts before rounding


class TaxRounding(StrEnum):
    """Where the tax is rounded."""

    RATE = "RATE"  # once for each rate, on the sum of its lines
    LINE = "LINE"  # on every line, then added up


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax on what a plan bills. `exemption` is the reason why this customer owes none: then nothing is added."""

    mode: TaxMode
    percent: Fraction
    base: TaxBase = TaxBase.ROUNDED
    rounding: TaxRounding = TaxRounding.RATE
    exemption: str | None = None

    def __post_init__(self) -> None:
        check_percent("tax.percent", self.percent)

    def of(self, subtotal: Money) -> Money:
        """Return the tax on, or inside, `subtotal`."""
        exact = self.exact(subtotal.exact, self.percent) * minor_units(subtotal.currency)
        return Money(round_half_away(exact), subtotal.currency)

    def exact(self, base: Fraction, percent: Fraction) -> Fraction:
        """Return the tax at `percent` on, or inside, `base`, not rounded."""
        if self.exemption is not None:
            return NOTHING
        match self.mode:
            case TaxMode.EXCLUSIVE:
                return base * percent / 100
            case TaxMode.INCLUSIVE:
                return base * percent / (100 + percent)
            case _:
                assert_never(self.mode)

    def split(self, subtotal: Money) -> tuple[Money, Money]:
        """Return the tax on top of `subtotal` and the tax inside it; one of them is nothing."""
        nothing = Money.zero(subtotal.currency)
        return (self.of(subtotal), nothing) if self.mode is TaxMode.EXCLUSIVE else (nothing, self.of(subtotal))


@dataclass(frozen=True, slots=True)
class Taxable:
    """An amount with its rate. `exact` is the amount before it was rounded; None where it was not."""

    amount: Money
    percent: Fraction
    exact: Fraction | None = None


@dataclass(frozen=True, slots=True)
class TaxLine:
    """The tax of one rate and what it was worked out on."""

    percent: Fraction
    base: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Assessed:
    """The tax on top of the amounts and inside them, by rate, and the part of each amount in the order given."""

    on_top: Money
    included: Money
    rates: tuple[TaxLine, ...]
    parts: tuple[Money, ...]


def check_percent(field: str, percent: Fraction) -> None:
    """Raise unless `percent` is a rate."""
    if not 0 <= percent <= 100:
        raise InvalidTax(field, f"{percent} is outside 0 to 100")


def exempted(tax: Tax, reason: str | None) -> Tax:
    """Return the tax as this customer owes it: none where there is a reason, which the invoice states."""
    return tax if reason is None else replace(tax, exemption=reason)


def assess(taxables: Sequence[Taxable], tax: Tax, currency: str) -> Assessed:
    """Return the tax of all amounts; the parts of the amounts add up to it."""
    parts = [Money.zero(currency)] * len(taxables)
    rates: list[TaxLine] = []
    for percent in sorted({each.percent for each in taxables}):
        of_rate = [index for index, each in enumerate(taxables) if each.percent == percent]
        exact = [_exact(taxables[index], tax) * minor_units(currency) for index in of_rate]
        for index, minor in zip(of_rate, _rounded(exact, tax.rounding), strict=True):
            parts[index] = Money(minor, currency)
        base = total([taxables[index].amount for index in of_rate], currency)
        rates.append(TaxLine(percent, base, total([parts[index] for index in of_rate], currency)))
    owed, nothing = total(parts, currency), Money.zero(currency)
    on_top, included = (owed, nothing) if tax.mode is TaxMode.EXCLUSIVE else (nothing, owed)
    return Assessed(on_top, included, tuple(rates), tuple(parts))


def _exact(taxable: Taxable, tax: Tax) -> Fraction:
    if tax.base is TaxBase.UNROUNDED and taxable.exact is not None:
        return tax.exact(taxable.exact, taxable.percent)
    return tax.exact(taxable.amount.exact, taxable.percent)


def _rounded(exact: Sequence[Fraction], rounding: TaxRounding) -> tuple[int, ...]:
    match rounding:
        case TaxRounding.RATE:
            return apportion(round_half_away(sum(exact, NOTHING)), exact)
        case TaxRounding.LINE:
            return tuple(round_half_away(each) for each in exact)
        case _:
            assert_never(rounding)
