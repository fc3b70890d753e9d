"""Seats in two tiers, usage from one pool at the models' prices, and limits that hold."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from fractions import Fraction

from api.demo import catalogue
from api.demo.pooled import PERSONA_CAP
from api.demo.pooled_team import PERSONA
from billing.limits import SpendLevel
from billing.money import minor_to_nanos
from billing.rating import Direction
from models import alerts, limits, usage
from models import counters as counter_rows
from models.database import Database
from models.paging import Window
from services import standings as standing_services
from services.usage import EventBlocked, EventOutcome, EventRecorded, UsageFact
from tests.stories.seeded import AT, House, house

SLUG = "pooled"
CENT = 10_000_000  # nanos
EVERYTHING = Window(size=100)


async def events_of(ours: House, number: int) -> list[usage.UsageEvent]:
    """Return every usage event of a month."""
    query = usage.UsageEvent.filter(
        organization_id=ours.books.organization_id, period_start=ours.months.month(number).start
    )
    return await query.using_db(ours.books.reader)


async def use(ours: House, event_id: str, cents: int) -> EventOutcome:
    """Let the persona spend so many cents now: 4,000 tokens of input cost one."""
    persona = await ours.member(PERSONA)
    fact = UsageFact(event_id, persona.id, catalogue.METER, catalogue.LARGE, Direction.INPUT, cents * 4_000, AT)
    (outcome,) = await ours.books.use(fact, at=AT)
    return outcome


async def spent_nanos(ours: House) -> dict[SpendLevel, int]:
    """Return what the persona, their tier and the organization have spent in the running month."""
    persona = await ours.member(PERSONA)
    counters = await counter_rows.counters(
        ours.books.reader,
        ours.books.organization_id,
        period_start=ours.months.running.start,
        tiers=["chat_code"],
        members=[persona.id],
    )
    return {level: counter.used_nanos for (level, _), counter in counters.items()}


async def test_the_invoice_has_seats_add_ons_and_usage_per_model_and_direction(demo: Database) -> None:
    ours = await house(demo, SLUG)

    first, second, _ = await ours.invoices()

    assert [line.key for line in first.lines if line.item_key != "usage"] == ["chat", "chat_code", "hipaa"]
    assert {tuple(line.key.split("/")[1:3]) for line in first.lines if line.item_key == "usage"} == {
        (model, direction.value) for model in (catalogue.LARGE, catalogue.MINI) for direction in Direction
    }
    assert len({line.key.split("/")[3] for line in second.lines if line.item_key == "usage"}) == 2, "prices changed"


async def test_lines_members_and_events_are_the_same_money(demo: Database) -> None:
    ours = await house(demo, SLUG)

    for number, bill in enumerate(await ours.invoices()):
        events = await events_of(ours, number)
        metered = [line for line in bill.lines if line.item_key == "usage"]
        by_member = defaultdict[str, int](int)
        for event in events:
            by_member[event.member_id] += event.cost_nanos
        shared = defaultdict[str, int](int)
        for share in bill.shares:
            shared[share.member_id] += share.cost_nanos

        assert bill.head.total_minor == sum(line.amount_minor for line in bill.lines)
        assert bill.head.total_minor == sum(share.amount_minor for share in bill.shares)
        assert {member_id: nanos for member_id, nanos in shared.items() if nanos} == dict(by_member)
        assert sum(line.amount_minor for line in metered) == round(Fraction(sum(by_member.values()), CENT))


async def test_a_change_of_tier_is_billed_by_days_and_no_day_twice(demo: Database) -> None:
    ours = await house(demo, SLUG)
    mover = next(event.member_id for event in await ours.log("SeatChanged"))

    second = (await ours.invoices())[1]

    seats = [share for share in second.shares if share.member_id == mover and not share.model]
    assert len(seats) == 2
    assert sum(Fraction(share.quantity) for share in seats) == 1
    assert {share.quantity for share in seats} == {"3/10", "7/10"}, "the 10th belongs to the new tier"


async def test_nobody_is_over_any_limit(demo: Database) -> None:
    ours = await house(demo, SLUG)
    in_force = await limits.in_force(demo.reader, ours.books.organization_id)
    members = [limit.subject for limit in in_force if limit.level == "MEMBER"]

    standings = await standing_services.standings(demo.reader, await ours.books.organization(), members, at=AT)

    assert {(limit.level, limit.scope) for limit in in_force} == {
        ("ORGANIZATION", "POOLED"),
        ("SEAT_TIER", "PER_MEMBER"),
        ("SEAT_TIER", "POOLED"),
        ("MEMBER", "PER_MEMBER"),
    }
    assert all(each.effective.remaining_nanos for each in standings.values())
    assert not await usage.count(demo.reader, ours.books.organization_id, overage="RECORDED")


async def test_the_persona_is_near_their_limit_and_was_told_once(demo: Database) -> None:
    ours = await house(demo, SLUG)
    persona = await ours.member(PERSONA)

    told = await alerts.page_of(demo.reader, ours.books.organization_id, EVERYTHING, seen_by=None)

    (alert,) = told.rows
    assert (alert.member_id, alert.threshold) == (persona.id, 75)
    assert 80 <= 100 * (await spent_nanos(ours))[SpendLevel.MEMBER] // alert.cap_nanos < 90
    assert alert.cap_nanos == minor_to_nanos(PERSONA_CAP.minor, "USD")


async def test_a_threshold_is_told_once_and_the_next_one_once(demo: Database) -> None:
    ours = await house(demo, SLUG)

    for number in range(5):
        assert isinstance(await use(ours, f"small-{number}", 10), EventRecorded)
    assert len(await ours.log("SpendLimitThresholdReached")) == 1

    for number in range(5):
        assert isinstance(await use(ours, f"large-{number}", 100), EventRecorded)
    assert len(await ours.log("SpendLimitThresholdReached")) == 2


async def test_fifty_at_once_never_pass_a_nearly_full_limit(demo: Database) -> None:
    ours = await house(demo, SLUG)
    before = await spent_nanos(ours)
    headroom = minor_to_nanos(PERSONA_CAP.minor, "USD") - before[SpendLevel.MEMBER]

    outcomes = await asyncio.gather(*(use(ours, f"rush-{number}", 50) for number in range(50)))

    recorded = [each for each in outcomes if isinstance(each, EventRecorded)]
    blocked = [each for each in outcomes if isinstance(each, EventBlocked)]
    assert len(recorded) == headroom // (50 * CENT)
    assert len(recorded) + len(blocked) == 50
    assert {each.level for each in blocked} == {SpendLevel.MEMBER}
    after = await spent_nanos(ours)
    gained = len(recorded) * 50 * CENT
    assert after == {level: nanos + gained for level, nanos in before.items()}, "the refused left no trace"


async def test_usage_that_comes_late_changes_no_issued_invoice(demo: Database) -> None:
    ours = await house(demo, SLUG)
    persona, late = await ours.member(PERSONA), ours.months.running.start - timedelta(days=1)
    before = [(bill.head.digest, bill.head.total_minor, len(bill.lines)) for bill in await ours.invoices()]
    fact = UsageFact("late", persona.id, catalogue.METER, catalogue.MINI, Direction.OUTPUT, 1_000, late)

    await ours.books.use(fact, at=AT)

    after = [(bill.head.digest, bill.head.total_minor, len(bill.lines)) for bill in await ours.invoices()]
    assert after == before


async def test_what_was_due_first_is_paid_and_the_last_month_is_open(demo: Database) -> None:
    ours = await house(demo, SLUG)

    assert [bill.head.status for bill in await ours.invoices()] == ["PAID", "PAID", "FINALIZED"]
