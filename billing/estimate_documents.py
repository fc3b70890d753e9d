"""How is a question to the calculator written down?

As a JSON object: the items as a plan's document has them, each with a quantity or with what was measured, and around
them the currency, tax, discounts, commitment and credit. It is read as strictly as a plan.

>>> document = {"currency": "USD", "items": [{
...     "item": {"key": "seats", "name": {"en": "Seats"}, "quantity": {"kind": "SEATS"},
...              "price": {"model": "UNIT", "unit": "40"}},
...     "quantity": "10", "share": {"part": "17", "whole": "31"}}]}
>>> str(answer(document).total)
'219.35 USD'
>>> answer(document | {"credit": -1})
Traceback (most recent call last):
    ...
billing.plan_items.InvalidPlan: credit: -1 is a int, not a text
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from billing import estimate_fit, estimates, plan_item_documents, plans
from billing.asks import Ask, Billed, Held, Measure, Occurred, Tokens
from billing.charges import Changes, EventAmounts, Peaks, Windows
from billing.counting import Span
from billing.currencies import UnknownCurrency, exponent
from billing.discounts import Discount, UsageDiscount
from billing.estimate_fit import FROM, MEASURES, SPAN_MAX, UNTIL
from billing.estimates import Estimate
from billing.money import Money
from billing.periods import INSTANT, InvalidPeriod, Period, UnknownTimeZone, zone
from billing.placements import Change
from billing.plan_items import InvalidPlan, PlanItem
from billing.rating import Direction
from billing.reading import Reader
from billing.seats import InvalidSeat, SeatInterval
from billing.taxes import Tax, TaxMode
from billing.usage_events import UsageEvent

ASKS_MAX: Final = 100
SEATS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as the rules read it."""

    asks: tuple[Ask, ...]
    currency: str
    tax: Tax
    locale: str
    discounts: tuple[Discount, ...] = ()
    commitment: Money | None = None
    credit: Money | None = None


def answer(document: Mapping[str, Any]) -> Estimate:
    """Return the estimate asked for by `document`; raise InvalidPlan with the dotted path of what is wrong."""
    return priced(read(document))


def priced(question: Question) -> Estimate:
    """Return the estimate that is asked for."""
    return estimates.estimate(
        question.asks,
        currency=question.currency,
        tax=question.tax,
        locale=question.locale,
        discounts=question.discounts,
        commitment=question.commitment,
        credit=question.credit,
    )


def read(document: Mapping[str, Any]) -> Question:
    """Return the question written in `document`; raise InvalidPlan with the dotted path of what is wrong."""
    reader = Reader(document, "", InvalidPlan)
    reader.only("currency", "locale", "tax", "items", "discounts", "commitment", "credit")
    currency = reader.text("currency")
    try:
        exponent(currency)
    except UnknownCurrency as unknown:
        raise InvalidPlan("currency", str(unknown)) from unknown
    items = reader.children("items")
    if not 1 <= len(items) <= ASKS_MAX:
        raise InvalidPlan("items", f"{len(items)} is outside 1 to {ASKS_MAX}")
    asks = tuple(read_ask(each, currency) for each in items)
    for index, ask in enumerate(asks):
        if any(ask.item.key == earlier.item.key for earlier in asks[:index]):
            raise InvalidPlan(f"items.{index}.item.key", f"{ask.item.key!r} is used twice")
    discounts = plan_item_documents.read_discounts(reader, currency)
    for index, discount in enumerate(discounts):
        if isinstance(discount, UsageDiscount):
            raise InvalidPlan(f"discounts.{index}.kind", "units are taken off an item, not off the whole")
    return Question(
        asks,
        currency,
        plans.read_tax(reader) if reader.has("tax") else Tax(TaxMode.EXCLUSIVE, Fraction(0)),
        reader.text("locale", "en"),
        discounts,
        *(_read_positive(reader, key, currency) if reader.has(key) else None for key in ("commitment", "credit")),
    )


def _read_positive(reader: Reader, key: str, currency: str) -> Money:
    money = plan_item_documents.read_money(reader, key, currency)
    if money.minor < 0:
        raise reader.error(reader.at(key), f"{money} is below 0")
    return money


def read_ask(reader: Reader, currency: str) -> Ask:
    """Return the item and how much of it, written in the object of `reader`."""
    reader.only("item", "share", "billed", "span", *MEASURES)
    item = plan_item_documents.read(reader.child("item"), currency)
    estimate_fit.check(reader, item)
    return Ask(
        item,
        reader.amount("quantity", "0"),
        tuple(_read_tokens(each) for each in reader.children("tokens")) if reader.has("tokens") else (),
        _read_measure(reader, item),
        _read_share(reader.child("share")) if reader.has("share") else Fraction(1),
        _read_billed(reader.child("billed"), currency) if reader.has("billed") else Billed(),
    )


def _read_measure(reader: Reader, item: PlanItem) -> Measure | None:
    span = _read_span(reader.child("span")) if reader.has("span") else None
    if reader.has("amounts"):
        return EventAmounts(reader.exacts("amounts"))
    if reader.has("windows"):
        return Windows(reader.exacts("windows"))
    if reader.has("changes"):
        return Changes(
            tuple(Change(each.amount("units"), each.amount("prorated")) for each in reader.children("changes"))
        )
    if reader.has("peaks"):
        return Peaks(tuple((each.text("meter"), each.amount("value")) for each in reader.children("peaks")))
    if reader.has("events"):
        if span is None:
            raise reader.error(reader.at("span"), "missing; events occur over a time")
        return Occurred(span, _read_events(reader, item, span))
    if reader.has("seats"):
        if span is None:
            raise reader.error(reader.at("span"), "missing; seats are held over a time")
        return Held(span, _read_seats(reader))
    return None if span is None else Held(span)


def _read_span(reader: Reader) -> Span:
    reader.only("start", "end", "time_zone", "service_start", "since", "until")
    time_zone, start = reader.text("time_zone", "UTC"), reader.instant("start")
    try:
        zone(time_zone)
        period = Period(start, reader.instant("end"))
    except UnknownTimeZone as unknown:
        raise reader.error(reader.at("time_zone"), str(unknown)) from unknown
    except InvalidPeriod as broken:
        raise reader.error(reader.at("end"), str(broken)) from broken
    _check_span(reader, period)
    before = start - INSTANT
    service_start = reader.instant("service_start") if reader.has("service_start") else before
    since, until = (reader.instant(key) if reader.has(key) else None for key in ("since", "until"))
    for key, at in (("since", since), ("until", until)):
        if at is not None and not period.start <= at <= period.end:
            raise reader.error(reader.at(key), f"{at.isoformat()} is outside {start.isoformat()} to the end")
    if service_start >= period.end:
        message = f"{service_start.isoformat()} is not before the end, {period.end.isoformat()}"
        raise reader.error(reader.at("service_start"), message)
    if since is not None and until is not None and until < since:
        raise reader.error(reader.at("until"), f"{until.isoformat()} is before since, {since.isoformat()}")
    return Span(period, time_zone, service_start, since, until)


def _check_span(reader: Reader, period: Period) -> None:
    for key, at in (("start", period.start), ("end", period.end)):
        if not FROM <= at <= UNTIL:
            message = f"{at.isoformat()} is outside {FROM.isoformat()} to {UNTIL.isoformat()}"
            raise reader.error(reader.at(key), message)
    if period.end - period.start > SPAN_MAX:
        days = (period.end - period.start).days
        raise reader.error(reader.at("end"), f"{days} days; the bound is {SPAN_MAX.days}")


def _read_seats(reader: Reader) -> tuple[SeatInterval, ...]:
    found: list[SeatInterval] = []
    for each in reader.children("seats"):
        each.only("start", "end", "count", "member", "tier", "add_ons", "free")
        end = each.instant("end") if each.has("end") else None
        tier, start = each.text("tier") if each.has("tier") else None, each.instant("start")
        billable = not each.flag("free")
        names = [each.text("member")] if each.has("member") else [f"{each.path}.{n}" for n in range(_count(each))]
        for name in names:
            try:
                found.append(SeatInterval(name, "", billable, tier, each.names("add_ons"), start, end))
            except InvalidSeat as broken:
                raise each.error(each.at("end"), str(broken)) from broken
    if len(found) > SEATS_MAX:
        raise reader.error(reader.at("seats"), f"{len(found)} seats; the bound is {SEATS_MAX}")
    return tuple(found)


def _count(reader: Reader) -> int:
    count = reader.whole("count", 1)
    if count > SEATS_MAX:
        raise reader.error(reader.at("count"), f"{count} is outside 0 to {SEATS_MAX}")
    return count


def _read_events(reader: Reader, item: PlanItem, span: Span) -> tuple[UsageEvent, ...]:
    """Return the events; one that does not say when it occurred comes after those before it."""
    found: list[UsageEvent] = []
    for index, each in enumerate(reader.children("events")):
        each.only("at", "value", "meter", "member", "subject")
        at = each.instant("at") if each.has("at") else span.period.start + index * INSTANT
        meter = each.text("meter") if each.has("meter") else next(iter(item.meters), "")
        member, subject = (each.text(key) if each.has(key) else "" for key in ("member", "subject"))
        found.append(UsageEvent(at, f"{index:09}", member, meter, each.amount("value", "1"), subject))
    return tuple(found)


def _read_tokens(reader: Reader) -> Tokens:
    reader.only("model", "direction", "quantity")
    return Tokens(reader.text("model"), reader.choice("direction", Direction), reader.whole("quantity"))


def _read_share(reader: Reader) -> Fraction:
    reader.only("part", "whole")
    part, whole = reader.amount("part"), reader.amount("whole")
    if whole <= 0:
        raise reader.error(reader.at("whole"), f"{whole} must be above 0")
    return part / whole


def _read_billed(reader: Reader, currency: str) -> Billed:
    reader.only("quantity", "amount")
    amount = plan_item_documents.read_money(reader, "amount", currency) if reader.has("amount") else None
    return Billed(reader.amount("quantity", "0"), amount)
