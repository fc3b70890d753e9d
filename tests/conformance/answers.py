"""How does the product answer a question to the calculator?

A question as a JSON document goes in, through the graph as it is served, and an answer as a JSON document comes out.
What the adapters read of an answer is what a client of the graph reads.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from billing.money import Money
from tests.conformance import graph
from tests.conformance.comparing import Amount

Document = dict[str, Any]


def answer(document: Document) -> Document:
    """Return the answer to a question, both of them as JSON; raise ValueError where it is refused."""
    found = graph.estimate(json.loads(json.dumps(document)))
    return {
        "currency": document["currency"],
        "lines": [_line(line) for line in found["lines"]],
        "subtotal": found["subtotal"]["amount"],
        "tax": found["tax"]["amount"],
        "includedTax": found["includedTax"]["amount"],
        "lineTaxes": [line["tax"]["amount"] for line in found["lines"] if line["tax"]],
        "total": _amount(found["total"]),
        "credit": _amount(found["credit"]),
        "due": _amount(found["due"]),
        "quoteRequired": found["quoteRequired"] is not None,
    }


class QuoteNeeded(Exception):
    """The quantity is above what the price list sells."""


class Unsupported(Exception):
    """The case says something that no adapter knows how to ask."""


@dataclass(frozen=True, slots=True)
class Step:
    """One term of a line."""

    quantity: Fraction
    unit: Fraction
    flat: Fraction
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an answer."""

    key: str
    item_key: str
    quantity: Fraction
    amount: Amount
    formula: str
    steps: tuple[Step, ...]
    shares: tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read back."""

    currency: str
    lines: tuple[Line, ...]
    subtotal: Money
    tax: Money
    line_taxes: tuple[Money, ...]
    total: Money
    credit: Money
    due: Money

    @property
    def amount(self) -> Amount:
        """The subtotal, before and after rounding."""
        return Amount(self.subtotal, sum((line.amount.exact for line in self.lines), Fraction(0)))

    def line(self, key: str) -> Line:
        """Return the line called `key`; a quantity of nothing has an empty one."""
        nothing = Line(key, key, Fraction(0), Amount(Money.zero(self.currency), Fraction(0)), "", (), ())
        return next((line for line in self.lines if line.key == key), nothing)

    def ending(self, suffix: str) -> tuple[Line, ...]:
        """Return the lines whose keys end in `suffix`."""
        return tuple(line for line in self.lines if line.key.endswith(suffix))


def ask(items: Sequence[Document], *, currency: str = "USD", tax: str | None = None, **more: object) -> Answer:
    """Return the answer to a question about `items`."""
    taxed = {"tax": {"mode": "EXCLUSIVE", "percent": tax}} if tax is not None else {}
    return _read(answer({"currency": currency, "items": list(items), **taxed, **more}))


def one(price: Document, *, quantity: Document | None = None, measured: Document, **policies: object) -> Document:
    """Return the entry of a question for one item."""
    key = str(policies.pop("key", "item"))
    counted = quantity or {"kind": "USAGE", "meter": "units"}
    item = {"key": key, "name": {"en": key}, "quantity": counted, "price": price, **policies}
    return {"item": item, **measured}


def _line(line: Mapping[str, Any]) -> Document:
    explanation = line["explanation"]
    terms = ("quantity", "unitAmount", "flatAmount", "amount")
    return {
        "key": line["key"],
        "itemKey": line["itemKey"],
        "quantity": line["quantity"],
        "amount": line["amount"]["amount"],
        "formula": explanation["formula"],
        "exact": explanation["rounding"]["exact"],
        "steps": [[step[term] for term in terms] for step in explanation["steps"]],
        "shares": [[share["member"], share["amount"]["amount"]] for share in line["shares"]],
    }


def _amount(money: Mapping[str, str] | None) -> str | None:
    return money and money["amount"]


def _read(document: Mapping[str, Any]) -> Answer:
    currency = document["currency"]
    if document["quoteRequired"]:
        raise QuoteNeeded
    return Answer(
        currency,
        tuple(
            Line(
                line["key"],
                line["itemKey"],
                Fraction(line["quantity"]),
                Amount(Money.parse(line["amount"], currency), Fraction(line["exact"])),
                line["formula"],
                tuple(Step(*map(Fraction, step)) for step in line["steps"]),
                tuple((member, Fraction(amount)) for member, amount in line["shares"]),
            )
            for line in document["lines"]
        ),
        Money.parse(document["subtotal"], currency),
        Money.parse(document["tax"], currency),
        tuple(Money.parse(tax, currency) for tax in document["lineTaxes"]),
        Money.parse(document["total"], currency),
        Money.parse(document["credit"] or "0", currency),
        Money.parse(document["due"], currency),
    )
