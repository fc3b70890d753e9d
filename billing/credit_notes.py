"""How much tax does a credit note give back, and how much may all of them give back?

A part of an invoice takes its part of the tax with it, whether the part is named without tax or with it. The tax of
each note is what the notes up to it should have given back, less what they did, so that notes which give back the
whole invoice give back the whole tax, to the last minor unit; and all of them together never give back more than was
billed.

>>> invoice = Billed(Money(769_00, "EUR"), Money(153_80, "EUR"))
>>> first = note(invoice, (), Money(726_86, "EUR"))
>>> second = note(invoice, (first,), Money(42_14, "EUR"))
>>> str(first.tax), str(second.tax), str(first.total + second.total)
('145.37 EUR', '8.43 EUR', '922.80 EUR')
>>> rest = note_of_total(invoice, (first,), Money(50_57, "EUR"))
>>> str(rest.subtotal), str(rest.tax)
('42.14 EUR', '8.43 EUR')
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing.money import Money, total


@dataclass(frozen=True, slots=True)
class Billed:
    """What an invoice billed: the subtotal without tax, and the tax on top of it or inside its prices."""

    subtotal: Money
    tax: Money

    @property
    def total(self) -> Money:
        """The subtotal and its tax."""
        return self.subtotal + self.tax


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


def note(invoice: Billed, before: Sequence[Note], wanted: Money) -> Note:
    """Return the note that gives back `wanted` of the invoice without tax, and its tax, after the notes before it."""
    credited = total([each.subtotal for each in before], wanted.currency)
    _check(wanted, invoice.subtotal - credited)
    return Note(wanted, _tax(invoice, before, Fraction((credited + wanted).minor, invoice.subtotal.minor or 1)))


def note_of_total(invoice: Billed, before: Sequence[Note], wanted: Money) -> Note:
    """Return the note that gives back `wanted` of the invoice, its tax within it, after the notes before it."""
    credited = total([each.total for each in before], wanted.currency)
    _check(wanted, invoice.total - credited)
    tax = _tax(invoice, before, Fraction((credited + wanted).minor, invoice.total.minor or 1))
    return Note(wanted - tax, tax)


def _check(wanted: Money, left: Money) -> None:
    if not 0 <= wanted.minor <= left.minor:
        raise CreditTooHigh(wanted, left)


def _tax(invoice: Billed, before: Sequence[Note], share: Fraction) -> Money:
    """Return the tax of the note up to which `share` of the invoice is given back; none comes back from a note."""
    given = total([each.tax for each in before], invoice.tax.currency)
    return max(Money.zero(given.currency), Money.rounded(invoice.tax.exact * share, given.currency) - given)


def capped(computed: Money, *, paid: Money, credited: Money) -> Money:
    """Return how much of a computed credit may be given: never more than was paid and not yet given back.

    >>> str(capped(Money(100, "USD"), paid=Money(200, "USD"), credited=Money(180, "USD")))
    '0.20 USD'
    """
    return max(Money.zero(paid.currency), min(computed, paid - credited))
