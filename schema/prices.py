"""What does one of it cost?

One type for each way of pricing, joined in the union `Price`, with every amount exact.
"""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Annotated, assert_never

import strawberry

from billing import price_models as rules
from billing.money import decimal_text
from billing.price_models import PackageRounding
from billing.rating import Direction, RateCard
from billing.tiers import Band, BeyondLast, FlatAtZero, PercentTier, Tier, TierBound, TierMeasure
from schema.scalars import ExactText, Long


@strawberry.type(description="Units up to a bound, at a price each: units × unit + flat.")
class PriceTier:
    up_to: ExactText | None = strawberry.field(description="The last unit of the tier; null for all that follow.")
    unit: ExactText = strawberry.field(description="What one unit costs, in major units.")
    flat: ExactText = strawberry.field(description="What entering the tier costs once.")
    block: Long | None = strawberry.field(
        description="The size of the blocks that are sold, each at the price of `unit`; null for single units."
    )


@strawberry.type(description="Amounts up to a bound, at a percentage: amount × percent ÷ 100 + flat.")
class PercentagePriceTier:
    up_to: ExactText | None = strawberry.field(description="The end of the tier; null for all that follows.")
    percent: ExactText = strawberry.field(description="How many percent of the amount inside the tier are charged.")
    flat: ExactText = strawberry.field(description="What entering the tier costs once.")


@strawberry.type(description="One amount for any quantity up to a bound.")
class PriceBand:
    up_to: ExactText | None = strawberry.field(description="The end of the band; null for all that follows.")
    amount: ExactText = strawberry.field(description="What the band costs, in major units.")


@strawberry.type(description="The price of one model and direction.")
class TokenRate:
    model: str = strawberry.field(description="Which model it is for, as usage names it.")
    direction: Direction = strawberry.field(description="Which side of the call is metered.")
    amount: ExactText = strawberry.field(description="The price, in major units.")
    per: Long = strawberry.field(description="For how many units that is the price.")


@strawberry.type(description="Rates in force from a date until a later card takes over.")
class TokenRateCard:
    version: str = strawberry.field(description="The name of the card.")
    effective_from: datetime = strawberry.field(description="Since when events are rated by this card.")
    rates: list[TokenRate] = strawberry.field(description="What a number of tokens costs, by model and direction.")


@strawberry.type(description="Every unit costs the same: quantity × unit.")
class UnitPrice:
    unit: ExactText = strawberry.field(description="What one unit costs, in major units.")


@strawberry.type(description="Each tier prices only the units inside it.")
class GraduatedPrice:
    tiers: list[PriceTier] = strawberry.field(description="The tiers, rising.")
    bound: TierBound = strawberry.field(description="To which tier a quantity on a bound belongs.")
    measure: TierMeasure = strawberry.field(description="What the bounds measure.")
    beyond: BeyondLast = strawberry.field(description="What happens above the last bound.")
    flat_at_zero: FlatAtZero = strawberry.field(description="Whether a flat fee is owed for nothing at all.")


@strawberry.type(description="The tier that the whole quantity reaches prices all of it.")
class VolumePrice:
    tiers: list[PriceTier] = strawberry.field(description="The tiers, rising.")
    bound: TierBound = strawberry.field(description="To which tier a quantity on a bound belongs.")
    measure: TierMeasure = strawberry.field(description="What the bounds measure.")
    beyond: BeyondLast = strawberry.field(description="What happens above the last bound.")
    flat_at_zero: FlatAtZero = strawberry.field(description="Whether a flat fee is owed for nothing at all.")


@strawberry.type(description="Units are sold in packages: ⌈(quantity − free units) ÷ size⌉ × amount.")
class PackagePrice:
    size: Long = strawberry.field(description="How many units a package has.")
    amount: ExactText = strawberry.field(description="What a package costs, in major units.")
    free_units: Long = strawberry.field(description="How many units are free before the first package.")
    rounding: PackageRounding = strawberry.field(description="What a package that is not full costs.")


@strawberry.type(description="A band has one price, however much of it is used.")
class BandPrice:
    bands: list[PriceBand] = strawberry.field(description="The bands, rising.")
    beyond: BeyondLast = strawberry.field(description="What happens above the last band.")


@strawberry.type(
    description="A percentage of each event's amount and a fixed fee for it: amount × percent ÷ 100 + fixed, kept "
    "between the minimum and the maximum."
)
class PercentagePrice:
    percent: ExactText = strawberry.field(description="How many percent are charged.")
    fixed: ExactText = strawberry.field(description="What each paid event costs beside the percentage, in major units.")
    free_units: ExactText | None = strawberry.field(description="The amount that is free before anything is charged.")
    free_events: Long | None = strawberry.field(description="How many events are free before anything is charged.")
    minimum: ExactText | None = strawberry.field(description="The least one paid event costs.")
    maximum: ExactText | None = strawberry.field(description="The most one paid event costs.")


@strawberry.type(description="Each tier takes its percentage of the amount inside it.")
class GraduatedPercentagePrice:
    tiers: list[PercentagePriceTier] = strawberry.field(description="The tiers, rising.")
    flat_at_zero: FlatAtZero = strawberry.field(description="Whether a flat fee is owed for nothing at all.")


@strawberry.type(
    description="Dated rate cards price each event when it occurs, by model and direction: quantity × amount ÷ per, "
    "rounded to whole billionths of the major unit."
)
class RateCardPrice:
    cards: list[TokenRateCard] = strawberry.field(description="The cards, oldest first.")


@strawberry.type(description="How many units of one meter a band holds.")
class MeterBound:
    meter: str = strawberry.field(description="What is measured, such as cores or gigabytes.")
    up_to: ExactText = strawberry.field(description="The last unit the band holds.")


@strawberry.type(description="One amount for everything that fits the bounds of several meters.")
class CapacityBand:
    up_to: list[MeterBound] = strawberry.field(description="The bounds, meter by meter; none for all that follows.")
    amount: ExactText = strawberry.field(description="What the band costs, in major units.")


@strawberry.type(description="The lowest band that holds every meter's peak prices them together.")
class CapacityPrice:
    bands: list[CapacityBand] = strawberry.field(description="The bands, rising.")
    beyond: BeyondLast = strawberry.field(description="What happens above the last band.")


Price = Annotated[
    UnitPrice
    | GraduatedPrice
    | VolumePrice
    | PackagePrice
    | BandPrice
    | PercentagePrice
    | GraduatedPercentagePrice
    | RateCardPrice
    | CapacityPrice,
    strawberry.union("Price", description="One way of pricing."),
]
"""Every way of pricing, as clients see it."""


def price(of: rules.Price) -> Price:
    """Return a price as clients see it."""
    match of:
        case rules.UnitPrice():
            return UnitPrice(unit=_exact(of.unit))
        case rules.GraduatedPrice():
            return GraduatedPrice(
                tiers=_tiers(of.tiers),
                bound=of.bound,
                measure=of.measure,
                beyond=of.beyond,
                flat_at_zero=of.flat_at_zero,
            )
        case rules.VolumePrice():
            return VolumePrice(
                tiers=_tiers(of.tiers),
                bound=of.bound,
                measure=of.measure,
                beyond=of.beyond,
                flat_at_zero=of.flat_at_zero,
            )
        case rules.PackagePrice():
            free_units = Long(of.free_units)
            return PackagePrice(
                size=Long(of.size), amount=_exact(of.amount), free_units=free_units, rounding=of.rounding
            )
        case rules.BandPrice():
            return BandPrice(bands=[_band(band) for band in of.bands], beyond=of.beyond)
        case rules.PercentagePrice():
            return PercentagePrice(
                percent=_exact(of.percent),
                fixed=_exact(of.fixed),
                free_units=_bound(of.free_units),
                free_events=None if of.free_events is None else Long(of.free_events),
                minimum=_bound(of.minimum),
                maximum=_bound(of.maximum),
            )
        case rules.GraduatedPercentagePrice():
            tiers = [_percent_tier(tier) for tier in of.tiers]
            return GraduatedPercentagePrice(tiers=tiers, flat_at_zero=of.flat_at_zero)
        case rules.RateCardPrice():
            return RateCardPrice(cards=[_card(card) for card in of.cards])
        case rules.CapacityPrice():
            return CapacityPrice(bands=[_capacity_band(band) for band in of.bands], beyond=of.beyond)
        case _:
            assert_never(of)


def _tiers(tiers: Sequence[Tier]) -> list[PriceTier]:
    return [
        PriceTier(
            up_to=_bound(tier.up_to),
            unit=_exact(tier.unit),
            flat=_exact(tier.flat),
            block=None if tier.block is None else Long(tier.block),
        )
        for tier in tiers
    ]


def _percent_tier(tier: PercentTier) -> PercentagePriceTier:
    return PercentagePriceTier(up_to=_bound(tier.up_to), percent=_exact(tier.percent), flat=_exact(tier.flat))


def _band(band: Band) -> PriceBand:
    return PriceBand(up_to=_bound(band.up_to), amount=_exact(band.amount))


def _capacity_band(band: rules.CapacityBand) -> CapacityBand:
    bounds = [MeterBound(meter=meter, up_to=_exact(bound)) for meter, bound in (band.up_to or {}).items()]
    return CapacityBand(up_to=bounds, amount=_exact(band.amount))


def _card(card: RateCard) -> TokenRateCard:
    rates = [
        TokenRate(model=model, direction=direction, amount=_exact(rate.amount), per=Long(rate.per))
        for (model, direction), rate in card.rates.items()
    ]
    return TokenRateCard(version=card.version, effective_from=card.effective_from, rates=rates)


def _exact(amount: Fraction | int) -> ExactText:
    return ExactText(decimal_text(Fraction(amount)))


def _bound(bound: Fraction | int | None) -> ExactText | None:
    return None if bound is None else _exact(bound)
