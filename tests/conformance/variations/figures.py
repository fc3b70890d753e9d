"""How is a figure worked out without the product? Slowly, in plain fractions."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

Given = Mapping[str, Any]
Made = Callable[[], Iterator[tuple[Given, Given, str]]]
Tier = tuple[int | None, Fraction, Fraction]
"""The upper bound, the price of a unit and the flat fee."""


def written(exact: Fraction | int) -> str:
    """Return a number that a decimal can write."""
    exact = Fraction(exact)
    return format(Decimal(exact.numerator) / Decimal(exact.denominator), "f")


def nearest(exact: Fraction, decimals: int) -> Fraction:
    """Return the nearest number of so many decimals; a half goes away from zero."""
    scaled = abs(exact) * 10**decimals
    whole = scaled.numerator // scaled.denominator
    if (scaled - whole) * 2 >= 1:
        whole += 1
    return Fraction(whole if exact >= 0 else -whole, 10**decimals)


def cents(exact: Fraction) -> int:
    """Return an amount in hundredths, rounded."""
    return int(nearest(exact, 2) * 100)


def dice(kind: str) -> random.Random:
    """Return chances that are the same in every run."""
    return random.Random(kind)  # a case, not a secret


def tiers(chance: random.Random, *, flats: bool = False, count: int = 3) -> list[Tier]:
    """Return tiers with rising bounds, the last without one."""
    bounds = sorted(chance.sample(range(2, 60), count - 1))
    prices = [Fraction(chance.randint(0, 2000), 100) for _ in range(count)]
    fees = [Fraction(chance.randint(0, 9000), 100) if flats else Fraction(0) for _ in range(count)]
    return list(zip([*bounds, None], prices, fees, strict=True))


def rows(price: Sequence[Tier], bound: str = "up_to") -> list[dict[str, Any]]:
    """Return tiers as a case writes them."""
    return [{bound: top, "unit": written(unit), "flat": written(flat)} for top, unit, flat in price]


def tier_of(unit: int, price: Sequence[Tier]) -> int:
    """Return the place of the tier that a unit is in, counted from 1; nothing is in the first."""
    return next(place for place, (top, _, _) in enumerate(price) if top is None or unit <= top)


def graduated(units: int, price: Sequence[Tier]) -> Fraction:
    """Return what units cost one by one, and the flat fee of every tier they enter; the first is always entered."""
    entered = {0, *(tier_of(unit, price) for unit in range(1, units + 1))}
    each = sum((price[tier_of(unit, price)][1] for unit in range(1, units + 1)), Fraction(0))
    return each + sum((price[place][2] for place in entered), Fraction(0))


def volume(units: int, price: Sequence[Tier]) -> Fraction:
    """Return what units cost when all of them have the price of the last one's tier."""
    _, unit, flat = price[tier_of(units, price)]
    return sum((unit for _ in range(units)), Fraction(0)) + flat


def packages(units: int, size: int) -> int:
    """Return how many packages hold the units."""
    count = 0
    while count * size < units:
        count += 1
    return count
