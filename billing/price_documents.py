"""How is a price written down?

As a JSON object whose `model` names the class and whose amounts are decimal texts. Reading what was written gives an
equal price.

>>> from billing.reading import InvalidDocument
>>> document = {"model": "GRADUATED", "tiers": [{"up_to": 100, "unit": "440"}, {"up_to": None, "unit": "400"}]}
>>> price = read(Reader(document, "price", InvalidDocument))
>>> write(price)["tiers"][1]
{'up_to': None, 'unit': '400', 'flat': '0'}
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, assert_never

from billing.money import decimal_text
from billing.prices import (
    Band,
    BandPrice,
    BeyondLast,
    CapacityBand,
    CapacityPrice,
    FlatAtZero,
    GraduatedPercentagePrice,
    GraduatedPrice,
    InvalidPrice,
    PackagePrice,
    PackageRounding,
    PercentagePrice,
    PercentTier,
    Price,
    RateCardPrice,
    Tier,
    TierBound,
    TierMeasure,
    UnitPrice,
    VolumePrice,
)
from billing.rating import Direction, InvalidRate, Rate, RateCard
from billing.reading import Reader


def read(reader: Reader) -> Price:
    """Return the price written in the object of `reader`."""
    model = reader.text("model")
    if model not in _READERS:
        raise reader.error(reader.at("model"), f"{model[:40]!r} is none of {', '.join(_READERS)}")
    return reader.make(lambda: _READERS[model](reader), InvalidPrice, InvalidRate)


def write(price: Price) -> dict[str, Any]:
    """Return the object that `read` reads back."""
    match price:
        case UnitPrice():
            return {"model": "UNIT", "unit": decimal_text(price.unit)}
        case GraduatedPrice():
            return {"model": "GRADUATED", **_write_tiers(price)}
        case VolumePrice():
            return {"model": "VOLUME", **_write_tiers(price)}
        case PackagePrice():
            return {
                "model": "PACKAGE",
                "size": price.size,
                "amount": decimal_text(price.amount),
                "free_units": price.free_units,
                "rounding": price.rounding.value,
            }
        case BandPrice():
            bands = [{"up_to": _write_bound(band.up_to), "amount": decimal_text(band.amount)} for band in price.bands]
            return {"model": "BAND", "bands": bands, "beyond": price.beyond.value}
        case PercentagePrice():
            return {
                "model": "PERCENTAGE",
                "percent": decimal_text(price.percent),
                "fixed": decimal_text(price.fixed),
                "free_events": price.free_events,
                "free_units": _write_optional(price.free_units),
                "minimum": _write_optional(price.minimum),
                "maximum": _write_optional(price.maximum),
            }
        case GraduatedPercentagePrice():
            tiers = [
                {
                    "up_to": _write_bound(tier.up_to),
                    "percent": decimal_text(tier.percent),
                    "flat": decimal_text(tier.flat),
                }
                for tier in price.tiers
            ]
            return {"model": "GRADUATED_PERCENTAGE", "tiers": tiers, "flat_at_zero": price.flat_at_zero.value}
        case CapacityPrice():
            capacity = [{"up_to": _write_bounds(band), "amount": decimal_text(band.amount)} for band in price.bands]
            return {"model": "CAPACITY", "bands": capacity, "beyond": price.beyond.value}
        case RateCardPrice():
            return {"model": "RATE_CARD", "cards": [_write_card(card) for card in price.cards]}
        case _:
            assert_never(price)


def _read_unit(reader: Reader) -> Price:
    reader.only("model", "unit")
    return UnitPrice(reader.amount("unit"))


def _read_graduated(reader: Reader) -> Price:
    return GraduatedPrice(*_read_tiers(reader))


def _read_volume(reader: Reader) -> Price:
    return VolumePrice(*_read_tiers(reader))


def _read_tiers(reader: Reader) -> tuple[tuple[Tier, ...], TierBound, TierMeasure, BeyondLast, FlatAtZero]:
    reader.only("model", "tiers", "bound", "measure", "beyond", "flat_at_zero")
    tiers: list[Tier] = []
    for tier in reader.children("tiers"):
        tier.only("from_units", "up_to", "unit", "flat", "block")
        block = tier.whole("block") if tier.has("block") else None
        tiers.append(Tier(_read_bound(tier), tier.amount("unit", "0"), tier.amount("flat", "0"), block))
    measure = reader.choice("measure", TierMeasure, TierMeasure.BY_UPPER_BOUND)
    _check_starts(reader.children("tiers"), measure)
    return (
        tuple(tiers),
        reader.choice("bound", TierBound, TierBound.INCLUSIVE),
        measure,
        reader.choice("beyond", BeyondLast, BeyondLast.STAY),
        reader.choice("flat_at_zero", FlatAtZero, FlatAtZero.NOT_CHARGED),
    )


def _read_package(reader: Reader) -> Price:
    reader.only("model", "size", "amount", "free_units", "rounding")
    return PackagePrice(
        reader.whole("size"),
        reader.amount("amount"),
        reader.whole("free_units", 0),
        reader.choice("rounding", PackageRounding, PackageRounding.UP),
    )


def _read_band(reader: Reader) -> Price:
    reader.only("model", "bands", "beyond")
    bands: list[Band] = []
    for band in reader.children("bands"):
        band.only("from_units", "up_to", "amount")
        bands.append(Band(_read_bound(band), band.amount("amount")))
    _check_starts(reader.children("bands"))
    return BandPrice(tuple(bands), reader.choice("beyond", BeyondLast, BeyondLast.ERROR))


def _read_capacity(reader: Reader) -> Price:
    reader.only("model", "bands", "beyond")
    bands: list[CapacityBand] = []
    for band in reader.children("bands"):
        band.only("up_to", "amount")
        bounds = band.child("up_to").amounts() if band.has("up_to") else None
        bands.append(CapacityBand(bounds, band.amount("amount")))
    return CapacityPrice(tuple(bands), reader.choice("beyond", BeyondLast, BeyondLast.ERROR))


def _read_percentage(reader: Reader) -> Price:
    reader.only("model", "percent", "fixed", "free_events", "free_units", "minimum", "maximum")
    return PercentagePrice(
        reader.amount("percent"),
        reader.amount("fixed", "0"),
        reader.whole("free_events") if reader.has("free_events") else None,
        *(reader.amount(key) if reader.has(key) else None for key in ("free_units", "minimum", "maximum")),
    )


def _read_graduated_percentage(reader: Reader) -> Price:
    reader.only("model", "tiers", "flat_at_zero")
    tiers: list[PercentTier] = []
    for tier in reader.children("tiers"):
        tier.only("from_units", "up_to", "percent", "flat")
        tiers.append(PercentTier(_read_bound(tier), tier.amount("percent", "0"), tier.amount("flat", "0")))
    _check_starts(reader.children("tiers"))
    return GraduatedPercentagePrice(tuple(tiers), reader.choice("flat_at_zero", FlatAtZero, FlatAtZero.NOT_CHARGED))


def _read_rate_card(reader: Reader) -> Price:
    reader.only("model", "cards")
    return RateCardPrice(tuple(_read_card(card) for card in reader.children("cards")))


def _read_card(reader: Reader) -> RateCard:
    reader.only("version", "effective_from", "rates")
    rates: dict[tuple[str, Direction], Rate] = {}
    for entry in reader.children("rates"):
        entry.only("model", "direction", "amount", "per")
        key = (entry.text("model"), entry.choice("direction", Direction))
        if key in rates:
            raise reader.error(entry.path, f"{key[0]!r} {key[1]} is priced twice on one card")
        amount, per = entry.amount("amount"), entry.whole("per", 1_000_000)
        rates[key] = Rate(amount, per)
    return RateCard(reader.text("version"), reader.instant("effective_from"), MappingProxyType(rates))


def _write_card(card: RateCard) -> dict[str, Any]:
    rates = [
        {"model": model, "direction": direction.value, "amount": decimal_text(rate.amount), "per": rate.per}
        for (model, direction), rate in card.rates.items()
    ]
    return {"version": card.version, "effective_from": card.effective_from.isoformat(), "rates": rates}


def _write_tiers(price: GraduatedPrice | VolumePrice) -> dict[str, Any]:
    return {
        "tiers": [_write_tier(tier) for tier in price.tiers],
        "bound": price.bound.value,
        "measure": price.measure.value,
        "beyond": price.beyond.value,
        "flat_at_zero": price.flat_at_zero.value,
    }


def _write_tier(tier: Tier) -> dict[str, Any]:
    written = {"up_to": _write_bound(tier.up_to), "unit": decimal_text(tier.unit), "flat": decimal_text(tier.flat)}
    return written if tier.block is None else {**written, "block": tier.block}


def _write_bounds(band: CapacityBand) -> dict[str, int | str | None] | None:
    return None if band.up_to is None else {meter: _write_bound(bound) for meter, bound in band.up_to.items()}


def _check_starts(rows: Sequence[Reader], measure: TierMeasure = TierMeasure.BY_UPPER_BOUND) -> None:
    """Raise where a row says that it begins elsewhere than the one before it ends; nothing else is done with it.

    Price tables are written both ways, so both are right after 10: from 10 on, and from the 11th.
    """
    below = Fraction(0)
    for row in rows:
        if row.has("from_units") and (start := row.amount("from_units")) not in (below, below + 1):
            wrong = "leaves a gap after" if start > below else "overlaps what goes up to"
            raise row.error(row.at("from_units"), f"{decimal_text(start)} {wrong} {decimal_text(below)}")
        top = _read_bound(row) or below
        below = top + (below if measure is TierMeasure.BY_WIDTH else 0)


def _read_bound(reader: Reader) -> Fraction | None:
    return reader.amount("up_to") if reader.has("up_to") else None


def _write_bound(bound: Fraction | int | None) -> int | str | None:
    if bound is None:
        return None
    return int(bound) if Fraction(bound).denominator == 1 else decimal_text(Fraction(bound))


def _write_optional(amount: Fraction | None) -> str | None:
    return None if amount is None else decimal_text(amount)


_READERS: Final[Mapping[str, Callable[[Reader], Price]]] = {
    "UNIT": _read_unit,
    "GRADUATED": _read_graduated,
    "VOLUME": _read_volume,
    "PACKAGE": _read_package,
    "BAND": _read_band,
    "CAPACITY": _read_capacity,
    "RATE_CARD": _read_rate_card,
    "PERCENTAGE": _read_percentage,
    "GRADUATED_PERCENTAGE": _read_graduated_percentage,
}
