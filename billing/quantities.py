"""What does an item of a plan count?

Seats held or the most of them, metered usage, the peaks of several meters, the band of a contract, or nothing but the
time. Which seats of an interval are meant is the quantity's to say; how they are priced is not.

>>> Seats(("chat",)).selection
Selection(tiers=('chat',), add_on=None)
"""

from dataclasses import dataclass

from billing.conversions import Conversion
from billing.seats import Selection
from billing.usage import Aggregation
from billing.usage_events import Window


@dataclass(frozen=True, slots=True)
class Seats:
    """Seats held, each for its part of the interval. No tier named: every billable seat."""

    tiers: tuple[str, ...] = ()
    add_on: str | None = None

    @property
    def selection(self) -> Selection:
        """The seats this quantity counts."""
        return Selection(self.tiers, self.add_on)


@dataclass(frozen=True, slots=True)
class PeakSeats:
    """The most seats held at any one instant of the month."""

    tiers: tuple[str, ...] = ()

    @property
    def selection(self) -> Selection:
        """The seats this quantity counts."""
        return Selection(self.tiers)


@dataclass(frozen=True, slots=True)
class ContractBand:
    """The band of the contract, billed by the contract's instalments; the price is what a new contract would list."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Metered usage of one meter; with a window, each hour or day is aggregated and priced by itself.

    With a conversion it is priced in other units than it is metered in.
    """

    meter: str
    aggregation: Aggregation = Aggregation.SUM
    window: Window = Window.PERIOD
    conversion: Conversion | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """The highest value of each of some meters, priced together."""

    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flat:
    """One, always."""


Quantity = Seats | PeakSeats | ContractBand | Usage | Capacity | Flat
