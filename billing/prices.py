"""What does a quantity cost?

One class for each price model, closed by the union `Price`. Amounts are exact fractions of the major unit and are
not rounded here: rounding happens once, where a line is made. A graduated tier prices only the units inside it; a
volume price takes all units at the tier that the whole quantity reaches.

>>> tracker = GraduatedPrice((tier(100, "440"), tier(250, "400"), tier(None, "360")))
>>> [str(step.amount) for step in charge(tracker, Fraction(270)).steps]
['44000', '60000', '7200']
>>> quote(tracker, Fraction(501), above=500)
QuoteRequired(quantity=Fraction(501, 1), above=500)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import assert_never

from billing.price_models import (
    BandPrice,
    CapacityBand,
    CapacityPrice,
    GraduatedPercentagePrice,
    GraduatedPrice,
    PackagePrice,
    PackageRounding,
    PercentagePrice,
    Price,
    QuantityPrice,
    RateCardPrice,
    UnitPrice,
    VolumePrice,
)
from billing.tiers import (
    Band,
    BeyondLast,
    BeyondLastTier,
    FlatAtZero,
    InvalidPrice,
    PercentTier,
    Tier,
    TierBound,
    TierMeasure,
    tier,
)

__all__ = [
    "Band",
    "BandPrice",
    "BeyondLast",
    "BeyondLastTier",
    "CapacityBand",
    "CapacityPrice",
    "Charge",
    "FlatAtZero",
    "GraduatedPercentagePrice",
    "GraduatedPrice",
    "InvalidPrice",
    "PackagePrice",
    "PackageRounding",
    "PercentTier",
    "PercentagePrice",
    "Price",
    "QuantityPrice",
    "QuoteRequired",
    "RateCardPrice",
    "Step",
    "Tier",
    "TierBound",
    "TierMeasure",
    "UnitPrice",
    "VolumePrice",
    "charge",
    "charge_capacity",
    "charge_events",
    "negated",
    "quote",
    "summed",
    "tier",
    "tier_step",
    "tops",
]


@dataclass(frozen=True, slots=True)
class Step:
    """One term of a charge: `quantity` × `unit_amount` + `flat_amount` = `amount`."""

    quantity: Fraction
    unit_amount: Fraction
    flat_amount: Fraction
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Charge:
    """The exact sum in major units, not rounded, and the steps that make it."""

    exact: Fraction
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class QuoteRequired:
    """The quantity is above what the price list sells; the terms are individual."""

    quantity: Fraction
    above: int


def quote(price: QuantityPrice, quantity: Fraction, *, above: int | None) -> Charge | QuoteRequired:
    """Return the charge, or that a quote is required because `quantity` is above `above`."""
    if above is not None and quantity > above:
        return QuoteRequired(quantity, above)
    return charge(price, quantity)


def charge(price: QuantityPrice, quantity: Fraction | int) -> Charge:
    """Return what `quantity` costs. To a percentage price the quantity is the amount of one event."""
    quantity = Fraction(quantity)
    if quantity < 0:
        raise InvalidPrice("quantity", f"{quantity} must be at least 0")
    match price:
        case UnitPrice(unit):
            return summed((_step(quantity, unit),))
        case GraduatedPrice():
            return summed(_graduated(price, quantity))
        case VolumePrice():
            return summed(_volume(price, quantity))
        case PackagePrice():
            return summed((_step(_packages(price, quantity), price.amount),))
        case BandPrice():
            return summed(_band(price, quantity))
        case PercentagePrice():
            return charge_events(price, (quantity,) if quantity else ())
        case GraduatedPercentagePrice():
            tiers = tuple(Tier(row.up_to, row.percent / 100, row.flat) for row in price.tiers)
            return summed(_graduated(GraduatedPrice(tiers, flat_at_zero=price.flat_at_zero), quantity))
        case _:
            assert_never(price)


def charge_events(price: PercentagePrice, amounts: Sequence[Fraction]) -> Charge:
    """Return what the events of these amounts cost, in the order in which they occurred."""
    steps: list[Step] = []
    running, used = Fraction(0), 0
    free_lasts = price.free_events is not None or price.free_units is not None
    for amount in amounts:
        free = Fraction(0)
        if free_lasts and (price.free_events is None or used < price.free_events):
            free = amount if price.free_units is None else min(amount, price.free_units - running)
            running += free
            used += 1
        if free_lasts and free == amount:
            continue
        free_lasts = False
        steps.append(_percentage_step(price, amount - free))
    return summed(tuple(steps))


def _percentage_step(price: PercentagePrice, paid: Fraction) -> Step:
    step = _step(paid, price.percent / 100, price.fixed)
    fee = step.amount if price.minimum is None else max(step.amount, price.minimum)
    fee = fee if price.maximum is None else min(fee, price.maximum)
    return step if fee == step.amount else Step(paid, Fraction(0), fee, fee)


def charge_capacity(price: CapacityPrice, peaks: Mapping[str, Fraction]) -> Charge:
    """Return the amount of the lowest band that holds every meter's peak."""
    for band in price.bands:
        if band.up_to is None or all(peak <= band.up_to.get(meter, 0) for meter, peak in peaks.items()):
            return summed((_step(Fraction(1), band.amount),))
    last = price.bands[-1].up_to
    assert last is not None
    if price.beyond is BeyondLast.ERROR:
        meter, peak = next((meter, peak) for meter, peak in peaks.items() if peak > last.get(meter, 0))
        raise BeyondLastTier(peak, Fraction(last.get(meter, 0)))
    return summed((_step(Fraction(1), price.bands[-1].amount),))


def negated(found: Charge) -> Charge:
    """Return the charge that takes `found` back."""
    steps = tuple(Step(-step.quantity, step.unit_amount, -step.flat_amount, -step.amount) for step in found.steps)
    return Charge(-found.exact, steps)


def summed(steps: tuple[Step, ...]) -> Charge:
    """Return the charge that the steps make."""
    return Charge(sum((step.amount for step in steps), Fraction(0)), steps)


def tier_step(row: Tier, units: Fraction, flat: Fraction) -> Step:
    """Return what `units` inside one tier cost, in whole blocks where the tier sells blocks."""
    return _step(units if row.block is None else Fraction(ceil(units / row.block)), row.unit, flat)


def tops(price: GraduatedPrice | VolumePrice, quantity: Fraction) -> tuple[Fraction | None, ...]:
    """Return the upper bound of each tier as a number of units from zero; the last is open when it stays.

    Raise BeyondLastTier where `quantity` is above a last bound that is an error.
    """
    found: list[Fraction | None] = []
    top = Fraction(0)
    for row in price.tiers:
        if row.up_to is None:
            return (*found, None)
        top = Fraction(row.up_to) + (top if price.measure is TierMeasure.BY_WIDTH else 0)
        found.append(Fraction(floor(top)) if price.bound is TierBound.ROUNDED_UP else top)
    if price.beyond is BeyondLast.ERROR:
        last = found[-1] or Fraction(0)
        if quantity > last or (quantity == last and price.bound is TierBound.EXCLUSIVE):
            raise BeyondLastTier(quantity, last)
    return (*found[:-1], None) if price.beyond is BeyondLast.STAY else tuple(found)


def _graduated(price: GraduatedPrice, quantity: Fraction) -> tuple[Step, ...]:
    if quantity == 0:
        return _at_zero(price)
    steps: list[Step] = []
    below = Fraction(0)
    for row, top in zip(price.tiers, tops(price, quantity), strict=True):
        units = (quantity if top is None else min(quantity, top)) - below
        entered = units > 0 or (price.bound is TierBound.EXCLUSIVE and quantity == below and bool(row.flat))
        if entered:
            steps.append(tier_step(row, units, row.flat))
        if top is None:
            break
        below = top
    return tuple(steps)


def _volume(price: VolumePrice, quantity: Fraction) -> tuple[Step, ...]:
    if quantity == 0:
        return _at_zero(price)
    bounds = tops(price, quantity)
    for row, top in zip(price.tiers, bounds, strict=True):
        if top is None or quantity < top or (quantity == top and price.bound is not TierBound.EXCLUSIVE):
            return (tier_step(row, quantity, row.flat),)
    last = price.tiers[-1]  # UNBILLED: what is above the last bound is left out
    return (tier_step(last, bounds[-1] or Fraction(0), last.flat),)


def _at_zero(price: GraduatedPrice | VolumePrice) -> tuple[Step, ...]:
    first = price.tiers[0]
    return (_step(Fraction(0), first.unit, first.flat if price.flat_at_zero is FlatAtZero.CHARGED else Fraction(0)),)


def _packages(price: PackagePrice, quantity: Fraction) -> Fraction:
    packages = max(Fraction(0), quantity - price.free_units) / price.size
    return Fraction(ceil(packages) if price.rounding is PackageRounding.UP else floor(packages))


def _band(price: BandPrice, quantity: Fraction) -> tuple[Step, ...]:
    for band in price.bands:
        if band.up_to is None or quantity <= band.up_to:
            return (_step(Fraction(1), band.amount),)
    last = price.bands[-1]
    assert last.up_to is not None
    if price.beyond is BeyondLast.ERROR:
        raise BeyondLastTier(quantity, Fraction(last.up_to))
    return (_step(Fraction(1), last.amount),)


def _step(quantity: Fraction, unit: Fraction, flat: Fraction = Fraction(0)) -> Step:
    return Step(quantity, unit, flat, quantity * unit + flat)
