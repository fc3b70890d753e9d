"""The calculator's questions: everything the rules can be asked, and a path and a bound for everything they refuse."""

import dataclasses
from typing import Any

import pytest

from billing import commitments, conversions, plan_items, price_models, taxes, tiers
from billing.estimate_fit import MEASURES
from schema import estimate_inputs, price_inputs, prices
from schema import plan_items as nouns
from schema.estimate_checks import STEPS_MAX
from tests.conformance import graph

ESTIMATE = """query($input: EstimateInput!) { estimate(input: $input) {
    total { amount } due { amount } credit { amount } discount { amount }
    lines { key amount { amount } tax { amount } }
    userErrors { code field message } } }"""
OCTOBER = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
BEFORE, MIDDLE = "2026-09-01T00:00:00Z", "2026-10-16T12:00:00Z"
SEATS, FLAT, CALLS = {"kind": "SEATS"}, {"kind": "FLAT"}, {"kind": "USAGE", "meter": "calls"}
UNIT = {"unit": {"unit": "10"}}
CARD = {"version": "v1", "effectiveFrom": BEFORE, "rates": [{"model": "opus", "direction": "INPUT", "amount": "15"}]}
RATED = {"rateCard": {"cards": [CARD]}}
TOKENS = {"model": "opus", "direction": "INPUT", "quantity": 1}
SPACE = {"kind": "CAPACITY", "meters": ["gb"]}
FEES = {"percentage": {"percent": "1", "fixed": "0.30"}}
HALF, OFF, GONE = (
    {"part": "1", "whole": "2"},
    {"kind": "PERCENTAGE", "percent": "101"},
    {"units": "-1", "prorated": "-1"},
)
FORTY = "1" * 40
ONLY_CHECKED = {"from_units"}
OVERLAP = {"graduated": {"tiers": [{"upTo": "10"}, {"upTo": "10"}]}}
GAP = {"volume": {"tiers": [{"fromUnits": "0", "upTo": "10"}, {"fromUnits": "12"}]}}
CONVERTED = {**CALLS, "conversion": {"divideBy": "0"}}
PLACED = {"placement": "BY_RUNNING_UNITS"}


def an_ask(price: Any = UNIT, counted: Any = SEATS, key: str = "item", policies: Any = None, **measured: Any) -> Any:
    return {"item": {"key": key, "quantity": counted, "price": price, **(policies or {})}, **measured}


def an_item(**policies: Any) -> Any:
    return an_ask(policies=policies, quantity="1")


def a_fee(**span: Any) -> Any:
    return an_ask(counted=FLAT, span={**OCTOBER, **span})


def held(**seat: Any) -> Any:
    return an_ask(span=OCTOBER, seats=[{"start": MIDDLE, **seat}])


def room(*gigabytes: str) -> Any:
    return {"capacity": {"bands": [{"upTo": [{"meter": "gb", "upTo": each} for each in gigabytes], "amount": "9"}]}}


def peaks(*gigabytes: str) -> Any:
    return [{"meter": "gb", "value": each} for each in gigabytes]


def asked(*asks: Any, **more: Any) -> Any:
    return graph.executed(ESTIMATE, {"input": {"currency": "USD", "items": list(asks), **more}})["estimate"]


def names(of: Any) -> set[str]:
    return {each.name for each in dataclasses.fields(of)}


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (plan_items.PlanItem, estimate_inputs.PlanItemInput),
        (plan_items.Allowance, estimate_inputs.AllowanceInput),
        (commitments.Commitment, estimate_inputs.CommitmentInput),
        (conversions.Conversion, estimate_inputs.UnitConversionInput),
        (taxes.Tax, estimate_inputs.TaxInput),
        (price_models.UnitPrice, price_inputs.UnitPriceInput),
        (price_models.GraduatedPrice, price_inputs.TieredPriceInput),
        (price_models.VolumePrice, price_inputs.TieredPriceInput),
        (price_models.PackagePrice, price_inputs.PackagePriceInput),
        (price_models.BandPrice, price_inputs.BandPriceInput),
        (price_models.PercentagePrice, price_inputs.PercentagePriceInput),
        (price_models.GraduatedPercentagePrice, price_inputs.GraduatedPercentagePriceInput),
        (price_models.CapacityPrice, price_inputs.CapacityPriceInput),
        (price_models.RateCardPrice, price_inputs.RateCardPriceInput),
        (tiers.Tier, price_inputs.PriceTierInput),
        (tiers.PercentTier, price_inputs.PercentageTierInput),
        (tiers.Band, price_inputs.PriceBandInput),
    ],
)
def test_takes_every_field_of_a_rule(rule: Any, given: Any) -> None:
    assert names(given) - ONLY_CHECKED == names(rule)


@pytest.mark.parametrize(
    ("rule", "noun"),
    [
        (plan_items.PlanItem, nouns.PlanItem),
        (plan_items.Allowance, nouns.Allowance),
        (commitments.Commitment, nouns.Commitment),
        (conversions.Conversion, nouns.UnitConversion),
        (price_models.UnitPrice, prices.UnitPrice),
        (price_models.GraduatedPrice, prices.GraduatedPrice),
        (price_models.VolumePrice, prices.VolumePrice),
        (price_models.PackagePrice, prices.PackagePrice),
        (price_models.BandPrice, prices.BandPrice),
        (price_models.PercentagePrice, prices.PercentagePrice),
        (price_models.GraduatedPercentagePrice, prices.GraduatedPercentagePrice),
        (price_models.CapacityPrice, prices.CapacityPrice),
        (price_models.RateCardPrice, prices.RateCardPrice),
        (tiers.Tier, prices.PriceTier),
        (tiers.PercentTier, prices.PercentagePriceTier),
        (tiers.Band, prices.PriceBand),
    ],
)
def test_shows_every_field_of_a_rule(rule: Any, noun: Any) -> None:
    assert names(rule) <= names(noun)


def test_takes_every_way_of_measuring() -> None:
    assert {*MEASURES, "item", "span", "share", "billed"} == names(estimate_inputs.EstimateItemInput)


@pytest.mark.parametrize(
    ("total", "ask"),
    [
        # two seats all month, one for its second half; the free one is not counted
        (
            "25.00",
            an_ask(
                span=OCTOBER,
                seats=[
                    {"start": BEFORE, "count": 2, "free": False},
                    {"start": MIDDLE, "member": "ann", "tier": "chat", "addOns": ["hipaa"]},
                    {"start": BEFORE, "count": 7, "free": True},
                ],
            ),
        ),
        # only the tier that is named
        (
            "10.00",
            an_ask(
                counted={**SEATS, "tiers": ["chat"]},
                span=OCTOBER,
                seats=[{"start": BEFORE, "tier": "chat"}, {"start": BEFORE, "tier": "code"}],
            ),
        ),
        # FULL: granted in the middle, billed whole
        ("10.00", an_ask(policies={"increase": "FULL"}, span=OCTOBER, seats=[{"start": MIDDLE}])),
        # three events of one subject each; two subjects
        (
            "20.00",
            an_ask(
                counted={**CALLS, "aggregation": "UNIQUE"},
                span=OCTOBER,
                events=[{"subject": "a"}, {"subject": "b"}, {"subject": "a"}],
            ),
        ),
        # 1 % of 100 and of 50, and 0.30 each, from the events themselves
        ("2.10", an_ask(FEES, CALLS, span=OCTOBER, events=[{"value": "100"}, {"value": "50"}])),
        # committed: 10.00 for each of 31 days, of which one is used for 25.00
        (
            "325.00",
            an_ask(
                counted={**CALLS, "window": "DAY"},
                policies={"commitment": {"amount": "10.00"}},
                span=OCTOBER,
                events=[{"at": MIDDLE, "value": "2.5"}],
            ),
        ),
        # the fee ends in the middle
        ("5.00", an_ask(counted=FLAT, span={**OCTOBER, "timeZone": "Europe/Berlin", "until": MIDDLE})),
        # in the first month by days left: 16 of 31
        ("16.00", an_ask({"unit": {"unit": "31"}}, FLAT, span={**OCTOBER, "serviceStart": MIDDLE})),
        # billed 40.00 for what should have been 50.00, and 10.00 on top
        ("20.00", an_ask(quantity="1", billed={"quantity": "5", "amount": "40.00"})),
        # two units free of charge
        ("30.00", an_ask(policies={"discounts": [{"kind": "USAGE", "quantity": "2"}]}, quantity="5")),
        # 10.005 rounded towards zero
        ("10.00", an_ask({"unit": {"unit": "10.005"}}, policies={"rounding": "DOWN"}, quantity="1")),
    ],
)
def test_measures_as_an_invoice_does(total: str, ask: Any) -> None:
    found = asked(ask)

    assert found["userErrors"] == []
    assert found["total"]["amount"] == total


def test_shares_tax_among_lines_and_leaves_discounts_of_the_whole_out() -> None:
    found = asked(
        an_ask(quantity="10"),
        an_ask(quantity="5", key="other", policies={"taxPercent": "10"}),
        tax={"percent": "20", "base": "UNROUNDED", "rounding": "LINE"},
        discounts=[{"kind": "PERCENTAGE", "percent": "50"}],
        commitment="200.00",
        credit="500.00",
    )

    # 100 at 20 %, 50 at 10 %, a top-up of 50 at 20 %, all of it halved: 10 + 2.50 + 5 of tax on 100
    lines = [(line["key"], line["amount"]["amount"], line["tax"] and line["tax"]["amount"]) for line in found["lines"]]
    assert lines == [
        ("item", "100.00", "10.00"),
        ("other", "50.00", "2.50"),
        ("commitment", "50.00", "5.00"),
        ("discount-1", "-100.00", None),
    ]
    assert [found[name]["amount"] for name in ("discount", "total", "credit", "due")] == [
        "100.00",
        "117.50",
        "117.50",
        "0.00",
    ]


@pytest.mark.parametrize(
    ("field", "message", "ask"),
    [
        ("quantity", "missing; item 'item' is measured by quantity or seats", an_ask()),
        ("amounts", "item 'item' is measured by quantity or seats", an_ask(amounts=["1"])),
        ("changes", "item 'item' is measured by quantity or seats", an_ask(changes=[GONE])),
        ("quantity", "item 'item' is measured by tokens", an_ask(RATED, CALLS, quantity="1")),
        ("share", "a rate card prices what occurred", an_ask(RATED, CALLS, tokens=[TOKENS], share=HALF)),
        ("tokens", "model 'haiku'", an_ask(RATED, CALLS, tokens=[{**TOKENS, "model": "haiku"}])),
        ("quantity", "item 'item' is measured by amounts or events", an_ask(FEES, CALLS, quantity="1")),
        ("quantity", "item 'item' is measured by peaks or events", an_ask(room("5"), SPACE, quantity="1")),
        ("peaks", "quantity 6 is above the last tier, which ends at 5", an_ask(room("5"), SPACE, peaks=peaks("6"))),
        ("peaks.1.meter", "'gb' is given twice", an_ask(room("5"), SPACE, peaks=peaks("1", "2"))),
        ("seats", "give one of quantity, seats; quantity is given", an_ask(quantity="1", seats=[])),
        ("span", "missing; seats are held over a time", an_ask(seats=[{"start": BEFORE}])),
        ("span", "quantity says how much already", an_ask(quantity="1", span=OCTOBER)),
        ("span.end", "4018 days; the bound is 3660", a_fee(end="2037-10-01T00:00:00Z")),
        ("span.end", "end", a_fee(end=BEFORE)),
        ("span.start", "is outside 1970-01-01", a_fee(start="0001-01-01T00:00:00Z")),
        ("span.timeZone", "'Mars'", a_fee(timeZone="Mars")),
        ("span.since", "is outside 2026-10-01", a_fee(since=BEFORE)),
        ("seats.0.count", "2 seats given; a member holds one", held(count=2, member="ann")),
        ("seats.0.count", "-1 is outside 0", held(count=-1)),
        ("seats.0.end", "", held(end=BEFORE)),
        ("", "the bound is 10000", held(count=STEPS_MAX)),
        ("share.whole", "0 must be above 0", an_ask(quantity="1", share={"part": "1", "whole": "0"})),
        ("share", "3/2 is outside 0 to 1", an_ask(quantity="1", share={"part": "3", "whole": "2"})),
        ("billed.amount", "more decimals", an_ask(quantity="1", billed={"amount": "1.001"})),
        ("billed.quantity", "only a plain quantity", an_ask(policies=PLACED, changes=[], billed={"quantity": "1"})),
        ("changes", "the bound is 0", an_ask(policies=PLACED, changes=[GONE])),
        ("item.name", "a text of 0 characters", an_item(name="")),
        ("item.quantity.meter", "missing", an_ask(counted={"kind": "USAGE"}, quantity="1")),
        ("item.price.unit.unit", "-1 is outside 0", an_ask({"unit": {"unit": "-1"}}, quantity="1")),
        ("item.price.unit.unit", "has 40 digits; the bound is 18", an_ask({"unit": {"unit": FORTY}}, quantity="1")),
        ("quantity", "has 40 digits; the bound is 18", an_ask(quantity=FORTY)),
        ("item.minimum", "has 40 digits; the bound is 18", an_item(minimum=FORTY)),
        ("item.price.graduated.tiers.1.upTo", "or the tiers overlap", an_ask(OVERLAP, quantity="1")),
        ("item.price.volume.tiers.1.fromUnits", "12 leaves a gap after 10", an_ask(GAP, quantity="1")),
        ("item.quantity.conversion.divideBy", "0 must be above 0", an_ask(counted=CONVERTED, quantity="1")),
        ("item.price.capacity", "prices the peaks of meters", an_ask(room("5"), quantity="1")),
        ("item.price.capacity.bands.0.upTo.0.upTo", "-1 must be at least 0", an_ask(room("-1"), SPACE, quantity="1")),
        ("item.price.capacity.bands.0.upTo.1.meter", "'gb' is given twice", an_ask(room("1", "2"), SPACE)),
        ("item.discounts.0.percent", "101 is outside 0 to 100", an_item(discounts=[OFF])),
        ("item.discounts.0.amount", "unknown key", an_item(discounts=[{**OFF, "amount": "1"}])),
        ("item.commitment.overage", "0.5 is outside 1", an_item(commitment={"amount": "1", "overage": "0.5"})),
        ("item.maximum", "is below the minimum", an_item(minimum="2", maximum="1")),
        ("item.taxPercent", "101 is outside 0 to 100", an_item(taxPercent="101")),
        ("item.placement", "only seats", an_ask(counted=CALLS, policies=PLACED, quantity="1")),
    ],
)
def test_names_the_path_and_the_bound(field: str, message: str, ask: Any) -> None:
    found = asked(an_ask(quantity="1", key="first"), ask)

    (error,) = found["userErrors"]
    assert error["field"] == ["items", "1", *field.split(".")] if field else ["items", "1"]
    assert message in error["message"]
    assert found["lines"] == []


@pytest.mark.parametrize(
    ("code", "field", "more"),
    [
        ("AMOUNT_INVALID", ["credit"], {"credit": "-1"}),
        ("AMOUNT_INVALID", ["commitment"], {"commitment": "0.001"}),
        ("PLAN_INVALID", ["discounts", "0", "kind"], {"discounts": [{"kind": "USAGE", "quantity": "1"}]}),
        ("PLAN_INVALID", ["discounts", "0", "percent"], {"discounts": [OFF]}),
        ("PLAN_INVALID", ["tax", "percent"], {"tax": {"percent": "-1"}}),
        ("CURRENCY_UNKNOWN", ["currency"], {"currency": "XXX"}),
        ("INPUT_INVALID", ["locale"], {"locale": ""}),
    ],
)
def test_names_what_is_wrong_with_the_whole(code: str, field: list[str], more: Any) -> None:
    found = asked(an_ask(quantity="1"), **more)

    assert [(error["code"], error["field"]) for error in found["userErrors"]] == [(code, field)]


def test_says_when_everything_together_is_too_much() -> None:
    most = {"unit": {"unit": "90000000000000000"}}  # 9 × 10¹⁸ cents each; the bound is 2⁶³ − 1

    found = asked(an_ask(most, quantity="1"), an_ask(most, key="other", quantity="1"))

    assert [(error["code"], error["field"]) for error in found["userErrors"]] == [("AMOUNT_INVALID", ["items"])]
