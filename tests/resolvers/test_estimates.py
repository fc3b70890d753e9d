"""The calculator: the figures of the brief, every way of pricing, and the field that is wrong."""

from typing import Any

import pytest

from tests.builders import Caller, Database, an_organization

ESTIMATE = """query($input: EstimateInput!) { estimate(input: $input) {
    total { amount formatted } subtotal { amount } tax { amount } includedTax { amount }
    quoteRequired { itemKey quantity above }
    lines { key quantity unit amount { amount } explanation { formula steps { quantity unitAmount amount } } }
    userErrors { __typename code message field } } }"""
SHARES = """query($input: EstimateInput!) { estimate(input: $input) {
    lines { shares { member quantity amount { amount } } } } }"""
FIVE = {"unit": "0", "flat": "5"}
RUB = [{"upTo": "100", "unit": "440"}, {"upTo": "250", "unit": "400"}, {"unit": "360"}]
KZT = [{"upTo": "100", "unit": "2200"}, {"upTo": "250", "unit": "2000"}, {"unit": "1800"}]


def an_item(price: dict[str, Any], kind: str = "PEAK_SEATS", **more: Any) -> dict[str, Any]:
    return {"key": "users", "quantity": {"kind": kind}, "price": price, **more}


def an_ask(item: dict[str, Any], quantity: str | None = None, **more: Any) -> dict[str, Any]:
    return {"item": item, "quantity": quantity, **more}


async def _estimate(database: Database, *asks: dict[str, Any], **more: Any) -> Any:
    owner = await an_organization(database)
    anybody = Caller(owner.books, None)
    return (await anybody.data(ESTIMATE, input={"currency": "USD", "items": list(asks), **more}))["estimate"]


@pytest.mark.parametrize(
    ("total", "shown", "currency", "locale", "tiers"),
    [
        ("111200.00", "111\xa0200,00\xa0₽", "RUB", "ru-RU", RUB),
        ("556000.00", "556\xa0000,00\xa0₸", "KZT", "ru-KZ", KZT),
    ],
)
async def test_adds_up_the_tracker(
    database: Database, total: str, shown: str, currency: str, locale: str, tiers: list[dict[str, str]]
) -> None:
    item = an_item({"graduated": {"tiers": tiers}}, quoteAbove=500, allowance={"quantity": 5, "rule": "CLIFF"})

    found = await _estimate(
        database, an_ask(item, "270"), currency=currency, locale=locale, tax={"mode": "INCLUSIVE", "percent": "20"}
    )

    assert found["userErrors"] == []
    assert found["total"] == {"amount": total, "formatted": shown}
    assert [step["quantity"] for step in found["lines"][0]["explanation"]["steps"]] == ["100", "150", "20"]


async def test_divides_a_line_among_those_it_names(database: Database) -> None:
    span = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}
    events = [{"member": member, "value": "1"} for member in ("cy", "ann", "bo")]
    pool = {"key": "pool", "quantity": {"kind": "USAGE", "meter": "calls"}, "price": {"volume": {"tiers": [FIVE]}}}
    seats = an_item({"unit": {"unit": "10"}}, "SEATS")
    asked = [
        an_ask(pool, events=events, span=span),
        an_ask(seats, seats=[{"count": 2, "start": span["start"]}], span=span),
    ]
    owner = await an_organization(database)

    found = await Caller(owner.books, None).data(SHARES, input={"currency": "JPY", "items": asked})

    line, anonymous = found["estimate"]["lines"]
    assert [(share["member"], share["quantity"], share["amount"]["amount"]) for share in line["shares"]] == [
        ("ann", "1", "2"),
        ("bo", "1", "2"),
        ("cy", "1", "1"),
    ]
    assert anonymous["shares"] == [], "nobody is named"


async def test_asks_for_a_quote_above_the_list(database: Database) -> None:
    item = an_item({"graduated": {"tiers": RUB}}, quoteAbove=500)

    found = await _estimate(database, an_ask(item, "501"), currency="RUB")

    assert found["total"] is None
    assert found["quoteRequired"] == {"itemKey": "users", "quantity": "501", "above": "500"}


@pytest.mark.parametrize(("free", "total"), [("5", "0.00"), ("6", "2640.00")])
async def test_falls_off_the_cliff(database: Database, free: str, total: str) -> None:
    item = an_item({"graduated": {"tiers": RUB}}, allowance={"quantity": 5, "rule": "CLIFF"})

    assert (await _estimate(database, an_ask(item, free), currency="RUB"))["total"]["amount"] == total


@pytest.mark.parametrize(
    ("total", "quantity", "price"),
    [
        ("80.00", "2", {"unit": {"unit": "40"}}),
        ("18.00", "3", {"graduated": {"tiers": [{"upTo": "1", "unit": "10"}, {"unit": "4"}]}}),
        ("12.00", "3", {"volume": {"tiers": [{"upTo": "1", "unit": "10"}, {"unit": "4"}]}}),
        ("10.00", "11", {"package": {"size": 10, "amount": "5"}}),
        ("99.00", "7", {"band": {"bands": [{"upTo": "10", "amount": "99"}]}}),
        ("2.50", "100", {"percentage": {"percent": "2.5"}}),
        ("1.50", "200", {"graduatedPercentage": {"tiers": [{"upTo": "100", "percent": "1"}, {"percent": "0.5"}]}}),
    ],
)
async def test_prices_in_every_way(database: Database, total: str, quantity: str, price: dict[str, Any]) -> None:
    found = await _estimate(database, an_ask(an_item(price), quantity))

    assert found["userErrors"] == []
    assert found["total"]["amount"] == total


async def test_rates_tokens_by_card(database: Database) -> None:
    card = {
        "version": "2026",
        "effectiveFrom": "2026-01-01T00:00:00Z",
        "rates": [
            {"model": "sonnet", "direction": "INPUT", "amount": "3"},
            {"model": "sonnet", "direction": "OUTPUT", "amount": "15"},
        ],
    }
    item = an_item({"rateCard": {"cards": [card]}}) | {"quantity": {"kind": "USAGE", "meter": "tokens"}}
    tokens = [
        {"model": "sonnet", "direction": "INPUT", "quantity": 1_000_000},
        {"model": "sonnet", "direction": "OUTPUT", "quantity": "200000"},
    ]

    found = await _estimate(
        database, an_ask(item, tokens=tokens), an_ask(an_item({"unit": {"unit": "20"}}, key="seats"), "3")
    )

    assert found["userErrors"] == []
    assert [line["amount"]["amount"] for line in found["lines"]] == ["3.00", "3.00", "60.00"]
    assert found["total"]["amount"] == "66.00"


USAGE = {"kind": "USAGE", "meter": "jobs"}


@pytest.mark.parametrize(
    ("total", "ask"),
    [
        # two paid events: 1 % of 100 and of 50, and 0.30 each
        (
            "2.10",
            an_ask(
                an_item({"percentage": {"percent": "1", "fixed": "0.30"}}) | {"quantity": USAGE},
                amounts=["100", "50"],
            ),
        ),
        # each day by itself: 1 and 2 packages
        (
            "15.00",
            an_ask(
                an_item({"package": {"size": 100, "amount": "5"}}) | {"quantity": USAGE | {"window": "DAY"}},
                windows=["50", "150"],
            ),
        ),
        (
            "20.00",
            an_ask(
                an_item(
                    {
                        "capacity": {
                            "bands": [
                                {
                                    "upTo": [{"meter": "users", "upTo": "10"}, {"meter": "gb", "upTo": "5"}],
                                    "amount": "9",
                                },
                                {"amount": "20"},
                            ]
                        }
                    }
                )
                | {"quantity": {"kind": "CAPACITY", "meters": ["users", "gb"]}},
                peaks=[{"meter": "users", "value": "3"}, {"meter": "gb", "value": "7"}],
            ),
        ),
        # half an interval, 10 % off
        (
            "18.00",
            an_ask(
                an_item({"unit": {"unit": "40"}}, discounts=[{"kind": "PERCENTAGE", "percent": "10"}]),
                "1",
                share={"part": "1", "whole": "2"},
            ),
        ),
    ],
)
async def test_measures_what_the_price_needs(database: Database, total: str, ask: dict[str, Any]) -> None:
    found = await _estimate(database, ask)

    assert found["userErrors"] == []
    assert found["total"]["amount"] == total


UNIT = {"unit": {"unit": "1"}}


@pytest.mark.parametrize(
    ("code", "field", "given"),
    [
        ("CURRENCY_UNKNOWN", ["currency"], {"currency": "XXX"}),
        ("PLAN_INVALID", ["tax", "percent"], {"tax": {"percent": "101"}}),
        ("INPUT_INVALID", ["items"], {"items": []}),
        (
            "PLAN_INVALID",
            ["items", "1", "item", "price", "graduated", "tiers", "1", "upTo"],
            {
                "items": [
                    an_ask(an_item(UNIT), "1"),
                    an_ask(
                        an_item({"graduated": {"tiers": [{"upTo": "9"}, {"upTo": "8"}]}}, key="other"),
                        "1",
                    ),
                ]
            },
        ),
        ("PLAN_INVALID", ["items", "1", "item", "key"], {"items": [an_ask(an_item(UNIT), "1")] * 2}),
        ("PLAN_INVALID", ["items", "0", "item", "timing"], {"items": [an_ask(an_item(UNIT, timing="ADVANCE"), "1")]}),
        ("INPUT_INVALID", ["items", "0", "quantity"], {"items": [an_ask(an_item(UNIT), "-1")]}),
        ("INPUT_INVALID", ["items", "0", "quantity"], {"items": [an_ask(an_item(UNIT))]}),
        ("INPUT_INVALID", ["items", "0", "windows"], {"items": [an_ask(an_item(UNIT), "1", windows=["1"])]}),
        (
            "INPUT_INVALID",
            ["items", "0", "share"],
            {"items": [an_ask(an_item(UNIT), "1", share={"part": "3", "whole": "2"})]},
        ),
        (
            "INPUT_INVALID",
            ["items", "0", "quantity"],
            {"items": [an_ask(an_item({"band": {"bands": [{"upTo": "10", "amount": "99"}]}}), "11")]},
        ),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, code: str, field: list[str], given: dict[str, Any]
) -> None:
    given = {"items": [an_ask(an_item(UNIT), "1")], **given}

    found = await _estimate(database, *given.pop("items"), **given)

    assert found["total"] is None
    assert [(error["code"], error["field"]) for error in found["userErrors"]] == [(code, field)]


async def test_takes_exactly_one_price(database: Database) -> None:
    owner = await an_organization(database)
    both = an_item({"unit": {"unit": "1"}, "package": {"size": 1, "amount": "1"}})

    assert await owner.code(ESTIMATE, input={"currency": "USD", "items": [an_ask(both, "1")]}) == "BAD_USER_INPUT"
