"""A seat changes hands at one instant: revoked first, then granted."""

from datetime import timedelta

from models import members as rows
from models import seats as seat_rows
from models.database import Database
from services import reassignments
from services.outcomes import RefusalCode, Refused
from services.reassignments import FormerHolder, NewPerson, Reassign
from tests.services.books import START, Books, as_role, books

HOUR = timedelta(hours=1)
NEW = NewPerson("new@x.example", "New")


async def _seats(ours: Books, member_id: str) -> list[tuple[str | None, int, object, object]]:
    history = await seat_rows.history(ours.reader, ours.organization_id, [member_id])
    return [(seat.tier, seat.billable, seat.starts_at, seat.ends_at) for seat in history]


async def test_the_seat_ends_and_begins_at_the_same_instant(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat", add_ons=("hipaa",))
    at = START + HOUR

    answer = await ours.do(reassignments.reassign, Reassign, member_id=bo, to=NEW, at=at)

    assert isinstance(answer, reassignments.Reassigned)
    assert answer.before == answer.after
    assert await _seats(ours, bo) == [("chat", 1, START, at)]
    assert await _seats(ours, answer.member_id) == [("chat", 1, at, None)]


async def test_it_is_revoked_before_it_is_granted(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    eve = await ours.add("eve", role="client")

    await ours.do(reassignments.reassign, Reassign, member_id=bo, to=eve, at=START + HOUR)

    order = {
        kind: [event.sequence for event in await ours.facts(kind)][-1]
        for kind in ("SeatRevoked", "MemberDeactivated", "MemberRoleChanged", "SeatChanged", "SeatReassigned")
    }
    assert sorted(order, key=lambda kind: order[kind]) == list(order)


async def test_a_holder_who_stays_has_a_free_role_and_an_empty_seat(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    eve = await ours.add("eve", role="client")

    await ours.do(
        reassignments.reassign, Reassign, member_id=bo, to=eve, former=FormerHolder.WITHOUT_SEAT, at=START + HOUR
    )

    former = await rows.find(ours.reader, ours.organization_id, bo)
    holder = await rows.find(ours.reader, ours.organization_id, eve)
    assert former is not None
    assert holder is not None
    assert (former.role, former.status, holder.role) == ("view_only", "ACTIVE", "member")
    assert (await _seats(ours, bo))[-1] == (None, 0, START + HOUR, None)
    assert (await _seats(ours, eve))[-1] == ("chat", 1, START + HOUR, None)


async def test_a_free_role_stays_with_its_holder(database: Database) -> None:
    ours = await books(database)
    boss = await ours.add("boss", role="auditor", tier="chat")
    eve = await ours.add("eve", role="client")

    await ours.do(reassignments.reassign, Reassign, member_id=boss, to=eve, former=FormerHolder.WITHOUT_SEAT)

    roles = {row.id: row.role for row in await rows.find_many(ours.reader, ours.organization_id, [boss, eve])}
    assert roles == {boss: "auditor", eve: "client"}


async def test_nobody_hands_over_the_seat_of_somebody_above_them(database: Database) -> None:
    ours = await books(database)
    boss = await ours.add("boss", role="owner")
    admin = as_role(ours.organization_id, "billing_admin")

    answer = await ours.do(
        reassignments.reassign, Reassign, actor=admin, member_id=boss, to=NewPerson("n@x.example", "N", "auditor")
    )

    assert isinstance(answer, Refused)
    assert (answer.code, answer.field) == (RefusalCode.ROLE_ABOVE_OWN, ("memberId",))


async def test_a_repeat_answers_alike_and_moves_nothing(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")

    first = await ours.do(reassignments.reassign, Reassign, under="same", member_id=bo, to=NEW)
    again = await ours.do(reassignments.reassign, Reassign, under="same", member_id=bo, to=NEW)

    assert again == first
    assert len(await ours.facts("SeatReassigned")) == 1
