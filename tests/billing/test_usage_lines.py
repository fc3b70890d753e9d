"""Is usage rounded once and every part of it part of the total?"""

from fractions import Fraction

import pytest

from billing import plans, prices, usage_lines
from billing.explanations import SourceKind
from billing.invoices import draft
from billing.money import Money
from billing.plans import Aggregation, DayCount
from tests.billing.builders import (
    RUB_TIERS,
    a_plan,
    a_seat,
    a_total,
    amounts,
    an_item,
    facts,
    some_seats,
    tokens,
)


def test_hipaa_costs_five_dollars_a_user():
    seats = (*some_seats(28), *(a_seat(f"h{index}", add_ons=("hipaa",)) for index in range(12)))
    addon = an_item(plans.Seats(("chat",), "hipaa"), prices.UnitPrice(Fraction(5)), key="hipaa")

    (line,) = draft(facts(a_plan(addon), seats=seats)).lines

    assert (line.amount.amount, line.explanation.formula) == ("60.00", "12 × 5.00 = 60.00 USD")
    assert line.explanation.sources[0].kind is SourceKind.SEAT_INTERVALS
    assert ("add_on", "hipaa") in line.explanation.sources[0].facts


def test_changing_tier_prorates_both_sides_of_the_day():
    chat = an_item(
        plans.Seats(("chat",)), prices.UnitPrice(Fraction(31)), key="chat", proration=DayCount.ACTUAL_EXCLUSIVE
    )
    code = an_item(
        plans.Seats(("chat_code",)), prices.UnitPrice(Fraction(62)), key="code", proration=DayCount.ACTUAL_EXCLUSIVE
    )
    moved = (a_seat(end="2026-10-11 09:00"), a_seat(start="2026-10-11 09:00", tier="chat_code"))

    bill = draft(facts(a_plan(chat, code), seats=moved))

    assert amounts(bill) == [("chat", "10.00"), ("code", "42.00")]


def test_usage_is_rounded_once_and_every_part_is_part_of_the_total():
    # 0.005 + 0.005 + 0.005 = 0.015 → 0.02; line by line it would have been 0.03
    used = tuple(
        a_total(member, model, cost_nanos=5_000_000)
        for member, model in (("ann", "sonnet"), ("bob", "sonnet"), ("ann", "opus"))
    )

    bill = draft(facts(a_plan(tokens()), usage=used))

    assert amounts(bill) == [("tokens/opus/INPUT/v1", "0.01"), ("tokens/sonnet/INPUT/v1", "0.01")]
    for line in bill.lines:
        assert sum(share.amount.minor for share in line.shares) == line.amount.minor


def test_a_usage_line_names_its_price_and_events():
    used = (a_total(quantity=1_500_000, cost_nanos=4_500_000_000, events=3),)

    (line,) = draft(facts(a_plan(tokens()), usage=used, locale="ru")).lines

    assert line.description == "tokens по-русски: sonnet, ввод"
    assert line.explanation.formula == "1500000 × 3.00 / 1000000 = 4.50 USD"
    assert line.explanation.price_version == "v1"
    assert line.explanation.sources[0].count == 3
    assert line.shares[0].cost_nanos == 4_500_000_000
    assert usage_lines.event_amounts(line.shares[0], [1_499_000_000, 1_502_000_000, 1_499_000_000]) == tuple(
        Money(minor, "USD") for minor in (150, 150, 150)
    )


@pytest.mark.parametrize("changes", [{"version": "gone"}, {"direction": "SIDEWAYS"}, {"model": "retired"}])
def test_usage_whose_rate_is_no_longer_listed_is_billed_all_the_same(changes):
    (line,) = draft(facts(a_plan(tokens()), usage=(a_total(cost_nanos=10**10, **changes),))).lines

    assert line.explanation.formula == "1000 = 10.00 USD"


def test_a_member_who_changed_tier_has_one_share_of_a_usage_line():
    used = (a_total(tier="chat", cost_nanos=10**9), a_total(tier="chat_code", cost_nanos=10**9))

    (line,) = draft(facts(a_plan(tokens()), usage=used)).lines

    assert [(share.member_id, share.amount.amount) for share in line.shares] == [("ann", "2.00")]


def test_a_correction_takes_back_what_it_corrects():
    used = (a_total(model="opus", cost_nanos=-3 * 10**9, quantity=-600), a_total(cost_nanos=10**9))

    bill = draft(facts(a_plan(tokens()), usage=used))

    assert amounts(bill) == [("tokens/opus/INPUT/v1", "-3.00"), ("tokens/sonnet/INPUT/v1", "1.00")]
    assert bill.total.amount == "-2.00"


def test_a_negative_quantity_costs_the_opposite():
    item = an_item(plans.Usage("tokens"), RUB_TIERS)

    bill = draft(facts(a_plan(item), usage=(a_total(quantity=-101),)))

    assert bill.total.amount == "-44400.00"


@pytest.mark.parametrize(
    ("aggregation", "quantity"),
    [
        (Aggregation.SUM, 60),
        (Aggregation.COUNT, 7),
        (Aggregation.MAX, 30),
        (Aggregation.UNIQUE, 2),
        (Aggregation.LATEST, 60),
    ],
)
def test_a_meter_is_aggregated_as_the_item_says(aggregation, quantity):
    used = (
        a_total("ann", quantity=10, events=1),
        a_total("ann", "opus", quantity=20, events=2),
        a_total("bob", quantity=30, events=4),
        a_total("eve", quantity=0, events=0),
        a_total("eve", quantity=99, events=9, meter="other"),
    )
    item = an_item(plans.Usage("tokens", aggregation), prices.UnitPrice(Fraction(1)))

    (line,) = draft(facts(a_plan(item), usage=used)).lines

    assert line.quantity == quantity
    assert line.unit == "tokens"
    assert sum(share.amount.minor for share in line.shares) == line.amount.minor
