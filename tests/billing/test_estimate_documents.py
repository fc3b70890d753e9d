"""Does the calculator answer every question an invoice could answer?"""

from fractions import Fraction

import pytest

from billing.estimate_documents import answer
from billing.prices import QuoteRequired

OCTOBER = {"start": "2026-10-01T00:00:00+00:00", "end": "2026-11-01T00:00:00+00:00"}
UNIT = {"model": "UNIT", "unit": "31"}
USAGE = {"kind": "USAGE", "meter": "calls"}
TIERS = [{"up_to": 5, "unit": "10", "flat": "100"}, {"up_to": None, "unit": "5", "flat": "50"}]


def an_entry(price=UNIT, counted=None, key="item", policies=None, **measured):
    kind = counted or {"kind": "SEATS"}
    item = {"key": key, "name": {"en": key.capitalize()}, "quantity": kind, "price": price, **(policies or {})}
    return {"item": item, **measured}


def a_question(*entries, **more):
    return {"currency": "USD", "items": list(entries), **more}


def lines(document):
    return [(line.key, line.amount.amount) for line in answer(document).lines]


@pytest.mark.parametrize(
    ("entry", "amount"),
    [
        (an_entry(counted={"kind": "FLAT"}, span={**OCTOBER, "since": "2026-10-11T00:00:00Z"}), "21.00"),
        (an_entry(counted={"kind": "FLAT"}, span={**OCTOBER, "until": "2026-10-11T00:00:00Z"}), "10.00"),
        (an_entry(counted={"kind": "FLAT"}, span={**OCTOBER, "service_start": "2026-10-22T12:00:00Z"}), "10.00"),
        (an_entry(counted={"kind": "FLAT"}, span=OCTOBER), "31.00"),
        (an_entry(counted={"kind": "PEAK_SEATS"}, quantity="3"), "93.00"),
        (
            an_entry(
                {"model": "BAND", "bands": [{"up_to": 100, "amount": "900"}]}, {"kind": "CONTRACT_BAND"}, quantity="80"
            ),
            "900.00",
        ),
        (an_entry(quantity="2", share={"part": "17", "whole": "31"}), "34.00"),
        (
            an_entry(
                span={**OCTOBER, "time_zone": "UTC"},
                seats=[
                    {"start": "2026-09-01T00:00:00Z", "count": 2, "free": False},
                    {"start": "2026-10-11T00:00:00Z", "member": "ann", "tier": "chat", "add_ons": ["hipaa"]},
                    {"start": "2026-09-01T00:00:00Z", "end": "2026-10-02T00:00:00Z", "free": True},
                ],
            ),
            "83.00",
        ),
        (
            an_entry(
                {"model": "PERCENTAGE", "percent": "2.99", "minimum": "1.75", "maximum": "12"},
                USAGE,
                amounts=["10", "80", "10000"],
            ),
            "16.14",
        ),
        (an_entry(counted=USAGE, events=[{"value": "2"}, {"value": "3"}], span=OCTOBER), "155.00"),
        (
            an_entry(
                counted={**USAGE, "aggregation": "WEIGHTED_SUM"},
                events=[{"at": "2026-10-11T00:00:00Z", "value": "1", "member": "ann", "subject": "disk"}],
                span=OCTOBER,
            ),
            "21.00",
        ),
        (
            an_entry(
                {"model": "GRADUATED", "tiers": TIERS},
                changes=[{"units": "7", "prorated": "3.5"}],
                policies={"placement": "BY_RUNNING_UNITS"},
            ),
            "180.00",
        ),
        (
            an_entry(
                {"model": "PACKAGE", "size": 100, "amount": "5"}, {**USAGE, "window": "HOUR"}, windows=["50", "150"]
            ),
            "15.00",
        ),
        (
            an_entry(
                {
                    "model": "CAPACITY",
                    "bands": [{"up_to": {"cores": 4}, "amount": "7"}, {"up_to": None, "amount": "9"}],
                },
                {"kind": "CAPACITY", "meters": ["cores"]},
                peaks=[{"meter": "cores", "value": "5"}],
            ),
            "9.00",
        ),
        (
            an_entry(
                {"model": "CAPACITY", "bands": [{"up_to": {"cores": 4}, "amount": "7"}]},
                {"kind": "CAPACITY", "meters": ["cores"]},
                events=[{"value": "4", "meter": "cores"}],
                span=OCTOBER,
            ),
            "7.00",
        ),
    ],
)
def test_whatever_an_invoice_counts_can_be_asked(entry, amount):
    assert answer(a_question(entry)).total.amount == amount


def test_tokens_are_asked_by_model_and_direction():
    rates = [{"model": "sonnet", "direction": "CACHE_READ", "amount": "0.30"}]
    card = {"version": "v1", "effective_from": "2026-01-01T00:00:00Z", "rates": rates}
    asked = [{"model": "sonnet", "direction": "CACHE_READ", "quantity": 198_000}]

    found = answer(a_question(an_entry({"model": "RATE_CARD", "cards": [card]}, USAGE, tokens=asked)))

    assert (found.total.amount, found.lines[0].explanation.rounding.exact) == ("0.06", "0.0594")


@pytest.mark.parametrize(
    ("billed", "expected"),
    [
        ({"quantity": "5"}, [("item", "310.00")]),
        ({"quantity": "5", "amount": "155"}, [("item", "310.00")]),
        ({"quantity": "5", "amount": "150"}, [("item", "310.00"), ("item/billed", "5.00")]),
        ({"amount": "100"}, [("item", "310.00"), ("item/billed", "-100.00")]),
    ],
)
def test_what_was_billed_before_is_not_billed_again(billed, expected):
    assert lines(a_question(an_entry(quantity="10", billed=billed))) == expected


def test_discounts_commitment_tax_and_credit_come_in_their_order():
    document = a_question(
        an_entry(quantity="2", policies={"tax_percent": "10", "discounts": [{"kind": "AMOUNT", "amount": "2.00"}]}),
        an_entry(quantity="1", key="more"),
        tax={"mode": "EXCLUSIVE", "percent": "20"},
        discounts=[{"kind": "PERCENTAGE", "percent": "10", "name": "Partner"}],
        commitment="100.00",
        credit="50.00",
        locale="zh-Hans",
    )

    found = answer(document)

    # 60 at 10 %, 31 and a top-up of 9 at 20 %, all less a tenth
    assert lines(document) == [
        ("item", "62.00"),
        ("item/discount-1", "-2.00"),
        ("more", "31.00"),
        ("commitment", "9.00"),
        ("discount-1", "-10.00"),
    ]
    assert [line.description for line in found.lines][3:] == ["补足至承诺金额", "Partner"]
    assert [(str(rate.percent), rate.base.amount, rate.amount.amount) for rate in found.tax_rates] == [
        ("10", "54.00", "5.40"),
        ("20", "36.00", "7.20"),
    ]
    assert (found.total.amount, found.credit.amount, found.due.amount) == ("102.60", "50.00", "52.60")


def test_credit_is_not_drawn_where_a_quote_is_required():
    found = answer(a_question(an_entry(quantity="2", policies={"quote_above": 1}), credit="5.00"))

    assert found.due == found.total == QuoteRequired(Fraction(2), 1)
