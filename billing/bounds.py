"""What is taken off an item's charge, and what keeps it within its bounds?

The discounts in their order first, then the maximum and the minimum, each owed for its share of the interval. Every
one is a figure of its own beside the charge, so a reader sees the price, what was taken off, and why.

>>> from billing.discounts import PercentageDiscount
>>> from billing.quantities import Flat
>>> from billing.prices import UnitPrice
>>> ten = PercentageDiscount(Fraction(10))
>>> least = Money(95_00, "EUR")
>>> fee = PlanItem("fee", {"en": "Fee"}, Flat(), UnitPrice(Fraction(100)), minimum=least, discounts=(ten,))
>>> for each in adjustments(fee, Money(100_00, "EUR"), Fraction(100), Fraction(1)):
...     print(each.suffix, each.formula)
discount-1 10 % of 100.00 = 10.00 EUR
minimum 95.00 − 90.00 = 5.00 EUR
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from billing import discounts
from billing.charges import trimmed
from billing.currencies import exponent
from billing.discounts import PercentageDiscount, Taken
from billing.money import Money, Rounding, decimal_text
from billing.plan_items import PlanItem
from billing.prices import Step
from billing.wording import Phrase

ONE: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount beside a charge. `name` is what a discount is called, where it has a name."""

    suffix: str
    phrase: Phrase
    amount: Money
    exact: Fraction
    formula: str
    policy: str
    steps: tuple[Step, ...]
    name: str | None = None


def net(item: PlanItem, amount: Money, exact: Fraction, factor: Fraction) -> Money:
    """Return what is owed for a charge of `amount`, which is `exact` rounded, after discounts and within bounds."""
    for each in adjustments(item, amount, exact, factor):
        amount += each.amount
    return amount


def adjustments(item: PlanItem, amount: Money, exact: Fraction, factor: Fraction) -> tuple[Adjustment, ...]:
    """Return what the discounts take off `amount`, and what the maximum or minimum makes of the rest."""
    taken = discounts.apply(item.discounts, amount, exact, factor=factor, rounding=item.rounding)
    found = tuple(discount(each, f"discount-{place}") for place, each in enumerate(taken, 1) if each.taken.minor)
    left = amount
    for each in found:
        left += each.amount
    limit = bound(item, left, factor)
    return found if limit is None else (*found, limit)


def on_top(now: Sequence[Adjustment], before: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    """Return what the adjustments of the whole add to those of the part that was billed before."""
    paid = {each.suffix: each for each in before}
    found = [_less(each, paid.pop(each.suffix, None)) for each in now]
    found += [_less(replace(each, amount=Money.zero(each.amount.currency)), each) for each in paid.values()]
    return tuple(each for each in found if each.amount.minor)


def discount(taken: Taken, suffix: str) -> Adjustment:
    """Return the figure for what one discount takes."""
    amount, of = -taken.taken, decimal_text(taken.base, exponent(taken.taken.currency))
    if isinstance(taken.discount, PercentageDiscount):
        percent = decimal_text(taken.discount.percent)
        formula, policy = f"{percent} % of {of} = {taken.taken}", f"discount={percent} %"
        policy += f" from {taken.tier.from_amount}" if taken.tier is not None else ""
    else:
        formula, policy = f"{taken.taken} off {of}", f"discount={taken.discount.amount}"
    step = Step(ONE, amount.exact, Fraction(0), amount.exact)
    return Adjustment(suffix, Phrase.DISCOUNT, amount, amount.exact, formula, policy, (step,), taken.discount.name)


def bound(item: PlanItem, amount: Money, factor: Fraction) -> Adjustment | None:
    """Return what a minimum adds to `amount` or a maximum takes away, each owed for `factor` of the interval."""
    low, high = (
        limit and Money.rounded(limit.exact * factor, amount.currency, item.rounding)
        for limit in (item.minimum, item.maximum)
    )
    kept = amount if low is None else max(amount, low)
    kept = kept if high is None else min(kept, high)
    return top_up(amount, kept, Phrase.MINIMUM if kept > amount else Phrase.MAXIMUM)


def top_up(amount: Money, kept: Money, phrase: Phrase) -> Adjustment | None:
    """Return the difference between two rounded amounts: what turns `amount` into `kept`, if it differs."""
    difference = kept - amount
    if not difference.minor:
        return None
    name, step = phrase.lower(), Step(ONE, difference.exact, Fraction(0), difference.exact)
    formula = f"{kept.amount} − {amount.amount} = {difference}"
    return Adjustment(name, phrase, difference, difference.exact, formula, f"{name}={kept}", (step,))


def by_step(adjustment: Adjustment, steps: Sequence[Step], billed: Fraction) -> Adjustment:
    """Return the reduction to a maximum shown on the steps of the charge it trims, in order, where it can be."""
    if adjustment.phrase is not Phrase.MAXIMUM or any(step.amount < 0 for step in steps):
        return adjustment
    off = trimmed(steps, billed + adjustment.exact)
    fits = sum((step.amount for step in off), Fraction(0)) == adjustment.exact
    return replace(adjustment, steps=off) if fits else adjustment


def rule(item: PlanItem, adjustment: Adjustment) -> Rounding | str:
    """Return how the adjustment was rounded: a discount by the item's rule, a bound as the difference of amounts."""
    return item.rounding if adjustment.phrase is Phrase.DISCOUNT else f"{item.rounding} of each amount"


def _less(each: Adjustment, paid: Adjustment | None) -> Adjustment:
    if paid is None:
        return each
    amount = each.amount - paid.amount
    step = Step(ONE, amount.exact, Fraction(0), amount.exact)
    formula = f"{each.formula}; billed before: {paid.amount}"
    return replace(each, amount=amount, exact=amount.exact, formula=formula, steps=(step,))
