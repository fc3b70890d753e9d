"""Which laws hold for every invoice?"""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing import explanations, periods, plans, prices
from billing.invoices import Boundary, draft
from billing.money import Money
from billing.plans import DayCount, Decrease, Interval
from billing.seats import SeatInterval
from tests.billing.builders import (
    a_fee,
    a_plan,
    a_total,
    an_item,
    at,
    facts,
    in_advance,
    tokens,
)

costs = st.integers(-(10**9), 10**12)
members = st.sampled_from(("ann", "bob", "eve"))
totals = st.lists(
    st.builds(
        a_total,
        members,
        st.sampled_from(("sonnet", "opus")),
        st.sampled_from(("INPUT", "OUTPUT")),
        quantity=st.integers(0, 10**6),
        cost_nanos=costs,
        version=st.sampled_from(("v1", "v2")),
    ),
    max_size=12,
)


@st.composite
def crowds(draw):
    """Seats of four members that begin and end from August on, never two of one member at once."""
    made = []
    for member in ("ann", "bob", "eve", "ian"):
        hours = sorted(draw(st.sets(st.integers(0, 4_000), max_size=6)))
        for begin, end in list(pairwise(hours))[:: draw(st.sampled_from((1, 2)))]:
            start = at("2026-08-01") + timedelta(hours=begin)
            tier = draw(st.sampled_from(("chat", "chat_code")))
            end_at = None if end == hours[-1] else at("2026-08-01") + timedelta(hours=end)
            made.append(SeatInterval(member, "member", True, tier, (), start, end_at))
    return tuple(made)


@given(
    crowd=crowds(),
    used=totals,
    proration=st.sampled_from(DayCount),
    tax=st.sampled_from(("0", "8.25", "20")),
    mode=st.sampled_from(plans.TaxMode),
)
def test_lines_sum_to_the_subtotal_and_members_to_their_line(crowd, used, proration, tax, mode):
    plan = a_plan(
        an_item(plans.Seats(("chat",)), key="chat", proration=proration),
        in_advance(proration=proration),
        tokens(minimum=Money(500, "USD")),
        a_fee(),
        tax=tax,
        mode=mode,
    )

    bill = draft(facts(plan, seats=crowd, usage=tuple(used)))

    assert sum(line.amount.minor for line in bill.lines) == bill.subtotal.minor
    assert bill.total == bill.subtotal + bill.tax
    for line in bill.lines:
        assert not line.shares or sum(share.amount.minor for share in line.shares) == line.amount.minor
        assert Money.parse(line.explanation.rounding.rounded, "USD") == line.amount
        assert explanations.from_document(explanations.to_document(line.explanation)) == line.explanation
    assert len({line.key for line in bill.lines}) == len(bill.lines)


@given(used=totals, cut=st.integers(0, 12), seed=st.randoms(use_true_random=False))
def test_any_order_and_partition_of_usage_gives_the_same_bill(used, cut, seed):
    whole = draft(facts(a_plan(tokens()), usage=tuple(used)))
    shuffled = [
        part
        for each in used
        for part in (
            a_total(
                each.member_id,
                each.model,
                each.direction,
                version=each.price_version,
                quantity=each.quantity - cut,
                cost_nanos=each.cost_nanos - cut,
                events=0,
            ),
            a_total(
                each.member_id, each.model, each.direction, version=each.price_version, quantity=cut, cost_nanos=cut
            ),
        )
    ]
    seed.shuffle(shuffled)

    assert draft(facts(a_plan(tokens()), usage=tuple(shuffled))) == whole


@given(used=totals)
def test_usage_is_billed_within_half_a_minor_unit_of_its_exact_cost(used):
    bill = draft(facts(a_plan(tokens()), usage=tuple(used)))

    exact = Fraction(sum(each.cost_nanos for each in used), 10**7)

    assert abs(bill.total.minor - exact) <= Fraction(1, 2)


@given(
    crowd=crowds(),
    proration=st.sampled_from(DayCount),
    interval=st.sampled_from((Interval.MONTH, Interval.QUARTER)),
    day=st.integers(0, 30),
)
def test_advance_and_changes_add_up_to_the_seats_as_they_were(crowd, proration, interval, day):
    start = at("2026-08-01") + timedelta(days=day)
    policies = {"proration": proration, "interval": interval}
    advance = in_advance(**policies)
    arrears = an_item(plans.Seats(), prices.UnitPrice(Fraction(40)), key="seats", **policies)
    months = periods.first_months(at("2026-07-01"), 5, "UTC")
    paid = owed = 0

    for period, following in pairwise(months):
        opens = following.start == start
        known = {"period": period, "following": following, "seats": crowd, "service_start": start}
        known["boundary"] = Boundary.OPENING if opens else Boundary.CLOSING
        paid += sum(
            line.amount.minor
            for line in draft(facts(a_plan(advance), **known)).lines
            if line.period.start < at("2026-11-01")
        )
        owed += draft(facts(a_plan(arrears), **known)).total.minor

    assert paid == owed


@given(
    crowd=crowds(),
    late=st.lists(st.booleans(), min_size=12, max_size=12),
    proration=st.sampled_from(DayCount),
    interval=st.sampled_from((Interval.MONTH, Interval.QUARTER)),
)
def test_a_seat_granted_at_a_boundary_is_billed_by_its_invoice_or_by_the_next(crowd, late, proration, interval):
    start = at("2026-08-01")
    boundaries = [month.start for month in periods.first_months(start, 4, "UTC")]
    granted = tuple(
        replace(seat, start=boundaries[index % 3], end=None, member_id=f"late{index}", after_close=after)
        for index, (seat, after) in enumerate(zip(crowd, late, strict=False))
    )
    policies = {"proration": proration, "interval": interval}
    advance = in_advance(**policies)
    arrears = an_item(plans.Seats(), prices.UnitPrice(Fraction(40)), key="seats", **policies)
    months = periods.first_months(at("2026-07-01"), 5, "UTC")
    paid = owed = 0

    for period, following in pairwise(months):
        opens = following.start == start
        known = {"period": period, "following": following, "seats": granted, "service_start": start}
        known["boundary"] = Boundary.OPENING if opens else Boundary.CLOSING
        lines = draft(facts(a_plan(advance), **known)).lines
        paid += sum(line.amount.minor for line in lines if line.period.start < at("2026-11-01"))
        owed += draft(facts(a_plan(arrears), **known)).total.minor
        unknown = {seat.member_id for seat in granted if seat.start == following.start and seat.after_close}
        assert not unknown & {share.member_id for line in lines for share in line.shares}

    assert paid == owed


@given(crowd=crowds())
def test_what_is_kept_is_never_less_than_what_is_credited(crowd):
    kept, credited = (
        sum(line.amount.minor for line in draft(facts(a_plan(in_advance(decrease=rule)), seats=crowd)).lines)
        for rule in (Decrease.KEEP, Decrease.CREDIT)
    )

    assert kept >= credited
