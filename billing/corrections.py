"""What becomes of usage that arrives late, or was wrong, when its month is billed already?

The issued invoice stays as it is. The difference becomes a line of the next one and names where it comes from: the
month, and the invoice that billed it. Differences are exact nanos, so several corrections of one event, in any order,
add up to what its last value would have cost.

>>> late = Adjustment(Reason.LATE, "ann", "tokens", "atlas", "INPUT", "v1", 1_000, 3_000_000, 1, "2026-10", "INV-7")
>>> less = Adjustment(Reason.LATE, "ann", "tokens", "atlas", "INPUT", "v1", -400, -1_200_000, 0, "2026-10", "INV-7")
>>> [(each.quantity, each.cost_nanos, each.events) for each in merged((late, less, late))]
[(1600, 4800000, 2)]
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import groupby

from billing.explanations import Explanation, Source, SourceKind, rounded
from billing.lines import MemberShare, Priced, policies
from billing.money import NANOS_PER_MAJOR, Money, apportion, decimal_text, nanos_to_minor_exact, round_by
from billing.plans import PlanItem, Usage, text
from billing.prices import Step
from billing.wording import Phrase, direction_text, say


class Reason(StrEnum):
    """Why billed usage changes afterwards."""

    LATE = "LATE"  # it arrived after its month was closed
    CORRECTED = "CORRECTED"  # its source reported another quantity


@dataclass(frozen=True, slots=True, order=True)
class Adjustment:
    """The difference to what a closed month billed. `origin` is that month, `invoice` the number that billed it."""

    reason: Reason
    member_id: str
    meter: str
    model: str
    direction: str
    price_version: str
    quantity: int
    cost_nanos: int
    events: int
    origin: str
    invoice: str | None


def merged(adjustments: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
    """Return one adjustment for each reason, member, kind of use and origin."""
    sums: dict[tuple[Reason, str, str, str, str, str, str, str | None], tuple[int, int, int]] = {}
    for each in adjustments:
        kind = (each.member_id, each.meter, each.model, each.direction, each.price_version)
        key = (each.reason, *kind, each.origin, each.invoice)
        quantity, cost_nanos, events = sums.get(key, (0, 0, 0))
        sums[key] = (quantity + each.quantity, cost_nanos + each.cost_nanos, events + each.events)
    found = [Adjustment(*key[:6], *sums[key], *key[6:]) for key in sums]
    return tuple(sorted(found, key=_line_key))


def priced(item: PlanItem, adjustments: Iterable[Adjustment], *, currency: str, locale: str) -> tuple[Priced, ...]:
    """Return the lines that the adjustments of the item's meter make, rounded once and then divided."""
    assert isinstance(item.quantity, Usage)
    meter = item.quantity.meter
    ours = merged(each for each in adjustments if each.meter == meter)
    groups = [tuple(group) for _, group in groupby(ours, key=_group_key)]
    exact = [nanos_to_minor_exact(sum(each.cost_nanos for each in group), currency) for group in groups]
    whole = round_by(sum(exact, Fraction(0)), item.rounding)
    return tuple(
        _line(item, group, Money(minor, currency), locale)
        for group, minor in zip(groups, apportion(whole, exact), strict=True)
    )


def _line(item: PlanItem, group: Sequence[Adjustment], amount: Money, locale: str) -> Priced:
    first, currency = group[0], amount.currency
    quantity = sum(each.quantity for each in group)
    nanos = sum(each.cost_nanos for each in group)
    exact = Fraction(nanos, NANOS_PER_MAJOR)
    costs = [nanos_to_minor_exact(each.cost_nanos, currency) for each in group]
    facts = [("origin", first.origin), ("invoice", first.invoice or ""), ("cost_nanos", str(nanos))]
    explanation = Explanation(
        f"{quantity} {first.meter} of {first.origin}: {decimal_text(exact)} → {amount}",
        (*policies(item), f"reason={first.reason}"),
        (Step(Fraction(quantity), exact / quantity if quantity else Fraction(0), Fraction(0), exact),),
        first.price_version or item.price_version,
        rounded(exact, amount, f"{item.rounding} of the item, then LARGEST_REMAINDER"),
        (Source(SourceKind.USAGE, sum(each.events for each in group), tuple(facts)),),
    )
    phrase = Phrase.LATE_USAGE if first.reason is Reason.LATE else Phrase.CORRECTED_USAGE
    description = say(
        locale,
        phrase,
        item=text(item.name, locale),
        model=first.model,
        direction=direction_text(locale, first.direction),
        origin=first.origin,
        invoice=first.invoice or "—",
    )
    kind = f"{first.model}/{first.direction}/{first.price_version}"
    return Priced(
        f"{item.key}/{first.reason.lower()}/{first.origin}/{kind}",
        item.key,
        description,
        Fraction(quantity),
        first.meter,
        amount,
        explanation,
        tuple(
            MemberShare(each.member_id, each.model, each.direction, Fraction(each.quantity), each.cost_nanos, part)
            for each, part in zip(group, (Money(m, currency) for m in apportion(amount.minor, costs)), strict=True)
        ),
    )


def _group_key(each: Adjustment) -> tuple[str, ...]:
    return (each.origin, each.invoice or "", each.reason, each.model, each.direction, each.price_version)


def _line_key(each: Adjustment) -> tuple[str, ...]:
    return (*_group_key(each), each.member_id)
