"""Which ways of pricing are there?

One class for each, closed by the union `Price`, so that a price which makes no sense cannot be made.

>>> PackagePrice(0, Fraction(5))
Traceback (most recent call last):
    ...
billing.tiers.InvalidPrice: size: 0 must be at least 1
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from billing.rating import RateCard
from billing.tiers import (
    TIERS_MAX,
    Band,
    BeyondLast,
    FlatAtZero,
    InvalidPrice,
    PercentTier,
    Tier,
    TierBound,
    TierMeasure,
    check_amount,
    check_bounds,
    check_tiers,
)


class PackageRounding(StrEnum):
    """What a package that is not full costs."""

    UP = "UP"  # a whole package
    DOWN = "DOWN"  # nothing


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """Every unit costs the same."""

    unit: Fraction

    def __post_init__(self) -> None:
        check_amount("unit", self.unit)


@dataclass(frozen=True, slots=True)
class GraduatedPrice:
    """Each tier prices the units inside it."""

    tiers: tuple[Tier, ...]
    bound: TierBound = TierBound.INCLUSIVE
    measure: TierMeasure = TierMeasure.BY_UPPER_BOUND
    beyond: BeyondLast = BeyondLast.STAY
    flat_at_zero: FlatAtZero = FlatAtZero.NOT_CHARGED

    def __post_init__(self) -> None:
        check_tiers(self.tiers, self.measure)


@dataclass(frozen=True, slots=True)
class VolumePrice:
    """The tier that the whole quantity reaches prices all of it."""

    tiers: tuple[Tier, ...]
    bound: TierBound = TierBound.INCLUSIVE
    measure: TierMeasure = TierMeasure.BY_UPPER_BOUND
    beyond: BeyondLast = BeyondLast.STAY
    flat_at_zero: FlatAtZero = FlatAtZero.NOT_CHARGED

    def __post_init__(self) -> None:
        check_tiers(self.tiers, self.measure)


@dataclass(frozen=True, slots=True)
class PackagePrice:
    """Units are sold in packages of `size`, after `free_units`."""

    size: int
    amount: Fraction
    free_units: int = 0
    rounding: PackageRounding = PackageRounding.UP

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InvalidPrice("size", f"{self.size} must be at least 1")
        check_amount("amount", self.amount)
        if self.free_units < 0:
            raise InvalidPrice("free_units", f"{self.free_units} must be at least 0")


@dataclass(frozen=True, slots=True)
class BandPrice:
    """A band has one price, however much of it is used."""

    bands: tuple[Band, ...]
    beyond: BeyondLast = BeyondLast.ERROR

    def __post_init__(self) -> None:
        check_bounds("bands", tuple(band.up_to for band in self.bands), TierMeasure.BY_UPPER_BOUND)
        for index, band in enumerate(self.bands):
            check_amount(f"bands.{index}.amount", band.amount)


@dataclass(frozen=True, slots=True)
class PercentagePrice:
    """A percentage of each event's amount and a fixed fee for it, after free events or a free total.

    Whichever free allowance ends first ends both. The fee of one paid event is kept between `minimum` and `maximum`.
    """

    percent: Fraction
    fixed: Fraction = Fraction(0)
    free_events: int | None = None
    free_units: Fraction | None = None
    minimum: Fraction | None = None
    maximum: Fraction | None = None

    def __post_init__(self) -> None:
        check_amount("percent", self.percent)
        check_amount("fixed", self.fixed)
        if self.free_events is not None and self.free_events < 0:
            raise InvalidPrice("free_events", f"{self.free_events} must be at least 0")
        for field in ("free_units", "minimum", "maximum"):
            if (amount := getattr(self, field)) is not None:
                check_amount(field, amount)
        if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
            raise InvalidPrice("maximum", f"{self.maximum} is below the minimum of {self.minimum}")

    @property
    def by_event(self) -> bool:
        """Whether the amounts of the single events matter: their sum alone is not enough."""
        return bool(self.fixed) or any(part is not None for part in (self.minimum, self.maximum, self.free_events))


@dataclass(frozen=True, slots=True)
class GraduatedPercentagePrice:
    """Each tier takes its percentage of the amount inside it."""

    tiers: tuple[PercentTier, ...]
    flat_at_zero: FlatAtZero = FlatAtZero.NOT_CHARGED

    def __post_init__(self) -> None:
        check_bounds("tiers", tuple(row.up_to for row in self.tiers), TierMeasure.BY_UPPER_BOUND)
        for index, row in enumerate(self.tiers):
            check_amount(f"tiers.{index}.percent", row.percent)
            check_amount(f"tiers.{index}.flat", row.flat)


@dataclass(frozen=True, slots=True)
class CapacityBand:
    """One amount while no meter's peak is above its bound; a meter that is not named must not be used at all."""

    up_to: Mapping[str, Fraction | int] | None
    amount: Fraction


@dataclass(frozen=True, slots=True)
class CapacityPrice:
    """The lowest band that holds every meter's peak prices them together."""

    bands: tuple[CapacityBand, ...]
    beyond: BeyondLast = BeyondLast.ERROR

    def __post_init__(self) -> None:
        if not 1 <= len(self.bands) <= TIERS_MAX:
            raise InvalidPrice("bands", f"{len(self.bands)} is outside 1 to {TIERS_MAX}")
        below: Mapping[str, Fraction | int] = {}
        for index, band in enumerate(self.bands):
            check_amount(f"bands.{index}.amount", band.amount)
            if band.up_to is None:
                if index != len(self.bands) - 1:
                    raise InvalidPrice(f"bands.{index}.up_to", "only the last band may be open")
                continue
            for meter, bound in band.up_to.items():
                least = below.get(meter, 0)
                if bound < least:
                    raise InvalidPrice(f"bands.{index}.up_to.{meter}", f"{bound} must be at least {least}")
            below = band.up_to


@dataclass(frozen=True, slots=True)
class RateCardPrice:
    """Dated rate cards price each event when it occurs; a bill only adds up what the events cost."""

    cards: tuple[RateCard, ...]

    def __post_init__(self) -> None:
        if not self.cards:
            raise InvalidPrice("cards", "at least one rate card is needed")
        dates = [card.effective_from for card in self.cards]
        if dates != sorted(set(dates)):
            raise InvalidPrice("cards", "the cards must be in order of effective_from, each date once")


QuantityPrice = (
    UnitPrice | GraduatedPrice | VolumePrice | PackagePrice | BandPrice | PercentagePrice | GraduatedPercentagePrice
)
Price = QuantityPrice | CapacityPrice | RateCardPrice
