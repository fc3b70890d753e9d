"""What is taken off a price, and in which order?

First the usage discounts, which take units off the quantity before it is priced; then the others, in the order in
which they are written, each from what the ones before it left. No discount takes more than there is, and only then
are a maximum and a minimum applied.

>>> ten = PercentageDiscount(Fraction(10))
>>> five = AmountDiscount(Money.parse("5.00", "USD"))
>>> price = Money.parse("100.00", "USD")
>>> [str(each.taken) for each in apply((ten, five), price, price.exact)]
['10.00 USD', '5.00 USD']
>>> [str(each.taken) for each in apply((five, ten), price, price.exact)]
['5.00 USD', '9.50 USD']
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, assert_never

from billing.money import InvalidAmount, Money, Rounding, decimal_text
from billing.reading import InvalidDocument, Reader


class InvalidDiscount(InvalidDocument):
    """A discount is out of its bounds; `field` is its dotted path."""


@dataclass(frozen=True, slots=True)
class PercentageDiscount:
    """A part of the amount, in percent."""

    percent: Fraction
    name: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise InvalidDiscount("percent", f"{decimal_text(self.percent)} is outside 0 to 100")


@dataclass(frozen=True, slots=True)
class AmountDiscount:
    """A fixed amount, and never more than there is."""

    amount: Money
    name: str | None = None

    def __post_init__(self) -> None:
        if self.amount.minor < 0:
            raise InvalidDiscount("amount", f"{self.amount} is below 0")


@dataclass(frozen=True, slots=True)
class UsageDiscount:
    """Units that are not priced."""

    quantity: Fraction
    name: str | None = None

    def __post_init__(self) -> None:
        if self.quantity < 0:
            raise InvalidDiscount("quantity", f"{decimal_text(self.quantity)} is below 0")


@dataclass(frozen=True, slots=True)
class VolumeTier:
    """From which amount on how many percent are taken."""

    from_amount: Money
    percent: Fraction

    def __post_init__(self) -> None:
        if self.from_amount.minor < 0:
            raise InvalidDiscount("from_amount", f"{self.from_amount} is below 0")
        if not 0 <= self.percent <= 100:
            raise InvalidDiscount("percent", f"{decimal_text(self.percent)} is outside 0 to 100")


@dataclass(frozen=True, slots=True)
class VolumeDiscount:
    """A part of the whole amount that grows with it: the percentage of the highest tier it reaches."""

    tiers: tuple[VolumeTier, ...]
    name: str | None = None

    def __post_init__(self) -> None:
        if not self.tiers:
            raise InvalidDiscount("tiers", "at least one tier is needed")
        for index, (lower, upper) in enumerate(pairwise(self.tiers), 1):
            if upper.from_amount <= lower.from_amount:
                message = f"{upper.from_amount} must be above {lower.from_amount}, or the tiers overlap"
                raise InvalidDiscount(f"tiers.{index}.from_amount", message)

    def reached(self, amount: Fraction, factor: Fraction) -> VolumeTier | None:
        """Return the highest tier that an amount for `factor` of the interval reaches; a correction by its size."""
        reached = [tier for tier in self.tiers if abs(amount) >= tier.from_amount.exact * factor]
        return reached[-1] if reached else None


Discount = PercentageDiscount | AmountDiscount | UsageDiscount | VolumeDiscount


@dataclass(frozen=True, slots=True)
class Taken:
    """What one discount takes from what was left: never below zero, never more than there is."""

    discount: PercentageDiscount | AmountDiscount
    base: Fraction
    taken: Money
    tier: VolumeTier | None = None


def priced_quantity(discounts: Sequence[Discount], quantity: Fraction) -> Fraction:
    """Return how much of `quantity` is priced after the usage discounts."""
    for discount in discounts:
        if isinstance(discount, UsageDiscount):
            quantity = max(Fraction(0), quantity - discount.quantity) if quantity > 0 else quantity
    return quantity


def apply(
    discounts: Sequence[Discount],
    amount: Money,
    exact: Fraction,
    *,
    factor: Fraction = Fraction(1),
    rounding: Rounding = Rounding.HALF_AWAY,
) -> tuple[Taken, ...]:
    """Return what each discount takes from `amount`, which is `exact` rounded.

    A percentage is taken from the exact amount and rounded once. A fixed amount is owed for `factor` of the interval.
    From an amount that is itself a correction, below zero, a percentage gives back its part and a fixed amount nothing.
    """
    left, left_exact = amount, exact
    found: list[Taken] = []
    for given in discounts:
        tier = given.reached(left_exact, factor) if isinstance(given, VolumeDiscount) else None
        discount = PercentageDiscount(tier.percent, given.name) if tier is not None else given
        match discount:
            case UsageDiscount() | VolumeDiscount():  # the quantity is less by it already, or no tier is reached
                continue
            case PercentageDiscount():
                wanted = Money.rounded(left_exact * discount.percent / 100, amount.currency, rounding)
            case AmountDiscount():
                wanted = Money.rounded(discount.amount.exact * factor, amount.currency, rounding)
                wanted = wanted if left.minor > 0 else Money.zero(amount.currency)
            case _:
                assert_never(discount)
        taken = min(wanted, left) if left.minor >= 0 else max(wanted, left)
        found.append(Taken(discount, left_exact, taken, tier))
        left, left_exact = left - taken, left_exact - taken.exact
    return tuple(found)


def read(reader: Reader, currency: str) -> Discount:
    """Return the discount written in the object of `reader`."""
    kind = reader.text("kind")
    name = reader.text("name") if reader.has("name") else None
    match kind:
        case "PERCENTAGE":
            reader.only("kind", "name", "percent")
            return reader.make(lambda: PercentageDiscount(reader.amount("percent"), name), InvalidDiscount)
        case "AMOUNT":
            reader.only("kind", "name", "amount")
            return reader.make(lambda: AmountDiscount(_money(reader, currency), name), InvalidDiscount)
        case "USAGE":
            reader.only("kind", "name", "quantity")
            return reader.make(lambda: UsageDiscount(reader.amount("quantity"), name), InvalidDiscount)
        case "VOLUME":
            reader.only("kind", "name", "tiers")
            tiers = tuple(_read_tier(each, currency) for each in reader.children("tiers"))
            return reader.make(lambda: VolumeDiscount(tiers, name), InvalidDiscount)
        case _:
            raise reader.error(reader.at("kind"), f"{kind[:40]!r} is none of PERCENTAGE, AMOUNT, USAGE, VOLUME")


def write(discount: Discount) -> dict[str, Any]:
    """Return the object that `read` reads back."""
    named = {} if discount.name is None else {"name": discount.name}
    match discount:
        case PercentageDiscount():
            return {"kind": "PERCENTAGE", "percent": decimal_text(discount.percent), **named}
        case AmountDiscount():
            return {"kind": "AMOUNT", "amount": discount.amount.amount, **named}
        case UsageDiscount():
            return {"kind": "USAGE", "quantity": decimal_text(discount.quantity), **named}
        case VolumeDiscount():
            tiers = [
                {"from_amount": tier.from_amount.amount, "percent": decimal_text(tier.percent)}
                for tier in discount.tiers
            ]
            return {"kind": "VOLUME", "tiers": tiers, **named}
        case _:
            assert_never(discount)


def currencies(discount: Discount) -> dict[str, Money]:
    """Return the amounts of a discount by the place where its document has them."""
    match discount:
        case AmountDiscount():
            return {"amount": discount.amount}
        case VolumeDiscount():
            return {f"tiers.{index}.from_amount": tier.from_amount for index, tier in enumerate(discount.tiers)}
        case _:
            return {}


def _read_tier(reader: Reader, currency: str) -> VolumeTier:
    reader.only("from_amount", "percent")
    return reader.make(
        lambda: VolumeTier(_money(reader, currency, "from_amount"), reader.amount("percent")), InvalidDiscount
    )


def _money(reader: Reader, currency: str, key: str = "amount") -> Money:
    try:
        return Money.parse(reader.text(key), currency)
    except InvalidAmount as refused:
        raise reader.error(reader.at(key), str(refused)) from refused
