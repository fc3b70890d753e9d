"""What does a client ask the calculator?

Any plan items, how much of each, and what is agreed about the whole. Nothing has to exist: no organization, no plan in
a catalogue. The input has a field for every key of the document that the rules read, so they can do nothing that a
client cannot ask for.
"""

from typing import Annotated, Any

import strawberry

from billing.commitments import Shortfall
from billing.day_counts import DayCount
from billing.money import Rounding
from billing.placements import Placement
from billing.plan_items import AllowanceRule, BelowZero, Cycle, FirstPeriod, Interval, Timing
from billing.seat_policies import Decrease, Increase
from billing.taxes import TaxBase, TaxMode, TaxRounding
from billing.usage import Aggregation
from billing.usage_events import Window
from schema.estimate_measures import (
    BilledBeforeInput,
    EstimateEventInput,
    EstimateSpanInput,
    HeldSeatsInput,
    MeterPeakInput,
    ShareInput,
    TokensInput,
    UnitChangeInput,
)
from schema.input_documents import document
from schema.plan_policies import DiscountKind, QuantityKind
from schema.price_inputs import PriceInput
from schema.scalars import DecimalText, Long

LOCALE = "en"


@strawberry.input(
    description="How a metered quantity becomes the one that is priced: quantity × multiplyBy ÷ divideBy, then rounded."
)
class UnitConversionInput:
    multiply_by: DecimalText = strawberry.field(
        default=DecimalText("1"), description="By what the metered quantity is multiplied; above 0."
    )
    divide_by: DecimalText = strawberry.field(default=DecimalText("1"), description="By what it is divided; above 0.")
    rounding: Rounding | None = strawberry.field(
        default=None, description="How it is rounded then; left out, not at all."
    )
    decimals: int = strawberry.field(default=0, description="To how many decimals it is rounded, 0 to 12.")


@strawberry.input(description="What an item counts.")
class QuantityInput:
    kind: QuantityKind = strawberry.field(description="What is counted.")
    tiers: list[str] | None = strawberry.field(
        default=None, description="SEATS and PEAK_SEATS: only seats of these tiers; left out, every paid seat."
    )
    add_on: str | None = strawberry.field(default=None, description="SEATS: only seats with this add-on.")
    meter: str | None = strawberry.field(default=None, description="USAGE: the meter.")
    meters: list[str] | None = strawberry.field(default=None, description="CAPACITY: the meters.")
    aggregation: Aggregation | None = strawberry.field(
        default=None, description="USAGE: how it becomes one quantity; SUM if left out."
    )
    window: Window | None = strawberry.field(
        default=None, description="USAGE: over which time it is priced by itself; PERIOD if left out."
    )
    conversion: UnitConversionInput | None = strawberry.field(
        default=None, description="USAGE: how it is converted into the units it is priced in; not at all if left out."
    )


@strawberry.input(description="Units that are free, and what happens above them.")
class AllowanceInput:
    quantity: Long = strawberry.field(description="How many units are free.")
    rule: AllowanceRule = strawberry.field(description="What happens above them.")


@strawberry.input(description="A percentage that is taken off the whole amount as soon as it reaches a bound.")
class VolumeTierInput:
    from_amount: DecimalText = strawberry.field(description="The amount to reach, in major units.")
    percent: DecimalText = strawberry.field(description="How many percent are taken off then, from 0 to 100.")


@strawberry.input(description="Something taken off a price: give the field that its kind names.")
class DiscountInput:
    kind: DiscountKind = strawberry.field(description="What it takes off.")
    name: str | None = strawberry.field(default=None, description="What lines call it.")
    percent: DecimalText | None = strawberry.field(
        default=None, description="PERCENTAGE: how many percent, from 0 to 100."
    )
    amount: DecimalText | None = strawberry.field(default=None, description="AMOUNT: how much, in major units.")
    quantity: DecimalText | None = strawberry.field(default=None, description="USAGE: how many units.")
    tiers: list[VolumeTierInput] | None = strawberry.field(
        default=None, description="VOLUME: how many percent, by the amount that is reached; the amounts rise."
    )


@strawberry.input(
    description="An amount that the customer commits to spend: max(commitment, usage), and what is above it × overage."
)
class CommitmentInput:
    amount: DecimalText = strawberry.field(
        description="How much of the item in an interval, or in each of its windows, in major units."
    )
    overage: DecimalText = strawberry.field(
        default=DecimalText("1"), description="By which factor what is spent above it costs more, from 1 to 1000."
    )
    shortfall: Shortfall = strawberry.field(default=Shortfall.TRUE_UP, description="What happens below it.")


@strawberry.input(description="One thing a plan charges for: what is counted, how it is priced, when it is billed.")
class PlanItemInput:
    key: str = strawberry.field(description="A name for the item, unique among those asked about.")
    name: str | None = strawberry.field(default=None, description="What lines call it; the key if left out.")
    quantity: QuantityInput = strawberry.field(description="What is counted.")
    price: PriceInput = strawberry.field(description="How it is priced.")
    timing: Timing = strawberry.field(default=Timing.ARREARS, description="When it is billed.")
    interval: Interval = strawberry.field(default=Interval.MONTH, description="How much time one charge covers.")
    proration: DayCount = strawberry.field(
        default=DayCount.BY_SECOND, description="Which part of an interval a seat or a fee covers."
    )
    first_period: FirstPeriod = strawberry.field(
        default=FirstPeriod.BY_DAYS_LEFT, description="What the interval in which the service began costs."
    )
    increase: Increase = strawberry.field(
        default=Increase.PRORATE, description="What a seat granted while an interval runs costs in it."
    )
    decrease: Decrease = strawberry.field(
        default=Decrease.CREDIT, description="What a seat given back while an interval runs costs in it."
    )
    placement: Placement = strawberry.field(
        default=Placement.BY_PRORATED_QUANTITY, description="Which quantity finds the tier of prorated units."
    )
    discounts: list[DiscountInput] = strawberry.field(
        default_factory=list, description="What is taken off, in this order, before the maximum and the minimum."
    )
    commitment: CommitmentInput | None = strawberry.field(
        default=None, description="What the customer commits to spend."
    )
    allowance: AllowanceInput | None = strawberry.field(default=None, description="What is free.")
    minimum: DecimalText | None = strawberry.field(
        default=None, description="The least a whole interval costs, in major units; a part of it costs its share."
    )
    maximum: DecimalText | None = strawberry.field(
        default=None, description="The most a whole interval costs, in major units; a part of it costs its share."
    )
    quote_above: Long | None = strawberry.field(
        default=None, description="Above this quantity terms are individual: the answer is that a quote is required."
    )
    price_version: str = strawberry.field(default="1", description="The version by which explanations name the price.")
    rounding: Rounding = strawberry.field(
        default=Rounding.HALF_AWAY, description="How the amount becomes whole minor units."
    )
    tax_percent: DecimalText | None = strawberry.field(
        default=None, description="Its own tax rate in percent; left out, the rate of the whole."
    )
    below_zero: BelowZero = strawberry.field(default=BelowZero.CREDIT, description="What a quantity below zero costs.")
    cycle: Cycle = strawberry.field(
        default=Cycle.WITH_SERVICE, description="From which month its intervals are laid end to end."
    )


@strawberry.input(description="An item and how much of it, said in the one way that fits it.")
class EstimateItemInput:
    item: PlanItemInput = strawberry.field(description="What is priced, as a plan would have it.")
    quantity: DecimalText | None = strawberry.field(default=None, description="How much of it, where a number says it.")
    tokens: list[TokensInput] | None = strawberry.field(
        default=None, description="A rate card: how much of each model and direction, rated by the latest card."
    )
    seats: list[HeldSeatsInput] | None = strawberry.field(
        default=None, description="Seats and peak seats: who held one when, within `span`."
    )
    events: list[EstimateEventInput] | None = strawberry.field(
        default=None, description="Usage and capacity: the events, within `span`."
    )
    amounts: list[DecimalText] | None = strawberry.field(
        default=None, description="A percentage with a fee for each event: the amount of each, as they occurred."
    )
    changes: list[UnitChangeInput] | None = strawberry.field(
        default=None, description="Seats placed BY_RUNNING_UNITS: each change of their number, as they occurred."
    )
    windows: list[DecimalText] | None = strawberry.field(
        default=None, description="Usage by the day or hour: the quantity of each window, priced by itself."
    )
    peaks: list[MeterPeakInput] | None = strawberry.field(
        default=None, description="Capacity: the highest value of each meter."
    )
    span: EstimateSpanInput | None = strawberry.field(
        default=None,
        description="The interval, where seats, events or a fee that begins or ends within it are measured by time.",
    )
    share: ShareInput | None = strawberry.field(
        default=None, description="Which part of the interval is owed; all of it if left out."
    )
    billed: BilledBeforeInput | None = strawberry.field(
        default=None, description="What was billed of the same interval before."
    )


@strawberry.input(description="The tax on everything that is asked about.")
class TaxInput:
    mode: TaxMode = strawberry.field(default=TaxMode.EXCLUSIVE, description="Whether the prices contain the tax.")
    percent: DecimalText = strawberry.field(
        default=DecimalText("0"), description="The rate in percent, from 0 to 100; an item may have one of its own."
    )
    base: TaxBase = strawberry.field(default=TaxBase.ROUNDED, description="What the tax is worked out on.")
    rounding: TaxRounding = strawberry.field(default=TaxRounding.RATE, description="Where the tax is rounded.")
    exemption: str | None = strawberry.field(
        default=None, description="Why this customer owes no tax; left out for one that does."
    )


@strawberry.input(
    description="What the calculator is asked. A question may take 10,000 steps, as which each seat, event, tier and "
    "discount counts."
)
class EstimateInput:
    currency: str = strawberry.field(description="The ISO 4217 code of the currency the prices are in.")
    items: list[EstimateItemInput] = strawberry.field(description="The items and how much of each, 1 to 100 of them.")
    tax: TaxInput | None = strawberry.field(default=None, description="The tax; none if left out.")
    discounts: list[DiscountInput] = strawberry.field(
        default_factory=list, description="What is taken off the whole, in this order; each line bears its share."
    )
    commitment: DecimalText | None = strawberry.field(
        default=None,
        description="The least all items cost together, in major units; a line of its own adds what is missing.",
    )
    credit: DecimalText | None = strawberry.field(
        default=None, description="The prepaid credit at hand, in major units; no more of it is drawn than is due."
    )
    locale: str = strawberry.field(default=LOCALE, description="The language in which amounts and lines are written.")

    def named(self) -> frozenset[str]:
        """Return the members that the question names."""
        holders = (each.member for item in self.items for each in (*(item.seats or ()), *(item.events or ())))
        return frozenset(member for member in holders if member)

    def document(self) -> dict[str, Any]:
        """Return the question as the rules read it."""
        found: dict[str, Any] = document(self)
        for each in found["items"]:
            each["item"]["name"] = {LOCALE: each["item"].get("name", each["item"]["key"])}
        return found


Asked = Annotated[
    EstimateInput, strawberry.argument(name="input", description="The items, how much of each, and the terms.")
]
