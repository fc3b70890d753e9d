"""What does a change of plan cost, in the middle of what was paid?

What the next invoice says with the change, less what it says without. There is no second way to the money of a change:
each side is billed and rounded where the invoice bills and rounds it, so a preview cannot be half a cent off.

>>> from billing.plans import from_document
>>> from billing.periods import parse_label
>>> def plan(unit):
...     item = {"key": "fee", "name": {"en": "Fee"}, "quantity": {"kind": "FLAT"},
...             "price": {"model": "UNIT", "unit": unit}}
...     return from_document({"key": "plan", "version": 1, "name": {"en": "Plan"}, "currency": "USD", "tiers": [],
...                           "tax": {"mode": "EXCLUSIVE", "percent": "0"}, "items": [item]})
>>> october, november = parse_label("2026-10", "UTC"), parse_label("2026-11", "UTC")
>>> facts = Facts(plan("31"), october, november, "UTC", "en", (), (), None, october.start)
>>> str(drafted(facts, plan("62"), at=october.start.replace(day=11)).net)
'21.00 USD'
"""

from dataclasses import dataclass, replace
from datetime import datetime

from billing.facts import Facts, Stretch
from billing.invoices import Draft, draft
from billing.lines import Line
from billing.money import Money
from billing.plans import Plan


@dataclass(frozen=True, slots=True)
class Drafted:
    """The next invoice without the change and with it, the lines that are new or differ, and the money between."""

    before: Draft
    after: Draft
    lines: tuple[Line, ...]
    net: Money


def drafted(facts: Facts, plan: Plan, *, at: datetime) -> Drafted:
    """Return what the change does to the invoice of the boundary in `facts`: the code that will bill it answers."""
    before, after = draft(facts), draft(changed(facts, plan, at=at))
    known = {line.key: line for line in before.lines}
    moved = tuple(line for line in after.lines if known.get(line.key) != line)
    return Drafted(before, after, moved, after.total - before.total)


def changed(facts: Facts, plan: Plan, *, at: datetime) -> Facts:
    """Return the facts of the same boundary with `plan` in force from `at` on.

    The usage so far stays with the plan that was in force; what is used from then on is the new plan's.
    """
    replaced = Stretch(facts.plan, at, facts.plan_since, facts.usage)
    return replace(facts, plan=plan, plan_since=at, earlier=(*facts.earlier, replaced), usage=())
