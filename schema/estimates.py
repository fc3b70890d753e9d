"""What would it cost?

A line of an estimate is made by the code that makes a line of the invoice. Discounts, what a minimum or a commitment
adds and what a maximum takes away are lines of their own, so the lines always add up to the subtotal.
"""

from collections.abc import Collection

import strawberry

from billing import estimates as rules
from billing import money
from billing.lines import MemberShare, Priced
from billing.prices import QuoteRequired
from schema.explanations import LineExplanation
from schema.money import Money, TaxOfRate
from schema.plans import ItemQuote
from schema.scalars import ExactText
from schema.user_errors import UserError


@strawberry.type(description="What somebody who is named in the question stands for on a line.")
class EstimateShare:
    member: str = strawberry.field(description="Who, as the question names them.")
    quantity: ExactText = strawberry.field(description="How much of the line's quantity is theirs.")
    amount: Money = strawberry.field(
        description="Their part of the line's amount, by largest remainder; of equal remainders the first in the order "
        "of the names takes the unit. The parts of all members add up to the line."
    )

    @classmethod
    def of(cls, share: MemberShare, locale: str) -> "EstimateShare":
        """Return the share of one member."""
        return cls(
            member=share.member_id,
            quantity=ExactText(money.decimal_text(share.quantity)),
            amount=Money.of(share.amount, locale),
        )


@strawberry.type(description="One line of an estimate.")
class EstimateLine:
    key: str = strawberry.field(
        description="The stable name of the line: that of its item, and after a slash what it adds or takes off."
    )
    item_key: str = strawberry.field(description="The key of the item it is for; a line of the whole names itself.")
    description: str = strawberry.field(description="What is charged for.")
    quantity: ExactText = strawberry.field(description="How much of it, exact.")
    unit: str = strawberry.field(description="What one of the quantity is called.")
    amount: Money = strawberry.field(description="What the line comes to.")
    tax: Money | None = strawberry.field(
        description="Its part of the tax, on top or inside. Null on a discount of the whole, which the other lines "
        "bear: each is taxed on what is left of it."
    )
    explanation: LineExplanation = strawberry.field(description="Everything that made the amount.")
    shares: list[EstimateShare] = strawberry.field(
        description="The parts of the members that the question names for seats or events, in the order of their names."
    )

    @classmethod
    def of(cls, line: Priced, tax: money.Money | None, locale: str, named: Collection[str]) -> "EstimateLine":
        """Return a line with its part of the tax, and with the parts of those who are `named`."""
        shares = sorted((share for share in line.shares if share.member_id in named), key=lambda each: each.member_id)
        return cls(
            key=line.key,
            item_key=line.item_key,
            description=line.description,
            quantity=ExactText(line.quantity_text),
            unit=line.unit,
            amount=Money.of(line.amount, locale),
            tax=None if tax is None else Money.of(tax, locale),
            explanation=LineExplanation.of(line.explanation),
            shares=[EstimateShare.of(share, locale) for share in shares],
        )


@strawberry.type(
    description="What the calculator answers: lines and a total, that a quote is required, or what is wrong."
)
class Estimate:
    lines: list[EstimateLine] = strawberry.field(default_factory=list, description="What would be charged for.")
    subtotal: Money | None = strawberry.field(default=None, description="The sum of the lines.")
    discount: Money | None = strawberry.field(
        default=None, description="What all discounts take off; the subtotal is what is left."
    )
    tax: Money | None = strawberry.field(default=None, description="The tax on top of the subtotal.")
    included_tax: Money | None = strawberry.field(default=None, description="The tax inside the subtotal.")
    tax_rates: list[TaxOfRate] = strawberry.field(
        default_factory=list, description="The tax by rate, the lowest rate first; together they are the tax."
    )
    total: Money | None = strawberry.field(
        default=None, description="Subtotal and tax; null when a quote is required or the question is wrong."
    )
    credit: Money | None = strawberry.field(
        default=None, description="The prepaid credit that is drawn; null when none was given or a quote is required."
    )
    due: Money | None = strawberry.field(
        default=None, description="What is left to pay: total − credit; null when the total is."
    )
    quote_required: ItemQuote | None = strawberry.field(
        default=None, description="The first item above its price list: ask for individual terms."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="What is wrong with the question; empty when it was answered."
    )

    @classmethod
    def of(cls, estimate: rules.Estimate, quoted: str | None, locale: str, named: Collection[str]) -> "Estimate":
        """Return the answer; `quoted` is the key of the item that needs a quote, `named` who the question names."""
        taxes = [*estimate.line_taxes, *[None] * (len(estimate.lines) - len(estimate.line_taxes))]
        off = money.total([-line.amount for line in estimate.lines if _is_discount(line)], estimate.currency)
        total, due = estimate.total, estimate.due
        required = total if isinstance(total, QuoteRequired) else None
        return cls(
            lines=[EstimateLine.of(line, tax, locale, named) for line, tax in zip(estimate.lines, taxes, strict=True)],
            subtotal=Money.of(estimate.subtotal, locale),
            discount=Money.of(off, locale),
            tax=Money.of(estimate.tax, locale),
            included_tax=Money.of(estimate.included_tax, locale),
            tax_rates=[TaxOfRate.of(rate, locale) for rate in estimate.tax_rates],
            total=None if isinstance(total, QuoteRequired) else Money.of(total, locale),
            credit=None if required or estimate.credit is None else Money.of(estimate.credit, locale),
            due=None if isinstance(due, QuoteRequired) else Money.of(due, locale),
            quote_required=ItemQuote.of(quoted, required) if quoted is not None and required else None,
        )


def _is_discount(line: Priced) -> bool:
    """Return whether a discount made the line: then it is the only policy that had a say."""
    return line.explanation.policy[0].startswith("discount=")
