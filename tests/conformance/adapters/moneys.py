"""How is an amount written, rounded and divided? By the rules of money."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from billing.currencies import exponent
from billing.money import Money, Rounding, allocate
from tests.conformance.adapters.given import Adapter, Given


def minor_units(given: Given) -> Mapping[str, object]:
    return {"minor": Money.parse(str(given["amount"]), given.currency).minor}


def rounding(given: Given) -> Mapping[str, object]:
    rule = Rounding.HALF_EVEN if given.says("half_even", "half even", "bankers") else Rounding.HALF_AWAY
    money = Money.rounded(Fraction(str(given["amount"])), given.currency, rule)
    return {"rounded": money.exact, "minor": money.minor}


def precision(given: Given) -> Mapping[str, object]:
    return {"decimals": [exponent(code) for code in given["currencies"]]}


def largest_remainder(given: Given) -> Mapping[str, object]:
    decimals = int(given.first("decimals", default=exponent(given.currency)))
    total = Fraction(str(given["amount"])) * 10**decimals
    weights = given["weights"]
    names = list(weights) if isinstance(weights, dict) else [str(each) for each in given.first("keys", default=[])]
    values = list(weights.values()) if isinstance(weights, dict) else weights
    order = given.first("order", "tie_break", "order_by", default="")
    shares = allocate(int(total), [Fraction(str(value)) for value in values], keys=names if order else ())
    exact = [Fraction(share, 10**decimals) for share in shares]
    return {"shares": dict(zip(names, exact, strict=True)) if isinstance(weights, dict) else exact}


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "minor_units": minor_units,
    "rounding": rounding,
    "rounding_half_away": rounding,
    "rounding_half_even": rounding,
    "currency_precision": precision,
    "largest_remainder": largest_remainder,
}
