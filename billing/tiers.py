"""What is a tier, and which rows of tiers make sense?

Tiers rise from zero without gap or overlap and only the last may be open; anything else is refused by the dotted path
of the field that is wrong. Where vendors disagree about bounds and flat fees, the convention is a named policy.

>>> check_tiers((tier(100, "440"), tier(100, "400")), TierMeasure.BY_UPPER_BOUND)
Traceback (most recent call last):
    ...
billing.tiers.InvalidPrice: tiers.1.up_to: 100 must be above 100, or the tiers overlap
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from billing.money import DIGITS_MAX, decimal_text, parse_exact

AMOUNT_MAX: Final = Fraction(10**DIGITS_MAX)
TIERS_MAX: Final = 100


class InvalidPrice(ValueError):
    """A part of a price is out of its bounds; `field` is its dotted path."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


class BeyondLastTier(ValueError):
    """The quantity is above the last tier's bound, and the price says that this is an error."""

    def __init__(self, quantity: Fraction, up_to: Fraction) -> None:
        super().__init__(f"quantity {quantity} is above the last tier, which ends at {up_to}")


class TierBound(StrEnum):
    """To which tier a quantity on a bound, or a fraction above it, belongs. Let a tier end at b.

    INCLUSIVE   the tier holds x ≤ b: up to 100 holds 100, and 100.5 is in the next tier.
    EXCLUSIVE   the tier holds x < b: up to 100 ends before 100.
    ROUNDED_UP  a started unit is wholly in the tier of its number: the tier holds ⌈x⌉ ≤ b, so up to 0.5 holds nothing.
    """

    INCLUSIVE = "INCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ROUNDED_UP = "ROUNDED_UP"


class TierMeasure(StrEnum):
    """What `up_to` of a tier measures."""

    BY_UPPER_BOUND = "BY_UPPER_BOUND"  # 100, 250: the second tier holds 150
    BY_WIDTH = "BY_WIDTH"  # 100, 250: the second tier holds 250 and ends at 350


class BeyondLast(StrEnum):
    """What happens above a last tier that has a bound."""

    STAY = "STAY"  # the last tier prices the rest
    UNBILLED = "UNBILLED"  # only the units up to the bound are billed
    ERROR = "ERROR"  # the quantity is refused


class FlatAtZero(StrEnum):
    """Whether the first tier's flat fee is owed for nothing at all."""

    NOT_CHARGED = "NOT_CHARGED"
    CHARGED = "CHARGED"


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to `up_to` (None: without end) at `unit` each, and `flat` once when the tier is entered.

    With a `block` the units of the tier are sold in blocks of that size, a started one being whole, and `unit` is the
    price of a block.
    """

    up_to: Fraction | int | None
    unit: Fraction
    flat: Fraction = Fraction(0)
    block: int | None = None


@dataclass(frozen=True, slots=True)
class PercentTier:
    """Amounts up to `up_to` at `percent`, and `flat` once when the tier is entered."""

    up_to: Fraction | int | None
    percent: Fraction
    flat: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Band:
    """One amount for any quantity up to `up_to`."""

    up_to: Fraction | int | None
    amount: Fraction


def tier(up_to: int | None, unit: str, flat: str = "0") -> Tier:
    """Return a tier with its amounts read from decimal texts."""
    return Tier(up_to, parse_exact(unit), parse_exact(flat))


def check_amount(field: str, amount: Fraction) -> None:
    """Raise unless `amount` is an exact decimal within bounds."""
    if not isinstance(amount, Fraction):
        raise InvalidPrice(field, f"{amount!r} is a {type(amount).__name__}, not an exact number")
    if not 0 <= amount < AMOUNT_MAX:
        raise InvalidPrice(field, f"{amount} is outside 0 to {AMOUNT_MAX}")
    if "/" in decimal_text(amount):
        raise InvalidPrice(field, f"{amount} cannot be written as a decimal")


def check_tiers(tiers: tuple[Tier, ...], measure: TierMeasure) -> None:
    """Raise unless the tiers follow each other and every amount in them is a price."""
    check_bounds("tiers", tuple(tier.up_to for tier in tiers), measure)
    for index, tier in enumerate(tiers):
        check_amount(f"tiers.{index}.unit", tier.unit)
        check_amount(f"tiers.{index}.flat", tier.flat)
        if tier.block is not None and tier.block < 1:
            raise InvalidPrice(f"tiers.{index}.block", f"{tier.block} must be at least 1")


def check_bounds(field: str, bounds: tuple[Fraction | int | None, ...], measure: TierMeasure) -> None:
    """Raise unless the bounds rise from zero without overlap and only the last is open."""
    if not 1 <= len(bounds) <= TIERS_MAX:
        raise InvalidPrice(field, f"{len(bounds)} is outside 1 to {TIERS_MAX}")
    below: Fraction | int = 0
    for index, bound in enumerate(bounds):
        if bound is None:
            if index != len(bounds) - 1:
                raise InvalidPrice(f"{field}.{index}.up_to", "only the last tier may be open")
            return
        if isinstance(bound, float) or bound <= below:
            raise InvalidPrice(f"{field}.{index}.up_to", f"{bound} must be above {below}, or the tiers overlap")
        below = 0 if measure is TierMeasure.BY_WIDTH else bound
