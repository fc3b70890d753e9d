"""What do single events add up to, whatever their order?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import invoices, lines, usage
from billing.commitments import Commitment
from billing.invoices import draft
from billing.money import Money
from billing.plans import Aggregation, Capacity, FirstPeriod, InvalidPlan, Usage, Window
from billing.prices import CapacityBand, CapacityPrice, PackagePrice, PercentagePrice, UnitPrice
from billing.usage import EventsNeeded
from billing.usage_events import UsageEvent, aggregate, ordered, window_count, windows
from tests.billing.builders import OCTOBER, a_fee, a_month, a_plan, a_total, amounts, an_item, at, facts, tokens

FEES = an_item(
    Usage("payments"), PercentagePrice(Fraction("2.99"), minimum=Fraction("1.75"), maximum=Fraction(12)), key="fees"
)


def an_event(when="2026-10-05", value="1", member="ann", *, name="e", meter="payments", subject="", replaces=""):
    return UsageEvent(at(when), name, member, meter, Fraction(value), subject, replaces)


FEES_TOO = an_item(Usage("payments"), FEES.price, key="fees-too")
SEEN = (
    an_event("2026-10-05", "3", "ann", name="1"),
    an_event("2026-10-07", "8", "bob", name="2", subject="card 4"),
    an_event("2026-10-09", "5", "eve", name="3", subject="card 4"),
)


@pytest.mark.parametrize(
    ("aggregation", "quantity"),
    [
        (Aggregation.SUM, "16"),
        (Aggregation.COUNT, "3"),
        (Aggregation.MAX, "8"),
        (Aggregation.UNIQUE, "2"),
        (Aggregation.LATEST, "5"),
        (Aggregation.WEIGHTED_SUM, "396/31"),  # 3 × 27 + 8 × 25 + 5 × 23 = 396 days of 31
    ],
)
def test_events_are_aggregated_by_the_named_rule(aggregation, quantity):
    assert aggregate(SEEN, aggregation, OCTOBER) == Fraction(quantity)


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_no_events_are_nothing(aggregation):
    assert aggregate((), aggregation, OCTOBER) == 0


@given(order=st.permutations(SEEN), aggregation=st.sampled_from(Aggregation), again=st.integers(0, 3))
def test_any_order_and_any_repeat_of_events_gives_the_same_bill(order, aggregation, again):
    item = an_item(Usage("payments", aggregation), UnitPrice(Fraction("0.35")), key="fees")
    by_window = an_item(Usage("payments", window=Window.DAY), PackagePrice(4, Fraction(1)), key="days")
    plan = a_plan(item, by_window, FEES_TOO)

    bill = draft(facts(plan, events=(*order, *order[:again])))

    assert bill == draft(facts(plan, events=SEEN))


@given(
    values=st.lists(st.lists(st.integers(0, 500), min_size=1, max_size=4), max_size=5),
    seed=st.randoms(use_true_random=False),
)
def test_a_replaced_event_counts_no_longer_whichever_arrived_first(values, seed):
    chains = [
        [
            an_event(value=value, name=f"{row}-{place}", replaces=f"{row}-{place - 1}" if place else "")
            for place, value in enumerate(chain)
        ]
        for row, chain in enumerate(values)
    ]
    arrived = [event for chain in chains for event in chain]
    seed.shuffle(arrived)

    bill = draft(facts(a_plan(FEES_TOO), events=tuple(arrived)))

    last = tuple(an_event(value=chain[-1], name=f"{row}-{len(chain) - 1}") for row, chain in enumerate(values))
    assert bill.total == draft(facts(a_plan(FEES_TOO), events=last)).total


def test_each_payment_has_a_fee_of_its_own():
    # getlago/lago-api percentage_service_spec.rb: 1.75 + 2.392 + 12
    paid = [an_event(f"2026-10-0{day}", value, name=str(day)) for day, value in enumerate(("10", "80", "10000"), 1)]

    (line,) = draft(facts(a_plan(FEES), events=tuple(paid))).lines

    assert (line.amount.amount, line.explanation.rounding.exact) == ("16.14", "16.142")
    assert [(source.kind.value, source.count) for source in line.explanation.sources] == [("USAGE", 3)]


def test_members_share_a_line_by_what_they_used():
    events = (an_event(value="30", member="ann", name="1"), an_event(value="10", member="bob", name="2"))
    item = an_item(Usage("payments"), PercentagePrice(Fraction(10), Fraction(1)), key="fees")

    (line,) = draft(facts(a_plan(item), events=events)).lines

    assert [(share.member_id, share.amount.amount) for share in line.shares] == [("ann", "4.50"), ("bob", "1.50")]


@pytest.mark.parametrize(
    ("aggregation", "shares"),
    [
        (Aggregation.SUM, ["3.00", "13.00"]),
        (Aggregation.COUNT, ["1.00", "2.00"]),
        (Aggregation.UNIQUE, ["1.00", "1.00"]),
    ],
)
def test_members_weigh_what_the_rule_counts(aggregation, shares):
    seen = (SEEN[0], SEEN[1], an_event("2026-10-09", "5", "bob", name="3", subject="card 4"))
    item = an_item(Usage("payments", aggregation, Window.DAY), UnitPrice(Fraction(1)), key="days")

    (line,) = draft(facts(a_plan(item), events=seen)).lines

    whole = sum(share.amount.minor for share in line.shares)
    assert whole == line.amount.minor
    parts = [Fraction(share) / sum(map(Fraction, shares)) for share in shares]
    assert all(abs(share.amount.minor - whole * part) < 1 for share, part in zip(line.shares, parts, strict=True))


def test_totals_are_not_enough_where_events_are_needed():
    with pytest.raises(EventsNeeded, match="'payments' is billed event by event"):
        draft(facts(a_plan(FEES), usage=(a_total(meter="payments"),)))
    with pytest.raises(EventsNeeded):
        usage.quantity_of((a_total(),), Aggregation.WEIGHTED_SUM)


def test_a_plan_names_the_meters_whose_events_it_needs():
    bands = an_item(Capacity(("cores", "disks")), CapacityPrice((CapacityBand(None, Fraction(1)),)), key="bands")

    assert invoices.event_meters(a_plan(FEES, bands, tokens(), a_fee())) == {"payments", "cores", "disks"}
    assert [item.meters for item in (tokens(), a_fee(), bands)] == [("tokens",), (), ("cores", "disks")]


def test_a_band_holds_the_peaks_of_all_meters():
    price = CapacityPrice((CapacityBand({"cores": 4, "disks": 10}, Fraction(10)), CapacityBand(None, Fraction(20))))
    plan = a_plan(an_item(Capacity(("cores", "disks")), price, key="bands"))

    small, large = (
        draft(facts(plan, events=(an_event(value="4", meter="cores"), an_event(value=disks, meter="disks"))))
        for disks in ("10", "11")
    )

    assert [amounts(bill) for bill in (small, large)] == [[("bands", "10.00")], [("bands", "20.00")]]


def test_an_hour_repeated_by_the_clock_is_another_hour():
    twice = [an_event(f"2026-11-01 {hour:02}:30", name=str(hour)) for hour in (5, 6)]  # 01:30 EDT, then 01:30 EST

    assert len(windows(twice, Window.HOUR, "America/New_York")) == 2
    assert len(windows(twice, Window.DAY, "America/New_York")) == 1
    assert windows(twice, Window.PERIOD, "UTC") == (tuple(twice),)


@pytest.mark.parametrize(
    ("window", "zone", "count"),
    [
        (Window.PERIOD, "UTC", 1),
        (Window.DAY, "America/New_York", 30),
        (Window.HOUR, "America/New_York", 721),
        (Window.HOUR, "UTC", 720),
    ],
)
def test_november_has_so_many_windows(window, zone, count):
    assert window_count(window, a_month("2026-11", zone), zone) == count


def test_what_is_committed_for_a_day_is_owed_in_a_day_without_usage():
    owed = Commitment(Money(1_00, "USD"))
    item = an_item(Usage("payments", window=Window.DAY), UnitPrice(Fraction(1)), key="days", commitment=owed)

    bill = draft(facts(a_plan(item), events=(an_event(value="3"),)))

    assert bill.total.amount == "33.00"  # one day at 3, thirty at 1


def test_a_minimum_of_the_first_month_is_owed_for_the_days_left():
    item = an_item(FEES.quantity, FEES.price, key="fees", minimum=Money(31_00, "USD"))

    free, left = (
        draft(facts(a_plan(an_item(**fields)), events=(), service_start=at("2026-10-22")))
        for fields in (
            {"quantity": item.quantity, "price": item.price, "minimum": item.minimum, "first_period": FirstPeriod.FREE},
            {"quantity": item.quantity, "price": item.price, "minimum": item.minimum},
        )
    )

    assert (free.total.amount, left.total.amount) == ("0.00", "10.00")


@pytest.mark.parametrize(
    ("quantity", "price", "policies", "field"),
    [
        (Usage("payments", window=Window.DAY), FEES.price, {}, "quantity.window"),
        (Usage("payments", window=Window.DAY), tokens().price, {}, "quantity.window"),
        (a_fee().quantity, FEES.price, {}, "price.model"),
        (Capacity(("cores",)), UnitPrice(Fraction(1)), {}, "quantity.kind"),
        (Usage("cores"), CapacityPrice((CapacityBand(None, Fraction(1)),)), {}, "price.model"),
        (Usage("cores"), tokens().price, {"commitment": Commitment(Money(1, "USD"))}, "commitment"),
    ],
)
def test_refuses_what_could_not_be_billed(quantity, price, policies, field):
    with pytest.raises(InvalidPlan) as refused:
        an_item(quantity, price, **policies)

    assert refused.value.field == field


def test_an_instant_without_utc_is_refused():
    with pytest.raises(ValueError, match="not an aware UTC instant"):
        UsageEvent(at("2026-10-05").replace(tzinfo=None), "e", "ann", "payments", Fraction(1))


def test_what_is_measured_says_how():
    item = an_item(Usage("payments", window=Window.HOUR), UnitPrice(Fraction(1)))

    assert "window=HOUR" in lines.policies(item)
    assert ordered((an_event(meter="other"),), "payments", OCTOBER) == ()
