"""What does a case give, and by which convention is it read?

Sources name the same thing differently: `units`, `seats`, `peak`; `to`, `up_to`, `max`. And they disagree on what the
same tiers mean, so the convention is taken from the model, the note and the shape of the tiers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from billing.currencies import exponent
from billing.money import Money, decimal_text
from tests.conformance.answers import Unsupported
from tests.conformance.house import House

Document = dict[str, Any]

TRACKER_TIERS: Sequence[Document] = (
    {"up_to": 100, "unit": "440"},
    {"up_to": 250, "unit": "400"},
    {"up_to": None, "unit": "360"},
)
TRACKER_FREE = 5

UNIT = ("unit", "price", "per_unit", "unit_price", "unit_amount", "price_per_seat", "per_seat")
FLAT = ("flat", "flat_fee", "flat_price", "flat_amount")
TOP = ("up_to", "to", "max", "bound", "to_value", "max_seats", "last_unit")
START = ("from", "min", "from_value", "min_seats", "first_unit")
"""What sources call the parts of a tier."""

UNIT_ROUNDINGS = {
    "ceil": "UP",
    "ceiling": "UP",
    "up": "UP",
    "floor": "DOWN",
    "down": "DOWN",
    "round": "HALF_AWAY",
    "half_up": "HALF_AWAY",
    "nearest": "HALF_AWAY",
}
"""What sources call the rounding of a quantity."""


@dataclass(frozen=True, slots=True)
class Given:
    """The input of a case with what names its convention. The id and the expected figures are not in it.

    `house` is where it is answered, and `read` what of the input was looked at.
    """

    model: str
    source: str
    note: str
    input: Mapping[str, Any]
    house: House
    read: set[str] = field(default_factory=set)

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        if key not in self.input:
            raise Unsupported(f"{key!r} is not given")
        return self.input[key]

    def __contains__(self, key: str) -> bool:
        if key in self.input:
            self.read.add(key)
        return self.input.get(key) is not None

    @property
    def unread(self) -> tuple[str, ...]:
        """The keys of the input that nothing looked at."""
        return tuple(key for key in self.input if key not in self.read)

    def first(self, *keys: str, default: Any = None) -> Any:
        """Return the value of the first of `keys` that is given."""
        return next((self.input[key] for key in keys if key in self), default)

    def like(self, *stems: str, default: Any = None) -> Any:
        """Return the value of the first key that has one of `stems` in its name: "carried", "carry_over"."""
        return next((self.input[key] for stem in stems for key in self.input if stem in key and key in self), default)

    @property
    def currency(self) -> str:
        """The currency, US dollars where the case does not say; credits with four decimals are counted as CLF."""
        written = str(self.first("currency", default="USD"))
        return "CLF" if written.startswith("CREDITS") else written

    @property
    def units(self) -> str:
        """The quantity."""
        names = ("units", "seats", "quantity", "peak", "usage", "line_units", "prorated_units")
        return str(self.first(*names, default="0"))

    @property
    def allowance(self) -> Document | None:
        """What is free of the quantity, and by which rule; None where nothing is."""
        free = self.first("free_units", "free_up_to", "included", "included_units", "allowance", "free_quantity")
        if free is None or not int(free):
            return None
        is_cliff = "free_up_to" in self or self.says("cliff")
        return {"quantity": int(free), "rule": "CLIFF" if is_cliff else "DEDUCT"}

    @property
    def conversion(self) -> Document:
        """How the quantity is converted before it is priced; empty where it is not."""
        factors = {
            "multiply_by": self.first("multiply_by", "multiply"),
            "divide_by": self.first("divide_by", "divide", "conversion_factor", "units_per"),
        }
        found: Document = {key: text(value) for key, value in factors.items() if value is not None}
        rounding = self.first("round", "unit_rounding", "rounding_function") if found or self.says("unit_") else None
        if rounding not in (None, "none"):
            found["rounding"] = UNIT_ROUNDINGS[str(rounding).lower()]
            decimals = self.first("precision", "rounding_precision", "decimals")
            found |= {} if decimals is None else {"decimals": int(decimals)}
        return found

    @property
    def metered(self) -> Document:
        """The quantity as a question counts it: usage, in the units in which it is priced."""
        return {"kind": "USAGE", "meter": "units", "conversion": self.conversion or None}

    @property
    def measured(self) -> Document:
        """How much there is, and how much of it was counted or billed before."""
        before = text(self.first("pre_line_units", "pre_units", default="0"))
        billed: Document = {"quantity": before} if Fraction(before) else {}
        if any(
            f"{name}{cents}" in self for name in ("previously_billed", "already_billed") for cents in ("", "_cents")
        ):
            billed["amount"] = self.amount("previously_billed", "already_billed")
        return {"quantity": text(self.first("line_units", default=self.units)), "billed": billed or None}

    @property
    def discounts(self) -> list[Document]:
        """What is taken off, by whichever name it has."""
        percent = self.first("discount_pct", "discount_percent", "percent_off", "coupon_pct")
        points = self.first("discount_bps", "basis_points")
        percent = Fraction(str(points)) / 100 if percent is None and points is not None else percent
        found: list[Document] = []
        if "discount_units" in self or "usage_discount" in self:
            found.append({"kind": "USAGE", "quantity": text(self.first("discount_units", "usage_discount"))})
        if percent is not None:
            found.append({"kind": "PERCENTAGE", "percent": text(percent)})
        amount = self.amount("discount_fixed", "discount_amount", "amount_off", default="0")
        return [*found, {"kind": "AMOUNT", "amount": amount}] if Fraction(amount) else found

    def amount(self, *names: str, default: str | None = None) -> str:
        """Return an amount in major units as text, given in major units or, as `…_cents`, in minor ones."""
        for name in names:
            if name in self:
                return text(self[name])
            if f"{name}_cents" in self:
                return cents(self[f"{name}_cents"])
        if default is None:
            raise Unsupported(f"none of {', '.join(names)} is given")
        return default

    def says(self, *words: str) -> bool:
        """Return whether the model or the note has one of the words."""
        return any(word in f"{self.model} {self.note}".lower() for word in words)

    def names(self, *words: str) -> bool:
        """Return whether the model, the note or else the test it is taken from has one of the words."""
        return self.says(*words) or any(word in self.source.lower() for word in words)


Adapter = Callable[[Given], Mapping[str, object]]


def cents(number: object) -> str:
    """Return cents as a decimal text in major units."""
    return decimal_text(Fraction(str(number)) / 100)


def text(number: object) -> str:
    """Return a number of a case as a plain decimal text."""
    return decimal_text(Fraction(str(number)))


def minor(money: Money) -> int:
    """Return an amount in hundredths, the way sources write cents."""
    return money.minor * 100 // 10 ** exponent(money.currency)


def share(fraction: Fraction) -> Document:
    """Return a part of an interval as a question writes it."""
    return {"part": str(fraction.numerator), "whole": str(fraction.denominator)}


def tier_rows(given: Given) -> list[Document]:
    """Return the tiers as a price writes them."""
    flat = text(given.first("flat", default="0"))
    return [_row(row, flat) for row in given["tiers"]]


def tiered(given: Given, model: str) -> Document:
    """Return a graduated or volume price by the conventions of the case."""
    rows = given["tiers"]
    by_rounding_up = given.says("rounding the quantity up") or (model == "VOLUME" and "lago" in given.source)
    return {
        "model": model,
        "tiers": tier_rows(given),
        "measure": "BY_WIDTH" if any("block" in row for row in rows) else "BY_UPPER_BOUND",
        "bound": "ROUNDED_UP" if by_rounding_up and not _is_decimal(rows) else "INCLUSIVE",
        "beyond": _beyond(given, model),
        "flat_at_zero": "NOT_CHARGED" if given.says("no flat fee at zero", "does not apply at zero") else "CHARGED",
    }


def _beyond(given: Given, model: str) -> str:
    """Return what happens above the last bound: a tier of seats ends with it, one of usage goes on."""
    if given.says("not billed", "covered", "unbilled"):
        return "UNBILLED"
    bounded = any("max" in row or "bound" in row for row in given["tiers"]) or given.says("out of range", "bounded")
    if not bounded or given.says("stays in"):
        return "STAY"
    return "UNBILLED" if model == "GRADUATED" and "polar" in given.source else "ERROR"


def _is_decimal(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a tier ends within a unit; then no quantity can be rounded up to find its tier."""
    return any(top is not None and Fraction(top).denominator != 1 for top in map(bound, rows))


def tier_model(given: Given) -> str:
    """Return how the tiers are read where the model alone does not say."""
    return "VOLUME" if given.names("volume", "bulk", "top tier", "top_tier") else "GRADUATED"


def bound(row: Mapping[str, Any]) -> str | None:
    """Return the upper bound of a tier, by whichever name it has."""
    top = next((row[key] for key in TOP if key in row), None)
    return None if top is None else text(top)


def begins(row: Mapping[str, Any]) -> Document:
    """Return where a tier begins, as a price writes it, where the case says it."""
    start = next((row[key] for key in START if key in row), None)
    return {} if start is None else {"from_units": text(start)}


def _row(row: Mapping[str, Any], flat: str) -> Document:
    known = {
        *TOP,
        *START,
        "block",
        "max_blocks",
        *(f"{name}{ending}" for name in UNIT + FLAT for ending in ("", "_cents")),
    }
    if unknown := set(row) - known:
        raise Unsupported(f"a tier has {', '.join(sorted(unknown))}, which nothing reads")
    amounts = {"unit": _of_row(row, UNIT, "0"), "flat": _of_row(row, FLAT, flat)}
    if "block" in row:
        blocks = row.get("max_blocks")
        top = None if blocks is None else str(row["block"] * blocks)
        return {"up_to": top, "block": row["block"], **amounts}
    return {**begins(row), "up_to": bound(row), **amounts}


def _of_row(row: Mapping[str, Any], names: Sequence[str], default: str) -> str:
    found = next((text(row[name]) for name in names if row.get(name) is not None), None)
    in_cents = next((cents(row[f"{name}_cents"]) for name in names if row.get(f"{name}_cents") is not None), default)
    return in_cents if found is None else found
