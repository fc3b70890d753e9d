"""Does a bad question get an error that names the dotted field and the bound?"""

import copy

import pytest

from billing.estimate_documents import answer
from billing.money import InvalidAmount
from billing.plans import InvalidPlan
from billing.prices import BeyondLastTier, InvalidPrice
from tests.billing.test_estimate_documents import OCTOBER, USAGE, a_question, an_entry

FORTY = "1" * 40
ROOM_OF = {"kind": "CAPACITY", "meters": ["gb"]}
ROOM = {"model": "CAPACITY", "bands": [{"up_to": {"gb": "5"}, "amount": "9"}]}
CARD_USAGE = {"kind": "USAGE", "meter": "tokens"}
CARD = {
    "model": "RATE_CARD",
    "cards": [
        {
            "version": "v1",
            "effective_from": "2026-01-01T00:00:00Z",
            "rates": [{"model": "opus", "direction": "INPUT", "amount": "15"}],
        }
    ],
}
PLACED = {"placement": "BY_RUNNING_UNITS"}
HELD = {"span": OCTOBER, "seats": [{"start": "2026-10-01T00:00:00Z"}]}


def a_fee(**span):
    return {"item.quantity": {"kind": "FLAT"}, "span": {**OCTOBER, **span}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"currency": "usd"}, "currency: 'usd' is not an active ISO 4217 currency code"),
        ({"items": []}, "items: 0 is outside 1 to 100"),
        ({"credit": "1.234"}, "credit: '1.234' has more decimals than the 2 of USD"),
        (
            {"colour": "red"},
            "colour: unknown key; known are commitment, credit, currency, discounts, items, locale, tax",
        ),
        ({"tax": {"mode": "EXCLUSIVE", "percent": "120"}}, "tax.percent: 120 is outside 0 to 100"),
        ({"tax": {"mode": "SIDEWAYS", "percent": "1"}}, "tax.mode: 'SIDEWAYS' is none of EXCLUSIVE, INCLUSIVE"),
        ({"discounts": [{"kind": "LUCK"}]}, "discounts.0.kind: 'LUCK' is none of PERCENTAGE, AMOUNT, USAGE, VOLUME"),
        ({"discounts": [{"kind": "PERCENTAGE", "percent": "101"}]}, "discounts.0.percent: 101 is outside 0 to 100"),
        ({"credit": "-0.01"}, "credit: -0.01 USD is below 0"),
        (
            {"items": [an_entry(quantity="1"), an_entry(quantity="2")]},
            "items.1.item.key: 'item' is used twice",
        ),
        (
            {"discounts": [{"kind": "USAGE", "quantity": "1"}]},
            "discounts.0.kind: units are taken off an item, not off the whole",
        ),
        ({"discounts": [{"kind": "AMOUNT", "amount": "-1"}]}, "discounts.0.amount: -1.00 USD is below 0"),
        (
            {"discounts": [{"kind": "AMOUNT", "amount": "0.001"}]},
            "discounts.0.amount: '0.001' has more decimals than the 2 of USD",
        ),
    ],
)
def test_names_what_is_wrong_around_the_items(change, message):
    with pytest.raises(InvalidPlan) as refused:
        answer(a_question(an_entry(quantity="1")) | change)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"quantity": "1", "windows": ["1"]},
            "items.0.windows: item 'item' is measured by quantity or seats",
        ),
        ({"quantity": "1", **HELD}, "items.0.seats: give one of quantity, seats; quantity is given"),
        ({}, "items.0.quantity: missing; item 'item' is measured by quantity or seats"),
        ({"span": OCTOBER}, "items.0.quantity: missing; item 'item' is measured by quantity or seats"),
        (
            {"quantity": "1", "span": OCTOBER},
            "items.0.span: quantity says how much already; a span goes with seats or events, or alone",
        ),
        (
            {"item.quantity": CARD_USAGE, "item.price": CARD, "tokens": [], "share": {"part": "1", "whole": "2"}},
            "items.0.share: a rate card prices what occurred, all of it, once",
        ),
        (
            {"span": OCTOBER, "seats": [{"start": "2026-10-01T00:00:00Z", "member": "ann", "count": 2}]},
            "items.0.seats.0.count: 2 seats given; a member holds one",
        ),
        (
            {"span": OCTOBER, "seats": [{"start": "2026-10-01T00:00:00Z", "free": "no"}]},
            "items.0.seats.0.free: 'no' is a str, not true or false",
        ),
        (
            {"item.quantity": USAGE, "span": OCTOBER, "events": [{"meter": "calls"}, {"meter": "gb"}]},
            "items.0.events.1.meter: 'gb' is none of calls, which the item counts",
        ),
        (
            {"item.quantity": ROOM_OF, "item.price": ROOM, "peaks": [{"meter": "gb", "value": "1"}] * 2},
            "items.0.peaks.1.meter: 'gb' is given twice",
        ),
        ({"quantity": 1.5}, "items.0.quantity: 1.5 is a float; an amount is written as a decimal text"),
        ({"quantity": FORTY}, f"items.0.quantity: '{FORTY}' has 40 digits; the bound is 18"),
        ({"quantity": "1", "share": {"part": "1", "whole": "0"}}, "items.0.share.whole: 0 must be above 0"),
        ({"seats": []}, "items.0.span: missing; seats are held over a time"),
        ({"item.quantity": USAGE, "events": []}, "items.0.span: missing; events occur over a time"),
        (
            {"item.quantity": {"kind": "FLAT"}, "span": {**OCTOBER, "time_zone": "Mars/Base"}},
            "items.0.span.time_zone: 'Mars/Base' is not an IANA time zone",
        ),
        (
            {"item.quantity": {"kind": "FLAT"}, "span": {**OCTOBER, "start": "2026-10-01"}},
            "items.0.span.start: '2026-10-01' is not an instant with an offset",
        ),
        (
            {"item.quantity": {"kind": "FLAT"}, "span": {**OCTOBER, "end": OCTOBER["start"]}},
            "items.0.span.end: a period from 2026-10-01 00:00:00+00:00 must end later than 2026-10-01 00:00:00+00:00",
        ),
        (
            {"item.quantity": {"kind": "FLAT"}, "span": {**OCTOBER, "since": "2026-12-01T00:00:00Z"}},
            "items.0.span.since: 2026-12-01T00:00:00+00:00 is outside 2026-10-01T00:00:00+00:00 to the end",
        ),
        (
            a_fee(since="2026-10-20T00:00:00Z", until="2026-10-10T00:00:00Z"),
            "items.0.span.until: 2026-10-10T00:00:00+00:00 is before since, 2026-10-20T00:00:00+00:00",
        ),
        (
            a_fee(service_start="2026-11-01T00:00:00Z"),
            "items.0.span.service_start: 2026-11-01T00:00:00+00:00 is not before the end, 2026-11-01T00:00:00+00:00",
        ),
        (
            a_fee(start="1969-12-01T00:00:00Z"),
            "items.0.span.start: 1969-12-01T00:00:00+00:00 is outside 1970-01-01T00:00:00+00:00 to "
            "2200-01-01T00:00:00+00:00",
        ),
        (a_fee(end="2037-10-01T00:00:00Z"), "items.0.span.end: 4018 days; the bound is 3660"),
        (
            {
                "span": OCTOBER,
                "seats": [{"start": "2026-10-02T00:00:00Z", "end": "2026-10-01T00:00:00Z", "member": "ann"}],
            },
            "items.0.seats.0.end: the seat of 'ann' from 2026-10-02 00:00:00+00:00 ends before that, at "
            "2026-10-01 00:00:00+00:00",
        ),
        (
            {"span": OCTOBER, "seats": [{"start": "2026-10-02T00:00:00Z", "count": 10_001}]},
            "items.0.seats.0.count: 10001 is outside 0 to 10000",
        ),
        (
            {"span": OCTOBER, "seats": [{"start": "2026-10-02T00:00:00Z", "count": 6_000}] * 2},
            "items.0.seats: 12000 seats; the bound is 10000",
        ),
        (
            {"item.price": {"model": "UNIT", "unit": "-1"}},
            "items.0.item.price.unit: -1 is outside 0 to 1000000000000000000",
        ),
        (
            {"item.price": {"model": "UNIT", "unit": FORTY}},
            f"items.0.item.price.unit: '{FORTY}' has 40 digits; the bound is 18",
        ),
        (
            {"item.price": {"model": "GRADUATED", "tiers": [{"up_to": 5}, {"up_to": 5}]}},
            "items.0.item.price.tiers.1.up_to: 5 must be above 5, or the tiers overlap",
        ),
        (
            {"item.price": {"model": "GRADUATED", "tiers": [{"up_to": None}, {"up_to": 5}]}},
            "items.0.item.price.tiers.0.up_to: only the last tier may be open",
        ),
        (
            {"item.price": {"model": "GRADUATED", "tiers": [{"from_units": 1, "up_to": 10}, {"from_units": 12}]}},
            "items.0.item.price.tiers.1.from_units: 12 leaves a gap after 10",
        ),
        (
            {"item.price": {"model": "VOLUME", "tiers": [{"up_to": 10}, {"from_units": 8}]}},
            "items.0.item.price.tiers.1.from_units: 8 overlaps what goes up to 10",
        ),
        (
            {"item.price": {"model": "BAND", "bands": [{"from_units": 2, "up_to": 10, "amount": "1"}]}},
            "items.0.item.price.bands.0.from_units: 2 leaves a gap after 0",
        ),
        (
            {"item.price": {"model": "GRADUATED_PERCENTAGE", "tiers": [{"up_to": 10}, {"from_units": "10.5"}]}},
            "items.0.item.price.tiers.1.from_units: 10.5 leaves a gap after 10",
        ),
        (
            {"item.price": {"model": "VOLUME", "tiers": [{"up_to": 5, "unit": "1", "block": 0}]}},
            "items.0.item.price.tiers.0.block: 0 must be at least 1",
        ),
        (
            {"item.price": {"model": "LOTTERY"}},
            "items.0.item.price.model: 'LOTTERY' is none of UNIT, GRADUATED, VOLUME, PACKAGE, BAND, CAPACITY, "
            "RATE_CARD, PERCENTAGE, GRADUATED_PERCENTAGE",
        ),
        ({"item.increase": "MAYBE"}, "items.0.item.increase: 'MAYBE' is none of PRORATE, FULL, FREE_UNTIL_PERIOD_END"),
        (
            {"item.decrease": "SHRUG"},
            "items.0.item.decrease: 'SHRUG' is none of CREDIT, NO_REFUND, KEEP_PEAK, NEXT_PERIOD, KEEP",
        ),
        (
            {"item.proration": "MOON"},
            "items.0.item.proration: 'MOON' is none of BY_SECOND, ACTUAL_INCLUSIVE, ACTUAL_EXCLUSIVE, FIXED_30, "
            "FIXED_28, FIXED_29, FIXED_31, FULL",
        ),
        ({"item.minimum": "1.234"}, "items.0.item.minimum: '1.234' has more decimals than the 2 of USD"),
        ({"item.tax_percent": "101"}, "items.0.item.tax_percent: 101 is outside 0 to 100"),
        ({"item.commitment": {"amount": "-1"}}, "items.0.item.commitment.amount: -1.00 USD is below 0"),
        (
            {"item.commitment": {"amount": "1", "overage": "0"}},
            "items.0.item.commitment.overage: 0 is outside 1 to 1000",
        ),
        (
            {"item.quantity": {"kind": "WISHES"}},
            "items.0.item.quantity.kind: 'WISHES' is none of SEATS, PEAK_SEATS, CONTRACT_BAND, USAGE, CAPACITY, FLAT",
        ),
        (
            {"item.placement": "BY_RUNNING_UNITS", "item.quantity": {"kind": "PEAK_SEATS"}},
            "items.0.item.placement: only seats at a UNIT, GRADUATED or VOLUME price are placed",
        ),
        (
            {"item.placement": "BY_RUNNING_UNITS", "item.allowance": {"quantity": 1, "rule": "DEDUCT"}},
            "items.0.item.placement: an allowance is taken from the prorated quantity",
        ),
        (
            {"item.quantity": {**USAGE, "window": "DAY"}, "item.allowance": {"quantity": 1, "rule": "DEDUCT"}},
            "items.0.item.allowance: each window is priced by itself, so no quantity of the period is free",
        ),
    ],
)
def test_names_what_is_wrong_with_an_item(entry, message):
    asked = copy.deepcopy(an_entry())
    for key, value in entry.items():
        place, _, field = key.rpartition(".")
        (asked[place] if place else asked)[field] = value

    with pytest.raises(InvalidPlan) as refused:
        answer(a_question(asked))

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        (an_entry(quantity="1", share={"part": "3", "whole": "2"}), InvalidPrice, "share: 3/2 is outside 0 to 1"),
        (an_entry(quantity="-1"), InvalidPrice, "quantity: -1 must be at least 0"),
        (
            an_entry(policies=PLACED, changes=[{"units": "-1", "prorated": "-1"}]),
            InvalidPrice,
            "changes: the units fall to -1",
        ),
        (
            an_entry(counted={**USAGE, "window": "HOUR"}, windows=["1"], billed={"quantity": "1"}),
            InvalidPrice,
            "billed.quantity: only a plain",
        ),
        (
            an_entry({"model": "VOLUME", "tiers": [{"up_to": 5, "unit": "1"}], "beyond": "ERROR"}, quantity="6"),
            BeyondLastTier,
            "quantity 6 is above the last tier, which ends at 5",
        ),
        (an_entry({"model": "UNIT", "unit": "9" * 17}, quantity="9" * 17), InvalidAmount, "beyond the bound"),
    ],
)
def test_names_what_is_wrong_with_a_quantity(entry, error, message):
    with pytest.raises(error, match=message):
        answer(a_question(entry))
