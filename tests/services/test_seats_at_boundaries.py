"""A seat that changes in the very instant in which a boundary is billed is billed by the next invoice."""

from typing import Any

import pytest

from billing.periods import INSTANT
from models.database import Database
from services import members, reassignments, seat_previews, seats
from services.reassignments import FormerHolder, NewPerson
from tests.services.books import START, Books, books
from tests.services.test_releases import DECEMBER, NOVEMBER, a_plan, advance, asking, intervals, totals

DAYS: dict[str, Any] = {"timing": "ADVANCE", "proration": "ACTUAL_EXCLUSIVE", "decrease": "CREDIT"}


async def at_midnight(database: Database, **policies: Any) -> Books:
    """Return a sandbox whose clock stands where its books opened."""
    return await books(database, plan=a_plan(**{**DAYS, **policies}), test_clock_at=START)


async def test_a_seat_granted_as_the_books_open_is_billed_for_the_month(database: Database) -> None:
    ours = await at_midnight(database)

    await ours.add("bo", tier="chat")
    await advance(ours, NOVEMBER)

    assert await totals(ours) == [31_00 + 31_00]  # October afterwards, November in advance


@pytest.mark.parametrize("decrease", ["CREDIT", "NO_REFUND", "KEEP_PEAK", "NEXT_PERIOD", "KEEP"])
async def test_a_seat_granted_after_a_month_was_closed_is_billed_whatever_the_policy(
    database: Database, decrease: str
) -> None:
    ours = await at_midnight(database, decrease=decrease)
    await advance(ours, NOVEMBER)

    await ours.add("bo", tier="chat")
    await advance(ours, DECEMBER)

    assert await totals(ours) == [31_00 + 31_00]


async def test_a_seat_given_back_after_a_month_was_billed_comes_back(database: Database) -> None:
    ours = await at_midnight(database)
    bo = await ours.add("bo", tier="chat")
    await advance(ours, NOVEMBER)

    preview = await seat_previews.of_leaving(
        await asking(ours), members.Deactivate(ours.organization_id, "", member_id=bo)
    )
    await ours.do(members.deactivate, members.Deactivate, member_id=bo)
    await advance(ours, DECEMBER)

    assert await totals(ours) == [31_00 + 31_00, -31_00]
    assert isinstance(preview, seat_previews.SeatPreview)
    assert preview.after.minor == -31_00
    assert await intervals(ours, bo) == [("chat", START, NOVEMBER + INSTANT)]


async def test_a_tier_changed_after_a_month_was_billed_pays_the_difference(database: Database) -> None:
    ours = await at_midnight(database)
    bo = await ours.add("bo", tier="chat")
    await advance(ours, NOVEMBER)
    change = {"member_id": bo, "tier": "chat_code"}

    preview = await seat_previews.of_tier(await asking(ours), seats.ChangeTier(ours.organization_id, "", **change))
    changed = await ours.do(seats.change_tier, seats.ChangeTier, **change)
    await advance(ours, DECEMBER)

    assert await totals(ours) == [31_00 + 31_00, (62_00 - 31_00) + 62_00]
    assert isinstance(preview, seat_previews.SeatPreview)
    assert (preview.before, preview.after) == (changed.before, changed.after)


async def test_who_was_granted_a_seat_in_that_instant_can_still_have_another_in_it(database: Database) -> None:
    ours = await at_midnight(database)
    bo = await ours.add("bo", tier="chat")

    await ours.do(seats.change_tier, seats.ChangeTier, member_id=bo, tier="chat_code")
    await advance(ours, NOVEMBER)

    assert await intervals(ours, bo) == [("chat_code", START, None)]
    assert await totals(ours) == [62_00 + 62_00]


async def test_revoked_first_and_granted_then_never_overlap(database: Database) -> None:
    ours = await at_midnight(database)
    bo = await ours.add("bo", tier="chat")
    await advance(ours, NOVEMBER)
    to = NewPerson("cy@x.example", "Cy", "member")
    handing = {"member_id": bo, "to": to, "former": FormerHolder.DEACTIVATED}

    preview = await seat_previews.of_reassignment(
        await asking(ours), reassignments.Reassign(ours.organization_id, "", **handing)
    )
    answer = await ours.do(reassignments.reassign, reassignments.Reassign, **handing)
    await advance(ours, DECEMBER)

    ended, began = await intervals(ours, bo), await intervals(ours, answer.member_id)
    assert ended[-1][2] == began[0][1] == NOVEMBER + INSTANT
    assert isinstance(preview, seat_previews.SeatPreview)
    assert (preview.before, preview.after) == (answer.before, answer.after)
    assert await totals(ours) == [31_00 + 31_00, 31_00]
