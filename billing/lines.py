"""How does a counted quantity become a line?

One way for the real invoice, its preview and an estimate: allowance, price, share of the first period, one rounding,
then a line of its own for what a minimum adds or a maximum takes away. The shares of members add up to their line.

A quantity of zero makes no line. A quantity that costs nothing keeps its line, because it explains the zero: five
users inside a free allowance of five are a line of 0.00.

>>> from billing.plans import Flat
>>> from billing.prices import UnitPrice
>>> fee = PlanItem("fee", {"en": "Fee"}, Flat(), UnitPrice(Fraction("0.335")), minimum=Money(200, "USD"))
>>> made = priced(fee, Counted(Fraction(3), "unit", ()), key="fee", currency="USD", locale="en")
>>> [(line.key, line.explanation.formula) for line in made]
[('fee', '3 × 0.335 = 1.005 → 1.01 USD'), ('fee/minimum', '2.00 − 1.01 = 0.99 USD')]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing import bounds
from billing.bounds import Adjustment
from billing.charges import Charged, Counted, Weight, billed_before, billed_quantity, charged
from billing.explanations import Explanation, Source, SourceKind, formula, rounded, sum_text
from billing.money import Money, apportion, decimal_text
from billing.periods import Period
from billing.placements import Placement
from billing.plan_items import BelowZero, Cycle, PlanItem
from billing.plans import Increase, Window, text
from billing.prices import GraduatedPrice, QuoteRequired, VolumePrice, negated
from billing.quantities import Seats, Usage
from billing.wording import Phrase, say

__all__ = [
    "Charged",
    "Counted",
    "Line",
    "MemberShare",
    "Priced",
    "Weight",
    "adjustment_lines",
    "charged",
    "difference",
    "policies",
    "priced",
    "shares",
    "shown",
]


@dataclass(frozen=True, slots=True)
class MemberShare:
    """What one member stands for on a line. `model` and `direction` are empty for seats."""

    member_id: str
    model: str
    direction: str
    quantity: Fraction
    cost_nanos: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Priced:
    """An amount with its explanation, before it is put on an invoice."""

    key: str
    item_key: str
    description: str
    quantity: Fraction
    unit: str
    amount: Money
    explanation: Explanation
    shares: tuple[MemberShare, ...]

    @property
    def quantity_text(self) -> str:
        """The quantity as an exact decimal, or as a/b where no decimal is exact."""
        return decimal_text(self.quantity)

    @property
    def exact(self) -> Fraction:
        """The amount in major units before it was rounded."""
        return Fraction(self.explanation.rounding.exact)

    def on(self, period: Period) -> "Line":
        """Return this as a line of an invoice, for the time it covers."""
        return Line(
            self.key,
            self.item_key,
            self.description,
            self.quantity,
            self.unit,
            self.amount,
            self.explanation,
            self.shares,
            period,
        )


@dataclass(frozen=True, slots=True)
class Line(Priced):
    """A line of an invoice and the time it covers."""

    period: Period


def priced(
    item: PlanItem, counted: Counted, *, key: str, currency: str, locale: str
) -> tuple[Priced, ...] | QuoteRequired:
    """Return the line of one item, and one for each discount and for what a minimum or maximum makes of it."""
    found = charged(item, counted, currency)
    if isinstance(found, QuoteRequired):
        return found
    main = Priced(
        key,
        item.key,
        text(item.name, locale),
        counted.quantity,
        counted.unit,
        found.amount,
        Explanation(
            _formula(item, found),
            policies(item) + counted.policy,
            found.charge.steps,
            item.price_version,
            rounded(found.exact, found.amount, item.rounding),
            counted.sources,
        ),
        shares(found.amount, counted.weights),
    )
    made = (main,) if counted.quantity or found.amount.minor else ()
    return made + tuple(shown(item, each, key=key, locale=locale) for each in _beside(item, found, currency))


def adjustment_lines(
    item: PlanItem, amount: Money, exact: Fraction, factor: Fraction, *, key: str, locale: str
) -> tuple[Priced, ...]:
    """Return the lines for what discounts take off `amount` and what a minimum or maximum makes of the rest."""
    return tuple(shown(item, each, key=key, locale=locale) for each in bounds.adjustments(item, amount, exact, factor))


def shown(item: PlanItem, adjustment: Adjustment, *, key: str, locale: str) -> Priced:
    """Return the line of one adjustment."""
    explanation = Explanation(
        adjustment.formula,
        (adjustment.policy,),
        adjustment.steps,
        item.price_version,
        rounded(adjustment.exact, adjustment.amount, bounds.rule(item, adjustment)),
        (Source(SourceKind.PLAN, 1, (("item", item.key),)),),
    )
    name = adjustment.name or say(locale, Phrase.DISCOUNT_NAME)
    description = say(locale, adjustment.phrase, item=text(item.name, locale), name=name)
    unit = "discount" if adjustment.phrase is Phrase.DISCOUNT else "bound"
    return Priced(
        f"{key}/{adjustment.suffix}", item.key, description, Fraction(1), unit, adjustment.amount, explanation, ()
    )


def difference(item: PlanItem, now: Charged, before: Charged, *, key: str, locale: str) -> tuple[Priced, ...]:
    """Return the line that turns what was billed `before` into what is owed `now`; none when they are equal.

    Both sides are rounded as they were or would be billed, so that all lines together are the amount owed.
    """
    owed = bounds.net(item, now.amount, now.exact, now.counted.bounds_factor)
    paid = bounds.net(item, before.amount, before.exact, before.counted.bounds_factor)
    amount, currency = owed - paid, owed.currency
    if not amount.minor:
        return ()
    terms = f"({sum_text(now.charge.steps, currency)}) − ({sum_text(before.charge.steps, currency)})"
    explanation = Explanation(
        f"{terms}: {owed.amount} − {paid.amount} = {amount}",
        (*policies(item), *now.counted.policy, f"billed_before={paid}"),
        now.charge.steps + negated(before.charge).steps,
        item.price_version,
        rounded(now.exact - before.exact, amount, item.rounding),
        now.counted.sources,
    )
    return (
        Priced(
            key,
            item.key,
            say(locale, Phrase.ADJUSTMENT, item=text(item.name, locale)),
            now.counted.quantity - before.counted.quantity,
            now.counted.unit,
            amount,
            explanation,
            _share_difference(shares(owed, now.counted.weights), shares(paid, before.counted.weights)),
        ),
    )


def shares(amount: Money, weights: Sequence[Weight]) -> tuple[MemberShare, ...]:
    """Return the part of `amount` each member stands for; no shares when nobody has weight."""
    whole = sum((weight.quantity for weight in weights), Fraction(0))
    if not whole:
        return ()
    parts = apportion(amount.minor, [amount.minor * weight.quantity / whole for weight in weights])
    return tuple(
        MemberShare(weight.member_id, "", "", weight.quantity, 0, Money(part, amount.currency))
        for weight, part in zip(weights, parts, strict=True)
    )


def policies(item: PlanItem) -> tuple[str, ...]:
    """Return the named policies that had a say in the item's amount."""
    named = [f"timing={item.timing}", f"interval={item.interval}", f"first_period={item.first_period}"]
    if isinstance(item.quantity, Seats):
        named += [f"proration={item.proration}", f"decrease={item.decrease}"]
        named += [] if item.increase is Increase.PRORATE else [f"increase={item.increase}"]
        named += [f"placement={item.placement}"] if item.placement is Placement.BY_RUNNING_UNITS else []
    if isinstance(item.quantity, Usage) and item.quantity.window is not Window.PERIOD:
        named.append(f"window={item.quantity.window}")
    if item.cycle is not Cycle.WITH_SERVICE:
        named.append(f"cycle={item.cycle}")
    if item.conversion is not None:
        how = item.conversion.rounding
        named.append(f"conversion={how}, {item.conversion.decimals} decimals" if how else "conversion=EXACT")
    if item.below_zero is not BelowZero.CREDIT:
        named.append(f"below_zero={item.below_zero}")
    if item.allowance is not None:
        named.append(f"allowance={item.allowance.rule} {item.allowance.quantity}")
    if item.commitment is not None:
        owed = item.commitment
        named.append(f"commitment={owed.shortfall} {owed.amount}, above it × {decimal_text(owed.overage)}")
    if isinstance(item.price, GraduatedPrice | VolumePrice):
        price = item.price
        named += [f"tier_bound={price.bound}", f"tier_measure={price.measure}", f"flat_at_zero={price.flat_at_zero}"]
    return (*named, f"rounding={item.rounding}")


def _beside(item: PlanItem, found: Charged, currency: str) -> tuple[Adjustment, ...]:
    """Return the adjustments of a charge; of one that comes on top of another, what it adds to the other's."""
    counted = found.counted
    paid, factor = billed_before(item, counted, currency), counted.bounds_factor
    whole = bounds.adjustments(item, paid + found.amount, paid.exact + found.exact, factor)
    if counted.before:
        whole = bounds.on_top(whole, bounds.adjustments(item, paid, paid.exact, factor))
    if counted.factor != 1:
        return whole
    return tuple(bounds.by_step(each, found.charge.steps, found.exact) for each in whole)


def _formula(item: PlanItem, found: Charged) -> str:
    quantity, allowance = found.counted.quantity, item.allowance
    converted, how = _converted(item, found)
    if allowance is not None and 0 < converted <= allowance.quantity and not found.exact:
        return f"{how}{decimal_text(converted)} of {allowance.quantity} free = {found.amount}"
    written = formula(found.charge.steps, found.exact, found.amount, factor=found.counted.factor)
    billed = billed_quantity(item, quantity)
    if found.counted.detail is not None or found.counted.before or not 0 < billed < converted:
        return f"{how}{written}"
    free = f"{decimal_text(converted - billed)} free"
    return f"{how}{decimal_text(converted)} − {free} = {decimal_text(billed)}; {written}"


def _converted(item: PlanItem, found: Charged) -> tuple[Fraction, str]:
    """Return the quantity in the units of the price, and how it came about."""
    quantity, conversion = found.counted.before + found.counted.quantity, item.conversion
    if conversion is None or found.counted.detail is not None:
        return found.counted.quantity, ""
    converted = conversion.converted(quantity)
    exact = quantity * conversion.multiply_by / conversion.divide_by
    result = decimal_text(converted) if exact == converted else f"{decimal_text(exact)} → {decimal_text(converted)}"
    return converted, f"{decimal_text(quantity)}{conversion.formula} = {result}; "


def _share_difference(now: Sequence[MemberShare], before: Sequence[MemberShare]) -> tuple[MemberShare, ...]:
    """Return the members whose part changed, once each."""
    sums: dict[str, tuple[Fraction, Money]] = {}
    for sign, side in ((1, now), (-1, before)):
        for share in side:
            quantity, amount = sums.get(share.member_id, (Fraction(0), Money.zero(share.amount.currency)))
            change = share.amount if sign > 0 else -share.amount
            sums[share.member_id] = (quantity + sign * share.quantity, amount + change)
    return tuple(
        MemberShare(member_id, "", "", quantity, 0, amount)
        for member_id, (quantity, amount) in sorted(sums.items())
        if quantity or amount.minor
    )
