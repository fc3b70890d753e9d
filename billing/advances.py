"""What was really billed of an item in advance?

What an item costs by its list is not always what was paid for it: discounts of the whole plan were taken off the
invoice and shared out among its lines. When a plan is replaced, the unused part of what was billed comes back, not that
of the list price.

>>> from billing.quantities import Flat
>>> from billing.prices import UnitPrice
>>> fee = PlanItem("fee", {"en": "Fee"}, Flat(), UnitPrice(Fraction(310)))
>>> billed, listed = Money(155_00, "EUR"), Money(-210_00, "EUR")
>>> corrected(fee, listed, billed, Fraction(10, 31), key="fee/until-2026-10-11", locale="en")[0].explanation.formula
'155.00 × −21/31 = -105.00 EUR; at the list price: -210.00'
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from billing.explanations import Explanation, Source, SourceKind, result_text, rounded
from billing.lines import Priced
from billing.money import Money, total
from billing.periods import Period
from billing.plan_items import PlanItem
from billing.plans import text
from billing.prices import Step
from billing.wording import Phrase, say

_AT_ITS_START: Final = "advance"
_LATER: Final = frozenset({"first", "changes"})


@dataclass(frozen=True, slots=True)
class Advance:
    """A line of the invoice of a boundary, less its share of the discounts of the whole plan."""

    key: str
    item_key: str
    period: Period
    boundary_at: datetime
    net: Money


def billed(
    advances: Iterable[Advance],
    item: PlanItem,
    interval: Period,
    currency: str,
    *,
    since: datetime | None,
    until: datetime,
) -> Money:
    """Return what boundaries billed of the item for the interval while a plan was in force; from its start for None.

    What begins at a boundary is billed by the plan in force from there; the rest by the one before.
    """
    found: list[Money] = []
    for each in advances:
        kind = each.key.removeprefix(f"{item.key}/").split("/", 1)[0]
        begins = kind == _AT_ITS_START
        after = since is None or each.boundary_at > since or (begins and each.boundary_at == since)
        before = each.boundary_at < until or (not begins and each.boundary_at == until)
        within = interval.start <= each.period.start and each.period.end <= interval.end
        if each.item_key == item.key and after and before and within and (begins or kind in _LATER):
            found.append(each.net)
    return total(found, currency)


def corrected(
    item: PlanItem, listed: Money, billed: Money, kept: Fraction, *, key: str, locale: str
) -> tuple[Priced, ...]:
    """Return the line that makes of `listed`, given back at the list price, the same part of what was `billed`.

    `kept` is the part of the interval that was used.
    """
    exact = billed.exact * (kept - 1)
    owed = Money.rounded(exact, billed.currency, item.rounding)
    amount = owed - listed
    if not amount.minor:
        return ()
    part = kept - 1
    sign = "−" if part < 0 else ""
    explanation = Explanation(
        f"{billed.amount} × {sign}{abs(part)} = {result_text(exact, owed)}; at the list price: {listed.amount}",
        (f"billed_before={billed}", "given_back=AS_BILLED"),
        (Step(Fraction(1), amount.exact, Fraction(0), amount.exact),),
        item.price_version,
        rounded(exact - listed.exact, amount, item.rounding),
        (Source(SourceKind.PLAN, 1, (("item", item.key),)),),
    )
    words = say(locale, Phrase.AS_BILLED, item=text(item.name, locale))
    return (Priced(f"{key}/as-billed", item.key, words, Fraction(1), "discount", amount, explanation, ()),)
