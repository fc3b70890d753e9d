"""What does a counted quantity cost, before anything is taken off or kept within bounds?

One way for every price model and every way of counting: a quantity, the amounts of single events, changes placed in
tiers, windows priced each by itself, the peaks of several meters. What was counted and billed before in the same
interval is subtracted step by step, so a bill that is made in parts is the bill of the whole.

>>> from billing.quantities import Usage
>>> from billing.prices import GraduatedPrice, tier
>>> price = GraduatedPrice((tier(15, "5"), tier(None, "1")))
>>> calls = PlanItem("calls", {"en": "Calls"}, Usage("calls"), price)
>>> found = charged(calls, Counted(Fraction(10), "call", (), before=Fraction(12)), "USD")
>>> [(str(step.quantity), str(step.amount)) for step in found.charge.steps], str(found.amount)
([('3', '15'), ('7', '7')], '22.00 USD')
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from typing import Final, assert_never

from billing import placements
from billing.commitments import committed
from billing.discounts import priced_quantity
from billing.explanations import Source
from billing.money import Money
from billing.placements import Change, PlacedPrice
from billing.plan_items import BelowZero, PlanItem
from billing.prices import (
    CapacityPrice,
    Charge,
    PercentagePrice,
    QuoteRequired,
    RateCardPrice,
    Step,
    charge,
    charge_capacity,
    charge_events,
    negated,
    summed,
)

_NOTHING: Final = Step(Fraction(0), Fraction(0), Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class Weight:
    """One member's part in a quantity."""

    member_id: str
    quantity: Fraction


@dataclass(frozen=True, slots=True)
class EventAmounts:
    """The amount of each event, in the order in which they occurred: each is charged a fee of its own."""

    amounts: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of a running number of units, each placed in the tiers it passes."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """The quantity of each window: each is priced by itself."""

    quantities: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Peaks:
    """The highest value of each meter."""

    values: tuple[tuple[str, Fraction], ...]


Detail = EventAmounts | Changes | Windows | Peaks


@dataclass(frozen=True, slots=True)
class Counted:
    """A quantity, where it comes from, and the share of the interval that is owed for it.

    `detail` is what the price needs beside the quantity. `before` is the quantity that was counted, and billed,
    earlier in the same interval; only what comes on top of it is charged.
    """

    quantity: Fraction
    unit: str
    sources: tuple[Source, ...]
    policy: tuple[str, ...] = ()
    weights: tuple[Weight, ...] = ()
    factor: Fraction = Fraction(1)
    bounds_factor: Fraction = Fraction(1)
    detail: Detail | None = None
    before: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Charged:
    """A counted quantity with its charge, exact and rounded; nothing is taken off yet and no bound applied."""

    counted: Counted
    charge: Charge
    exact: Fraction
    amount: Money


def charged(item: PlanItem, counted: Counted, currency: str) -> Charged | QuoteRequired:
    """Return what a quantity costs, or that it is above what the item sells at a list price.

    A negative quantity is a correction and costs the opposite of the same positive one, or nothing, by its policy.
    """
    whole = counted.before + counted.quantity
    if item.quote_above is not None and whole > item.quote_above:
        return QuoteRequired(whole, item.quote_above)
    found = _charge(item, counted, whole)
    if counted.before:
        found = _on_top(found, _of_quantity(item, counted.before))
    exact = found.exact * counted.factor
    return Charged(counted, found, exact, Money.rounded(exact, currency, item.rounding))


def billed_before(item: PlanItem, counted: Counted, currency: str) -> Money:
    """Return what the quantity counted before cost when it was billed."""
    exact = _of_quantity(item, counted.before).exact * counted.factor if counted.before else Fraction(0)
    return Money.rounded(exact, currency, item.rounding)


def billed_quantity(item: PlanItem, quantity: Fraction) -> Fraction:
    """Return how much of `quantity` is priced: in the units of the price, after usage discounts and what is free."""
    left = quantity if item.conversion is None else item.conversion.converted(quantity)
    left = priced_quantity(item.discounts, left)
    return left if item.allowance is None else item.allowance.billed(left)


def _charge(item: PlanItem, counted: Counted, whole: Fraction) -> Charge:
    match counted.detail:
        case None:
            return _of_quantity(item, whole)
        case EventAmounts(amounts):
            assert isinstance(item.price, PercentagePrice), "only a percentage is charged event by event"
            return _under_commitment(item, charge_events(item.price, amounts))
        case Changes(changes):
            assert isinstance(item.price, PlacedPrice), "the plan item refuses other prices"
            if sum((change.units for change in changes), Fraction(0)) < 0 and item.below_zero is BelowZero.NOTHING:
                return _under_commitment(item, summed(()))
            return _under_commitment(item, placements.charge_changes(item.price, changes))
        case Windows(quantities):
            each = tuple(_of_quantity(item, quantity) for quantity in quantities)
            return summed(tuple(step for window in each for step in window.steps))
        case Peaks(values):
            assert isinstance(item.price, CapacityPrice), "the plan item refuses other prices"
            return _under_commitment(item, charge_capacity(item.price, dict(values)))
        case _:
            assert_never(counted.detail)


def _of_quantity(item: PlanItem, quantity: Fraction) -> Charge:
    price = item.price
    assert not isinstance(price, RateCardPrice), "a rate card prices events, see usage_lines"
    assert not isinstance(price, CapacityPrice), "the peaks of several meters are no one quantity"
    billed = billed_quantity(item, quantity)
    if billed >= 0:
        return _under_commitment(item, charge(price, billed))
    return _under_commitment(
        item, summed(()) if item.below_zero is BelowZero.NOTHING else negated(charge(price, -billed))
    )


def _under_commitment(item: PlanItem, found: Charge) -> Charge:
    return found if item.commitment is None else committed(found, item.commitment)


def _on_top(now: Charge, before: Charge) -> Charge:
    """Return what `now` adds to `before`, step by step."""
    steps: list[Step] = []
    for after, paid in zip_longest(now.steps, before.steps, fillvalue=_NOTHING):
        if paid == _NOTHING or after.unit_amount == paid.unit_amount:
            steps.append(_less(after, paid))
        else:
            steps += [after, *negated(summed((paid,))).steps]
    return summed(tuple(step for step in steps if step.quantity or step.amount))


def _less(after: Step, paid: Step) -> Step:
    return Step(
        after.quantity - paid.quantity,
        after.unit_amount,
        after.flat_amount - paid.flat_amount,
        after.amount - paid.amount,
    )


def trimmed(steps: Sequence[Step], kept: Fraction) -> tuple[Step, ...]:
    """Return what a maximum takes off each step, in order, when `kept` of their sum may be billed.

    >>> from billing.prices import UnitPrice
    >>> steps = charge(UnitPrice(Fraction(5)), 3).steps + charge(UnitPrice(Fraction(1)), 7).steps
    >>> [str(step.amount) for step in trimmed(steps, Fraction(10))]
    ['-5', '-7']
    """
    off: list[Step] = []
    for step in steps:
        over = step.amount - max(Fraction(0), min(step.amount, kept))
        kept -= step.amount - over
        if over:
            off.append(Step(Fraction(1), -over, Fraction(0), -over))
    return tuple(off)
