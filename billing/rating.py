"""What did one usage event cost?

The rate card in force when the event occurred decides, and a card is never edited: a later one with a later date
replaces it for later events only. The cost is rounded once, to whole nanos, half away from zero.

>>> from datetime import UTC
>>> launch = datetime(2026, 1, 1, tzinfo=UTC)
>>> card = RateCard("2026-01", launch, {("sonnet", Direction.INPUT): Rate(Fraction(3), 1_000_000)})
>>> rate((card,), "sonnet", Direction.INPUT, 1_500, launch, "USD").cost_nanos
4500000
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final

from billing.currencies import exponent
from billing.money import NANOS_MAX, NANOS_PER_MAJOR, round_half_away
from billing.periods import require_utc

QUANTITY_MAX: Final = 10**15


class Direction(StrEnum):
    """Which side of a call was metered; each has a price of its own."""

    INPUT = "INPUT"
    OUTPUT = "OUTPUT"
    CACHE_READ = "CACHE_READ"
    CACHE_WRITE = "CACHE_WRITE"


class InvalidRate(ValueError):
    """A rate, a card or a quantity is out of its bounds."""


NAMED_MAX: Final = 5


class UnknownModel(LookupError):
    """No rate card in force on the date knows the model; the message names some of those it knows."""

    def __init__(self, model: str, direction: Direction, occurred_at: datetime, known: Iterable[str] = ()) -> None:
        names = sorted(set(known))
        rest = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
        has = f"; the one in force has {', '.join(names[:NAMED_MAX])}{rest}" if names else ""
        message = f"model {model[:40]!r} ({direction}) is on no rate card in force at {occurred_at.isoformat()}{has}"
        super().__init__(message)
        self.model, self.direction, self.occurred_at = model, direction, occurred_at


class NoRate(LookupError):
    """The card knows the model and has no rate for this direction."""

    def __init__(self, model: str, direction: Direction, occurred_at: datetime) -> None:
        super().__init__(f"model {model!r} has no {direction} rate in force at {occurred_at.isoformat()}")
        self.model, self.direction, self.occurred_at = model, direction, occurred_at


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` major units for every `per` units."""

    amount: Fraction
    per: int

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Fraction) or self.amount < 0:
            raise InvalidRate(f"rate amount {self.amount!r} must be an exact number of at least 0")
        if self.per < 1:
            raise InvalidRate(f"rate per {self.per} units must be per at least 1")

    @property
    def unit_nanos(self) -> Fraction:
        """The exact price of one unit."""
        return self.amount * NANOS_PER_MAJOR / self.per


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates in force from `effective_from` until a later card of the same book takes over."""

    version: str
    effective_from: datetime
    rates: Mapping[tuple[str, Direction], Rate]

    def __post_init__(self) -> None:
        require_utc(self.effective_from)
        if not self.version:
            raise InvalidRate("a rate card must have a version")


@dataclass(frozen=True, slots=True)
class Rated:
    """The cost of one event and the price behind it."""

    cost_nanos: int
    version: str
    unit_nanos: Fraction


def card_at(cards: Sequence[RateCard], occurred_at: datetime) -> RateCard | None:
    """Return the card in force at `occurred_at`, or None before the first."""
    in_force = [card for card in cards if card.effective_from <= occurred_at]
    return max(in_force, key=lambda card: (card.effective_from, card.version), default=None)


def rate(
    cards: Sequence[RateCard],
    model: str,
    direction: Direction,
    quantity: int,
    occurred_at: datetime,
    currency: str,
) -> Rated:
    """Return what `quantity` units cost by the card in force at `occurred_at`; the card is in `currency`."""
    exponent(currency)
    if not 0 <= quantity <= QUANTITY_MAX:
        raise InvalidRate(f"quantity {quantity} is outside 0 to {QUANTITY_MAX}")
    card = card_at(cards, occurred_at)
    if card is None or not any(known == model for known, _ in card.rates):
        known = () if card is None else (name for name, _ in card.rates)
        raise UnknownModel(model, direction, occurred_at, known)
    found = card.rates.get((model, direction))
    if found is None:
        raise NoRate(model, direction, occurred_at)
    cost_nanos = round_half_away(found.unit_nanos * quantity)
    if cost_nanos > NANOS_MAX:
        raise InvalidRate(f"{quantity} units of {model!r} cost {cost_nanos} nanos {currency}; the bound is {NANOS_MAX}")
    return Rated(cost_nanos, card.version, found.unit_nanos)
