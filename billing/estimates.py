"""What would these quantities cost?

The calculator needs no organization: plan items and quantities are enough. A line of an estimate is made by the code
that makes a line of the invoice, so what it says is what will be billed. Every price, quantity and policy of a plan
item can be asked for; discounts, a commitment, taxes and prepaid credit come in the order in which an invoice has them.

>>> from billing.quantities import PeakSeats
>>> from billing.prices import GraduatedPrice, tier
>>> from billing.taxes import TaxMode
>>> price = GraduatedPrice((tier(100, "440"), tier(250, "400"), tier(None, "360")))
>>> users = PlanItem("users", {"en": "Users"}, PeakSeats(), price, quote_above=500)
>>> tax = Tax(TaxMode.INCLUSIVE, Fraction(20))
>>> str(estimate((Ask(users, Fraction(270)),), currency="RUB", tax=tax).total)
'111200.00 RUB'
>>> estimate((Ask(users, Fraction(501)),), currency="RUB", tax=tax).total
QuoteRequired(quantity=Fraction(501, 1), above=500)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from billing import asks, lines, plan_lines, usage_lines
from billing.asks import ONE, Ask, Billed, Held, Measure, Occurred, Tokens
from billing.bounds import net
from billing.charges import billed_before
from billing.discounts import Discount
from billing.explanations import Explanation, Source, SourceKind, rounded
from billing.lines import Priced
from billing.money import Money, total
from billing.plans import PlanItem, Tax, text
from billing.prices import QuoteRequired, RateCardPrice, Step
from billing.taxes import Taxable, TaxLine, assess
from billing.wording import Phrase, say

__all__ = [
    "Ask",
    "Billed",
    "Estimate",
    "Held",
    "Measure",
    "Occurred",
    "Tokens",
    "estimate",
]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The lines and their sum; a QuoteRequired stands for the total as soon as one item needs a quote.

    `line_taxes` divides the tax by line, the discounts of the whole at the end left out: a line is taxed on what is
    left of it after its share of them. `credit` is the prepaid credit that is drawn, and `due` what is left to pay.
    """

    currency: str
    lines: tuple[Priced, ...]
    subtotal: Money
    tax: Money
    included_tax: Money
    total: Money | QuoteRequired
    tax_rates: tuple[TaxLine, ...] = ()
    line_taxes: tuple[Money, ...] = ()
    credit: Money | None = None

    @property
    def due(self) -> Money | QuoteRequired:
        """What is left to pay."""
        if isinstance(self.total, QuoteRequired) or self.credit is None:
            return self.total
        return self.total - self.credit


def estimate(
    asked: Sequence[Ask],
    *,
    currency: str,
    tax: Tax,
    locale: str = "en",
    discounts: Sequence[Discount] = (),
    commitment: Money | None = None,
    credit: Money | None = None,
) -> Estimate:
    """Return what is `asked`, each item for one whole interval, or for the part of it that is asked.

    `credit` is the prepaid credit at hand; no more of it is drawn than there is to pay.
    """
    made: list[Priced] = []
    taxables: list[Taxable] = []
    required: QuoteRequired | None = None
    for ask in asked:
        outcome = _priced(ask, currency, locale)
        if isinstance(outcome, QuoteRequired):
            required = required or outcome
            continue
        made.extend(outcome)
        percent = tax.percent if ask.item.tax_percent is None else ask.item.tax_percent
        taxables.extend(Taxable(line.amount, percent, line.exact) for line in outcome)
    beside = plan_lines.made(
        taxables,
        discounts=discounts,
        commitment=commitment,
        tax_percent=tax.percent,
        currency=currency,
        locale=locale,
    )
    made += [*beside.top_up, *beside.discounts]
    subtotal, owed = total([line.amount for line in made], currency), assess(beside.taxables, tax, currency)
    whole = subtotal + owed.on_top
    drawn = credit and max(Money.zero(currency), min(credit, whole))
    return Estimate(
        currency,
        tuple(made),
        subtotal,
        owed.on_top,
        owed.included,
        required or whole,
        owed.rates,
        owed.parts,
        drawn,
    )


def _priced(ask: Ask, currency: str, locale: str) -> tuple[Priced, ...] | QuoteRequired:
    item = ask.item
    if isinstance(item.price, RateCardPrice):
        usage = asks.rated(ask, item.price, currency)
        return usage_lines.rated(item, usage, ONE, currency=currency, locale=locale)
    counted = asks.counted(ask)
    outcome = lines.priced(item, counted, key=item.key, currency=currency, locale=locale)
    if isinstance(outcome, QuoteRequired) or ask.billed.amount is None:
        return outcome
    before = billed_before(item, counted, currency)
    known = net(item, before, before.exact, counted.bounds_factor) if counted.before else before
    return (*outcome, *_billed(item, known - ask.billed.amount, locale))


def _billed(item: PlanItem, amount: Money, locale: str) -> tuple[Priced, ...]:
    """Return the line for what was billed before, less what it should have been by the quantity billed for."""
    if not amount.minor:
        return ()
    explanation = Explanation(
        f"billed before: {amount}",
        ("interval=BILLED_IN_PARTS",),
        (Step(ONE, amount.exact, Fraction(0), amount.exact),),
        item.price_version,
        rounded(amount.exact, amount, item.rounding),
        (Source(SourceKind.ESTIMATE, 1, (("item", item.key),)),),
    )
    words = say(locale, Phrase.BILLED, item=text(item.name, locale))
    return (Priced(f"{item.key}/billed", item.key, words, ONE, "bill", amount, explanation, ()),)
