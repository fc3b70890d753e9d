"""What is shown is what binds, also between the instant at which a raise is over and whoever takes it back."""

from datetime import datetime

import pytest

from billing.periods import month_containing
from models import limits as limit_rows
from models.database import Database
from models.paging import Window
from services import groups, lapsed_raises, limit_increases, limits, reports, terms
from services.limit_increases import Status
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, Books, books, days_later
from tests.services.increases import advance, asking, cap_of, capped, deciding, in_force, raised, remaining, the


async def listed(ours: Books, at: datetime) -> list[int]:
    """Return the caps in force, in dollars, as a list of limits shows them at `at`."""
    due = await lapsed_raises.successors(ours.reader, ours.organization_id, at=at)
    page = await limit_rows.page_in_force(ours.reader, ours.organization_id, due, Window(10))
    assert len(page.rows) == await limit_rows.count_in_force(ours.reader, ours.organization_id, due)
    return [(row.cap_nanos or 0) // 10**9 for row in page.rows]


async def status(ours: Books, at: datetime) -> dict[str, int]:
    """Return the cap at each level that has one, in dollars, as the status of spend shows it at `at`."""
    organization = await ours.organization()
    found = await reports.spend_status(
        ours.reader,
        organization,
        period=month_containing(at, organization.time_zone),
        at=at,
        terms=await terms.at_instant(ours.reader, ours.organization_id, at),
    )
    return {each.level: each.limit.cap_nanos // 10**9 for each in found if each.limit and each.limit.cap_nanos}


async def test_a_raise_that_is_over_is_shown_to_nobody(database: Database) -> None:
    ours, bo = await capped(database)
    await raised(ours, bo, "200", until=days_later(3))

    seen = [
        (await remaining(ours, bo, at=at), await status(ours, at), await listed(ours, at))
        for at in (days_later(2), days_later(3))
    ]

    assert seen == [([200], {"MEMBER": 200}, [200]), ([100], {"MEMBER": 100}, [100])]
    assert await ours.facts("LimitIncreaseEnded") == [], "reading wrote nothing"


async def test_what_each_member_has_alone_comes_back_where_a_raise_stood_instead(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("SEAT_TIER", "50", "chat")
    await raised(ours, bo, "80", until=days_later(3))

    seen = [
        (await remaining(ours, bo, at=at), await status(ours, at), await listed(ours, at))
        for at in (days_later(2), days_later(3))
    ]

    assert seen == [([80], {"SEAT_TIER": 50, "MEMBER": 80}, [50, 80]), ([50], {"SEAT_TIER": 50}, [50])]


@pytest.mark.parametrize(("first", "second"), [(3, 6), (6, 3), (3, 3)])
async def test_raises_upon_each_other_are_shown_as_a_worker_would_leave_them(
    database: Database, first: int, second: int
) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    await raised(ours, bo, "200", until=days_later(first))
    await raised(ours, bo, "300", until=days_later(second))
    days = (2, 4, 7)
    foretold = [(await remaining(ours, bo, at=days_later(day)), await listed(ours, days_later(day))) for day in days]

    for day, found in zip(days, foretold, strict=True):
        await advance(ours, day)
        cap = int(await cap_of(ours, bo))
        assert found == ([cap], [cap])


async def test_a_limit_that_was_set_over_a_raise_is_shown_as_it_was_set(database: Database) -> None:
    ours, bo = await capped(database)
    await raised(ours, bo, "200", until=days_later(3))
    await ours.cap("MEMBER", "150", bo, at=days_later(1))

    assert await remaining(ours, bo, at=days_later(4)) == [150]
    assert await listed(ours, days_later(4)) == [150]


async def test_what_is_set_over_a_raise_that_is_over_follows_what_would_have_come_back(database: Database) -> None:
    ours, bo = await capped(database)
    await raised(ours, bo, "200", until=days_later(3))

    answer = await ours.cap("MEMBER", "150", bo, at=days_later(4))

    assert answer.previous_cap.amount == "100.00"


async def test_where_a_raise_is_over_and_nothing_comes_back_there_is_nothing_to_lift(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("SEAT_TIER", "50", "chat")
    await raised(ours, bo, "80", until=days_later(3))

    member = limits.Level.MEMBER
    late = await ours.do(limits.clear_limit, limits.ClearLimit, level=member, subject=bo, scope=None, at=days_later(3))

    assert isinstance(late, Refused)
    assert late.code is RefusalCode.NOT_FOUND


async def test_the_limit_that_is_shown_can_be_asked_about(database: Database) -> None:
    ours, bo = await capped(database)
    former = await in_force(ours, limits.Level.MEMBER, bo)
    await raised(ours, bo, "200", until=days_later(3))

    asked = await asking(ours, bo, "120", limit_id=former.id if former else None, at=days_later(4))
    decided = await deciding(ours, asked.request_id, at=days_later(4))

    assert isinstance(decided, limit_increases.Decided)
    assert await remaining(ours, bo, at=days_later(4)) == [120]


async def test_a_request_and_a_raise_say_that_they_are_over_before_a_worker_does(database: Database) -> None:
    ours, bo = await capped(database)
    request_id = await raised(ours, bo, "200", until=days_later(3))
    waiting = (await asking(ours, bo, "300", until=days_later(5))).request_id

    granted, unanswered = await the(ours, request_id), await the(ours, waiting)

    assert [granted.over_at(days_later(day)) for day in (2, 3)] == [None, days_later(3)]
    assert [unanswered.status_at(days_later(day)) for day in (4, 5)] == [Status.PENDING, Status.EXPIRED]


async def test_a_raise_for_a_group_that_was_archived_since_is_taken_back_all_the_same(database: Database) -> None:
    ours = await books(database, test_clock_at=START)
    bo = await ours.add("bo", tier="chat")
    made = await ours.do(groups.create, groups.CreateGroup, key="lab", name="Lab")
    await ours.do(groups.assign, groups.AssignGroup, group_id=made.group_id, member_ids=(bo,))
    await ours.cap("GROUP", "50", made.group_id)
    await raised(ours, bo, "80", until=days_later(3))
    await ours.do(groups.assign, groups.AssignGroup, group_id=None, member_ids=(bo,))
    await ours.do(groups.archive, groups.ArchiveGroup, group_id=made.group_id)

    await advance(ours, 4)

    assert await listed(ours, START) == [50]
