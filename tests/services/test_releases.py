"""A seat that is given back under NEXT_PERIOD is kept while it is paid for, and let go when the period ends."""

from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from models import invoices
from models import releases as rows
from models import seats as seat_rows
from models.database import Database
from models.paging import Window
from services import clock, drafts, members, reassignments, releases, seat_previews, seats
from services.dispatch import Request
from services.outcomes import RefusalCode, Refused
from services.unit import Unit
from tests.services.books import POOLED, START, Books, books

MIDDLE = START + timedelta(days=10)
MORNING = START + timedelta(hours=1)
NOVEMBER, DECEMBER = START.replace(month=11), START.replace(month=12)
KEPT: dict[str, Any] = {"timing": "ADVANCE", "proration": "ACTUAL_EXCLUSIVE", "decrease": "NEXT_PERIOD"}


def a_plan(**policies: Any) -> dict[str, Any]:
    """Return a plan of 31 dollars for chat and 62 for both, by the policies given."""
    plan = deepcopy(POOLED)
    chat, hipaa, usage = plan["items"]
    both = {**chat, "key": "seat-both", "name": {"en": "Both"}, "quantity": {"kind": "SEATS", "tiers": ["chat_code"]}}
    chat["price"], both["price"] = ({"model": "UNIT", "unit": unit} for unit in ("31", "62"))
    plan["items"] = [{**item, **KEPT, **policies} for item in (chat, both, hipaa)] + [usage]
    return plan


async def a_sandbox(database: Database, *, slug: str = "acme", **policies: Any) -> Books:
    """Return an organization that opened at midnight; its members come an hour later, when its books are open."""
    plan = a_plan(**policies) | {"key": f"plan-{slug}"}
    ours = await books(database, plan=plan, slug=slug, test_clock_at=START)
    await advance(ours, MORNING)
    return ours


async def advance(ours: Books, to: datetime) -> list[str]:
    command = clock.Advance(ours.organization_id, f"to-{to.isoformat()}", to)
    answer, happened = await clock.advance(ours.dispatcher, ours.reader, command, Request(ours.owner, START, "request"))
    assert answer == clock.Advanced(to), answer
    return [each.what for each in happened]


async def intervals(ours: Books, member_id: str) -> list[tuple[str | None, datetime, datetime | None]]:
    found = await seat_rows.history(ours.reader, ours.organization_id, [member_id])
    return [(row.tier, row.starts_at, row.ends_at) for row in found]


async def totals(ours: Books) -> list[int]:
    page = await invoices.page_of(ours.reader, ours.organization_id, Window(10))
    return [row.total_minor for row in reversed(page.rows)]


async def asking(ours: Books) -> Unit:
    organization = await ours.organization()
    assert organization.test_clock_at is not None
    return Unit.of_reading(ours.reader, organization, ours.owner, at=organization.test_clock_at, request_id="asking")


async def lower(ours: Books, member_id: str, tier: str | None = "chat") -> Any:
    return await ours.do(seats.change_tier, seats.ChangeTier, member_id=member_id, tier=tier)


async def test_a_lower_tier_begins_when_the_higher_one_is_used_up(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat_code")
    await advance(ours, MIDDLE)

    answer = await lower(ours, bo)
    happened = await advance(ours, DECEMBER)

    assert answer.begins_at == NOVEMBER
    assert [what for what in happened if what != "dunning"] == [
        "release",
        "month",
        "month",
    ]  # the month closes on the seats as they are from then on
    assert await intervals(ours, bo) == [("chat_code", MORNING, NOVEMBER), ("chat", NOVEMBER, None)]
    assert await totals(ours) == [93_00, 31_00]  # October at 62 with November at 31 in advance, then December
    assert (await ours.facts("SeatReleaseScheduled"))[0].member_id == bo


async def test_a_higher_tier_begins_at_once(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat")
    await advance(ours, MIDDLE)

    answer = await lower(ours, bo, "chat_code")

    assert answer.begins_at == MIDDLE
    assert await intervals(ours, bo) == [("chat", MORNING, MIDDLE), ("chat_code", MIDDLE, None)]


async def test_a_free_role_takes_rights_away_now_and_the_seat_when_it_is_used_up(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat", role="project_administrator")
    await advance(ours, MIDDLE)

    await ours.do(members.change_role, members.ChangeRole, member_id=bo, role="view_only")
    held = await seat_rows.open_seat(ours.reader, ours.organization_id, bo)
    await advance(ours, NOVEMBER)
    after = await seat_rows.open_seat(ours.reader, ours.organization_id, bo)

    assert held is not None
    assert (held.tier, held.billable) == ("chat", 1)
    assert after is not None
    assert (after.role, after.billable, after.starts_at) == ("view_only", 0, NOVEMBER)
    assert await totals(ours) == [31_00]


async def test_an_add_on_is_kept_while_it_is_paid_for(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat", add_ons=("hipaa",))
    await advance(ours, MIDDLE)

    assert (await lower(ours, bo)).begins_at == NOVEMBER


async def test_who_leaves_loses_access_now_and_the_place_stays_paid_for_the_next(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat")
    await advance(ours, MIDDLE)

    await ours.do(members.deactivate, members.Deactivate, member_id=bo)
    cy = await ours.add("cy", tier="chat", at=MIDDLE)
    await advance(ours, NOVEMBER)

    assert await intervals(ours, bo) == [("chat", MORNING, MIDDLE)]
    assert await intervals(ours, cy) == [("chat", MIDDLE, None)]
    assert await totals(ours) == [62_00]  # one place in October, whoever held it, and one in November


async def test_asking_for_what_is_held_withdraws_what_waits(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat_code")
    await advance(ours, MIDDLE)
    await lower(ours, bo)

    again = await lower(ours, bo, "chat_code")

    assert again.begins_at == MIDDLE
    assert await rows.waiting(ours.reader, ours.organization_id) == []
    assert len(await ours.facts("SeatReleaseWithdrawn")) == 1
    assert await intervals(ours, bo) == [("chat_code", MORNING, None)]


async def test_two_wishes_add_up(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat_code")
    await advance(ours, MIDDLE)

    await ours.do(members.change_role, members.ChangeRole, member_id=bo, role="view_only")
    await lower(ours, bo)

    (waiting,) = await rows.waiting(ours.reader, ours.organization_id)
    assert (waiting.role, waiting.billable, waiting.tier) == ("view_only", 0, "chat")


async def test_a_seat_that_is_handed_on_waits_for_nothing(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat_code")
    await advance(ours, MIDDLE)
    await lower(ours, bo)

    done = await ours.do(
        reassignments.reassign, reassignments.Reassign, member_id=bo, to=reassignments.NewPerson("cy@x.example", "Cy")
    )
    await advance(ours, NOVEMBER)

    assert await intervals(ours, done.member_id) == [("chat_code", MIDDLE, None)]
    assert await totals(ours) == [124_00]


async def test_is_carried_out_late_as_of_when_it_was_due(database: Database) -> None:
    ours = await books(database, plan=a_plan())
    bo = await ours.add("bo", tier="chat_code")
    await ours.do(seats.change_tier, seats.ChangeTier, member_id=bo, tier="chat", at=MIDDLE)

    early = await ours.do(releases.carry_out, releases.CarryOut, member_id=bo, at=NOVEMBER - timedelta(microseconds=1))
    done = await ours.do(releases.carry_out, releases.CarryOut, member_id=bo, at=NOVEMBER + timedelta(days=3))
    again = await ours.do(releases.carry_out, releases.CarryOut, member_id=bo, at=NOVEMBER + timedelta(days=3))

    assert isinstance(early, Refused)
    assert early.code is RefusalCode.TIME_OUT_OF_RANGE
    assert done == releases.Released(bo, NOVEMBER)
    assert isinstance(again, Refused)
    assert again.code is RefusalCode.NOT_FOUND
    assert await intervals(ours, bo) == [("chat_code", START, NOVEMBER), ("chat", NOVEMBER, None)]


async def test_a_quarter_is_used_up_at_its_end(database: Database) -> None:
    ours = await a_sandbox(database, interval="QUARTER")
    bo = await ours.add("bo", tier="chat_code")
    await advance(ours, MIDDLE)

    assert (await lower(ours, bo)).begins_at == datetime(2027, 1, 1, tzinfo=START.tzinfo)


async def test_what_waits_is_on_the_next_invoice_before_it_happens(database: Database) -> None:
    ours = await a_sandbox(database)
    bo = await ours.add("bo", tier="chat_code")
    await advance(ours, MIDDLE)

    unit = await asking(ours)
    preview = await seat_previews.of_tier(unit, seats.ChangeTier(ours.organization_id, "", bo, "chat"))
    answer = await lower(ours, bo)
    drafted = await drafts.month_total(ours.reader, await ours.organization(), at=MIDDLE)
    await advance(ours, NOVEMBER)

    assert isinstance(preview, seat_previews.SeatPreview)
    assert (preview.begins_at, preview.before.minor, preview.after.minor) == (NOVEMBER, 124_00, 93_00)
    assert (answer.before, answer.after, drafted) == (preview.before, preview.after, preview.after)
    assert await totals(ours) == [93_00]
