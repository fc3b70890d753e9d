"""How does a client write down a price?

One input for each way of pricing, and `PriceInput` to choose exactly one of them.
"""

from datetime import datetime
from typing import ClassVar

import strawberry
from strawberry.types.unset import UNSET

from billing.price_models import PackageRounding
from billing.rating import Direction
from billing.tiers import BeyondLast, FlatAtZero, TierBound, TierMeasure
from schema.scalars import DecimalText, Long


@strawberry.input(description="Units up to a bound, at a price each: units × unit + flat.")
class PriceTierInput:
    from_units: DecimalText | None = strawberry.field(
        default=None,
        description="Where it begins: the end before it, or the unit after. Only checked, so that a gap is refused.",
    )
    up_to: DecimalText | None = strawberry.field(
        default=None, description="The last unit; left out for all that follow."
    )
    unit: DecimalText = strawberry.field(default=DecimalText("0"), description="What one unit costs, in major units.")
    flat: DecimalText = strawberry.field(default=DecimalText("0"), description="What entering the tier costs once.")
    block: Long | None = strawberry.field(
        default=None,
        description="Units of the tier are sold in blocks of this size, a started one whole: `unit` is then the "
        "price of a block, and the tier costs ⌈units ÷ block⌉ × unit.",
    )


@strawberry.input(description="Amounts up to a bound, at a percentage: amount × percent ÷ 100 + flat.")
class PercentageTierInput:
    from_units: DecimalText | None = strawberry.field(
        default=None,
        description="Where it begins: the end before it, or the unit after. Only checked, so that a gap is refused.",
    )
    up_to: DecimalText | None = strawberry.field(default=None, description="The end; left out for all that follows.")
    percent: DecimalText = strawberry.field(default=DecimalText("0"), description="How many percent are charged.")
    flat: DecimalText = strawberry.field(default=DecimalText("0"), description="What entering the tier costs once.")


@strawberry.input(description="One amount for any quantity up to a bound.")
class PriceBandInput:
    from_units: DecimalText | None = strawberry.field(
        default=None,
        description="Where it begins: the end before it, or the unit after. Only checked, so that a gap is refused.",
    )
    up_to: DecimalText | None = strawberry.field(default=None, description="The end; left out for all that follows.")
    amount: DecimalText = strawberry.field(description="What the band costs, in major units.")


@strawberry.input(description="The price of one model and direction.")
class TokenRateInput:
    model: str = strawberry.field(description="Which model it is for, as usage names it.")
    direction: Direction = strawberry.field(description="Which side of the call is metered.")
    amount: DecimalText = strawberry.field(description="The price, in major units.")
    per: Long = strawberry.field(default=Long(1_000_000), description="For how many units that is the price.")


@strawberry.input(description="Rates in force from a date until a later card takes over; a card is never edited.")
class TokenRateCardInput:
    version: str = strawberry.field(description="The name of the card.")
    effective_from: datetime = strawberry.field(description="Since when events are rated by this card.")
    rates: list[TokenRateInput] = strawberry.field(description="What a number of tokens costs, by model and direction.")


@strawberry.input(description="Every unit costs the same: quantity × unit.")
class UnitPriceInput:
    unit: DecimalText = strawberry.field(description="What one unit costs, in major units.")


@strawberry.input(description="Tiers of units, and the conventions by which they are read.")
class TieredPriceInput:
    tiers: list[PriceTierInput] = strawberry.field(
        description="The tiers, rising, up to 100; only the last may be open."
    )
    bound: TierBound = strawberry.field(
        default=TierBound.INCLUSIVE, description="To which tier a quantity on a bound belongs."
    )
    measure: TierMeasure = strawberry.field(default=TierMeasure.BY_UPPER_BOUND, description="What the bounds measure.")
    beyond: BeyondLast = strawberry.field(default=BeyondLast.STAY, description="What happens above the last bound.")
    flat_at_zero: FlatAtZero = strawberry.field(
        default=FlatAtZero.NOT_CHARGED, description="Whether a flat fee is owed for nothing at all."
    )


@strawberry.input(description="Units are sold in packages: ⌈(quantity − free units) ÷ size⌉ × amount.")
class PackagePriceInput:
    size: Long = strawberry.field(description="How many units a package has.")
    amount: DecimalText = strawberry.field(description="What a package costs, in major units.")
    free_units: Long = strawberry.field(
        default=Long(0), description="How many units are free before the first package."
    )
    rounding: PackageRounding = strawberry.field(
        default=PackageRounding.UP, description="What a package that is not full costs."
    )


@strawberry.input(description="A band has one price, however much of it is used.")
class BandPriceInput:
    bands: list[PriceBandInput] = strawberry.field(description="The bands, rising; only the last may be open.")
    beyond: BeyondLast = strawberry.field(default=BeyondLast.ERROR, description="What happens above the last band.")


@strawberry.input(
    description="A percentage of each event's amount and a fixed fee for it: amount × percent ÷ 100 + fixed, kept "
    "between the minimum and the maximum. With no more than a percentage, the sum of the amounts is enough."
)
class PercentagePriceInput:
    percent: DecimalText = strawberry.field(description="How many percent are charged.")
    fixed: DecimalText = strawberry.field(
        default=DecimalText("0"), description="What each paid event costs beside it, in major units."
    )
    free_units: DecimalText | None = strawberry.field(
        default=None, description="The total amount that is free; with free events, whichever ends first ends both."
    )
    free_events: Long | None = strawberry.field(
        default=None, description="How many events are free before anything is charged."
    )
    minimum: DecimalText | None = strawberry.field(default=None, description="The least one paid event costs.")
    maximum: DecimalText | None = strawberry.field(default=None, description="The most one paid event costs.")


@strawberry.input(description="Each tier takes its percentage of the amount inside it.")
class GraduatedPercentagePriceInput:
    tiers: list[PercentageTierInput] = strawberry.field(description="The tiers, rising; only the last may be open.")
    flat_at_zero: FlatAtZero = strawberry.field(
        default=FlatAtZero.NOT_CHARGED, description="Whether a flat fee is owed for nothing at all."
    )


@strawberry.input(
    description="Dated rate cards price each event when it occurs, by model and direction: quantity × amount ÷ per, "
    "rounded to whole billionths of the major unit."
)
class RateCardPriceInput:
    cards: list[TokenRateCardInput] = strawberry.field(description="The cards, oldest first.")


@strawberry.input(description="How many units of one meter a band holds.")
class MeterBoundInput:
    __document_pair__: ClassVar[tuple[str, str]] = ("meter", "up_to")

    meter: str = strawberry.field(description="What is measured, such as cores or gigabytes.")
    up_to: DecimalText = strawberry.field(description="The last unit the band holds.")


@strawberry.input(description="One amount for everything that fits the bounds of several meters.")
class CapacityBandInput:
    up_to: list[MeterBoundInput] | None = strawberry.field(
        default=None, description="The bounds, meter by meter; left out for all that follows."
    )
    amount: DecimalText = strawberry.field(description="What the band costs, in major units.")


@strawberry.input(description="The lowest band that holds every meter's peak prices them together.")
class CapacityPriceInput:
    bands: list[CapacityBandInput] = strawberry.field(description="The bands, rising; only the last may be open.")
    beyond: BeyondLast = strawberry.field(default=BeyondLast.ERROR, description="What happens above the last band.")


@strawberry.input(description="One way of pricing: give exactly one.", one_of=True)
class PriceInput:
    __document_tag__: ClassVar[str] = "model"

    unit: UnitPriceInput | None = strawberry.field(default=UNSET, description="Every unit costs the same.")
    graduated: TieredPriceInput | None = strawberry.field(
        default=UNSET, description="Each tier prices only the units inside it."
    )
    volume: TieredPriceInput | None = strawberry.field(
        default=UNSET, description="The tier that the whole quantity reaches prices all of it."
    )
    package: PackagePriceInput | None = strawberry.field(default=UNSET, description="Units are sold in packages.")
    band: BandPriceInput | None = strawberry.field(default=UNSET, description="A band has one price.")
    percentage: PercentagePriceInput | None = strawberry.field(
        default=UNSET, description="A percentage of an amount, and a fixed fee."
    )
    graduated_percentage: GraduatedPercentagePriceInput | None = strawberry.field(
        default=UNSET, description="Each tier takes its percentage of the amount inside it."
    )
    rate_card: RateCardPriceInput | None = strawberry.field(
        default=UNSET, description="Dated rate cards, by model and direction."
    )
    capacity: CapacityPriceInput | None = strawberry.field(
        default=UNSET, description="The lowest band that holds every meter's peak prices them together."
    )
