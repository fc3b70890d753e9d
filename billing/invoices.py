"""What does an organization owe at a month's boundary?

Items in arrears bill the month that ends, items in advance the one that begins, and a contract the instalments that
are issued by then. Seats billed in advance also bill what changed since. The subtotal is the sum of the lines and the
total is the subtotal and the tax, to the last minor unit.

>>> from billing import periods
>>> from billing.plans import from_document
>>> plan = from_document({
...     "key": "basic", "version": 1, "name": {"en": "Basic"}, "currency": "EUR",
...     "tax": {"mode": "EXCLUSIVE", "percent": "20"}, "tiers": [],
...     "items": [{"key": "fee", "name": {"en": "Platform fee"}, "quantity": {"kind": "FLAT"},
...                "price": {"model": "UNIT", "unit": "99.90"}, "timing": "ARREARS"}],
... })
>>> october, november = periods.first_months(periods.from_microseconds(1_790_812_800_000_000), 2, "UTC")
>>> bill = draft(Facts(plan, october, november, "UTC", "en", (), (), None, october.start))
>>> str(bill.total), bill.lines[0].explanation.formula
('119.88 EUR', '1 × 99.90 = 99.90 EUR')
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from billing import contracts, corrections, instalment_lines, item_bills, plan_lines, seats
from billing.facts import Boundary, Facts, Stretch, event_meters, seats_needed_from
from billing.lines import Line, MemberShare
from billing.money import Money, total
from billing.plans import Plan, Usage
from billing.prices import QuoteRequired
from billing.taxes import Taxable, TaxLine, assess, exempted
from billing.usage import UsageTotal

__all__ = [
    "Boundary",
    "Draft",
    "Facts",
    "ItemQuote",
    "Line",
    "MemberShare",
    "Stretch",
    "UsageTotal",
    "draft",
    "event_meters",
    "seats_needed_from",
]

Charge = tuple[Line, Fraction]
"""A line and the percentage at which it is taxed."""


@dataclass(frozen=True, slots=True)
class ItemQuote:
    """An item whose quantity is above the price list: it has no line, and the invoice waits for a person."""

    item_key: str
    required: QuoteRequired


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice before it has a number. `included_tax` is inside the subtotal, `tax` is on top of it.

    `tax_rates` divides the tax by rate, and `line_taxes` by line, the plan's discounts at the end left out: each line
    is taxed on what is left of it after its share of them. `exemption` is the reason why no tax is due.
    """

    currency: str
    lines: tuple[Line, ...]
    subtotal: Money
    tax: Money
    included_tax: Money
    total: Money
    quotes: tuple[ItemQuote, ...] = ()
    tax_rates: tuple[TaxLine, ...] = ()
    line_taxes: tuple[Money, ...] = ()
    exemption: str | None = None


def draft(facts: Facts) -> Draft:
    """Return the invoice for one boundary."""
    ending = contracts.apply_prices(facts.plan, facts.contract)
    beginning = contracts.apply_prices(facts.next_plan or facts.plan, facts.next_contract or facts.contract)
    currency, tax = beginning.currency, exempted(beginning.tax, facts.tax_exemption)
    closed, opened = list[Charge](), list[Charge]()
    quotes: list[ItemQuote] = []
    for bill in item_bills.outcomes(facts, ending, beginning):
        if isinstance(bill.outcome, QuoteRequired):
            quotes.append(ItemQuote(bill.item.key, bill.outcome))
            continue
        percent, side = bill.plan.tax_percent(bill.item.key), opened if bill.begins and facts.next_plan else closed
        side.extend((each.on(bill.period), percent) for each in bill.outcome)
    others = (*instalment_lines.made(facts, ending), *_adjustments(facts, ending))
    closed.extend((line, ending.tax_percent(line.item_key)) for line in others)
    first = _section(facts, closed, ending, _commitment(facts, ending), "")
    second = _section(facts, opened, beginning, None, "next/")
    made = _stating((*first.charges, *second.charges, *first.discounts, *second.discounts), tax.exemption)
    subtotal = total([line.amount for line in made], currency)
    owed = assess((*first.taxables, *second.taxables), tax, currency)
    return Draft(
        currency,
        made,
        subtotal,
        owed.on_top,
        owed.included,
        subtotal + owed.on_top,
        tuple(quotes),
        owed.rates,
        owed.parts,
        tax.exemption,
    )


def _stating(lines: tuple[Line, ...], exemption: str | None) -> tuple[Line, ...]:
    """Return the lines, each with the reason why it is not taxed."""
    if exemption is None:
        return lines
    said = f"tax=EXEMPT: {exemption}"
    explanations = (replace(line.explanation, policy=(*line.explanation.policy, said)) for line in lines)
    return tuple(replace(line, explanation=each) for line, each in zip(lines, explanations, strict=True))


@dataclass(frozen=True, slots=True)
class _Section:
    """The lines that one plan stands for, and what is taxed of them in the order of the charges."""

    charges: tuple[Line, ...]
    discounts: tuple[Line, ...]
    taxables: tuple[Taxable, ...]


def _section(facts: Facts, charges: list[Charge], plan: Plan, commitment: Money | None, prefix: str) -> _Section:
    beside = plan_lines.made(
        [Taxable(line.amount, percent, line.exact) for line, percent in charges],
        discounts=plan.discounts,
        commitment=commitment,
        tax_percent=plan.tax.percent,
        currency=plan.currency,
        locale=facts.locale,
        prefix=prefix,
    )
    top_up, discounts = (tuple(each.on(facts.period) for each in lines) for lines in (beside.top_up, beside.discounts))
    return _Section((*(line for line, _ in charges), *top_up), discounts, beside.taxables)


def _commitment(facts: Facts, plan: Plan) -> Money | None:
    """Return the least the month that ends must bill; in the month in which the service began, by the days left."""
    if plan.commitment is None or facts.boundary is not Boundary.CLOSING or facts.service_start >= facts.period.end:
        return None
    if not facts.period.contains(facts.service_start):
        return plan.commitment
    share = seats.days_left(facts.service_start, facts.period, facts.time_zone)
    return Money.rounded(plan.commitment.exact * share, plan.currency)


def _adjustments(facts: Facts, plan: Plan) -> Iterator[Line]:
    """Yield what late and corrected usage of months billed before changes."""
    for item in plan.items if facts.adjustments else ():
        if isinstance(item.quantity, Usage):
            made = corrections.priced(item, facts.adjustments, currency=plan.currency, locale=facts.locale)
            yield from (each.on(facts.period) for each in made)
