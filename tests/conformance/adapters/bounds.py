"""What do a minimum, a maximum and what was billed before make of a charge? Asked of the calculator."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from billing.money import Money
from billing.thresholds import Thresholds, passed
from tests.conformance.adapters.given import Adapter, Document, Given, cents, minor, share, text, tier_model, tiered
from tests.conformance.adapters.prices import package_price
from tests.conformance.answers import Answer, ask, one

BOUNDS: Final = {
    "minimum": ("minimum", "min_spend", "minimum_spend"),
    "maximum": ("maximum", "max_spend", "maximum_spend", "cap"),
}


def price_of(given: Given) -> Document:
    """Return the price of a case that names its model by what it gives."""
    if "tiers" in given:
        return tiered(given, tier_model(given))
    if "package_size" in given or "block" in given:
        return package_price(given)
    return {"model": "UNIT", "unit": given.amount("unit", "price")}


def spend(given: Given) -> Mapping[str, object]:
    limits = {
        key: given.amount(*names)
        for key, names in BOUNDS.items()
        if any(f"{name}{end}" in given for name in names for end in ("", "_cents"))
    }
    entry = one(price_of(given), measured=given.measured, discounts=given.discounts, **limits)
    return _figures(ask([entry], currency=given.currency))


def _figures(found: Answer) -> Mapping[str, object]:
    """Return the lines as the charge has them, and what a discount or a maximum takes off them."""
    charge = next((line for line in found.lines if line.key == "item"), None)
    steps = [step.amount for step in charge.steps] if charge else []
    given_back = [-line.amount.exact for line in found.lines if "/discount-" in line.key]
    cut = [-step.amount for line in found.ending("/maximum") for step in line.steps]
    off = [*given_back, *cut]
    trims = [Fraction(0)] * (len(steps) - len(off)) + off
    minimum = [line.amount.exact for line in found.ending("/minimum")]
    owed = [step for step in steps if step]
    late = [line.amount.exact for line in found.ending("/billed") if line.amount.exact > 0]
    return {
        "amount": found.amount,
        "amount_cents": minor(found.subtotal),
        "line": charge.amount if charge else Fraction(0),
        "lines": [*owed, *minimum, *late],
        "line_totals": [step - trim for step, trim in zip(steps, trims, strict=False)],
        "discounts": trims,
        "discount": sum(off, Fraction(0)),
        "maximum_discount": sum(cut, Fraction(0)),
        "true_up": sum(minimum, Fraction(0)),
    }


def true_up(given: Given) -> Mapping[str, object]:
    part = Fraction(given.first("fraction", default="1/1"))
    committed, plan = given.amount("commitment"), given.amount("plan", default="0")
    fee, flat = {"model": "UNIT", "unit": plan}, {"kind": "FLAT"}
    measured = {"quantity": "1", "share": share(part)}
    used = _cents_of(given, "usage", "charges", "fees")
    if not used:
        found = ask([one(fee, quantity=flat, measured=measured, minimum=committed)])
        owed = found.ending("/minimum")
    else:
        usage = one({"model": "UNIT", "unit": cents(used)}, quantity=flat, measured={"quantity": "1"}, key="usage")
        whole = Money.rounded(Fraction(committed) * part, given.currency)
        found = ask([one(fee, quantity=flat, measured=measured), usage], commitment=whole.amount)
        owed = found.ending("commitment")
    amount = sum((line.amount.rounded.minor for line in owed), 0)
    return {"true_up_cents": amount, "true_up": Fraction(amount, 100), "total_cents": minor(found.total)}


def _cents_of(given: Given, *names: str) -> int:
    values = [given[f"{name}_cents"] for name in names if f"{name}_cents" in given]
    return sum(sum(value) if isinstance(value, list) else int(value) for value in values)


def progressive(given: Given) -> Mapping[str, object]:
    """Bill what is used in parts when it passes a threshold, and the rest with the plan at the end."""
    steps = _usage_steps(given)
    if "one step" in str(given.first("as", default="")):
        steps = steps[:1]
    billed = _billed_steps(given, steps)
    days = given.first("month_days", default=31)
    last = int(given.first("terminated_on_day", "days", default=days))
    if "upgraded_on_day" in given:  # that day is the new plan's
        last = int(given["upgraded_on_day"]) - 1
    part = Fraction(last, days)
    fee = {"model": "UNIT", "unit": given.amount("plan")}
    used = {"model": "UNIT", "unit": "0.01"}
    usage = {"quantity": text(sum(steps)), "billed": {"amount": cents(sum(billed))}}
    found = ask(
        [
            one(fee, quantity={"kind": "FLAT"}, measured={"quantity": "1", "share": share(part)}, key="plan"),
            one(used, measured=usage, key="usage"),
        ]
    )
    credit = -sum(line.amount.rounded.minor for line in found.ending("/billed"))
    return {
        "fees_cents": minor(found.subtotal) + credit,
        "progressive_credit_cents": credit,
        "credit_cents": credit,
        "total_cents": minor(found.total),
        "progressive_invoices_cents": billed,
        "invoices_cents": [*billed, minor(found.total)],
    }


def _usage_steps(given: Given) -> list[int]:
    for key in ("usage_cents", "usage_steps_cents", "steps_cents"):
        if key in given:
            value: Any = given[key]
            return [int(each) for each in (value if isinstance(value, list) else [value])]
    unit = Fraction(given.amount("unit", default="0.0002"))
    value = given.like("usage", "step", "event", "units", default=[])
    counts = [each[-1] if isinstance(each, list) else each for each in (value if isinstance(value, list) else [value])]
    return [int(Fraction(str(each)) * unit * 100) for each in counts]


def _billed_steps(given: Given, steps: list[int]) -> list[int]:
    """Return what each passing of a threshold bills: everything used by then and not billed yet."""
    amounts = given.first("thresholds_cents", "threshold_cents", default=[20000])
    amounts = tuple(amounts if isinstance(amounts, list) else [amounts])
    thresholds = Thresholds(amounts, given.like("recurring"))
    billed: list[int] = []
    running = 0
    for step in steps:
        if passed(thresholds, running, running + step):
            billed.append(running + step - sum(billed))
        running += step
    return billed


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "minimum_spend": spend,
    "maximum_spend": spend,
    "package_maximum": spend,
    "package_minimum": spend,
    "graduated_progressive": spend,
    "volume_progressive": spend,
    "package_progressive": spend,
    "unit_progressive": spend,
    "discount_then_maximum": spend,
    "delta_invoicing": spend,
    "minimum_commitment_true_up": true_up,
    "progressive_billing": progressive,
}
