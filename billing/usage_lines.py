"""How does metered usage become lines?

Usage priced by a rate card was priced when it occurred. A bill adds the exact nanos, rounds the sum once, and lets
the lines (one for each model, direction and price version) and the members on them be parts of that sum: total,
lines, members and events always agree.

>>> from billing.prices import UnitPrice
>>> item = PlanItem("tokens", {"en": "Tokens"}, Usage("tokens"), UnitPrice(Fraction(0)))
>>> used = [UsageTotal(who, "chat", "tokens", "opus", "INPUT", "v1", 1_000, 5_000_000, 1)
...         for who in ("ann", "bob", "eve")]
>>> (line,) = rated(item, used, Fraction(1), currency="USD", locale="en")  # 3 × 0.005 = 0.015, rounded once
>>> str(line.amount), [str(share.amount) for share in line.shares]
('0.02 USD', ['0.01 USD', '0.01 USD', '0.00 USD'])
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import assert_never

from billing.currencies import exponent
from billing.explanations import Explanation, Source, SourceKind, rounded
from billing.lines import Counted, MemberShare, Priced, Weight, adjustment_lines, policies
from billing.money import NANOS_PER_MAJOR, Money, apportion, decimal_text, nanos_to_minor_exact, round_by
from billing.plans import Aggregation, PlanItem, Usage, text
from billing.prices import RateCardPrice, Step
from billing.rating import Direction, Rate
from billing.usage import UsageTotal, merged, quantity_of
from billing.wording import Phrase, direction_text, say


def counted(item: PlanItem, usage: Iterable[UsageTotal], bounds_factor: Fraction) -> Counted:
    """Return the quantity of the item's meter, and each member's weight in it."""
    assert isinstance(item.quantity, Usage)
    totals, aggregation = _of_meter(item.quantity, usage), item.quantity.aggregation
    weights: dict[str, Fraction] = {}
    for total in totals:
        weights[total.member_id] = weights.get(total.member_id, Fraction(0)) + _weight(total, aggregation)
    return Counted(
        Fraction(quantity_of(totals, aggregation)),
        item.quantity.meter,
        (_source(item.quantity.meter, totals),),
        (f"aggregation={aggregation}",),
        tuple(Weight(member_id, weight) for member_id, weight in sorted(weights.items())),
        bounds_factor=bounds_factor,
    )


def rated(
    item: PlanItem,
    usage: Iterable[UsageTotal],
    bounds_factor: Fraction,
    *,
    currency: str,
    locale: str,
    key: str | None = None,
) -> tuple[Priced, ...]:
    """Return one line for each model, direction and price version, and those for discounts, minimum and maximum.

    The keys of the lines begin with `key`, which is the item's when it is not given.
    """
    assert isinstance(item.quantity, Usage)
    key = key or item.key
    totals = sorted(_of_meter(item.quantity, usage), key=_line_key)
    groups = [tuple(group) for _, group in groupby(totals, key=lambda total: _line_key(total)[:3])]
    exact = [nanos_to_minor_exact(sum(total.cost_nanos for total in group), currency) for group in groups]
    whole = round_by(sum(exact, Fraction(0)), item.rounding)
    cost = Fraction(sum(total.cost_nanos for total in totals), NANOS_PER_MAJOR)
    lines = tuple(
        _line(item, group, Money(minor, currency), key, locale)
        for group, minor in zip(groups, apportion(whole, exact), strict=True)
    )
    amount = Money(whole, currency)
    return lines + adjustment_lines(item, amount, cost, bounds_factor, key=key, locale=locale)


def event_amounts(share: MemberShare, costs_nanos: Sequence[int]) -> tuple[Money, ...]:
    """Return the part of a member's share that each of its events stands for; the parts add up to the share."""
    exact = [nanos_to_minor_exact(cost, share.amount.currency) for cost in costs_nanos]
    return tuple(Money(part, share.amount.currency) for part in apportion(share.amount.minor, exact))


def _line(item: PlanItem, totals: Sequence[UsageTotal], amount: Money, key: str, locale: str) -> Priced:
    """Return the line of one model, direction and price version; `amount` is its part of the item's total."""
    assert isinstance(item.quantity, Usage)
    first, currency = totals[0], amount.currency
    quantity = sum(total.quantity for total in totals)
    nanos = sum(total.cost_nanos for total in totals)
    exact = Fraction(nanos, NANOS_PER_MAJOR)
    price = _rate(item, first)
    unit = Fraction(0) if price is None else price.amount / price.per
    costs = [nanos_to_minor_exact(total.cost_nanos, currency) for total in totals]
    explanation = Explanation(
        _formula(price, quantity, exact, amount),
        (*policies(item), f"aggregation={item.quantity.aggregation}", "cost=ROUNDED_TO_NANOS_PER_EVENT"),
        (Step(Fraction(quantity), unit, Fraction(0), exact),),
        first.price_version or item.price_version,
        rounded(exact, amount, f"{item.rounding} of the item, then LARGEST_REMAINDER"),
        (_source(item.quantity.meter, totals),),
    )
    return Priced(
        f"{key}/{first.model}/{first.direction}/{first.price_version}",
        item.key,
        say(
            locale,
            Phrase.USAGE,
            item=text(item.name, locale),
            model=first.model,
            direction=direction_text(locale, first.direction),
        ),
        Fraction(quantity),
        item.quantity.meter,
        amount,
        explanation,
        tuple(
            MemberShare(
                total.member_id,
                total.model,
                total.direction,
                Fraction(total.quantity),
                total.cost_nanos,
                Money(part, currency),
            )
            for total, part in zip(totals, apportion(amount.minor, costs), strict=True)
        ),
    )


def _formula(price: Rate | None, quantity: int, exact: Fraction, amount: Money) -> str:
    at = "" if price is None else f" × {decimal_text(price.amount, exponent(amount.currency))} / {price.per}"
    result = str(amount) if exact == amount.exact else f"{decimal_text(exact)} → {amount}"
    return f"{quantity}{at} = {result}"


def _rate(item: PlanItem, total: UsageTotal) -> Rate | None:
    """Return the rate behind a total, or None when the plan no longer carries that card."""
    if not isinstance(item.price, RateCardPrice) or total.direction not in Direction.__members__:
        return None
    for card in item.price.cards:
        if card.version == total.price_version:
            return card.rates.get((total.model, Direction(total.direction)))
    return None


def _of_meter(quantity: Usage, usage: Iterable[UsageTotal]) -> tuple[UsageTotal, ...]:
    """Return one total for each member, model, direction and version of the meter; a member's tiers are added up."""
    return merged(
        UsageTotal(
            each.member_id,
            "",
            each.meter,
            each.model,
            each.direction,
            each.price_version,
            each.quantity,
            each.cost_nanos,
            each.events,
        )
        for each in usage
        if each.meter == quantity.meter
    )


def _weight(total: UsageTotal, aggregation: Aggregation) -> Fraction:
    match aggregation:
        case Aggregation.SUM | Aggregation.LATEST | Aggregation.MAX | Aggregation.WEIGHTED_SUM:
            return Fraction(total.quantity)
        case Aggregation.COUNT:
            return Fraction(total.events)
        case Aggregation.UNIQUE:
            return Fraction(1 if total.events else 0)
        case _:
            assert_never(aggregation)


def _source(meter: str, totals: Sequence[UsageTotal]) -> Source:
    facts = [("meter", meter), ("members", str(len({total.member_id for total in totals})))]
    for name, values in (
        ("models", {total.model for total in totals}),
        ("directions", {total.direction for total in totals}),
        ("price_versions", {total.price_version for total in totals}),
    ):
        facts.append((name, ", ".join(sorted(values))))
    facts.append(("cost_nanos", str(sum(total.cost_nanos for total in totals))))
    return Source(SourceKind.USAGE, sum(total.events for total in totals), tuple(fact for fact in facts if fact[1]))


def _line_key(total: UsageTotal) -> tuple[str, str, str, str]:
    return (total.model, total.direction, total.price_version, total.member_id)
