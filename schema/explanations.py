"""Why is a line what it is?

From the amount to the formula, the named policies, the steps of the price, the price version, the one rounding and the
rows behind it. The same type explains an invoice, its preview and an estimate, because one code path makes all three.
"""

import strawberry

from billing import explanations as rules
from billing.explanations import SourceKind
from billing.money import decimal_text
from billing.prices import Step
from schema.enums import mirror
from schema.scalars import ExactText

mirror(
    SourceKind,
    name="LineSourceKind",
    description="What kind of rows a line was made from.",
    SEAT_INTERVALS="Who held which seat when.",
    USAGE="What was used.",
    CONTRACT="What both sides signed.",
    PLAN="What the plan says.",
    ESTIMATE="What the calculator was asked.",
)


@strawberry.type(description="One term of a price: quantity × unit amount + flat amount = amount.")
class PriceStep:
    quantity: ExactText = strawberry.field(description="How many units the step prices.")
    unit_amount: ExactText = strawberry.field(description="What one unit costs, in major units.")
    flat_amount: ExactText = strawberry.field(description="What the step costs once, in major units.")
    amount: ExactText = strawberry.field(description="What the step comes to, in major units, not rounded.")

    @classmethod
    def of(cls, step: Step) -> "PriceStep":
        """Return a step, exact."""
        parts = (step.quantity, step.unit_amount, step.flat_amount, step.amount)
        quantity, unit_amount, flat_amount, amount = (ExactText(decimal_text(part)) for part in parts)
        return cls(quantity=quantity, unit_amount=unit_amount, flat_amount=flat_amount, amount=amount)


@strawberry.type(description="The one rounding of a line.")
class LineRounding:
    exact: ExactText = strawberry.field(description="The amount before rounding, in major units.")
    rounded: ExactText = strawberry.field(description="The amount after rounding, in major units.")
    rule: str = strawberry.field(description="The named rule by which it was rounded.")


@strawberry.type(description="A fact by which the rows behind a line are found again.")
class SourceFact:
    name: str = strawberry.field(description="What the fact is about.")
    value: str = strawberry.field(description="What was true, written as people read it.")


@strawberry.type(description="Rows behind a line.")
class LineSource:
    kind: SourceKind = strawberry.field(description="What kind of rows they are.")
    count: int = strawberry.field(description="How many rows there are.")
    facts: list[SourceFact] = strawberry.field(description="How the rows are found again.")

    @classmethod
    def of(cls, source: rules.Source) -> "LineSource":
        """Return the source of a line."""
        facts = [SourceFact(name=name, value=value) for name, value in source.facts]
        return cls(kind=source.kind, count=source.count, facts=facts)


@strawberry.type(description="Everything that made the amount of a line.")
class LineExplanation:
    formula: str = strawberry.field(description="The sum as a person would write it down, with its numbers.")
    policy: list[str] = strawberry.field(
        description="The named conventions that had a say, such as tier_bound=INCLUSIVE."
    )
    steps: list[PriceStep] = strawberry.field(description="The terms of the price.")
    price_version: str = strawberry.field(description="The version of the price; a version once used is never edited.")
    rounding: LineRounding = strawberry.field(description="What was rounded, to what, and by which rule.")
    sources: list[LineSource] = strawberry.field(description="The rows behind the line.")

    @classmethod
    def of(cls, explanation: rules.Explanation) -> "LineExplanation":
        """Return the explanation of a line."""
        rounding = explanation.rounding
        return cls(
            formula=explanation.formula,
            policy=list(explanation.policy),
            steps=[PriceStep.of(step) for step in explanation.steps],
            price_version=explanation.price_version,
            rounding=LineRounding(
                exact=ExactText(rounding.exact), rounded=ExactText(rounding.rounded), rule=rounding.rule
            ),
            sources=[LineSource.of(source) for source in explanation.sources],
        )
