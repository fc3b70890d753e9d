"""What does a plan as a whole add to an invoice, or take off it?

When the lines are below the committed amount, a top-up to it; then the plan's discounts in their order. A discount is
one line, and every charge carries its share of it, by largest remainder, so that each is taxed at its own rate on
what is left of it.

>>> from billing.discounts import AmountDiscount
>>> coupon = AmountDiscount(Money(10_00, "EUR"), "coupon")
>>> fees = [Taxable(Money(minor, "EUR"), Fraction(20)) for minor in (100_00, 50_00, 30_00, 20_00)]
>>> found = made(fees, discounts=(coupon,), tax_percent=Fraction(20), currency="EUR", locale="en")
>>> [(line.key, str(line.amount)) for line in found.discounts], [part.amount.minor for part in found.taxables]
([('discount-1', '-10.00 EUR')], [9500, 4750, 2850, 1900])
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing import bounds, discounts
from billing.bounds import ONE, Adjustment
from billing.discounts import Discount
from billing.explanations import Explanation, Source, SourceKind, rounded
from billing.lines import Priced
from billing.money import Money, Rounding, apportion, total
from billing.taxes import Taxable
from billing.wording import Phrase, say


@dataclass(frozen=True, slots=True)
class Made:
    """The top-up and the discounts of the plan, and what is taxed: the charges given and then the top-up, each less
    its share of the discounts.
    """

    top_up: tuple[Priced, ...]
    discounts: tuple[Priced, ...]
    taxables: tuple[Taxable, ...]


def made(
    charges: Sequence[Taxable],
    *,
    tax_percent: Fraction,
    currency: str,
    locale: str,
    discounts: Sequence[Discount] = (),
    commitment: Money | None = None,
    prefix: str = "",
    share: Fraction = ONE,
) -> Made:
    """Return what the plan's commitment and discounts make of `charges`; the top-up is taxed at `tax_percent`.

    The keys of the lines begin with `prefix`, where two plans are on one invoice. A fixed discount is taken for the
    `share` of the month in which the plan was in force.
    """
    topped: list[Priced] = []
    taken_off: list[Priced] = []
    taxables = list(charges)
    subtotal = total([each.amount for each in charges], currency)
    if commitment is not None and subtotal < commitment:
        top_up = bounds.top_up(subtotal, commitment, Phrase.COMMITMENT)
        assert top_up is not None, "the subtotal is below the commitment"
        topped.append(_line(top_up, prefix, locale))
        taxables.append(Taxable(top_up.amount, tax_percent, top_up.exact))
        subtotal = commitment
    for place, taken in enumerate(_taken(discounts, subtotal, share), 1):
        discount = bounds.discount(taken, f"discount-{place}")
        taken_off.append(_line(discount, prefix, locale))
        taxables = _shared(taxables, discount.amount)
    return Made(tuple(topped), tuple(taken_off), tuple(taxables))


def _taken(given: Sequence[Discount], subtotal: Money, share: Fraction) -> tuple[discounts.Taken, ...]:
    return tuple(each for each in discounts.apply(given, subtotal, subtotal.exact, factor=share) if each.taken.minor)


def _shared(taxables: Sequence[Taxable], amount: Money) -> list[Taxable]:
    """Return the charges, each with its part of `amount`: in proportion to what it is, corrections included."""
    whole = sum(each.amount.minor for each in taxables)
    parts = apportion(amount.minor, [Fraction(amount.minor * each.amount.minor, whole) for each in taxables])
    return [
        Taxable(
            each.amount + Money(part, amount.currency),
            each.percent,
            None if each.exact is None else each.exact + Money(part, amount.currency).exact,
        )
        for each, part in zip(taxables, parts, strict=True)
    ]


def _line(adjustment: Adjustment, prefix: str, locale: str) -> Priced:
    is_discount = adjustment.phrase is Phrase.DISCOUNT
    name = adjustment.name or say(locale, Phrase.DISCOUNT_NAME)
    words = name if is_discount else say(locale, adjustment.phrase)
    explanation = Explanation(
        adjustment.formula,
        (adjustment.policy,),
        adjustment.steps,
        "plan",
        rounded(adjustment.exact, adjustment.amount, Rounding.HALF_AWAY),
        (Source(SourceKind.PLAN, 1, (("plan", adjustment.suffix),)),),
    )
    unit = "discount" if is_discount else "bound"
    key = f"{prefix}{adjustment.suffix}"
    return Priced(key, adjustment.suffix, words, Fraction(1), unit, adjustment.amount, explanation, ())
