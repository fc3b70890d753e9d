"""In which tiers does a change of units fall?

Where seats come and go, a tier can be found by the prorated quantity, or by the units that really were there. In the
second way each change runs through the tiers in whole units, from the number before it to the number after it, and
every piece is priced on its prorated part. The flat fee of a tier once entered is owed in full.

>>> from billing.prices import tier
>>> price = GraduatedPrice((tier(5, "10", "100"), tier(None, "5", "50")))
>>> grow, shrink = Change(Fraction(7), Fraction(7, 2)), Change(Fraction(-6), Fraction(-2))
>>> [str(step.amount) for step in charge_changes(price, (grow, shrink)).steps]
['125', '55', '-10/3', '-40/3']
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate
from typing import assert_never

from billing.price_models import GraduatedPrice, UnitPrice, VolumePrice
from billing.prices import Charge, InvalidPrice, Step, charge, summed, tops


class Placement(StrEnum):
    """Which quantity finds the tier of prorated units.

    BY_PRORATED_QUANTITY  the prorated quantity itself runs through the tiers: 300 seats for 0.7 of the month are 210.
    BY_RUNNING_UNITS      whole units do. GRADUATED: each change in the tiers it passes, priced on its prorated part.
                          VOLUME: the prorated sum at the tier of the units there at the end.
    """

    BY_PRORATED_QUANTITY = "BY_PRORATED_QUANTITY"
    BY_RUNNING_UNITS = "BY_RUNNING_UNITS"


@dataclass(frozen=True, slots=True)
class Change:
    """So many units more (or fewer), and what they are of a whole interval: 5 from the middle are 2.5."""

    units: Fraction
    prorated: Fraction


PlacedPrice = UnitPrice | GraduatedPrice | VolumePrice


def charge_changes(price: PlacedPrice, changes: Sequence[Change]) -> Charge:
    """Return what the changes cost, in the order in which they occurred."""
    running = tuple(accumulate((change.units for change in changes), initial=Fraction(0)))
    if min(running) < 0:
        raise InvalidPrice("changes", f"the units fall to {min(running)}; the bound is 0")
    prorated = sum((change.prorated for change in changes), Fraction(0))
    match price:
        case UnitPrice():
            return summed((Step(prorated, price.unit, Fraction(0), prorated * price.unit),))
        case VolumePrice():
            (at,) = charge(price, running[-1]).steps
            left = tops(price, running[-1])[-1]  # the units above it are not billed
            if left is not None and running[-1] > left:
                prorated *= left / running[-1]
            amount = prorated * at.unit_amount + at.flat_amount
            return summed((Step(prorated, at.unit_amount, at.flat_amount, amount),))
        case GraduatedPrice():
            return _graduated(price, changes, running)
        case _:
            assert_never(price)


def _graduated(price: GraduatedPrice, changes: Sequence[Change], running: Sequence[Fraction]) -> Charge:
    bounds = tops(price, max(running))
    steps: list[Step] = list(charge(price, 0).steps)
    entered = {0} if steps[0].flat_amount else set[int]()
    for change, before in zip(changes, running, strict=False):
        low, high = sorted((before, before + change.units))
        floor = Fraction(0)
        pieces: list[tuple[int, Fraction]] = []
        for index, top in enumerate(bounds):
            units = (high if top is None else min(high, top)) - max(low, floor)
            if units > 0:
                pieces.append((index, units))
            floor = high if top is None else top
        for index, units in pieces if change.units > 0 else reversed(pieces):
            row, part = price.tiers[index], change.prorated * units / (high - low)
            flat = Fraction(0) if index in entered else row.flat
            entered.add(index)
            steps.append(Step(part, row.unit, flat, part * row.unit + flat))
    return summed(tuple(steps[1:] if len(steps) > 1 and not steps[0].flat_amount else steps))
