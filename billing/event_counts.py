"""How much of an item is there when it is counted event by event?

The quantity comes from the ordered events, together with what its price needs beside it: the amount of each event, the
quantity of each window, the peak of each meter.

>>> from datetime import UTC, datetime
>>> from billing.periods import parse_label
>>> from billing.prices import PercentagePrice
>>> march = parse_label("2026-03", "UTC")
>>> price = PercentagePrice(Fraction("2.99"), minimum=Fraction("1.75"), maximum=Fraction(12))
>>> fees = PlanItem("fees", {"en": "Payment fees"}, Usage("payments"), price)
>>> paid = [UsageEvent(march.start, str(value), "ann", "payments", Fraction(value)) for value in (10, 80, 10_000)]
>>> found = counted(fees, paid, march, "UTC")
>>> found.quantity, len(found.detail.amounts)
(Fraction(10090, 1), 3)
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import assert_never

from billing import usage_events
from billing.charges import Counted, Detail, EventAmounts, Peaks, Weight, Windows
from billing.explanations import Source, SourceKind
from billing.periods import Period
from billing.plan_items import PlanItem
from billing.prices import PercentagePrice
from billing.quantities import Capacity, Usage
from billing.usage import Aggregation
from billing.usage_events import UsageEvent, Window


def counted(
    item: PlanItem, events: Iterable[UsageEvent], period: Period, time_zone: str, *, within: Period | None = None
) -> Counted:
    """Return the quantity of the item's meters over `period`, whatever the order of `events`.

    Where the plan was in force `within` a part of it, what occurred in that part counts; a level that was reached
    before lasts into it.
    """
    quantity, known, part = item.quantity, tuple(events), within or period
    assert isinstance(quantity, Usage | Capacity), "only usage is counted event by event"
    match quantity:
        case Usage(meter, aggregation):
            reached = aggregation is Aggregation.WEIGHTED_SUM
            ours = usage_events.ordered(known, meter, Period(period.start, part.end) if reached else part)
            total, detail = _usage(item, quantity, ours, period, part, time_zone)
        case Capacity(meters):
            aggregation = Aggregation.MAX
            by_meter = {meter: usage_events.ordered(known, meter, part) for meter in meters}
            ours = tuple(event for meter in meters for event in by_meter[meter])
            peaks = tuple((meter, usage_events.aggregate(by_meter[meter], aggregation, period)) for meter in meters)
            total, detail = Fraction(1 if ours else 0), Peaks(peaks)
        case _:
            assert_never(quantity)
    return Counted(
        total,
        item.unit,
        (_source(item.meters, ours),),
        (f"aggregation={aggregation}",),
        _weights(ours, aggregation),
        detail=detail,
    )


def _usage(
    item: PlanItem, quantity: Usage, ours: tuple[UsageEvent, ...], period: Period, part: Period, time_zone: str
) -> tuple[Fraction, Detail | None]:
    whole = usage_events.aggregate(ours, quantity.aggregation, period, within=part)
    if isinstance(item.price, PercentagePrice) and item.price.by_event:
        return whole, EventAmounts(tuple(event.value for event in ours))
    if quantity.window is Window.PERIOD:
        return whole, None
    groups = usage_events.windows(ours, quantity.window, time_zone)
    quantities = [usage_events.aggregate(group, quantity.aggregation, period) for group in groups]
    if item.commitment is not None:  # what was committed for a window is owed in one without usage too
        unused = usage_events.window_count(quantity.window, part, time_zone) - len(quantities)
        quantities += [Fraction(0)] * unused
    return sum(quantities, Fraction(0)), Windows(tuple(quantities))


def _weights(events: Sequence[UsageEvent], aggregation: Aggregation) -> tuple[Weight, ...]:
    by_member: dict[str, list[UsageEvent]] = {}
    for event in events:
        by_member.setdefault(event.member_id, []).append(event)
    return tuple(Weight(member, usage_events.weight(by_member[member], aggregation)) for member in sorted(by_member))


def _source(meters: tuple[str, ...], events: Sequence[UsageEvent]) -> Source:
    members = str(len({event.member_id for event in events}))
    return Source(SourceKind.USAGE, len(events), (("meter", ", ".join(meters)), ("members", members)))
