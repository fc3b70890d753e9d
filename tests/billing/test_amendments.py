"""Which contract was in force when, and what does a review of it report?"""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import amendments, reviews
from billing.amendments import InvalidHistory, RenewalState, Version
from billing.contracts import (
    Crossed,
    Inside,
    InvalidContract,
    Schedule,
    from_document,
    instalments,
    to_document,
)
from billing.money import Money
from billing.reviews import ReviewKind
from tests.billing.builders import a_contract, a_seat, at, some_seats

SIGNED = a_contract()
LARGER = replace(SIGNED, version=2, band_up_to=1000, total=Money.parse("150000.00", "USD"))
RENAMED = replace(LARGER, version=3, purchase_order="PO-9")
PAST = amendments.history(
    (Version(RENAMED, at("2026-09-01")), Version(SIGNED, at("2026-01-01")), Version(LARGER, at("2026-06-01")))
)


@pytest.mark.parametrize(
    ("day", "version"),
    [("2025-12-31", None), ("2026-01-01", 1), ("2026-06-01", 2), ("2026-12-31", 3), ("2027-01-01", None)],
)
def test_the_version_of_the_day_is_in_force(day, version):
    found = amendments.in_force(PAST, at(day))

    assert (found and found.version) == version


def test_each_version_says_what_it_changed():
    assert [[change.field for change in entry.changes] for entry in PAST] == [
        [],
        ["band_up_to", "total"],
        ["purchase_order"],
    ]
    assert [entry.until for entry in PAST] == [at("2026-06-01"), at("2026-09-01"), None]
    assert PAST[1].changes[0] == amendments.Change("band_up_to", 500, 1000)


@pytest.mark.parametrize(
    ("other", "message"),
    [(replace(LARGER, number="C-8"), "'C-7' and 'C-8' are two contracts"), (SIGNED, "version 1 holds after version 1")],
)
def test_refuses_a_history_of_two_contracts(other, message):
    with pytest.raises(InvalidHistory, match=message):
        amendments.history((Version(SIGNED, at("2026-01-01")), Version(other, at("2026-06-01"))))


@given(days=st.lists(st.integers(0, 364), min_size=1, max_size=8), seed=st.randoms(use_true_random=False))
def test_folding_does_not_depend_on_the_order_of_the_versions(days, seed):
    versions = [
        Version(replace(SIGNED, version=number, band_up_to=number), at("2026-01-01").replace(month=1 + day // 31))
        for number, day in enumerate(sorted(days), 1)
    ]
    shuffled = seed.sample(versions, len(versions))

    assert amendments.history(shuffled) == amendments.history(versions)


@pytest.mark.parametrize(
    ("renewal_at", "day", "state"),
    [
        ("2026-12-01", "2026-10-01", RenewalState.NOT_YET),
        ("2026-12-01", "2026-10-02", RenewalState.NOTICE),
        ("2026-12-01", "2026-12-01", RenewalState.DUE),
        (None, "2026-11-15", RenewalState.NOTICE),
        (None, "2027-01-01", RenewalState.ENDED),
    ],
)
def test_a_renewal_is_announced_and_falls_due(renewal_at, day, state):
    contract = replace(SIGNED, renewal_at=renewal_at and at(renewal_at))

    assert amendments.renewal(contract, at(day), notice_days=60, time_zone="UTC") is state


def test_a_review_is_due_every_quarter_and_before_the_renewal():
    found = reviews.due(SIGNED, "UTC", notice_days=60)

    assert [(each.kind, str(each.at.date())) for each in found] == [
        (ReviewKind.QUARTERLY, "2026-04-01"),
        (ReviewKind.QUARTERLY, "2026-07-01"),
        (ReviewKind.QUARTERLY, "2026-10-01"),
        (ReviewKind.BEFORE_RENEWAL, "2026-11-02"),
        (ReviewKind.QUARTERLY, "2027-01-01"),
    ]


def test_a_term_shorter_than_the_notice_has_no_review_before_its_renewal():
    short = a_contract(end=at("2026-02-01"))

    assert [each.kind for each in reviews.due(short, "UTC", notice_days=60)] == [ReviewKind.QUARTERLY]


def test_a_review_reports_seats_roles_trend_and_spend():
    held = (
        *(replace(seat, role="team_member") for seat in some_seats(400, "2025-06-01")),
        *(replace(seat, role="team_member") for seat in some_seats(200, "2026-02-10", "2026-03-10", "b")),
        a_seat("boss", "2026-02-01", role="project_administrator"),
        *(replace(seat, role="client", billable=False) for seat in some_seats(900, "2025-06-01", None, "c")),
    )
    quarter = reviews.due(SIGNED, "UTC", notice_days=60)[0]

    found = reviews.review(SIGNED, quarter, held, Money.parse("51.00", "USD"), time_zone="UTC")

    assert (found.position, found.peak_at) == (Crossed(601, 500), at("2026-02-10"))
    assert [(use.role, use.billable, use.at_end, use.peak) for use in found.roles] == [
        ("client", False, 900, 900),
        ("project_administrator", True, 1, 1),
        ("team_member", True, 400, 600),
    ]
    assert [(month.label, month.peak) for month in found.trend] == [
        ("2026-01", 400),
        ("2026-02", 601),
        ("2026-03", 601),
    ]
    assert found.trend[1].average == 401 + Fraction(200 * 19, 28)
    assert (found.agreed, found.spend, found.cost_per_seat) == tuple(
        Money.parse(amount, "USD") for amount in ("25000.00", "51.00", "41.68")
    )
    assert (found.band_use_percent, found.growth, found.granted, found.revoked) == (Fraction(601, 5), 1, 201, 200)


def test_a_review_of_nobody_has_no_cost_per_seat():
    quarter = reviews.due(SIGNED, "UTC", notice_days=60)[0]

    found = reviews.review(SIGNED, quarter, (), Money(0, "USD"), time_zone="UTC")

    assert (found.position, found.cost_per_seat, found.roles, found.peak_at) == (Inside(0, 500), None, (), None)


@given(notice=st.integers(1, 120))
def test_the_quarters_of_a_term_report_what_was_agreed(notice):
    quarters = [each for each in reviews.due(SIGNED, "UTC", notice_days=notice) if each.kind is ReviewKind.QUARTERLY]

    found = [reviews.review(SIGNED, each, (), Money(0, "USD"), time_zone="UTC").agreed.minor for each in quarters]

    assert sum(found) == SIGNED.total.minor


@given(amount=st.integers(0, 10**9), day=st.sampled_from(["2026-01-01", "2026-02-15", "2026-05-01", "2026-12-31"]))
def test_an_amended_total_is_spread_exactly_and_reads_back(amount, day):
    """Whatever is added on whatever day: what was issued stays, all parts make the total, and the document keeps it."""
    before = replace(SIGNED, schedule=Schedule.MONTHLY)
    parts = instalments(before, "UTC")
    after = replace(before, version=2, total=before.total + Money(amount, "USD"))
    issued = sum(part.issue_at <= at(day) for part in parts)

    if issued == len(parts) and amount:
        with pytest.raises(InvalidContract, match="total"):
            amendments.respread(before, after, at=at(day), time_zone="UTC")
        return
    spread = from_document(to_document(amendments.respread(before, after, at=at(day), time_zone="UTC")))

    found = instalments(spread, "UTC")
    assert [part.amount for part in found[:issued]] == [part.amount for part in parts[:issued]]
    assert sum(part.amount.minor for part in found) == after.total.minor


def test_a_custom_schedule_renews_by_the_year_and_a_term_has_bounds():
    renewed = amendments.successor(replace(SIGNED, renewal_at=SIGNED.end), {}, time_zone="UTC")
    custom = amendments.respread(
        replace(SIGNED, schedule=Schedule.QUARTERLY), LARGER, at=at("2026-02-01"), time_zone="UTC"
    )

    assert (renewed.start, renewed.renewal_at) == (SIGNED.end, renewed.end)
    assert amendments.successor(custom, {}, time_zone="UTC").schedule is Schedule.ANNUAL
    with pytest.raises(InvalidContract, match="term_years"):
        amendments.successor(SIGNED, {"term_years": 0}, time_zone="UTC")
