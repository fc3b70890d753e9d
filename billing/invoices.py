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

from billing import contracts, corrections, instalment_lines, item_bills, sections
from billing.facts import Boundary, Facts, Stretch, event_meters, seats_needed_from
from billing.lines import Line, MemberShare
from billing.money import Money, total
from billing.plans import Plan, Usage
from billing.prices import QuoteRequired
from billing.taxes import TaxLine, assess, exempted
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


@dataclass(frozen=True, slots=True)
class ItemQuote:
    """An item whose quantity is above the price list: it has no line, and the invoice waits for a person."""

    item_key: str
    required: QuoteRequired


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice before it has a number. `included_tax` is inside the subtotal, `tax` is on top of it.

    `tax_rates` divides the tax by rate, and `line_taxes` by line, the plan's discounts at the end left out: each line
    is taxed on what is left of it after its share of them, which is in `line_nets`. `exemption` is the reason why no
    tax is due.
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
    line_nets: tuple[Money, ...] = ()

    @property
    def nets(self) -> tuple[tuple[Line, Money], ...]:
        """The lines but for the discounts of whole plans, each with what is left of it after its share of those."""
        return tuple(zip(self.lines, self.line_nets, strict=False))


def draft(facts: Facts) -> Draft:
    """Return the invoice for one boundary."""
    ending = contracts.apply_prices(facts.plan, facts.contract)
    beginning = contracts.apply_prices(facts.next_plan or facts.plan, facts.next_contract or facts.contract)
    currency, tax = beginning.currency, exempted(beginning.tax, facts.tax_exemption)
    closed, opened = sections.of_ending(facts, ending), sections.of_beginning(beginning)
    settled = [(stretch, sections.of_replaced(facts, stretch)) for stretch in facts.earlier]
    quotes: list[ItemQuote] = []
    for bill in item_bills.outcomes(facts, ending, beginning):
        if isinstance(bill.outcome, QuoteRequired):
            quotes.append(ItemQuote(bill.item.key, bill.outcome))
        elif bill.settles is not None:
            next(each for stretch, each in settled if stretch is bill.settles).add(bill)
        else:
            (opened if bill.begins and facts.next_plan else closed).add(bill)
    closed.add_lines((*instalment_lines.made(facts, ending), *_adjustments(facts, ending)))
    found = [each.section(facts) for each in (*(each for _, each in settled), closed, opened)]
    charges = tuple(line for each in found for line in each.charges)
    taxables = tuple(each for section in found for each in section.taxables)
    made = _stating((*charges, *(line for each in found for line in each.discounts)), tax.exemption)
    subtotal = total([line.amount for line in made], currency)
    owed = assess(taxables, tax, currency)
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
        tuple(each.amount for each in taxables),
    )


def _stating(lines: tuple[Line, ...], exemption: str | None) -> tuple[Line, ...]:
    """Return the lines, each with the reason why it is not taxed."""
    if exemption is None:
        return lines
    said = f"tax=EXEMPT: {exemption}"
    explanations = (replace(line.explanation, policy=(*line.explanation.policy, said)) for line in lines)
    return tuple(replace(line, explanation=each) for line, each in zip(lines, explanations, strict=True))


def _adjustments(facts: Facts, plan: Plan) -> Iterator[Line]:
    """Yield what late and corrected usage of months billed before changes."""
    for item in plan.items if facts.adjustments else ():
        if isinstance(item.quantity, Usage):
            made = corrections.priced(item, facts.adjustments, currency=plan.currency, locale=facts.locale)
            yield from (each.on(facts.period) for each in made)
