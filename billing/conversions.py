"""In which units is a metered quantity priced?

A meter counts tokens and the price is for a million of them, or for each started one; storage is metered in bytes and
billed in gigabytes. The metered quantity is multiplied, divided and then rounded, and only then do usage discounts,
the free allowance and the tiers see it. (OpenMeter's unit config, Stripe's transform quantity, the rounding of a
billable metric at Lago.)

>>> started_million = Conversion(divide_by=Fraction(1_000_000), rounding=Rounding.UP)
>>> str(started_million.converted(Fraction(7_500_001)))
'8'
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from billing.money import Rounding, decimal_text, round_by
from billing.prices import InvalidPrice

FACTOR_MAX: Final = 10**18
DECIMALS_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Conversion:
    """Metered quantity × `multiply_by` ÷ `divide_by`, rounded to `decimals` where there is a rounding."""

    multiply_by: Fraction = Fraction(1)
    divide_by: Fraction = Fraction(1)
    rounding: Rounding | None = None
    decimals: int = 0

    def __post_init__(self) -> None:
        for field in ("multiply_by", "divide_by"):
            factor = getattr(self, field)
            if not 0 < factor <= FACTOR_MAX:
                raise InvalidPrice(field, f"{decimal_text(factor)} must be above 0 and at most {FACTOR_MAX}")
        if not 0 <= self.decimals <= DECIMALS_MAX:
            raise InvalidPrice("decimals", f"{self.decimals} is outside 0 to {DECIMALS_MAX}")
        if self.decimals and self.rounding is None:
            raise InvalidPrice("decimals", f"{self.decimals} given, but nothing is rounded; give a rounding")

    def converted(self, quantity: Fraction) -> Fraction:
        """Return the quantity that is priced."""
        exact = quantity * self.multiply_by / self.divide_by
        if self.rounding is None:
            return exact
        scale = 10**self.decimals
        return Fraction(round_by(exact * scale, self.rounding), scale)

    @property
    def formula(self) -> str:
        """What is done to the quantity, as a person would write it down."""
        terms = [f" × {decimal_text(self.multiply_by)}"] if self.multiply_by != 1 else []
        terms += [f" ÷ {decimal_text(self.divide_by)}"] if self.divide_by != 1 else []
        return "".join(terms)
