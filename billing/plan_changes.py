"""What does a change of plan cost, in the middle of what was paid?

What is left of the old side comes back, and what is left of the new side is owed; each side is an estimate, with its
own discounts and tax, for the remaining share of the interval. Where the new interval is of another length a new cycle
begins, and the new side is owed in full. `drafted` answers for an organization instead: by the next invoice, with
the change and without.

>>> from billing.plan_items import Flat, PlanItem
>>> from billing.prices import UnitPrice
>>> from billing.taxes import TaxMode
>>> tax = Tax(TaxMode.EXCLUSIVE, Fraction(0))
>>> def side(price):
...     return Side((Ask(PlanItem("fee", {"en": "Fee"}, Flat(), UnitPrice(Fraction(price))), Fraction(1)),), tax)
>>> found = preview(side(100), side(300), currency="USD", remaining=Fraction(20, 30))
>>> str(found.credit), str(found.debit), str(found.net)
('66.67 USD', '200.00 USD', '133.33 USD')
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from billing.asks import ONE, Ask
from billing.discounts import AmountDiscount, Discount, VolumeDiscount
from billing.estimates import Estimate, estimate
from billing.facts import Facts, Stretch
from billing.invoices import Draft, draft
from billing.lines import Line
from billing.money import Money
from billing.plans import Plan, Tax
from billing.prices import QuoteRequired


class Cycle(StrEnum):
    """Whether the billing cycle goes on after the change."""

    KEPT = "KEPT"  # the new side is owed for what is left of the interval
    RESTARTED = "RESTARTED"  # a new interval begins: the new side is owed in full


@dataclass(frozen=True, slots=True)
class Side:
    """What is bought on one side of the change, for a whole interval."""

    asks: tuple[Ask, ...]
    tax: Tax
    discounts: Sequence[Discount] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """The money of a change: what comes back, what is owed, and both estimates that explain it."""

    credit: Money
    debit: Money
    old: Estimate
    new: Estimate

    @property
    def net(self) -> Money:
        """What is to be paid; below zero when more comes back than is owed."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class Drafted:
    """The next invoice without the change and with it, the lines that are new or differ, and the money between."""

    before: Draft
    after: Draft
    lines: tuple[Line, ...]
    net: Money


def preview(
    old: Side, new: Side, *, currency: str, remaining: Fraction, cycle: Cycle = Cycle.KEPT
) -> Preview | QuoteRequired:
    """Return what the change costs when `remaining` of the running interval is left."""
    match cycle:
        case Cycle.KEPT:
            owed = remaining
        case Cycle.RESTARTED:
            owed = ONE
        case _:
            assert_never(cycle)
    before, after = _estimate(old, currency, remaining), _estimate(new, currency, owed)
    if isinstance(before.total, QuoteRequired):
        return before.total
    if isinstance(after.total, QuoteRequired):
        return after.total
    return Preview(before.total, after.total, before, after)


def drafted(facts: Facts, plan: Plan, *, at: datetime) -> Drafted:
    """Return what the change does to the invoice of the boundary in `facts`: the code that will bill it answers."""
    before, after = draft(facts), draft(changed(facts, plan, at=at))
    known = {line.key: line for line in before.lines}
    moved = tuple(line for line in after.lines if known.get(line.key) != line)
    return Drafted(before, after, moved, after.total - before.total)


def changed(facts: Facts, plan: Plan, *, at: datetime) -> Facts:
    """Return the facts of the same boundary with `plan` in force from `at` on.

    The usage so far stays with the plan that was in force; what is used from then on is the new plan's.
    """
    replaced = Stretch(facts.plan, at, facts.plan_since, facts.usage)
    return replace(facts, plan=plan, plan_since=at, earlier=(*facts.earlier, replaced), usage=())


def _estimate(side: Side, currency: str, share: Fraction) -> Estimate:
    asked = tuple(replace(ask, share=ask.share * share) for ask in side.asks)
    return estimate(
        asked, currency=currency, tax=side.tax, discounts=tuple(_part(each, share) for each in side.discounts)
    )


def _part(discount: Discount, share: Fraction) -> Discount:
    """Return the discount as it is owed for a share of the interval: a fixed amount in part, a percentage as it is."""
    match discount:
        case AmountDiscount():
            return replace(discount, amount=_share_of(discount.amount, share))
        case VolumeDiscount():
            tiers = (replace(tier, from_amount=_share_of(tier.from_amount, share)) for tier in discount.tiers)
            return replace(discount, tiers=tuple(tiers))
        case _:
            return discount


def _share_of(amount: Money, share: Fraction) -> Money:
    return Money.rounded(amount.exact * share, amount.currency)
