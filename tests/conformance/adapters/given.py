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

    @property
    def currency(self) -> str:
        """The currency, US dollars where the case does not say; credits with four decimals are counted as CLF."""
        written = str(self.first("currency", default="USD"))
        return "CLF" if written.startswith("CREDITS") else written

    @property
    def units(self) -> str:
        """The quantity."""
        return str(self.first("units", "seats", "quantity", "peak", "usage", default="0"))

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
    bounded = any("max" in row for row in rows) or given.says("out of range", "bounded")
    return {
        "model": model,
        "tiers": tier_rows(given),
        "measure": "BY_WIDTH" if any("block" in row for row in rows) else "BY_UPPER_BOUND",
        "bound": "ROUNDED_UP" if given.says("rounding the quantity up") else "INCLUSIVE",
        "beyond": "ERROR" if bounded and not given.says("stays in") else "STAY",
        "flat_at_zero": "NOT_CHARGED" if given.says("no flat fee at zero", "does not apply at zero") else "CHARGED",
    }


def tier_model(given: Given) -> str:
    """Return how the tiers are read where the model alone does not say."""
    return "VOLUME" if given.names("volume", "bulk", "top tier", "top_tier") else "GRADUATED"


def bound(row: Mapping[str, Any]) -> str | None:
    """Return the upper bound of a tier, by whichever name it has."""
    top = next((row[key] for key in ("up_to", "to", "max") if key in row), None)
    return None if top is None else text(top)


def _row(row: Mapping[str, Any], flat: str) -> Document:
    own = row.get("flat", flat) if "flat_cents" not in row else cents(row["flat_cents"])
    unit = cents(row["unit_cents"]) if "unit_cents" in row else text(row.get("unit", row.get("price", "0")))
    if "block" in row:
        blocks = row.get("max_blocks")
        top = None if blocks is None else str(row["block"] * blocks)
        return {"up_to": top, "unit": unit, "flat": text(own), "block": row["block"]}
    return {"up_to": bound(row), "unit": unit, "flat": text(own)}
