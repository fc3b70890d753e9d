"""What is one item of a plan?

What is counted × how it is priced × when it is billed. Where vendors disagree, the convention is a named policy on
the item. An item that could not be billed as it is written cannot be made.

>>> from billing.prices import UnitPrice
>>> price = UnitPrice(Fraction(40))
>>> PlanItem("chat", {"en": "Chat seats"}, PeakSeats(), price, timing=Timing.ADVANCE)
Traceback (most recent call last):
    ...
billing.plan_items.InvalidPlan: timing: a peak is known only when the month is over; bill it in ARREARS
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final, assert_never

from billing.commitments import Commitment
from billing.conversions import Conversion
from billing.day_counts import DayCount
from billing.discounts import Discount, UsageDiscount, currencies
from billing.money import Money, Rounding
from billing.periods import Period, days_span, months_span
from billing.placements import PlacedPrice, Placement
from billing.prices import CapacityPrice, PercentagePrice, Price, RateCardPrice
from billing.quantities import Capacity, ContractBand, Flat, PeakSeats, Quantity, Seats, Usage
from billing.reading import InvalidDocument
from billing.seat_policies import Decrease, Increase, Rules
from billing.taxes import check_percent
from billing.usage import Aggregation
from billing.usage_events import Window

Texts = Mapping[str, str]


class InvalidPlan(InvalidDocument):
    """A plan breaks a rule at `field`, a dotted path."""


class Timing(StrEnum):
    """When an item is billed: before the time it covers, or after it."""

    ADVANCE = "ADVANCE"
    ARREARS = "ARREARS"


class Interval(StrEnum):
    """How much time one charge covers.

    Days and weeks are billed when the month in which they end is over, each by itself. Weeks, and intervals of several
    months, run from the day or the month that the item's cycle names.
    """

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    HALF_YEAR = "HALF_YEAR"
    YEAR = "YEAR"

    @property
    def is_within_month(self) -> bool:
        """Whether several of them end in a month."""
        return self in _DAYS

    def span(self, at: datetime, anchor: datetime, time_zone: str) -> Period:
        """Return the interval that contains `at`, the intervals being laid end to end from the anchor."""
        if self in _DAYS:
            return days_span(at, anchor, _DAYS[self], time_zone)
        return months_span(at, anchor, _MONTHS[self], time_zone)

    @property
    def unit(self) -> str:
        """What one interval is called."""
        return self.lower().replace("_", "-")


_DAYS: Final = {Interval.DAY: 1, Interval.WEEK: 7}
_MONTHS: Final = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.HALF_YEAR: 6, Interval.YEAR: 12}


class Cycle(StrEnum):
    """From which month, or for weeks from which day, the intervals of an item are laid end to end.

    WITH_SERVICE  the one in which the service began: a change of plan leaves the dates of the intervals as they are.
    WITH_PLAN     the one in which the plan came into force: a change of plan begins a new cycle, whose first interval
                  costs what it costs a new customer.
    """

    WITH_SERVICE = "WITH_SERVICE"
    WITH_PLAN = "WITH_PLAN"


class FirstPeriod(StrEnum):
    """What the interval in which the service began costs.

    BY_DAYS_LEFT  a peak or a flat fee: its share of days from the first paid access, that day counted, over the days
                  of the interval. Seats: each from its own start, by the item's day count.
    FULL          as any other interval; every seat counts as a whole.
    FREE          nothing.
    """

    BY_DAYS_LEFT = "BY_DAYS_LEFT"
    FULL = "FULL"
    FREE = "FREE"


class AllowanceRule(StrEnum):
    """What happens above the free allowance."""

    CLIFF = "CLIFF"  # all units are billed: 5 are free, of 6 all 6 are billed
    DEDUCT = "DEDUCT"  # only the units above it are billed


class BelowZero(StrEnum):
    """What a quantity below zero costs: what was taken back was more than what was used.

    CREDIT   the opposite of as much above zero: it is a correction, and gives back what the units cost.
    NOTHING  nothing, not even the flat fee of a tier that was entered on the way.
    """

    CREDIT = "CREDIT"
    NOTHING = "NOTHING"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many units are free, and what happens above them."""

    quantity: int
    rule: AllowanceRule

    def billed(self, quantity: Fraction) -> Fraction:
        """Return how much of `quantity` is billed."""
        if quantity <= self.quantity:
            return Fraction(0)
        return quantity if self.rule is AllowanceRule.CLIFF else quantity - self.quantity


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One thing a plan charges for. `tax_percent` is its own rate where it is not the plan's."""

    key: str
    name: Texts
    quantity: Quantity
    price: Price
    timing: Timing = Timing.ARREARS
    interval: Interval = Interval.MONTH
    proration: DayCount = DayCount.BY_SECOND
    first_period: FirstPeriod = FirstPeriod.BY_DAYS_LEFT
    decrease: Decrease = Decrease.CREDIT
    allowance: Allowance | None = None
    minimum: Money | None = None
    maximum: Money | None = None
    quote_above: int | None = None
    price_version: str = "1"
    rounding: Rounding = Rounding.HALF_AWAY
    increase: Increase = Increase.PRORATE
    placement: Placement = Placement.BY_PRORATED_QUANTITY
    discounts: tuple[Discount, ...] = ()
    commitment: Commitment | None = None
    tax_percent: Fraction | None = None
    below_zero: BelowZero = BelowZero.CREDIT
    cycle: Cycle = Cycle.WITH_SERVICE

    def __post_init__(self) -> None:
        match self.quantity:
            case PeakSeats():
                self._arrears_by_month("a peak is known only when the month is over")
            case Usage() | Capacity():
                self._arrears_by_month("usage is known only when the month is over")
            case Seats() | Flat() | ContractBand():
                if self.interval.is_within_month and self.timing is not Timing.ARREARS:
                    raise InvalidPlan(
                        "timing", f"by the {self.interval.unit} is billed what is over; bill it in ARREARS"
                    )
            case _:
                assert_never(self.quantity)
        self._check_price()
        self._check_policies()
        if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
            raise InvalidPlan("maximum", f"{self.maximum} is below the minimum of {self.minimum}")

    @property
    def unit(self) -> str:
        """What one of the quantity is called."""
        match self.quantity:
            case Seats():
                return f"seat-{self.interval.unit}"
            case PeakSeats() | ContractBand():
                return "seat"
            case Usage(meter):
                return meter
            case Capacity():
                return "band"
            case Flat():
                return self.interval.unit
            case _:
                assert_never(self.quantity)

    @property
    def rules(self) -> Rules:
        """How the item's seats are counted."""
        return Rules(self.proration, self.increase, self.decrease)

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters whose usage the item bills."""
        match self.quantity:
            case Usage(meter):
                return (meter,)
            case Capacity(meters):
                return meters
            case Seats() | PeakSeats() | ContractBand() | Flat():
                return ()
            case _:
                assert_never(self.quantity)

    @property
    def needs_events(self) -> bool:
        """Whether totals are not enough: the price or the quantity is worked out event by event."""
        match self.quantity:
            case Usage(_, aggregation, window):
                by_event = isinstance(self.price, PercentagePrice) and self.price.by_event
                return by_event or aggregation is Aggregation.WEIGHTED_SUM or window is not Window.PERIOD
            case Capacity():
                return True
            case Seats() | PeakSeats() | ContractBand() | Flat():
                return False
            case _:
                assert_never(self.quantity)

    @property
    def conversion(self) -> Conversion | None:
        """How the metered quantity becomes the one that is priced, where they differ."""
        return self.quantity.conversion if isinstance(self.quantity, Usage) else None

    @property
    def reads_events(self) -> bool:
        """Whether single events say more than totals: the largest and the last of a month are events, not sums."""
        single = isinstance(self.quantity, Usage) and self.quantity.aggregation in (Aggregation.MAX, Aggregation.LATEST)
        return self.needs_events or single

    def _arrears_by_month(self, reason: str) -> None:
        if self.timing is not Timing.ARREARS:
            raise InvalidPlan("timing", f"{reason}; bill it in ARREARS")
        if self.interval is not Interval.MONTH:
            message = f"{reason}; bill it by MONTH, not by {self.interval}"
            shorter = "; usage has a window for each day" if self.interval.is_within_month else ""
            raise InvalidPlan("interval", f"{message}{shorter}")

    def _check_price(self) -> None:
        match self.price:
            case RateCardPrice():
                if not isinstance(self.quantity, Usage):
                    raise InvalidPlan("price.model", "a rate card prices usage only")
                if self.allowance is not None:
                    raise InvalidPlan("allowance", "a rate card has a price for each model, so no quantity is free")
                if self.quote_above is not None:
                    raise InvalidPlan(
                        "quote_above", "a rate card has a price for each model, so no quantity is bounded"
                    )
            case CapacityPrice():
                if not isinstance(self.quantity, Capacity):
                    raise InvalidPlan("price.model", "a capacity price prices the peaks of meters, a CAPACITY quantity")
            case PercentagePrice() if self.price.by_event and not isinstance(self.quantity, Usage):
                raise InvalidPlan("price.model", "a fee for each event prices usage only")
            case _:
                pass
        if isinstance(self.quantity, Capacity) and not isinstance(self.price, CapacityPrice):
            raise InvalidPlan("quantity.kind", "the peaks of several meters are priced by a CAPACITY price only")

    def _check_policies(self) -> None:
        """Raise when a policy is named that could have no say."""
        metered = isinstance(self.price, RateCardPrice)
        if self.placement is Placement.BY_RUNNING_UNITS:
            if not isinstance(self.quantity, Seats) or not isinstance(self.price, PlacedPrice):
                raise InvalidPlan("placement", "only seats at a UNIT, GRADUATED or VOLUME price are placed")
            if self.allowance is not None:
                raise InvalidPlan("placement", "an allowance is taken from the prorated quantity")
        if self.commitment is not None and metered:
            raise InvalidPlan("commitment", "a rate card prices each event; give the item a minimum")
        if self.conversion is not None and (
            metered or (isinstance(self.price, PercentagePrice) and self.price.by_event)
        ):
            raise InvalidPlan("quantity.conversion", "what is priced event by event has no quantity to convert")
        if isinstance(self.quantity, Usage) and self.quantity.window is not Window.PERIOD:
            if metered or (isinstance(self.price, PercentagePrice) and self.price.by_event):
                raise InvalidPlan("quantity.window", "what is priced event by event has no windows")
            if self.allowance is not None:
                raise InvalidPlan("allowance", "each window is priced by itself, so no quantity of the period is free")
        for index, discount in enumerate(self.discounts):
            if isinstance(discount, UsageDiscount) and (metered or self.needs_events):
                raise InvalidPlan(f"discounts.{index}", "units are taken off a quantity; this is priced by the event")
        if self.tax_percent is not None:
            check_percent("tax_percent", self.tax_percent)

    def amounts(self) -> dict[str, Money]:
        """Return every fixed amount of the item by its dotted path."""
        found = {"minimum": self.minimum, "maximum": self.maximum}
        found |= {"commitment.amount": self.commitment.amount} if self.commitment else {}
        for index, discount in enumerate(self.discounts):
            found |= {f"discounts.{index}.{field}": amount for field, amount in currencies(discount).items()}
        return {field: amount for field, amount in found.items() if amount is not None}
