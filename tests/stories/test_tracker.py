"""A task tracker: read-only access is free, and a month costs what its peak of users with full access costs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api.demo import catalogue
from billing.seats import peak
from models import invoices, members, seats
from models.database import Database
from services import closing, imports
from services.members import Deactivate, deactivate
from services.outcomes import RefusalCode, Refused
from tests.services.books import Books, books
from tests.stories.seeded import Issued, house

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, 3, tzinfo=UTC)


async def users(
    ours: Books, count: int, *, at: datetime = OCTOBER, prefix: str = "u", role: str = "member"
) -> list[str]:
    """Let so many people in at once."""
    rows = tuple(imports.NewMember(f"{prefix}{number}@x.example", f"{prefix}{number}", role) for number in range(count))
    added = await ours.do(imports.add_many, imports.AddMany, at=at, members=rows)
    assert isinstance(added, imports.ManyAdded), added
    return list(added.member_ids)


async def october_bill(ours: Books) -> Issued:
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)
    assert isinstance(closed, closing.Closed), closed
    assert closed.invoice_id is not None
    head = await invoices.find(ours.reader, ours.organization_id, closed.invoice_id)
    assert head is not None
    return Issued(
        head,
        await invoices.lines_of(ours.reader, ours.organization_id, [head.id]),
        await invoices.shares_of(ours.reader, ours.organization_id, [head.id]),
    )


@pytest.mark.parametrize(
    ("total_minor", "slug", "units"),
    [(111_200_00, "tracker", ("440", "400", "360")), (556_000_00, "tracker-kz", ("2200", "2000", "1800"))],
)
async def test_the_worked_month_is_billed_by_its_peak_of_270(
    demo: Database, total_minor: int, slug: str, units: tuple[str, str, str]
) -> None:
    ours = await house(demo, slug)

    october = (await ours.invoices())[ours.months.worked_example]

    assert october.head.total_minor == total_minor
    assert october.line.quantity == "270"
    steps = october.line.explanation["steps"]
    assert [(step["quantity"], step["unit_amount"]) for step in steps] == list(
        zip(("100", "150", "20"), units, strict=True)
    )
    assert 0 < october.head.included_tax_minor < total_minor, "the tax is inside the price"
    assert october.head.tax_minor == 0


async def test_the_peak_of_the_worked_month_lasted_a_week(demo: Database) -> None:
    ours = await house(demo, "tracker")
    number = ours.months.worked_example
    held = await seats.overlapping(demo.reader, ours.books.organization_id, ours.months.month(number))
    intervals = [seat.as_rule() for seat in held]

    counts = [
        sum(seat.billable and seat.holds(ours.months.moment(number, day, "12:00")) for seat in intervals)
        for day in range(1, 29)
    ]

    assert counts == [245] * 14 + [270] * 7 + [260] * 7
    assert peak(intervals, ours.months.month(number)).at == ours.months.moment(number, 15)


@pytest.mark.parametrize("slug", ["tracker", "tracker-kz"])
async def test_the_persona_is_one_of_those_who_are_billed(demo: Database, slug: str) -> None:
    ours = await house(demo, slug)
    persona = await ours.member(f"member@{slug}.example")

    for bill in await ours.invoices():
        assert persona.id in {share.member_id for share in bill.shares}
        assert sum(share.amount_minor for share in bill.shares) == bill.head.total_minor


async def test_whoever_only_reads_is_free(demo: Database) -> None:
    ours = await house(demo, "tracker")
    query = members.Member.filter(organization_id=ours.books.organization_id, role="view_only").using_db(demo.reader)
    readers = {member.id for member in await query}

    billed = {share.member_id for bill in await ours.invoices() for share in bill.shares}

    assert len(readers) == 60
    assert not readers & billed


@pytest.mark.parametrize(("total_minor", "count"), [(0, 5), (2_640_00, 6)])
async def test_five_are_free_and_of_six_all_six_are_billed(database: Database, total_minor: int, count: int) -> None:
    ours = await books(database, plan=catalogue.TRACKER_RUB)
    await users(ours, count)
    await users(ours, 20, prefix="reader", role="view_only")

    bill = await october_bill(ours)

    assert bill.head.total_minor == total_minor
    assert bill.line.quantity == str(count)


async def test_revoking_first_keeps_the_peak_where_it_is(database: Database) -> None:
    ours = await books(database, plan=catalogue.TRACKER_RUB)
    first, *_ = await users(ours, 6)
    handover = OCTOBER.replace(day=20)

    await ours.do(deactivate, Deactivate, member_id=first, at=handover)
    await users(ours, 1, at=handover, prefix="successor")

    assert (await october_bill(ours)).line.quantity == "6"


async def test_granting_first_costs_one_seat_more(database: Database) -> None:
    ours = await books(database, plan=catalogue.TRACKER_RUB)
    first, *_ = await users(ours, 6)

    await users(ours, 1, at=OCTOBER.replace(day=20), prefix="successor")
    await ours.do(deactivate, Deactivate, member_id=first, at=OCTOBER.replace(day=20, second=1))

    assert (await october_bill(ours)).line.quantity == "7"


async def test_the_first_month_costs_its_days_from_the_first_paid_access(database: Database) -> None:
    start: Any = OCTOBER.replace(day=15, hour=9)
    ours = await books(database, plan=catalogue.TRACKER_RUB, at=start)
    await users(ours, 31, at=start)

    assert (await october_bill(ours)).head.total_minor == 31 * 440_00 * 17 // 31, "17 of 31 days, the 15th counted"


async def test_above_five_hundred_a_person_must_agree_on_terms(database: Database) -> None:
    ours = await books(database, plan=catalogue.TRACKER_RUB)
    await users(ours, 501)

    refused = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.QUOTE_REQUIRED
