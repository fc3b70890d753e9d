"""Why is a line what it is?

An explanation holds everything that made the amount: the formula with its numbers, the named policies, the steps of
the price, the price version, the rounding and the sources. It is frozen as a plain JSON document with the invoice and
reads back as it was.

>>> from billing.prices import charge, tier, GraduatedPrice
>>> steps = charge(GraduatedPrice((tier(100, "440"), tier(250, "400"), tier(None, "360"))), Fraction(270)).steps
>>> formula(steps, Fraction(111_200), Money.parse("111200.00", "RUB"))
'100 × 440.00 + 150 × 400.00 + 20 × 360.00 = 111200.00 RUB'
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from billing.currencies import exponent
from billing.money import Money, Rounding, decimal_text
from billing.prices import Step
from billing.reading import InvalidDocument, Reader


class SourceKind(StrEnum):
    """What a line was made from."""

    SEAT_INTERVALS = "SEAT_INTERVALS"
    USAGE = "USAGE"
    CONTRACT = "CONTRACT"
    PLAN = "PLAN"
    ESTIMATE = "ESTIMATE"


@dataclass(frozen=True, slots=True)
class Source:
    """Rows behind a line: how many, and the facts by which they are found again."""

    kind: SourceKind
    count: int
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rounded:
    """What was rounded, to what, and by which rule. `exact` is a decimal, or a/b where no decimal is exact."""

    exact: str
    rounded: str
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that made one line's amount."""

    formula: str
    policy: tuple[str, ...]
    steps: tuple[Step, ...]
    price_version: str
    rounding: Rounded
    sources: tuple[Source, ...]


class InvalidExplanation(InvalidDocument):
    """A stored explanation cannot be read."""


def formula(steps: Sequence[Step], exact: Fraction, amount: Money, *, factor: Fraction = Fraction(1)) -> str:
    """Return the sum as a person would write it down, with its numbers."""
    terms = sum_text(steps, amount.currency)
    if factor != 1:
        terms = f"({terms}) × {factor.numerator}/{factor.denominator}"
    return f"{terms} = {result_text(exact, amount)}"


def sum_text(steps: Sequence[Step], currency: str) -> str:
    """Return the terms of a charge: 100 × 440.00 + 150 × 400.00."""
    decimals = exponent(currency)
    terms: list[str] = []
    for step in steps:
        if step.quantity * step.unit_amount or not step.flat_amount:
            terms.append(f"{decimal_text(step.quantity)} × {decimal_text(step.unit_amount, decimals)}")
        if step.flat_amount:
            terms.append(decimal_text(step.flat_amount, decimals))
    return " + ".join(terms) or decimal_text(Fraction(0), decimals)


def result_text(exact: Fraction, amount: Money) -> str:
    """Return the amount, after the exact value where rounding changed it."""
    if exact == amount.exact:
        return str(amount)
    return f"{decimal_text(exact)} → {amount}"


def rounded(exact: Fraction, amount: Money, rule: Rounding | str) -> Rounded:
    """Return the note on how `exact` became `amount`."""
    return Rounded(decimal_text(exact), amount.amount, str(rule))


def to_document(explanation: Explanation) -> dict[str, Any]:
    """Return the document that `from_document` reads back: texts, integers, lists and objects only."""
    return {
        "formula": explanation.formula,
        "policy": list(explanation.policy),
        "steps": [
            {
                "quantity": decimal_text(step.quantity),
                "unit_amount": decimal_text(step.unit_amount),
                "flat_amount": decimal_text(step.flat_amount),
                "amount": decimal_text(step.amount),
            }
            for step in explanation.steps
        ],
        "price_version": explanation.price_version,
        "rounding": {
            "exact": explanation.rounding.exact,
            "rounded": explanation.rounding.rounded,
            "rule": explanation.rounding.rule,
        },
        "sources": [
            {"kind": source.kind.value, "count": source.count, "facts": [list(fact) for fact in source.facts]}
            for source in explanation.sources
        ],
    }


def from_document(document: Mapping[str, Any]) -> Explanation:
    """Return the explanation written in `document`."""
    reader = Reader(document, "", InvalidExplanation)
    rounding = reader.child("rounding")
    return Explanation(
        reader.text("formula"),
        reader.names("policy"),
        tuple(_read_step(step) for step in reader.children("steps")),
        reader.text("price_version"),
        Rounded(rounding.text("exact"), rounding.text("rounded"), rounding.text("rule")),
        tuple(_read_source(source) for source in reader.children("sources")),
    )


def _read_step(reader: Reader) -> Step:
    return Step(*(_read_fraction(reader, key) for key in ("quantity", "unit_amount", "flat_amount", "amount")))


def _read_fraction(reader: Reader, key: str) -> Fraction:
    try:
        return Fraction(reader.text(key))
    except (ValueError, ZeroDivisionError) as broken:
        raise reader.error(reader.at(key), f"{reader.text(key)[:40]!r} is not an exact number") from broken


def _read_source(reader: Reader) -> Source:
    facts = tuple(_read_fact(fact) for fact in reader.lists("facts"))
    return Source(reader.choice("kind", SourceKind), reader.whole("count"), facts)


def _read_fact(reader: Reader) -> tuple[str, str]:
    return reader.text("0"), reader.text("1")
