"""What does each item of a plan bill at a boundary, and for which time?

Items in arrears bill the interval that ends, items in advance the one that begins, and seats billed in advance what
changed since. A plan that was replaced within an interval is settled at the end of that month: its arrears up to the
change, and the difference to what was billed of it in advance. So is one that was replaced as a month began: for an
item by the quarter or year that too is within an interval.

>>> from billing.periods import parse_label
>>> october, november = parse_label("2026-10", "UTC"), parse_label("2026-11", "UTC")
>>> from billing.plans import from_document
>>> plan = from_document({"key": "basic", "version": 1, "name": {"en": "Basic"}, "currency": "EUR",
...     "tax": {"mode": "EXCLUSIVE", "percent": "20"}, "tiers": [], "items": [
...     {"key": "fee", "name": {"en": "Fee"}, "quantity": {"kind": "FLAT"}, "price": {"model": "UNIT", "unit": "31"}}]})
>>> changed = Facts(plan, october, november, "UTC", "en", (), (), None, october.start.replace(year=2025),
...     earlier=(Stretch(plan, october.start.replace(day=11)),), plan_since=october.start.replace(day=11))
>>> for bill in outcomes(changed, plan, plan):
...     print([(line.key, str(line.amount)) for line in bill.outcome])
[('fee/until-2026-10-11', '10.00 EUR')]
[('fee', '21.00 EUR')]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import assert_never

from billing import advances, bounds, counting, lines, periods, seats, usage_lines
from billing.counting import Span
from billing.facts import Boundary, Facts, Stretch, cycle_start
from billing.lines import Charged, Priced
from billing.money import Money, total
from billing.periods import Period, local_date
from billing.plans import ContractBand, Decrease, Plan, PlanItem, Seats, Timing
from billing.prices import QuoteRequired, RateCardPrice
from billing.usage import UsageTotal

Outcome = tuple[Priced, ...] | QuoteRequired


@dataclass(frozen=True, slots=True)
class Bill:
    """What one item bills, for which time, and by which plan; `begins` is said of what bills the following time.

    `settles` is the replaced plan that it settles. `returns` is what was billed in advance of the item before, where
    part of that comes back: its discounts are in it already.
    """

    plan: Plan
    item: PlanItem
    period: Period
    outcome: Outcome
    begins: bool = False
    settles: Stretch | None = None
    returns: Money | None = None


def outcomes(facts: Facts, ending: Plan, beginning: Plan) -> Iterator[Bill]:
    """Yield what each item bills at this boundary: of replaced plans first, then of what ends and of what begins."""
    closes = facts.boundary is Boundary.CLOSING and facts.service_start < facts.period.end
    if closes:
        for stretch in facts.earlier:
            if facts.period.start <= stretch.until < facts.period.end:
                yield from _settled(facts, stretch)
        for item in _listed(ending):
            yield from _closed(facts, ending, item)
    came = facts.following.start if facts.next_plan is not None else facts.plan_since
    for item in _listed(beginning):
        span = _span(facts, item, facts.following.start, came=came)
        if item.timing is Timing.ADVANCE and _begins(facts, span):
            known_at = max(span.period.start, facts.service_start)
            outcome = _advance(facts, item, span, known_at, f"{item.key}/advance")
            yield Bill(beginning, item, span.period, outcome, begins=True)


def _closed(facts: Facts, plan: Plan, item: PlanItem) -> Iterator[Bill]:
    """Yield what an item of the plan in force at the end bills for the intervals that end, or the one that goes on."""
    since = facts.plan_since
    if item.timing is Timing.ARREARS:
        for span in _spans(facts, item, came=since, since=since):
            if span.period.end <= facts.period.end:
                key = _key(facts, item, span, item.key)
                yield Bill(plan, item, span.period, _arrears(facts, item, span, facts.usage, key))
        return
    span = _span(facts, item, facts.period.start, came=since, since=since)
    if _opens(facts, span):
        yield Bill(plan, item, span.period, _advance(facts, item, span, facts.period.end, f"{item.key}/first"))
    elif isinstance(item.quantity, Seats):
        yield Bill(plan, item, facts.period, _changes(facts, item, span))


def _opens(facts: Facts, span: Span) -> bool:
    """Return whether the item was first counted in this month, within an interval that no boundary billed in advance.

    A service that begins with a month is billed by its opening; a plan that does, within an interval, by nothing else.
    """
    if span.since is not None:
        return facts.period.start <= span.opening
    return span.is_first and facts.period.start < span.opening


def _settled(facts: Facts, stretch: Stretch) -> Iterator[Bill]:
    """Yield what a replaced plan still bills: its arrears, and the difference to what was billed in advance."""
    for item in _listed(stretch.plan):
        for span in _spans(facts, item, came=stretch.since, since=stretch.since, until=stretch.until):
            if span.until is None and not item.interval.is_within_month:
                continue  # replaced where the interval ended by itself, which was billed then
            key, returns = _key(facts, item, span, f"{item.key}/{until(facts, stretch)}"), None
            if item.timing is Timing.ARREARS:
                outcome = _arrears(facts, item, span, stretch.usage, key)
            elif _opens(facts, span):
                outcome = _advance(facts, item, span, stretch.until, key)
            else:
                outcome, returns = _given_back(facts, item, span, stretch, key)
            yield Bill(stretch.plan, item, span.period, outcome, settles=stretch, returns=returns)


def until(facts: Facts, stretch: Stretch) -> str:
    """Return what the keys of the lines say of a replaced plan."""
    return f"until-{local_date(stretch.until, facts.time_zone)}"


def _listed(plan: Plan) -> tuple[PlanItem, ...]:
    """Return the items billed by their list price; a band is billed by the instalments of its contract."""
    return tuple(item for item in plan.items if not isinstance(item.quantity, ContractBand))


def _spans(
    facts: Facts, item: PlanItem, *, came: datetime | None, since: datetime | None, until: datetime | None = None
) -> Iterator[Span]:
    """Yield the intervals of an item that run in the month while its plan is in force: one, but for days and weeks.

    A day or a week that was over before the month began was billed then.
    """
    begins, at = max(facts.service_start, since or facts.service_start), facts.period.start
    while at < facts.period.end and (until is None or at < until or at == facts.period.start):
        span = _span(facts, item, at, came=came, since=since, until=until)
        if span.period.end > begins or not item.interval.is_within_month:
            yield span
        at = span.period.end


def _key(facts: Facts, item: PlanItem, span: Span, key: str) -> str:
    """Return the key of the lines of an interval; of days and weeks there are several."""
    return f"{key}/{local_date(span.period.start, facts.time_zone)}" if item.interval.is_within_month else key


def _span(
    facts: Facts,
    item: PlanItem,
    at: datetime,
    *,
    came: datetime | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Span:
    """Return the interval at an instant. `came` is when the plan came into force, if after the service began.

    With a cycle of its own the plan begins like a service: what it costs at first is the policy of a first period.
    """
    start = cycle_start(item, service=facts.service_start, plan=came)
    period = item.interval.span(at, start, facts.time_zone)
    within = since is not None and start < since and period.start < since < period.end
    ends_within = until is not None and period.start < until < period.end
    return Span(period, facts.time_zone, start, since if within else None, until if ends_within else None)


def _begins(facts: Facts, span: Span) -> bool:
    """Return whether the interval is billed in advance at this boundary: the first one only when the service opens."""
    match facts.boundary:
        case Boundary.OPENING:
            return span.is_first
        case Boundary.CLOSING:
            return span.period.start == facts.following.start > facts.service_start
        case _:
            assert_never(facts.boundary)


def _arrears(facts: Facts, item: PlanItem, span: Span, usage: tuple[UsageTotal, ...], key: str) -> Outcome:
    currency, locale = facts.plan.currency, facts.locale
    counted = counting.count(item, span, facts.seats, usage, facts.events)
    if isinstance(item.price, RateCardPrice):
        return usage_lines.rated(item, usage, counted.bounds_factor, key=key, currency=currency, locale=locale)
    return lines.priced(item, counted, key=key, currency=currency, locale=locale)


def _advance(facts: Facts, item: PlanItem, span: Span, known_at: datetime, key: str) -> Outcome:
    """Bill the interval as though the seats held at `known_at` were held to its end."""
    counted = counting.count(item, span, seats.frozen_at(facts.seats, known_at), ())
    return lines.priced(item, counted, key=key, currency=facts.plan.currency, locale=facts.locale)


def _changes(facts: Facts, item: PlanItem, span: Span) -> Outcome:
    """Bill what the seats changed since the last boundary make of an interval that was billed in advance.

    The interval is charged twice, with the seats known now and with those known then, each as though they were held
    to its end; the difference is owed. Over all boundaries this adds up to the charge for the seats as they were.
    """
    now, before = _charged_by(facts, item, span, facts.period.end), _charged_by(facts, item, span, facts.period.start)
    return _difference(facts, item, now, before, f"{item.key}/changes")


def _given_back(facts: Facts, item: PlanItem, span: Span, stretch: Stretch, key: str) -> tuple[Outcome, Money]:
    """Bill the difference between what a replaced plan covered and what was billed of it in advance, and return that.

    By the item's policy for a decrease: only CREDIT gives anything back.
    """
    whole = Span(span.period, span.time_zone, span.service_start, span.since)
    before = _charged_by(facts, item, whole, facts.period.start)
    counted = counting.count(item, span, seats.frozen_at(facts.seats, facts.period.end), ())
    now = lines.charged(item, counted, facts.plan.currency)
    if isinstance(now, Charged) and isinstance(before, Charged) and item.decrease is not Decrease.CREDIT:
        now = max(now, before, key=lambda side: side.amount.minor)
    outcome = _difference(facts, item, now, before, key)
    if isinstance(now, QuoteRequired) or isinstance(before, QuoteRequired):
        return outcome, Money.zero(facts.plan.currency)
    assert not isinstance(outcome, QuoteRequired), "neither side needs a quote"
    owed, listed = _net(item, now), _net(item, before)
    if facts.advances is None or not listed:
        return outcome, Money.rounded(listed, facts.plan.currency)
    billed = advances.billed(
        facts.advances, item, span.period, facts.plan.currency, since=stretch.since, until=stretch.until
    )
    at_list = total([each.amount for each in outcome], billed.currency)
    return (*outcome, *advances.corrected(item, at_list, billed, owed / listed, key=key, locale=facts.locale)), billed


def _net(item: PlanItem, side: Charged) -> Fraction:
    """Return what is owed for a charge after the item's own discounts and bounds: exact, where there are none."""
    net = bounds.net(item, side.amount, side.exact, side.counted.bounds_factor)
    return side.exact if net == side.amount else net.exact


def _difference(
    facts: Facts, item: PlanItem, now: Charged | QuoteRequired, before: Charged | QuoteRequired, key: str
) -> Outcome:
    if isinstance(now, QuoteRequired):
        return now
    if isinstance(before, QuoteRequired):
        return before
    return lines.difference(item, now, before, key=key, locale=facts.locale)


def _charged_by(facts: Facts, item: PlanItem, span: Span, boundary: datetime) -> Charged | QuoteRequired:
    """Return what has been charged for the interval by `boundary`; where nothing comes back, the most so far."""
    bounds = (span.period.start, *(month.end for month in periods.iterate(span.period, facts.time_zone)))
    known_at = [bound for bound in bounds if span.opening <= bound <= boundary]
    outcomes: list[Charged] = []
    for at in known_at if item.decrease is Decrease.KEEP else known_at[-1:]:
        counted = counting.count(item, span, seats.frozen_at(facts.seats, at), ())
        outcome = lines.charged(item, counted, facts.plan.currency)
        if isinstance(outcome, QuoteRequired):
            return outcome
        outcomes.append(outcome)
    return max(outcomes, key=lambda outcome: outcome.amount.minor)
