"""What is one thing that a plan charges for?

What is counted, how it is priced, when it is billed, and every named convention that has a say.
"""

from typing import assert_never

import strawberry

from billing import discounts, quantities
from billing import plan_items as rules
from billing.commitments import Shortfall
from billing.conversions import Conversion
from billing.day_counts import DayCount
from billing.money import Rounding, decimal_text
from billing.placements import Placement
from billing.plan_items import AllowanceRule, BelowZero, Cycle, FirstPeriod, Interval, Timing
from billing.plans import text
from billing.seat_policies import Decrease, Increase
from billing.usage import Aggregation
from billing.usage_events import Window
from schema import prices
from schema.money import Money
from schema.plan_policies import DiscountKind, QuantityKind
from schema.prices import Price
from schema.scalars import DecimalText, ExactText, Long


@strawberry.type(
    description="How a metered quantity becomes the one that is priced: quantity × multiplyBy ÷ divideBy, then rounded."
)
class UnitConversion:
    multiply_by: DecimalText = strawberry.field(description="By what the metered quantity is multiplied.")
    divide_by: DecimalText = strawberry.field(description="By what it is divided.")
    rounding: Rounding | None = strawberry.field(description="How it is rounded then; null for not at all.")
    decimals: int = strawberry.field(description="To how many decimals it is rounded.")

    @classmethod
    def of(cls, conversion: Conversion) -> "UnitConversion":
        """Return the conversion of a metered quantity."""
        return cls(
            multiply_by=DecimalText(decimal_text(conversion.multiply_by)),
            divide_by=DecimalText(decimal_text(conversion.divide_by)),
            rounding=conversion.rounding,
            decimals=conversion.decimals,
        )


@strawberry.type(description="What an item counts.")
class PlanQuantity:
    kind: QuantityKind = strawberry.field(description="What is counted.")
    tiers: list[str] = strawberry.field(
        default_factory=list, description="The keys of the seat tiers that count; none named: every paid seat."
    )
    add_on: str | None = strawberry.field(default=None, description="Only seats with this add-on; null for all.")
    meters: list[str] = strawberry.field(default_factory=list, description="The meters, where usage is counted.")
    aggregation: Aggregation | None = strawberry.field(default=None, description="How usage becomes one quantity.")
    window: Window | None = strawberry.field(default=None, description="Over which time usage is priced by itself.")
    conversion: UnitConversion | None = strawberry.field(
        default=None, description="How usage is converted into the units it is priced in; null where it is not."
    )

    @classmethod
    def of(cls, quantity: quantities.Quantity) -> "PlanQuantity":
        """Return the quantity of an item."""
        match quantity:
            case quantities.Seats(tiers, add_on):
                return cls(kind=QuantityKind.SEATS, tiers=list(tiers), add_on=add_on)
            case quantities.PeakSeats(tiers):
                return cls(kind=QuantityKind.PEAK_SEATS, tiers=list(tiers))
            case quantities.ContractBand():
                return cls(kind=QuantityKind.CONTRACT_BAND)
            case quantities.Usage(meter, aggregation, window, conversion):
                return cls(
                    kind=QuantityKind.USAGE,
                    meters=[meter],
                    aggregation=aggregation,
                    window=window,
                    conversion=None if conversion is None else UnitConversion.of(conversion),
                )
            case quantities.Capacity(meters):
                return cls(kind=QuantityKind.CAPACITY, meters=list(meters), aggregation=Aggregation.MAX)
            case quantities.Flat():
                return cls(kind=QuantityKind.FLAT)
            case _:
                assert_never(quantity)


@strawberry.type(description="Units that are free, and what happens above them.")
class Allowance:
    quantity: Long = strawberry.field(description="How many units are free.")
    rule: AllowanceRule = strawberry.field(description="What happens above them.")


@strawberry.type(description="A percentage that is taken off the whole amount as soon as the amount reaches a bound.")
class VolumeTier:
    from_amount: Money = strawberry.field(description="The amount that must be reached.")
    percent: DecimalText = strawberry.field(description="How many percent are taken off then.")

    @classmethod
    def of(cls, tier: discounts.VolumeTier, locale: str) -> "VolumeTier":
        """Return a tier of a discount by volume."""
        return cls(from_amount=Money.of(tier.from_amount, locale), percent=DecimalText(decimal_text(tier.percent)))


@strawberry.type(description="Something taken off a price.")
class Discount:
    kind: DiscountKind = strawberry.field(description="What it takes off.")
    name: str | None = strawberry.field(description="What it is called on the invoice.")
    percent: DecimalText | None = strawberry.field(default=None, description="PERCENTAGE: how many percent.")
    amount: Money | None = strawberry.field(default=None, description="AMOUNT: how much.")
    quantity: ExactText | None = strawberry.field(default=None, description="USAGE: how many units.")
    tiers: list[VolumeTier] | None = strawberry.field(
        default=None, description="VOLUME: how many percent, by the amount that is reached."
    )

    @classmethod
    def of(cls, discount: discounts.Discount, locale: str) -> "Discount":
        """Return a discount of an item."""
        match discount:
            case discounts.PercentageDiscount(percent, name):
                return cls(kind=DiscountKind.PERCENTAGE, name=name, percent=DecimalText(decimal_text(percent)))
            case discounts.AmountDiscount(amount, name):
                return cls(kind=DiscountKind.AMOUNT, name=name, amount=Money.of(amount, locale))
            case discounts.UsageDiscount(quantity, name):
                return cls(kind=DiscountKind.USAGE, name=name, quantity=ExactText(decimal_text(quantity)))
            case discounts.VolumeDiscount(tiers, name):
                return cls(kind=DiscountKind.VOLUME, name=name, tiers=[VolumeTier.of(tier, locale) for tier in tiers])
            case _:
                assert_never(discount)


@strawberry.type(
    description="An amount that the customer committed to spend: max(commitment, usage), what is above it × overage."
)
class Commitment:
    amount: Money = strawberry.field(description="How much of the item in an interval, or in each of its windows.")
    overage: DecimalText = strawberry.field(description="By which factor what is spent above it costs more.")
    shortfall: Shortfall = strawberry.field(description="What happens below it.")


@strawberry.type(description="One thing a plan charges for: what is counted, how it is priced, when it is billed.")
class PlanItem:
    key: str = strawberry.field(description="The stable name of the item; invoice lines carry it.")
    name: str = strawberry.field(description="The name in the organization's language.")
    quantity: PlanQuantity = strawberry.field(description="What is counted.")
    unit: str = strawberry.field(description="What one of the quantity is called.")
    price: Price = strawberry.field(description="How the quantity is priced, with negotiated prices applied.")
    price_version: str = strawberry.field(description="The version of the price; a version once used is never edited.")
    timing: Timing = strawberry.field(description="When it is billed.")
    interval: Interval = strawberry.field(description="How much time one charge covers.")
    proration: DayCount = strawberry.field(description="Which part of an interval a seat or a fee covers.")
    first_period: FirstPeriod = strawberry.field(description="What the interval in which the service began costs.")
    increase: Increase = strawberry.field(description="What a seat granted while an interval runs costs in it.")
    decrease: Decrease = strawberry.field(description="What a seat given back while an interval runs costs in it.")
    placement: Placement = strawberry.field(description="Which quantity finds the tier of prorated units.")
    allowance: Allowance | None = strawberry.field(description="What is free.")
    discounts: list[Discount] = strawberry.field(
        description="What is taken off, in this order, before the maximum and the minimum."
    )
    commitment: Commitment | None = strawberry.field(description="What the customer committed to spend.")
    minimum: Money | None = strawberry.field(
        description="The least a whole interval costs; a part of it costs its share."
    )
    maximum: Money | None = strawberry.field(
        description="The most a whole interval costs; a part of it costs its share."
    )
    quote_above: Long | None = strawberry.field(description="Above this quantity terms are individual.")
    rounding: Rounding = strawberry.field(description="How the amount becomes whole minor units.")
    tax_percent: DecimalText | None = strawberry.field(description="Its own tax rate; null for the plan's.")
    below_zero: BelowZero = strawberry.field(description="What a quantity below zero costs.")
    cycle: Cycle = strawberry.field(description="From which month its intervals are laid end to end.")

    @classmethod
    def of(cls, item: rules.PlanItem, locale: str) -> "PlanItem":
        """Return an item of a plan."""
        free, promised = item.allowance, item.commitment
        return cls(
            key=item.key,
            name=text(item.name, locale),
            quantity=PlanQuantity.of(item.quantity),
            unit=item.unit,
            price=prices.price(item.price),
            price_version=item.price_version,
            timing=item.timing,
            interval=item.interval,
            proration=item.proration,
            first_period=item.first_period,
            increase=item.increase,
            decrease=item.decrease,
            placement=item.placement,
            allowance=Allowance(quantity=Long(free.quantity), rule=free.rule) if free else None,
            discounts=[Discount.of(each, locale) for each in item.discounts],
            commitment=Commitment(
                amount=Money.of(promised.amount, locale),
                overage=DecimalText(decimal_text(promised.overage)),
                shortfall=promised.shortfall,
            )
            if promised
            else None,
            minimum=Money.of(item.minimum, locale) if item.minimum else None,
            maximum=Money.of(item.maximum, locale) if item.maximum else None,
            quote_above=None if item.quote_above is None else Long(item.quote_above),
            rounding=item.rounding,
            tax_percent=None if item.tax_percent is None else DecimalText(decimal_text(item.tax_percent)),
            below_zero=item.below_zero,
            cycle=item.cycle,
        )
