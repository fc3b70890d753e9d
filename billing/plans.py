"""What does an organization buy?

A plan is data: seat tiers, and items that each say what is counted, how it is priced and when it is billed. It is
written as a JSON document and read back strictly; a version once used is never edited.

>>> document = {
...     "key": "tracker", "version": 1, "name": {"en": "Tracker", "ru": "Трекер"}, "currency": "RUB",
...     "tax": {"mode": "INCLUSIVE", "percent": "20"}, "tiers": [],
...     "items": [{"key": "users", "name": {"en": "Users"}, "quantity": {"kind": "PEAK_SEATS"},
...                "price": {"model": "UNIT", "unit": "440"}, "timing": "ARREARS"}],
... }
>>> plan = from_document(document)
>>> text(plan.name, "ru-RU"), from_document(to_document(plan)) == plan
('Трекер', True)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from billing import discounts as discounting
from billing import plan_item_documents
from billing.currencies import UnknownCurrency, exponent
from billing.day_counts import DayCount
from billing.discounts import Discount, UsageDiscount
from billing.money import Money, Rounding, decimal_text
from billing.placements import Placement
from billing.plan_items import Allowance, AllowanceRule, FirstPeriod, Interval, InvalidPlan, PlanItem, Texts, Timing
from billing.prices import Price
from billing.quantities import Capacity, ContractBand, Flat, PeakSeats, Quantity, Seats, Usage
from billing.reading import Reader
from billing.seat_policies import Decrease, Increase
from billing.taxes import InvalidTax, Tax, TaxBase, TaxMode, TaxRounding
from billing.usage import Aggregation
from billing.usage_events import Window

__all__ = [
    "Aggregation",
    "Allowance",
    "AllowanceRule",
    "Capacity",
    "ContractBand",
    "DayCount",
    "Decrease",
    "FirstPeriod",
    "Flat",
    "Increase",
    "Interval",
    "InvalidPlan",
    "PeakSeats",
    "Placement",
    "Plan",
    "PlanItem",
    "Quantity",
    "Rounding",
    "SeatTier",
    "Seats",
    "Tax",
    "TaxMode",
    "Texts",
    "Timing",
    "Usage",
    "Window",
    "from_document",
    "read_tax",
    "text",
    "to_document",
    "with_discounts",
    "with_prices",
]


@dataclass(frozen=True, slots=True)
class SeatTier:
    """A kind of seat; `includes` names the tiers whose features it has."""

    key: str
    name: Texts
    includes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a plan, in one currency.

    `discounts` are taken off everything the plan bills, and `commitment` is the least it bills for a month.
    """

    key: str
    version: int
    name: Texts
    currency: str
    tax: Tax
    tiers: tuple[SeatTier, ...]
    items: tuple[PlanItem, ...]
    discounts: tuple[Discount, ...] = ()
    commitment: Money | None = None

    def __post_init__(self) -> None:
        exponent(self.currency)
        known = _unique("tiers", [tier.key for tier in self.tiers])
        _unique("items", [item.key for item in self.items])
        for index, tier in enumerate(self.tiers):
            _known(f"tiers.{index}.includes", tier.includes, known)
        for index, item in enumerate(self.items):
            if isinstance(item.quantity, Seats | PeakSeats):
                _known(f"items.{index}.quantity.tiers", item.quantity.tiers, known)
            for field, amount in item.amounts().items():
                self._in_currency(f"items.{index}.{field}", amount)
        if self.commitment is not None:
            self._in_currency("commitment", self.commitment)
        for index, discount in enumerate(self.discounts):
            if isinstance(discount, UsageDiscount):
                raise InvalidPlan(f"discounts.{index}", "units are taken off an item, not off the whole plan")
            for field, amount in discounting.currencies(discount).items():
                self._in_currency(f"discounts.{index}.{field}", amount)

    def item(self, key: str) -> PlanItem:
        """Return the item called `key`."""
        return next(item for item in self.items if item.key == key)

    def tax_percent(self, item_key: str) -> Fraction:
        """Return the tax rate of an item's lines; a line of no item has the plan's."""
        own = next((item.tax_percent for item in self.items if item.key == item_key), None)
        return self.tax.percent if own is None else own

    def _in_currency(self, field: str, amount: Money) -> None:
        if amount.currency != self.currency:
            raise InvalidPlan(field, f"{amount} is not in {self.currency}")


def text(texts: Texts, locale: str) -> str:
    """Return the text in `locale`, else in its language, else in English."""
    return texts.get(locale) or texts.get(locale.replace("_", "-").split("-")[0]) or texts["en"]


def with_prices(plan: Plan, prices: Mapping[str, tuple[Price, str]]) -> Plan:
    """Return `plan` with the negotiated price and price version of the items named in `prices`."""
    for key in prices:
        if all(item.key != key for item in plan.items):
            raise InvalidPlan("items", f"{key!r} has a negotiated price and is not an item of plan {plan.key!r}")
    items = tuple(
        replace(item, price=prices[item.key][0], price_version=prices[item.key][1]) if item.key in prices else item
        for item in plan.items
    )
    return replace(plan, items=items)


def with_discounts(
    plan: Plan, *, whole: Sequence[Discount], by_item: Mapping[str, Sequence[Discount]], commitment: Money | None
) -> Plan:
    """Return `plan` with the negotiated discounts and commitment in the place of its own, where there are any."""
    for key in by_item:
        if all(item.key != key for item in plan.items):
            raise InvalidPlan("items", f"{key!r} has a negotiated discount and is not an item of plan {plan.key!r}")
    items = tuple(
        replace(item, discounts=tuple(by_item[item.key])) if item.key in by_item else item for item in plan.items
    )
    return replace(
        plan, items=items, discounts=tuple(whole) or plan.discounts, commitment=commitment or plan.commitment
    )


def from_document(document: Mapping[str, Any]) -> Plan:
    """Return the plan written in `document`; raise InvalidPlan with the dotted path of what is wrong."""
    reader = Reader(document, "", InvalidPlan)
    reader.only("key", "version", "name", "currency", "tax", "tiers", "items", "discounts", "commitment")
    currency = reader.text("currency")
    try:
        exponent(currency)
    except UnknownCurrency as unknown:
        raise InvalidPlan("currency", str(unknown)) from unknown
    return Plan(
        reader.text("key"),
        reader.whole("version"),
        reader.texts("name"),
        currency,
        read_tax(reader),
        tuple(_read_tier(tier) for tier in reader.children("tiers")),
        tuple(plan_item_documents.read(item, currency) for item in reader.children("items")),
        plan_item_documents.read_discounts(reader, currency),
        plan_item_documents.read_money(reader, "commitment", currency) if reader.has("commitment") else None,
    )


def to_document(plan: Plan) -> dict[str, Any]:
    """Return the document that `from_document` reads back: texts, integers, lists and objects only."""
    return {
        "key": plan.key,
        "version": plan.version,
        "name": dict(plan.name),
        "currency": plan.currency,
        "tax": _write_tax(plan.tax),
        "tiers": [{"key": tier.key, "name": dict(tier.name), "includes": list(tier.includes)} for tier in plan.tiers],
        "items": [plan_item_documents.write(item) for item in plan.items],
        "discounts": [discounting.write(discount) for discount in plan.discounts],
        "commitment": plan.commitment and plan.commitment.amount,
    }


def read_tax(reader: Reader) -> Tax:
    """Return the tax written at `tax` in the object of `reader`."""
    tax = reader.child("tax")
    tax.only("mode", "percent", "base", "rounding", "exemption")
    return reader.make(
        lambda: Tax(
            tax.choice("mode", TaxMode),
            tax.amount("percent"),
            tax.choice("base", TaxBase, TaxBase.ROUNDED),
            tax.choice("rounding", TaxRounding, TaxRounding.RATE),
            tax.text("exemption") if tax.has("exemption") else None,
        ),
        InvalidTax,
    )


def _write_tax(tax: Tax) -> dict[str, Any]:
    return {
        "mode": tax.mode.value,
        "percent": decimal_text(tax.percent),
        "base": tax.base.value,
        "rounding": tax.rounding.value,
        "exemption": tax.exemption,
    }


def _read_tier(reader: Reader) -> SeatTier:
    reader.only("key", "name", "includes")
    return SeatTier(reader.text("key"), reader.texts("name"), reader.names("includes"))


def _unique(field: str, keys: list[str]) -> frozenset[str]:
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise InvalidPlan(f"{field}.{index}.key", f"{key!r} is used twice")
    return frozenset(keys)


def _known(field: str, tiers: tuple[str, ...], known: frozenset[str]) -> None:
    for tier in tiers:
        if tier not in known:
            raise InvalidPlan(field, f"{tier!r} is not a seat tier of the plan")
