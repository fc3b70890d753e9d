"""Is a figure the expected one?

Exactly, at the digits that are expected. An amount has two readings, before and after it is rounded to the currency's
minor unit; a source that expects more digits than the currency has means the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing.currencies import exponent
from billing.money import Money, decimal_text, round_half_away

CENTS = "_cents"
MISSING = object()
REFUSED = "error"
"""The key of a refusal. Sources word it in their own way, so that there is one is what counts."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as it is billed, and the exact value it was rounded from."""

    rounded: Money
    exact: Fraction

    def __str__(self) -> str:
        exact = "" if self.exact == self.rounded.exact else f" (of {decimal_text(self.exact)})"
        return f"{self.rounded.amount}{exact}"


@dataclass(frozen=True, slots=True)
class Endless:
    """A sequence without an end, of which the expected one is the beginning."""

    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Figures that have names and an order: expected by either."""

    names: tuple[str, ...]
    figures: tuple[object, ...]

    def __str__(self) -> str:
        return shown(dict(zip(self.names, self.figures, strict=True)))


def difference(expected: Mapping[str, object], got: Mapping[str, object]) -> str:
    """Return what differs, as "key: expected … got …", or nothing."""
    nothing = got.get(REFUSED, "nothing")
    figures = {key: figure(key, got) for key in expected}
    wrong = [
        key for key, found in figures.items() if found is MISSING or not (key == REFUSED or same(expected[key], found))
    ]
    shows = {key: shown(nothing if figures[key] is MISSING else figures[key]) for key in wrong}
    return "; ".join(f"{key}: expected {expected[key]!r} got {shows[key]}" for key in wrong)


def figure(key: str, got: Mapping[str, object]) -> object:
    """Return what is called `key`, MISSING if nothing is. What is known in major units is known in cents, and back."""
    if key in got:
        return got[key]
    base, in_cents = key.removesuffix(CENTS), f"{key}{CENTS}"
    if key != base and base in got:
        return _scaled(got[base], Fraction(100))
    return _scaled(got[in_cents], Fraction(1, 100)) if in_cents in got else MISSING


def _scaled(found: object, factor: Fraction) -> object:
    match found:
        case Amount():
            return found.rounded.exact * factor
        case bool() | str() | None:
            return found
        case int() | Fraction():
            return found * factor
        case list() | tuple():
            return [_scaled(each, factor) for each in found]
        case _:
            return MISSING


def same(expected: object, got: object) -> bool:
    """Return whether `got` is what is expected."""
    match expected, got:
        case None, _:
            return got is None
        case bool(), _:
            return expected is got
        case Mapping(), Named(names, figures):
            return same(expected, dict(zip(names, figures, strict=True)))
        case [*_], Named(_, figures):
            return same(expected, figures)
        case Mapping(), Mapping():
            return all(key in got and same(value, got[key]) for key, value in expected.items())
        case [*wanted], Endless(entries):
            return all(map(same, wanted, entries)) and len(wanted) <= len(entries)
        case [*wanted], Sequence() if not isinstance(got, str):
            return len(wanted) == len(got) and all(map(same, wanted, got))
        case int() | str(), Amount():
            return _is_amount(str(expected), got)
        case int() | str(), int() | Fraction():
            return _is_number(str(expected), Fraction(got))
        case str(), str():
            return got.lower() in (part.strip().lower() for part in _alternatives(expected))
        case _:
            return False


def shown(got: object) -> str:
    """Return a figure as a person reads it."""
    match got:
        case Fraction():
            return decimal_text(got)
        case Mapping():
            return "{" + ", ".join(f"{key}: {shown(value)}" for key, value in got.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(shown, got)) + "]"
        case _:
            return str(got)


def _is_amount(expected: str, got: Amount) -> bool:
    number = _number(expected)
    if number is None:
        return False
    if number in (got.rounded.exact, got.exact):
        return True
    digits = len(expected.partition(".")[2])
    return digits > exponent(got.rounded.currency) and _at(got.exact, digits) == number


def _is_number(expected: str, got: Fraction) -> bool:
    number = _number(expected)
    return number is not None and (number == got or _at(got, len(expected.partition(".")[2]) or 0) == number != 0)


def _number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except ValueError:
        return None


def _at(exact: Fraction, digits: int) -> Fraction:
    return Fraction(round_half_away(exact * 10**digits), 10**digits)


def _alternatives(text: str) -> list[str]:
    """Return what a text allows: "rejected or recorded as late usage by policy" allows either."""
    return [part.removesuffix(" by policy") for part in text.split(" or ")]
