"""What does a quantity cost? Every price model, asked of the calculator."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from tests.conformance.adapters import times
from tests.conformance.adapters.given import (
    Adapter,
    Document,
    Given,
    begins,
    bound,
    minor,
    text,
    tier_model,
    tiered,
)
from tests.conformance.answers import Answer, ask, one

RATES: Final[Mapping[str, tuple[str, str]]] = {
    "claude-opus-4-1": ("15", "75"),
    "claude-opus-4": ("15", "75"),
    "claude-opus-4-5": ("5", "25"),
    "claude-opus-4-6": ("5", "25"),
    "claude-sonnet-4": ("3", "15"),
    "claude-sonnet-4-5": ("3", "15"),
    "claude-sonnet-4-6": ("3", "15"),
    "claude-haiku-4-5": ("1", "5"),
    "claude-haiku-3-5": ("0.80", "4"),
    "claude-haiku-3": ("0.25", "1.25"),
    "claude-opus-3": ("15", "75"),
    "claude-sonnet-3-7": ("3", "15"),
    "claude-opus-4-7": ("5", "25"),
}
"""The published prices per million tokens, input and output; a read of the cache costs a tenth of the input, a write
that lasts five minutes a quarter more than it, one that lasts an hour twice as much, and a batch is half of all."""

KINDS: Final = {
    "input": ("", "INPUT", Fraction(1)),
    "output": ("", "OUTPUT", Fraction(1)),
    "cache_read": ("", "CACHE_READ", Fraction(1, 10)),
    "cache_write": ("", "CACHE_WRITE", Fraction(5, 4)),
    "cache_write_5m": ("", "CACHE_WRITE", Fraction(5, 4)),
    "cache_write_1h": ("/1h", "CACHE_WRITE", Fraction(2)),
}


def _figures(found: Answer) -> dict[str, object]:
    """Return the amount, and of what it is made: the steps of a charge, then what is beside it."""
    steps = [step.amount for line in found.lines if line.key == line.item_key for step in line.steps]
    beside = [line.amount.exact for line in found.lines if line.key != line.item_key]
    return {
        "amount": found.amount,
        "amount_cents": minor(found.subtotal),
        "lines": [*steps, *beside],
        "tier_amounts": steps,
        "units": sum((line.quantity for line in found.lines if line.key == line.item_key), Fraction(0)),
    }


def unit(given: Given) -> Mapping[str, object]:
    return _priced(given, {"model": "UNIT", "unit": given.amount("unit", "price", "amount")})


def fee(given: Given) -> Mapping[str, object]:
    price = {"model": "UNIT", "unit": given.amount("amount", "price", "fee", "flat", "unit")}
    quantity = text(given.first("units", "quantity", default="1"))
    entry = one(price, quantity={"kind": "FLAT"}, measured={"quantity": quantity}, discounts=given.discounts)
    return _figures(ask([entry], currency=given.currency))


def dynamic(given: Given) -> Mapping[str, object]:
    """Bill what the events themselves say they cost, times a multiplier where there is one."""
    amounts = _event_amounts(given) if "events" in given else [Fraction(str(given.first("usage", default=given.units)))]
    price = {"model": "UNIT", "unit": text(given.first("multiplier", "markup_rate", default="1"))}
    found = ask([one(price, measured={"quantity": text(sum(amounts, Fraction(0)))})], currency=given.currency)
    return _figures(found)


def converted(given: Given) -> Mapping[str, object]:
    """Price a quantity in other units than it is metered in."""
    if "tiers" in given:
        return _priced(given, tiered(given, tier_model(given)))
    if "package_size" in given:
        return _priced(given, package_price(given))
    return unit(given)


def _priced(given: Given, price: Document) -> dict[str, object]:
    below = {} if Fraction(given.units) >= 0 or "lago" not in given.source else {"below_zero": "NOTHING"}
    policies = {"discounts": given.discounts, "allowance": given.allowance, **below}
    entry = one(price, quantity=given.metered, measured=given.measured, **policies)
    return _figures(ask([entry], currency=given.currency))


def graduated(given: Given) -> Mapping[str, object]:
    return _tiered(given, "GRADUATED")


def volume(given: Given) -> Mapping[str, object]:
    return _tiered(given, "VOLUME")


def blocks(given: Given) -> Mapping[str, object]:
    return _tiered(given, "VOLUME" if given.says("volume", "top") else "GRADUATED")


def _tiered(given: Given, model: str) -> Mapping[str, object]:
    return _priced(given, tiered(given, model))


def volume_prorated(given: Given) -> Mapping[str, object]:
    change = {"units": text(given["full_units"]), "prorated": text(given["prorated_units"])}
    return _placed(given, "VOLUME", [change])


def graduated_prorated(given: Given) -> Mapping[str, object]:
    pairs = zip(given["unit_deltas"], given["prorated_deltas"], strict=True)
    return _placed(given, "GRADUATED", [{"units": text(units), "prorated": text(part)} for units, part in pairs])


def _placed(given: Given, model: str, changes: list[Document]) -> Mapping[str, object]:
    price, seats = tiered(given, model), {"kind": "SEATS"}
    entry = {
        "quantity": seats,
        "placement": "BY_RUNNING_UNITS",
        "measured": {"changes": changes},
        "below_zero": "NOTHING" if "lago" in given.source else "CREDIT",
    }
    return {
        "amount": ask([one(price, **entry)]).amount,
        "amount_ceil2": ask([one(price, **entry, rounding="UP")]).amount,
    }


def package(given: Given) -> Mapping[str, object]:
    size = given["package_size"]
    entry = one(package_price(given), measured=given.measured, discounts=given.discounts)
    found = ask([entry], currency=given.currency)
    packages = sum((step.quantity for line in found.lines for step in line.steps), Fraction(0))
    return {**_figures(found), "packages": packages, "billed_units": packages * size}


def package_price(given: Given) -> Document:
    """Return the package price of a case; a package whose price does not matter costs 1."""
    return {
        "model": "PACKAGE",
        "size": given.first("package_size", "block"),
        "amount": given.amount("amount", "price", "package", default="1"),
        "free_units": int(given.first("free_units", default=0)),
        "rounding": "DOWN" if given.says("round_down", "rounded down") else "UP",
    }


def percentage(given: Given) -> Mapping[str, object]:
    price = {
        "model": "PERCENTAGE",
        "percent": text(given["rate_pct"]),
        "fixed": text(given.first("fixed_per_txn", default="0")),
        "free_events": given.first("free_events"),
        "free_units": given.first("free_total"),
        "minimum": given.first("min_per_txn"),
        "maximum": given.first("max_per_txn"),
    }
    amounts = _event_amounts(given)
    found = ask([one(price, measured={"amounts": [text(amount) for amount in amounts]})])
    steps = [step for line in found.lines for step in line.steps]
    return {
        **_figures(found),
        "rate_part": sum((step.quantity * step.unit for step in steps), Fraction(0)),
        "fixed_part": sum((step.flat for step in steps), Fraction(0)),
        "free_events_used": len(amounts) - len(steps),
    }


def _event_amounts(given: Given) -> list[Fraction]:
    """Return the amount of each event; of those only their running total is known, the last takes what is left."""
    events = given.first("events", default=0)
    if isinstance(events, list):
        return [Fraction(str(amount)) for amount in events]
    total, amounts, before = Fraction(str(given.first("total", default="0"))), [], Fraction(0)
    for running in given.first("running_total", default=[])[:events]:
        amounts.append(Fraction(str(running)) - before)
        before = Fraction(str(running))
    if len(amounts) < events:
        amounts += [total - before, *[Fraction(0)] * (events - len(amounts) - 1)]
    return amounts


def graduated_percentage(given: Given) -> Mapping[str, object]:
    tiers = [
        {**begins(row), "up_to": bound(row), "percent": text(row["rate_pct"]), "flat": text(row.get("flat", "0"))}
        for row in given["tiers"]
    ]
    return _priced(given, {"model": "GRADUATED_PERCENTAGE", "tiers": tiers})


def token_rate_card(given: Given) -> Mapping[str, object]:
    model, tokens = given["model"], given["tokens"]
    in_batch = given.first("batch", default=False) or "batch" in (given.first("mode"), given.first("tier"))
    batch = Fraction(1, 2) if in_batch else Fraction(1)
    card = {
        (f"{known}{suffix}", direction): Fraction(out if direction == "OUTPUT" else into) * factor * batch
        for known, (into, out) in RATES.items()
        for suffix, direction, factor in KINDS.values()
    }
    rates = [{"model": name, "direction": direction, "amount": text(rate)} for (name, direction), rate in card.items()]
    asked = [
        {"model": f"{model}{KINDS[kind][0]}", "direction": KINDS[kind][1], "quantity": int(quantity)}
        for kind, quantity in tokens.items()
    ]
    cards = [{"version": "published", "effective_from": "2026-01-01T00:00:00+00:00", "rates": rates}]
    found = ask([one({"model": "RATE_CARD", "cards": cards}, measured={"tokens": asked})])
    return {"amount": found.amount, "amount_exact": found.amount.exact, "currency": found.currency}


def peak_per_bucket(given: Given) -> Mapping[str, object]:
    quantity = {"kind": "USAGE", "meter": "units", "aggregation": "MAX", "window": "HOUR"}
    price = bucket_price(given)
    windows = [text(peak) for peak in given["bucket_peaks"]]
    found = ask([one(price, quantity=quantity, measured={"windows": windows})])
    return {**_figures(found), "bucket_amounts": [_window(price, quantity, peak) for peak in windows]}


def _window(price: Document, quantity: Document, peak: str) -> object:
    return ask([one(price, quantity=quantity, measured={"windows": [peak]})]).amount


def bucket_price(given: Given) -> Document:
    """Return the price of one window."""
    if "package_size" in given:
        return package_price(given)
    if "tiers" in given:
        return tiered(given, "VOLUME" if given.says("volume") else "GRADUATED")
    return {"model": "UNIT", "unit": given.amount("unit")}


def window_commitment(given: Given) -> Mapping[str, object]:
    owed = {
        "amount": given.amount("commitment_per_window", "commitment"),
        "overage": text(given.first("overage_factor", default="1")),
        "shortfall": "TRUE_UP" if given.first("true_up", default=True) else "FORGIVEN",
    }
    quantity = {"kind": "USAGE", "meter": "units", "window": "HOUR"}
    units = [text(each) for each in given.first("window_units", "units")]
    price = bucket_price(given)
    each = [ask([one(price, quantity=quantity, commitment=owed, measured={"windows": [unit]})]) for unit in units]
    whole = ask([one(price, quantity=quantity, commitment=owed, measured={"windows": units})])
    return {"window_amounts": [found.amount for found in each], "amount": whole.amount}


def capacity(given: Given) -> Mapping[str, object]:
    def bounds(row: Mapping[str, Any]) -> Document | None:
        return None if row["max"] is None else {meter: text(top) for meter, top in row["max"].items()}

    bands = [{"up_to": bounds(row), "amount": text(row["price"])} for row in given["tiers"]]
    peaks = [{"meter": meter, "value": text(value)} for meter, value in given["peaks"].items()]
    quantity = {"kind": "CAPACITY", "meters": [peak["meter"] for peak in peaks]}
    price = {"model": "CAPACITY", "bands": bands, "beyond": "STAY"}
    return _figures(ask([one(price, quantity=quantity, measured={"peaks": peaks})]))


def tiered_price(given: Given) -> Mapping[str, object]:
    """Read the tiers as the source reads them, where the kind does not say which way."""
    return _tiered(given, tier_model(given))


def aggregated(given: Given) -> Mapping[str, object]:
    """Make one quantity of the events of a month, and price it."""
    named = str(given.first("aggregation", "aggregation_type", default=given.model)).lower()
    how = next((rule for word, rule in AGGREGATIONS.items() if word in named), "SUM")
    start, end = times.month(str(given.first("month", default="2026-10")))
    events = [_event(each, how) for each in given["events"]]
    quantity = {"kind": "USAGE", "meter": "units", "aggregation": how}
    unit_price = {"model": "UNIT", "unit": given.amount("unit", "price", default="1")}
    price = tiered(given, tier_model(given)) if "tiers" in given else unit_price
    found = ask([one(price, quantity=quantity, measured={"span": times.span(start, end), "events": events})])
    return _figures(found)


def _event(written: object, how: str) -> Document:
    """Return an event, which is written as its value, or as an instant and its value."""
    at, value = written if isinstance(written, list) else (None, written)
    held: Document = {} if at is None else {"at": times.instant(str(at)).isoformat()}
    return {**held, **({"subject": str(value)} if how == "UNIQUE" else {"value": text(value)})}


def tier_table(given: Given) -> Mapping[str, object]:
    """Ask for nothing of a table of tiers: it is refused where its tiers do not follow each other."""
    found = ask([one(tiered(given, "GRADUATED"), measured={"quantity": "0"})], currency=given.currency)
    return {"valid": True, "amount": found.amount}


def commitment(given: Given) -> Mapping[str, object]:
    """Use less or more than was committed for the whole interval."""
    owed = {
        "amount": given.amount("commitment", "committed", "minimum"),
        "overage": text(given.first("overage_factor", "overage", default="1")),
        "shortfall": "TRUE_UP" if given.first("true_up", default=True) else "FORGIVEN",
    }
    used = given.amount("usage", "spend", "charges", default="0")
    by_units = "tiers" in given or "package_size" in given or "unit" in given or "unit_cents" in given
    price = bucket_price(given) if by_units else {"model": "UNIT", "unit": "1"}
    quantity = given.units if by_units else used
    found = ask([one(price, measured={"quantity": text(quantity)}, commitment=owed)], currency=given.currency)
    plain = ask([one(price, measured={"quantity": text(quantity)})], currency=given.currency)
    more = found.amount.exact - plain.amount.exact
    short = plain.amount.exact < Fraction(owed["amount"])
    above = max(Fraction(0), found.amount.exact - Fraction(owed["amount"]))
    return {**_figures(found), "true_up": more if short else Fraction(0), "overage": Fraction(0) if short else above}


AGGREGATIONS: Final = {
    "weighted": "WEIGHTED_SUM",
    "unique": "UNIQUE",
    "distinct": "UNIQUE",
    "count": "COUNT",
    "max": "MAX",
    "latest": "LATEST",
    "last": "LATEST",
    "sum": "SUM",
}
"""What sources call the ways in which events become one quantity."""

ADAPTERS: Final[Mapping[str, Adapter]] = {
    "aggregation": aggregated,
    "sum": aggregated,
    "count": aggregated,
    "max": aggregated,
    "latest": aggregated,
    "unique": aggregated,
    "tiered": tiered_price,
    "slab": graduated,
    "bulk": volume,
    "overage": unit,
    "dynamic": dynamic,
    "included_units": unit,
    "rate_card": token_rate_card,
    "unit": unit,
    "unit_conversion": converted,
    "unit_config": converted,
    "transform_quantity": converted,
    "flat": fee,
    "flat_fee": fee,
    "tiers": tier_table,
    "tier_validation": tier_table,
    "commitment": commitment,
    "minimum_commitment": commitment,
    "spend_commitment": commitment,
    "standard": unit,
    "quantity": unit,
    "graduated": graduated,
    "volume": volume,
    "volume_blocks": blocks,
    "graduated_blocks": blocks,
    "tiered_blocks": blocks,
    "blocks": blocks,
    "seat_volume": volume,
    "volume_prorated": volume_prorated,
    "graduated_prorated": graduated_prorated,
    "package": package,
    "percentage": percentage,
    "graduated_percentage": graduated_percentage,
    "token_rate_card": token_rate_card,
    "peak_per_bucket": peak_per_bucket,
    "window_commitment": window_commitment,
    "capacity_peak_tier": capacity,
}
