"""How much tax does a credit note give back, and how much may all of them give back?

A part of an invoice takes its part of the tax with it. The tax of each note is what the notes up to it should have
given back, less what they did, so that notes which give back the whole subtotal give back the whole tax, to the last
minor unit; and all of them together never give back more than was billed.

>>> invoice = Billed(Money(769_00, "EUR"), Money(153_80, "EUR"))
>>> first = note(invoice, (), Money(726_86, "EUR"))
>>> second = note(invoice, (first,), Money(42_14, "EUR"))
>>> str(first.tax), str(second.tax), str(first.total + second.total)
('145.37 EUR', '8.43 EUR', '922.80 EUR')
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing.money import Money, total


@dataclass(frozen=True, slots=True)
class Billed:
    """What an invoice billed: the subtotal and the tax on top of it."""

    subtotal: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Note:
    """What one credit note gives back."""

    subtotal: Money
    tax: Money

    @property
    def total(self) -> Money:
        """The subtotal and its tax."""
        return self.subtotal + self.tax


class CreditTooHigh(ValueError):
    """The notes would give back more than was billed; the message names both."""

    def __init__(self, wanted: Money, left: Money) -> None:
        super().__init__(f"a credit of {wanted} is above the {left} that is left of the invoice")
        self.wanted, self.left = wanted, left


def note(invoice: Billed, before: Sequence[Note], subtotal: Money) -> Note:
    """Return the note that gives back `subtotal` of the invoice, after the notes before it."""
    currency = invoice.subtotal.currency
    credited = total([each.subtotal for each in before], currency)
    left = invoice.subtotal - credited
    if not 0 <= subtotal.minor <= left.minor:
        raise CreditTooHigh(subtotal, left)
    share = Fraction((credited + subtotal).minor, invoice.subtotal.minor or 1)
    tax = Money.rounded(invoice.tax.exact * share, currency)
    return Note(subtotal, tax - total([each.tax for each in before], currency))


def capped(computed: Money, *, paid: Money, credited: Money) -> Money:
    """Return how much of a computed credit may be given: never more than was paid and not yet given back.

    >>> str(capped(Money(100, "USD"), paid=Money(200, "USD"), credited=Money(180, "USD")))
    '0.20 USD'
    """
    return max(Money.zero(paid.currency), min(computed, paid - credited))
