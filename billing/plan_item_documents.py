"""How is one item of a plan written down?

As a JSON object whose keys are the fields of the item. A key that is not given means the default policy, so an item
written before a policy existed still means what it meant; reading what was written gives an equal item.

>>> from billing.reading import InvalidDocument
>>> document = {"key": "seats", "name": {"en": "Seats"}, "quantity": {"kind": "SEATS"},
...             "price": {"model": "UNIT", "unit": "40"}, "increase": "FULL"}
>>> item = read(Reader(document, "", InvalidPlan), "USD")
>>> item.increase.value, item.decrease.value, read(Reader(write(item), "", InvalidPlan), "USD") == item
('FULL', 'CREDIT', True)
"""

from typing import Any, assert_never

from billing import discounts, price_documents
from billing.commitments import Commitment, Shortfall
from billing.conversions import Conversion
from billing.day_counts import DayCount
from billing.money import InvalidAmount, Money, Rounding, decimal_text
from billing.placements import Placement
from billing.plan_items import (
    Allowance,
    AllowanceRule,
    BelowZero,
    Cycle,
    FirstPeriod,
    Interval,
    InvalidPlan,
    PlanItem,
    Timing,
)
from billing.prices import InvalidPrice
from billing.quantities import Capacity, ContractBand, Flat, PeakSeats, Quantity, Seats, Usage
from billing.reading import Reader
from billing.seat_policies import Decrease, Increase
from billing.taxes import InvalidTax
from billing.usage import Aggregation
from billing.usage_events import Window


def read(reader: Reader, currency: str) -> PlanItem:
    """Return the item written in the object of `reader`; its fixed amounts are in `currency`."""
    reader.only(*PlanItem.__dataclass_fields__)
    fields: dict[str, Any] = {
        "key": reader.text("key"),
        "name": reader.texts("name"),
        "quantity": _read_quantity(reader.child("quantity")),
        "price": price_documents.read(reader.child("price")),
        "timing": reader.choice("timing", Timing, Timing.ARREARS),
        "interval": reader.choice("interval", Interval, Interval.MONTH),
        "proration": reader.choice("proration", DayCount, DayCount.BY_SECOND),
        "first_period": reader.choice("first_period", FirstPeriod, FirstPeriod.BY_DAYS_LEFT),
        "decrease": reader.choice("decrease", Decrease, Decrease.CREDIT),
        "allowance": _read_allowance(reader.child("allowance")) if reader.has("allowance") else None,
        "minimum": read_money(reader, "minimum", currency) if reader.has("minimum") else None,
        "maximum": read_money(reader, "maximum", currency) if reader.has("maximum") else None,
        "quote_above": reader.whole("quote_above") if reader.has("quote_above") else None,
        "price_version": reader.text("price_version", "1"),
        "rounding": reader.choice("rounding", Rounding, Rounding.HALF_AWAY),
        "increase": reader.choice("increase", Increase, Increase.PRORATE),
        "placement": reader.choice("placement", Placement, Placement.BY_PRORATED_QUANTITY),
        "discounts": read_discounts(reader, currency),
        "commitment": _read_commitment(reader.child("commitment"), currency) if reader.has("commitment") else None,
        "tax_percent": reader.amount("tax_percent") if reader.has("tax_percent") else None,
        "below_zero": reader.choice("below_zero", BelowZero, BelowZero.CREDIT),
        "cycle": reader.choice("cycle", Cycle, Cycle.WITH_SERVICE),
    }
    return reader.make(lambda: PlanItem(**fields), InvalidPlan, InvalidTax)


def write(item: PlanItem) -> dict[str, Any]:
    """Return the object that `read` reads back: texts, integers, lists and objects only."""
    allowance, commitment = item.allowance, item.commitment
    return {
        "key": item.key,
        "name": dict(item.name),
        "quantity": _write_quantity(item.quantity),
        "price": price_documents.write(item.price),
        "timing": item.timing.value,
        "interval": item.interval.value,
        "proration": item.proration.value,
        "first_period": item.first_period.value,
        "decrease": item.decrease.value,
        "allowance": allowance and {"quantity": allowance.quantity, "rule": allowance.rule.value},
        "minimum": item.minimum and item.minimum.amount,
        "maximum": item.maximum and item.maximum.amount,
        "quote_above": item.quote_above,
        "price_version": item.price_version,
        "rounding": item.rounding.value,
        "increase": item.increase.value,
        "placement": item.placement.value,
        "discounts": [discounts.write(discount) for discount in item.discounts],
        "commitment": commitment
        and {
            "amount": commitment.amount.amount,
            "overage": decimal_text(commitment.overage),
            "shortfall": commitment.shortfall.value,
        },
        "tax_percent": None if item.tax_percent is None else decimal_text(item.tax_percent),
        "below_zero": item.below_zero.value,
        "cycle": item.cycle.value,
    }


def read_money(reader: Reader, key: str, currency: str) -> Money:
    """Return the amount at `key`, a decimal text in `currency`."""
    try:
        return Money.parse(reader.text(key), currency)
    except InvalidAmount as refused:
        raise reader.error(reader.at(key), str(refused)) from refused


def read_discounts(reader: Reader, currency: str) -> tuple[discounts.Discount, ...]:
    """Return the discounts of the object; none when the key is missing."""
    written = reader.children("discounts") if reader.has("discounts") else ()
    return tuple(discounts.read(each, currency) for each in written)


def _read_commitment(reader: Reader, currency: str) -> Commitment:
    reader.only("amount", "overage", "shortfall")
    amount, overage = read_money(reader, "amount", currency), reader.amount("overage", "1")
    shortfall = reader.choice("shortfall", Shortfall, Shortfall.TRUE_UP)
    return reader.make(lambda: Commitment(amount, overage, shortfall), InvalidPrice)


def _read_allowance(reader: Reader) -> Allowance:
    reader.only("quantity", "rule")
    return Allowance(reader.whole("quantity"), reader.choice("rule", AllowanceRule))


def _read_conversion(reader: Reader) -> Conversion:
    reader.only("multiply_by", "divide_by", "rounding", "decimals")
    rounding = reader.choice("rounding", Rounding) if reader.has("rounding") else None
    factors = reader.amount("multiply_by", "1"), reader.amount("divide_by", "1")
    return reader.make(lambda: Conversion(*factors, rounding, reader.whole("decimals", 0)), InvalidPrice)


def _write_conversion(conversion: Conversion) -> dict[str, Any]:
    return {
        "multiply_by": decimal_text(conversion.multiply_by),
        "divide_by": decimal_text(conversion.divide_by),
        "rounding": conversion.rounding and conversion.rounding.value,
        "decimals": conversion.decimals,
    }


def _read_quantity(reader: Reader) -> Quantity:
    match reader.text("kind"):
        case "SEATS":
            reader.only("kind", "tiers", "add_on")
            return Seats(reader.names("tiers"), reader.text("add_on") if reader.has("add_on") else None)
        case "PEAK_SEATS":
            reader.only("kind", "tiers")
            return PeakSeats(reader.names("tiers"))
        case "CONTRACT_BAND":
            reader.only("kind")
            return ContractBand()
        case "USAGE":
            reader.only("kind", "meter", "aggregation", "window", "conversion")
            return Usage(
                reader.text("meter"),
                reader.choice("aggregation", Aggregation, Aggregation.SUM),
                reader.choice("window", Window, Window.PERIOD),
                _read_conversion(reader.child("conversion")) if reader.has("conversion") else None,
            )
        case "CAPACITY":
            reader.only("kind", "meters")
            return Capacity(reader.names("meters"))
        case "FLAT":
            reader.only("kind")
            return Flat()
        case kind:
            known = "SEATS, PEAK_SEATS, CONTRACT_BAND, USAGE, CAPACITY, FLAT"
            raise reader.error(reader.at("kind"), f"{kind[:40]!r} is none of {known}")


def _write_quantity(quantity: Quantity) -> dict[str, Any]:
    match quantity:
        case Seats(tiers, add_on):
            return {"kind": "SEATS", "tiers": list(tiers), "add_on": add_on}
        case PeakSeats(tiers):
            return {"kind": "PEAK_SEATS", "tiers": list(tiers)}
        case ContractBand():
            return {"kind": "CONTRACT_BAND"}
        case Usage(meter, aggregation, window, conversion):
            written = {"kind": "USAGE", "meter": meter, "aggregation": aggregation.value, "window": window.value}
            return written if conversion is None else {**written, "conversion": _write_conversion(conversion)}
        case Capacity(meters):
            return {"kind": "CAPACITY", "meters": list(meters)}
        case Flat():
            return {"kind": "FLAT"}
        case _:
            assert_never(quantity)
