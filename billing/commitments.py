"""What is owed when a customer committed to spend an amount?

Below the commitment the difference is owed too, or not, by a named policy; above it every further unit of money is
multiplied by the overage factor. A commitment holds for the whole interval, or for each window of an item priced by
the hour or the day.

>>> from billing.prices import UnitPrice, charge
>>> ten = Commitment(Money.parse("10.00", "USD"), Fraction(2))
>>> [str(committed(charge(UnitPrice(Fraction(2)), units), ten).exact) for units in (2, 5, 8)]
['10', '10', '22']
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from billing.money import Money, decimal_text
from billing.prices import Charge, InvalidPrice, Step, summed


class Shortfall(StrEnum):
    """What happens below the commitment."""

    TRUE_UP = "TRUE_UP"  # the difference is owed
    FORGIVEN = "FORGIVEN"  # only what was used is owed


@dataclass(frozen=True, slots=True)
class Commitment:
    """An amount to be spent; what is spent above it costs `overage` times its price."""

    amount: Money
    overage: Fraction = Fraction(1)
    shortfall: Shortfall = Shortfall.TRUE_UP

    def __post_init__(self) -> None:
        if self.amount.minor < 0:
            raise InvalidPrice("amount", f"{self.amount} is below 0")
        if not 1 <= self.overage <= 1000:
            raise InvalidPrice("overage", f"{decimal_text(self.overage)} is outside 1 to 1000")


def committed(found: Charge, commitment: Commitment) -> Charge:
    """Return what is owed for a charge under the commitment."""
    short = commitment.amount.exact - found.exact
    if short > 0:
        true_up = Step(Fraction(1), short, Fraction(0), short)
        return summed((*found.steps, true_up)) if commitment.shortfall is Shortfall.TRUE_UP else found
    if short == 0 or commitment.overage == 1:
        return found
    amount = commitment.amount.exact
    within = Step(Fraction(1), amount, Fraction(0), amount)
    return summed((within, Step(-short, commitment.overage, Fraction(0), -short * commitment.overage)))
