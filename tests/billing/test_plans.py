"""Is a plan what its document says?"""

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import plans, prices
from billing.money import Money, Rounding
from billing.plans import (
    Aggregation,
    Allowance,
    AllowanceRule,
    ContractBand,
    DayCount,
    Decrease,
    FirstPeriod,
    Flat,
    Interval,
    InvalidPlan,
    PeakSeats,
    Seats,
    Tax,
    TaxMode,
    Timing,
    Usage,
)
from billing.rating import Direction
from tests.billing.builders import RUB_TIERS, a_card, a_plan, an_item, tokens, tracker


def a_document(**item):
    known = {
        "key": "seats",
        "name": {"en": "Seats"},
        "quantity": {"kind": "SEATS", "tiers": ["chat"]},
        "price": {"model": "UNIT", "unit": "40"},
    }
    return {
        "key": "pooled",
        "version": 3,
        "name": {"en": "Pooled", "ru": "Общий"},
        "currency": "USD",
        "tax": {"mode": "EXCLUSIVE", "percent": "8.25"},
        "tiers": [{"key": "chat", "name": {"en": "Chat"}}],
        "items": [known | item],
    }


EVERY_PRICE = (
    prices.UnitPrice(Fraction("0.0001")),
    RUB_TIERS,
    prices.VolumePrice(
        (prices.tier(10, "1.50", "3"), prices.Tier(Fraction("20.5"), Fraction(1))),
        prices.TierBound.EXCLUSIVE,
        prices.TierMeasure.BY_WIDTH,
        prices.BeyondLast.ERROR,
        prices.FlatAtZero.CHARGED,
    ),
    prices.PackagePrice(10, Fraction(5), 3, prices.PackageRounding.DOWN),
    prices.BandPrice((prices.Band(10, Fraction(5)), prices.Band(None, Fraction(9))), prices.BeyondLast.STAY),
    prices.PercentagePrice(Fraction("2.9"), Fraction("0.30"), free_units=Fraction(10)),
    prices.GraduatedPercentagePrice((prices.PercentTier(10, Fraction(1)), prices.PercentTier(None, Fraction(2)))),
)


@pytest.mark.parametrize("price", EVERY_PRICE)
def test_every_price_is_written_and_read_back(price):
    plan = a_plan(an_item(plans.Usage("tokens"), price))

    document = json.loads(json.dumps(plans.to_document(plan)))

    assert plans.from_document(document) == plan


def test_every_policy_is_written_and_read_back():
    plan = a_plan(
        an_item(
            Seats(("chat",), "hipaa"),
            key="a",
            timing=Timing.ADVANCE,
            interval=Interval.YEAR,
            proration=DayCount.FIXED_30,
            first_period=FirstPeriod.FREE,
            decrease=Decrease.KEEP,
            allowance=Allowance(5, AllowanceRule.DEDUCT),
            minimum=Money(100, "USD"),
            maximum=Money(200, "USD"),
            quote_above=500,
            price_version="7",
            rounding=Rounding.HALF_EVEN,
        ),
        an_item(PeakSeats(("chat",)), key="b"),
        an_item(ContractBand(), EVERY_PRICE[4], key="c"),
        an_item(Usage("calls", Aggregation.UNIQUE), key="d"),
        tokens(),
    )

    document = json.loads(json.dumps(plans.to_document(plan)))

    assert plans.from_document(document) == plan
    assert plan.item("b").quantity == PeakSeats(("chat",))
    assert "." not in str(list(_numbers(document)))


def _numbers(value):
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _numbers(each)
    elif isinstance(value, int | float):
        yield value


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": {"model": "UNIT", "unit": 4.5}}, "items.0.price.unit"),
        ({"price": {"model": "UNIT", "unit": "-4"}}, "items.0.price.unit"),
        ({"price": {"model": "UNIT", "unit": "4", "extra": 1}}, "items.0.price.extra"),
        ({"price": {"model": "UNIT"}}, "items.0.price.unit"),
        ({"price": {"model": "FREE"}}, "items.0.price.model"),
        ({"price": []}, "items.0.price"),
        ({"price": {"model": "GRADUATED", "tiers": {}}}, "items.0.price.tiers"),
        ({"price": {"model": "GRADUATED", "tiers": [{}] * 10_001}}, "items.0.price.tiers"),
        (
            {"price": {"model": "GRADUATED", "tiers": [{"up_to": None, "unit": "1"}, {"up_to": 5, "unit": "1"}]}},
            "items.0.price.tiers.0.up_to",
        ),
        ({"price": {"model": "GRADUATED", "tiers": [1]}}, "items.0.price.tiers.0"),
        ({"price": {"model": "PACKAGE", "size": 1.5, "amount": "1"}}, "items.0.price.size"),
        ({"price": {"model": "PACKAGE", "size": -1, "amount": "1"}}, "items.0.price.size"),
        ({"price": {"model": "PACKAGE", "size": True, "amount": "1"}}, "items.0.price.size"),
        ({"quantity": {"kind": "SEATS", "tiers": ["gold"]}}, "items.0.quantity.tiers"),
        ({"quantity": {"kind": "SEATS", "tiers": [7]}}, "items.0.quantity.tiers.0"),
        ({"quantity": {"kind": "PEOPLE"}}, "items.0.quantity.kind"),
        ({"quantity": {"kind": "PEAK_SEATS"}, "timing": "ADVANCE"}, "items.0.timing"),
        ({"quantity": {"kind": "USAGE", "meter": "m"}, "interval": "YEAR"}, "items.0.interval"),
        ({"timing": "NEVER"}, "items.0.timing"),
        ({"name": {"ru": "Места"}}, "items.0.name.en"),
        ({"name": {"en": ""}}, "items.0.name.en"),
        ({"name": {"en": 7}}, "items.0.name.en"),
        ({"minimum": "1.005"}, "items.0.minimum"),
        ({"minimum": "5", "maximum": "4"}, "items.0.maximum"),
        ({"allowance": {"quantity": 5}}, "items.0.allowance.rule"),
        ({"discount": "5"}, "items.0.discount"),
        ({"price": {"model": "RATE_CARD", "cards": []}}, "items.0.price.cards"),
        ({"price": {"model": "PERCENTAGE", "percent": "1", "minimum": "1"}}, "items.0.price.model"),
    ],
)
def test_names_the_path_of_what_is_wrong(change, field):
    with pytest.raises(InvalidPlan) as refused:
        plans.from_document(a_document(**change))

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "XXX"}, "currency"),
        ({"tax": {"mode": "EXCLUSIVE", "percent": "101"}}, "tax.percent"),
        ({"items": "none"}, "items"),
        ({"items": a_document()["items"] * 2}, "items.1.key"),
        ({"tiers": a_document()["tiers"] * 2}, "tiers.1.key"),
        ({"tiers": [{"key": "chat", "name": {"en": "Chat"}, "includes": ["gold"]}]}, "tiers.0.includes"),
        ({"key": None}, "key"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_names_the_path_at_the_top(change, field):
    with pytest.raises(InvalidPlan) as refused:
        plans.from_document(a_document() | change)

    assert refused.value.field == field


def card_document(**rate):
    known = {"model": "sonnet", "direction": "INPUT", "amount": "3"}
    return {"version": "v1", "effective_from": "2026-01-01T03:00:00+03:00", "rates": [known | rate]}


@pytest.mark.parametrize(
    ("card", "field"),
    [
        (card_document(amount=3.0), "items.0.price.cards.0.rates.0.amount"),
        (card_document(direction="UP"), "items.0.price.cards.0.rates.0.direction"),
        (card_document(per=0), "items.0.price"),
        (card_document() | {"effective_from": "2026-01-01"}, "items.0.price.cards.0.effective_from"),
        (card_document() | {"effective_from": "soon"}, "items.0.price.cards.0.effective_from"),
        (card_document() | {"rates": card_document()["rates"] * 2}, "items.0.price.cards.0.rates.1"),
    ],
)
def test_names_the_path_of_a_wrong_rate(card, field):
    item = {"quantity": {"kind": "USAGE", "meter": "tokens"}, "price": {"model": "RATE_CARD", "cards": [card]}}

    with pytest.raises(InvalidPlan) as refused:
        plans.from_document(a_document(**item))

    assert refused.value.field == field


def test_reads_a_rate_card_in_utc():
    item = {"quantity": {"kind": "USAGE", "meter": "m"}, "price": {"model": "RATE_CARD", "cards": [card_document()]}}

    (card,) = plans.from_document(a_document(**item)).items[0].price.cards

    assert card.effective_from.isoformat() == "2026-01-01T00:00:00+00:00"
    assert card.rates["sonnet", Direction.INPUT].per == 1_000_000


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: an_item(Seats(), prices.RateCardPrice((a_card(),))), "price.model"),
        (lambda: tokens(allowance=Allowance(5, AllowanceRule.CLIFF)), "allowance"),
        (lambda: tokens(quote_above=5), "quote_above"),
        (lambda: a_plan(an_item(minimum=Money(1, "EUR"))), "items.0.minimum"),
    ],
)
def test_an_item_that_could_not_be_billed_cannot_be_made(make, field):
    with pytest.raises(InvalidPlan) as refused:
        make()

    assert refused.value.field == field


def test_a_text_falls_back_to_its_language_and_then_to_english():
    texts = {"en": "Seats", "ru": "Места"}

    assert [plans.text(texts, locale) for locale in ("ru", "ru-RU", "ru_KZ", "kk", "en")] == [
        "Места",
        "Места",
        "Места",
        "Seats",
        "Seats",
    ]


def test_negotiated_prices_take_the_place_of_the_plan_s():
    unit = prices.UnitPrice(Fraction(30))

    plan = plans.with_prices(a_plan(an_item(key="a"), an_item(key="b")), {"b": (unit, "C-7")})

    assert [(item.price.unit, item.price_version) for item in plan.items] == [(40, "1"), (30, "C-7")]
    with pytest.raises(InvalidPlan, match="'c' has a negotiated price"):
        plans.with_prices(plan, {"c": (unit, "C-7")})


@pytest.mark.parametrize(
    ("mode", "percent", "subtotal", "tax", "included"),
    [
        (TaxMode.EXCLUSIVE, "20", 76_900, 15_380, 0),
        (TaxMode.EXCLUSIVE, "20", 72_686, 14_537, 0),
        (TaxMode.INCLUSIVE, "20", 111_200_00, 0, 1_853_333),
        (TaxMode.INCLUSIVE, "0", 100, 0, 0),
    ],
)
def test_tax_is_added_or_only_reported(mode, percent, subtotal, tax, included):
    found = Tax(mode, Fraction(percent)).split(Money(subtotal, "RUB"))

    assert found == (Money(tax, "RUB"), Money(included, "RUB"))


def test_units_are_named_by_quantity_and_interval():
    items = (
        an_item(Seats(), interval=Interval.YEAR),
        an_item(PeakSeats()),
        an_item(ContractBand()),
        an_item(Usage("calls")),
        an_item(Flat(), interval=Interval.QUARTER),
    )

    assert [item.unit for item in items] == ["seat-year", "seat", "seat", "calls", "quarter"]


@given(quantity=st.integers(0, 50), free=st.integers(0, 50))
def test_a_cliff_bills_all_or_nothing_and_a_deduction_the_rest(quantity, free):
    cliff, deduct = (Allowance(free, rule).billed(Fraction(quantity)) for rule in AllowanceRule)

    assert cliff == (0 if quantity <= free else quantity)
    assert deduct == max(0, quantity - free)


def test_the_tracker_plan_reads_back():
    assert plans.from_document(plans.to_document(tracker())) == tracker()
