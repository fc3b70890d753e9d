"""Groups: who is in which, since when, and what their spend counts for."""

from models import groups as rows
from models.database import Database
from services import groups, limits
from services.outcomes import RefusalCode, Refused
from services.usage import EventBlocked, EventRecorded, Overage
from tests.services.books import START, Books, a_use, books, days_later


async def a_group(ours: Books, key: str = "sales", *, of: tuple[str, ...] = ()) -> str:
    """Keep a group with these members in it."""
    kept = await ours.do(groups.create, groups.CreateGroup, key=key, name=key.title())
    assert isinstance(kept, groups.GroupKept), kept
    if of:
        await ours.do(groups.assign, groups.AssignGroup, member_ids=of, group_id=kept.group_id)
    return kept.group_id


async def test_a_group_limit_is_held_by_its_members_together(database: Database) -> None:
    ours = await books(database)
    bo, cy, di = [await ours.add(name) for name in ("bo", "cy", "di")]
    sales = await a_group(ours, of=(bo, cy))
    await ours.cap("GROUP", "1.00", sales)

    fits, breaks, outside = await ours.use(a_use("1", bo, 80), a_use("2", cy, 30), a_use("3", di, 500))

    assert isinstance(fits, EventRecorded)
    assert isinstance(breaks, EventBlocked)
    assert (breaks.level, breaks.subject, breaks.headroom_nanos) == ("GROUP", sales, 200_000_000)
    assert isinstance(outside, EventRecorded)


async def test_spend_stays_with_the_group_it_was_spent_for_also_when_it_is_reported_late(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    sales, lab = await a_group(ours, of=(bo,)), await a_group(ours, "lab")
    await ours.use(a_use("1", bo, 10))

    moved = await ours.do(groups.assign, groups.AssignGroup, at=days_later(2), member_ids=(bo,), group_id=lab)
    await ours.use(a_use("2", bo, 20, at=days_later(2)), at=days_later(2))
    await ours.use(a_use("3", bo, 40, at=days_later(1)), at=days_later(3))

    assert isinstance(moved, groups.GroupAssigned)
    assert moved.moved == 1
    spent = await ours.spent(bo, groups=(sales, lab))
    assert (spent[sales], spent[lab], spent[bo]) == (500_000, 200_000, 700_000)


async def test_assigning_again_changes_nothing_and_no_group_takes_somebody_out(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    sales = await a_group(ours, of=(bo,))

    again = await ours.do(groups.assign, groups.AssignGroup, member_ids=(bo, bo), group_id=sales)
    out = await ours.do(groups.assign, groups.AssignGroup, at=days_later(1), member_ids=(bo,), group_id=None)

    assert (again.moved, again.member_ids, out.moved) == (0, (bo,), 1)
    assert await rows.open_memberships(ours.reader, ours.organization_id, [bo]) == []
    (past,) = await rows.history(ours.reader, ours.organization_id, [bo])
    assert (past.starts_at, past.ends_at) == (START, days_later(1))
    assert len(await ours.facts("MemberGroupChanged")) == 2


async def test_two_moves_at_one_instant_leave_no_empty_membership(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await a_group(ours, of=(bo,))
    lab = await a_group(ours, "lab", of=(bo,))

    (only,) = await rows.history(ours.reader, ours.organization_id, [bo])

    assert (only.group_id, only.ends_at) == (lab, None)


async def test_a_group_with_members_is_not_archived_and_an_archived_one_takes_nobody_in(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    sales = await a_group(ours, of=(bo,))

    kept = await ours.do(groups.archive, groups.ArchiveGroup, group_id=sales)
    await ours.do(groups.assign, groups.AssignGroup, at=days_later(1), member_ids=(bo,), group_id=None)
    archived = await ours.do(groups.archive, groups.ArchiveGroup, at=days_later(1), group_id=sales)
    again = await ours.do(groups.archive, groups.ArchiveGroup, at=days_later(1), group_id=sales)
    joining = await ours.do(groups.assign, groups.AssignGroup, at=days_later(1), member_ids=(bo,), group_id=sales)
    capping = await ours.cap("GROUP", "1.00", sales, at=days_later(1))

    assert isinstance(kept, Refused)
    assert kept.message == "the group 'sales' has 1 members; move them first"
    assert isinstance(archived, groups.GroupKept)
    for refused in (kept, again, joining, capping):
        assert isinstance(refused, Refused)
        assert (refused.code, refused.field) == (RefusalCode.STATUS_CONFLICT, ("groupId",))


async def test_refuses_what_a_group_cannot_be(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    sales = await a_group(ours)

    answers = [
        await ours.do(groups.create, groups.CreateGroup, key="sales", name="Again"),
        await ours.do(groups.create, groups.CreateGroup, key="", name="Nameless"),
        await ours.do(groups.create, groups.CreateGroup, key="x" * 81, name="Long"),
        await ours.do(groups.create, groups.CreateGroup, key="lab", name=" "),
        await ours.do(groups.rename, groups.RenameGroup, group_id=sales, name="x" * 201),
        await ours.do(groups.rename, groups.RenameGroup, group_id="nobody", name="X"),
        await ours.do(groups.assign, groups.AssignGroup, member_ids=(bo, "nobody"), group_id=sales),
        await ours.do(groups.assign, groups.AssignGroup, member_ids=(), group_id=sales),
        await ours.do(groups.assign, groups.AssignGroup, member_ids=(bo,), group_id="nobody"),
        await ours.do(groups.archive, groups.ArchiveGroup, group_id="nobody"),
        await ours.cap("GROUP", "1.00", "nobody"),
    ]

    assert [(answer.code.value, answer.field) for answer in answers] == [
        ("ALREADY_EXISTS", ("key",)),
        ("INPUT_INVALID", ("key",)),
        ("INPUT_INVALID", ("key",)),
        ("INPUT_INVALID", ("name",)),
        ("INPUT_INVALID", ("name",)),
        ("NOT_FOUND", ("groupId",)),
        ("NOT_FOUND", ("memberIds", "1")),
        ("INPUT_INVALID", ("memberIds",)),
        ("NOT_FOUND", ("groupId",)),
        ("NOT_FOUND", ("groupId",)),
        ("NOT_FOUND", ("groupId",)),
    ]
    assert await rows.open_memberships(ours.reader, ours.organization_id, [bo]) == [], "all of them, or none"


async def test_usage_over_a_group_limit_that_has_happened_is_flagged(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    sales = await a_group(ours, of=(bo,))
    await ours.cap("GROUP", "1.00", sales, kind=limits.Kind.HARD)

    (kept,) = await ours.use(a_use("1", bo, 150), overage=Overage.RECORD)

    assert isinstance(kept, EventRecorded)
    assert kept.over_limit
    assert [alert.member_id for alert in await ours.facts("SpendLimitThresholdReached")] == [None] * 3
