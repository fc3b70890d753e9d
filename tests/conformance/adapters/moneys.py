"""How is an amount written, rounded and divided? Asked of the calculator, by amounts and events that come to it."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from billing.currencies import exponent
from billing.money import Rounding
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, text
from tests.conformance.answers import Answer, answer, ask, one
from tests.conformance.comparing import Named

RULES: Final = {
    "half_even": Rounding.HALF_EVEN,
    "half even": Rounding.HALF_EVEN,
    "bankers": Rounding.HALF_EVEN,
    "banker's": Rounding.HALF_EVEN,
    "half_away": Rounding.HALF_AWAY,
    "half away": Rounding.HALF_AWAY,
    "half up": Rounding.HALF_AWAY,
    "half_up": Rounding.HALF_AWAY,
    "rounding_down": Rounding.DOWN,
    "round_down": Rounding.DOWN,
    "towards zero": Rounding.DOWN,
    "toward zero": Rounding.DOWN,
    "truncat": Rounding.DOWN,
    "rounding_up": Rounding.UP,
    "round_up": Rounding.UP,
    "ceil": Rounding.UP,
}
SPAN: Final = times.span(*times.month("2026-10"))
WHOLE: Final = "JPY"
"""A currency without decimals: in it any number of decimals is counted in its smallest unit."""


def minor_units(given: Given) -> Mapping[str, object]:
    """Owe an amount and count the digits of what is due; a commitment is an amount that the currency can write."""
    amount = Fraction(str(given["amount"]))
    if amount < 0:
        return {"minor": _metered(amount, given.currency, Rounding.HALF_AWAY).subtotal.minor}
    nothing = one({"model": "UNIT", "unit": "0"}, quantity={"kind": "FLAT"}, measured={"quantity": "1"})
    return {"minor": ask([nothing], currency=given.currency, commitment=text(amount)).due.minor}


def rounding(given: Given) -> Mapping[str, object]:
    named = str(given.first("mode", "rounding", "rounding_mode", "rule", default="")).lower()
    says = next((rule for word, rule in RULES.items() if word in named), None)
    rule = says or next((rule for word, rule in RULES.items() if given.says(word)), Rounding.HALF_AWAY)
    found = _metered(Fraction(str(given["amount"])), given.currency, rule)
    return {"rounded": found.subtotal.exact, "minor": found.subtotal.minor, "amount": found.amount}


def _metered(amount: Fraction, currency: str, rule: Rounding) -> Answer:
    """Use one unit at a price, or take one back."""
    event = {"value": "-1" if amount < 0 else "1"}
    price = {"model": "UNIT", "unit": text(abs(amount))}
    return ask([one(price, measured={"span": SPAN, "events": [event]}, rounding=rule)], currency=currency)


def precision(given: Given) -> Mapping[str, object]:
    """Count the decimals in which the calculator writes nothing."""
    nothing = one({"model": "UNIT", "unit": "0"}, quantity={"kind": "FLAT"}, measured={"quantity": "1"})
    written = given.first("currencies", default=None) or [given.currency]
    amounts = [str(answer({"currency": code, "items": [nothing]})["subtotal"]) for code in written]
    return {"decimals": [len(amount.partition(".")[2]) for amount in amounts]}


def largest_remainder(given: Given) -> Mapping[str, object]:
    """Let somebody use each weight of a pool that costs the amount, and look at what each of them stands for."""
    weights = given["weights"]
    names = list(weights) if isinstance(weights, dict) else [str(each) for each in given.first("keys", default=[])]
    values = list(weights.values()) if isinstance(weights, dict) else weights
    order = str(given.first("order", "tie_break", "order_by", default="key" if names else "input")).lower()
    by_key = "input" not in order
    members = names if by_key else [f"{place:06}" for place in range(len(values))]
    decimals = int(given.first("decimals", default=exponent(given.currency)))
    if decimals < len(str(given["amount"]).rstrip("0").partition(".")[2]):
        raise ValueError(f"{given['amount']} has more than {decimals} decimals")
    own = exponent(given.currency) == decimals
    scale, currency = (1, given.currency) if own else (10**decimals, WHOLE)
    parts = _divided(Fraction(str(given["amount"])) * scale, members, values, currency)
    shares = [part / scale for part in parts]
    return {"shares": Named(tuple(names), tuple(shares)) if names else shares}


def _divided(amount: Fraction, members: Sequence[str], weights: Sequence[Any], currency: str) -> list[Fraction]:
    """Return the part of each member; what is given back is divided like what was charged."""
    sign = -1 if amount < 0 else 1
    price = {"model": "VOLUME", "tiers": [{"up_to": None, "unit": "0", "flat": text(abs(amount))}]}
    events: list[Document] = [
        {"member": member, "value": text(weight)} for member, weight in zip(members, weights, strict=True)
    ]
    found = ask([one(price, measured={"span": SPAN, "events": events})], currency=currency)
    shares = dict(found.line("item").shares)
    if amount and not shares:
        raise ValueError("nobody has a weight that the amount could be divided by")
    return [sign * shares.get(member, Fraction(0)) for member in members]


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "minor_units": minor_units,
    "rounding": rounding,
    "rounding_half_away": rounding,
    "rounding_half_even": rounding,
    "currency_precision": precision,
    "allocation": largest_remainder,
    "largest_remainder": largest_remainder,
}
