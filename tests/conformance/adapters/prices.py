"""What does a quantity cost? Every price model, asked of the calculator."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from tests.conformance.adapters.given import Adapter, Document, Given, bound, text, tiered
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
    return {"amount": found.amount, "lines": [line.amount for line in found.lines]}


def unit(given: Given) -> Mapping[str, object]:
    price = {"model": "UNIT", "unit": given.amount("unit")}
    return _figures(ask([one(price, measured={"quantity": text(given.units)})], currency=given.currency))


def graduated(given: Given) -> Mapping[str, object]:
    return _tiered(given, "GRADUATED")


def volume(given: Given) -> Mapping[str, object]:
    return _tiered(given, "VOLUME")


def blocks(given: Given) -> Mapping[str, object]:
    return _tiered(given, "VOLUME" if given.says("volume", "top") else "GRADUATED")


def _tiered(given: Given, model: str) -> Mapping[str, object]:
    entry = one(tiered(given, model), measured={"quantity": text(given.units)})
    found = ask([entry], currency=given.currency)
    return {**_figures(found), "tier_amounts": [step.amount for line in found.lines for step in line.steps]}


def volume_prorated(given: Given) -> Mapping[str, object]:
    change = {"units": text(given["full_units"]), "prorated": text(given["prorated_units"])}
    return _placed(given, "VOLUME", [change])


def graduated_prorated(given: Given) -> Mapping[str, object]:
    pairs = zip(given["unit_deltas"], given["prorated_deltas"], strict=True)
    return _placed(given, "GRADUATED", [{"units": text(units), "prorated": text(part)} for units, part in pairs])


def _placed(given: Given, model: str, changes: list[Document]) -> Mapping[str, object]:
    price, seats = tiered(given, model), {"kind": "SEATS"}
    entry = {"quantity": seats, "placement": "BY_RUNNING_UNITS", "measured": {"changes": changes}}
    return {
        "amount": ask([one(price, **entry)]).amount,
        "amount_ceil2": ask([one(price, **entry, rounding="UP")]).amount,
    }


def package(given: Given) -> Mapping[str, object]:
    size = given["package_size"]
    entry = one(package_price(given), measured={"quantity": text(given.units)})
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
        {"up_to": bound(row), "percent": text(row["rate_pct"]), "flat": text(row.get("flat", "0"))}
        for row in given["tiers"]
    ]
    price = {"model": "GRADUATED_PERCENTAGE", "tiers": tiers}
    return _figures(ask([one(price, measured={"quantity": text(given.units)})]))


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


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "unit": unit,
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
