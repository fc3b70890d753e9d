"""Which plan stands for which lines of an invoice?

Each plan takes its own discounts off its own lines, and tops its own lines up to its commitment. What is fixed for a
month (an amount off, a commitment, the bounds of a volume discount) is owed for the days of the month in which the plan
was in force. What comes back of a replaced plan was billed less its discounts already, so none are taken off it again;
and what was kept of it counts towards the commitment.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from billing import plan_lines, seats
from billing.bounds import ONE
from billing.facts import Boundary, Facts, Stretch
from billing.item_bills import Bill, until
from billing.lines import Line
from billing.money import Money, total
from billing.plans import Plan
from billing.prices import QuoteRequired
from billing.taxes import Taxable

Charge = tuple[Line, Fraction]
"""A line and the percentage at which it is taxed."""


@dataclass(frozen=True, slots=True)
class Section:
    """The lines that one plan stands for, and what is taxed of them in the order of the charges."""

    charges: tuple[Line, ...]
    discounts: tuple[Line, ...]
    taxables: tuple[Taxable, ...]


@dataclass(slots=True)
class Collected:
    """What one plan bills before its discounts. `returned` is what comes back of it, and `kept` what does not."""

    plan: Plan
    prefix: str
    share: Fraction = ONE
    commitment: Money | None = None
    charges: list[Charge] = field(default_factory=list)
    returned: list[Charge] = field(default_factory=list)
    kept: list[Money] = field(default_factory=list)

    def add(self, bill: Bill) -> None:
        """Take in what an item bills."""
        assert not isinstance(bill.outcome, QuoteRequired), "the caller looked"
        percent = self.plan.tax_percent(bill.item.key)
        made = [(each.on(bill.period), percent) for each in bill.outcome]
        if bill.returns is None:
            self.charges.extend(made)
        else:
            self.returned.extend(made)
            self.kept.append(bill.returns + total([each.amount for each in bill.outcome], self.plan.currency))

    def add_lines(self, lines: Iterable[Line]) -> None:
        """Take in what no item bills by its price."""
        self.charges.extend((line, self.plan.tax_percent(line.item_key)) for line in lines)

    def section(self, facts: Facts) -> Section:
        """Return the lines with the plan's own top-up and discounts."""
        beside = plan_lines.made(
            [_taxable(charge) for charge in self.charges],
            discounts=self.plan.discounts,
            commitment=self.commitment and self.commitment - total(self.kept, self.plan.currency),
            tax_percent=self.plan.tax.percent,
            currency=self.plan.currency,
            locale=facts.locale,
            prefix=self.prefix,
            share=self.share,
        )
        top_up, discounts = (
            tuple(each.on(facts.period) for each in lines) for lines in (beside.top_up, beside.discounts)
        )
        return Section(
            (*(line for line, _ in (*self.returned, *self.charges)), *top_up),
            discounts,
            (*(_taxable(charge) for charge in self.returned), *beside.taxables),
        )


def of_replaced(facts: Facts, stretch: Stretch) -> Collected:
    """Return an empty collection for a plan that another one replaced in the month, or as it began."""
    since = stretch.since or facts.service_start
    share = max(Fraction(0), _left(facts, since) - _left(facts, stretch.until))
    return Collected(stretch.plan, f"{until(facts, stretch)}/", share, _part(stretch.plan, share))


def of_ending(facts: Facts, plan: Plan) -> Collected:
    """Return an empty collection for the plan in force when the month ends."""
    since = facts.plan_since
    share = _left(facts, since) if since is not None and facts.period.contains(since) else ONE
    committed = None
    if facts.boundary is Boundary.CLOSING and facts.service_start < facts.period.end:
        committed = _part(plan, min(share, _left(facts, facts.service_start)))
    return Collected(plan, "", share, committed)


def of_beginning(plan: Plan) -> Collected:
    """Return an empty collection for a plan that takes over at the boundary."""
    return Collected(plan, "next/")


def _part(plan: Plan, share: Fraction) -> Money | None:
    """Return what the plan's customer committed to for a part of the month."""
    return plan.commitment and Money.rounded(plan.commitment.exact * share, plan.currency)


def _left(facts: Facts, at: datetime) -> Fraction:
    return seats.days_left(at, facts.period, facts.time_zone)


def _taxable(charge: Charge) -> Taxable:
    line, percent = charge
    return Taxable(line.amount, percent, line.exact)
