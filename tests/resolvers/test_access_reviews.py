"""Who could do what, and who held which seat, at any instant that somebody asks about."""

from typing import Any

from models.database import Database
from services import imports, members, seats
from tests.builders import Caller, a_member, an_organization, days_later

REVIEW = """query($id: ID!, $at: DateTime, $first: Int, $after: String, $last: Int) { organization(id: $id) {
    accessAt(at: $at, first: $first, after: $after, last: $last) { totalCount pageInfo { endCursor hasNextPage
    hasPreviousPage } nodes { member { name } role { key permissions } roleSince hasSeat tier billable seatSince } } }
}"""


async def review(owner: Caller, day: float, **window: Any) -> Any:
    at = days_later(0) + (days_later(1) - days_later(0)) * day
    found = await owner.data(REVIEW, id=owner.organization_id, at=at.isoformat(), **window)
    return found["organization"]["accessAt"]


def told(page: Any) -> list[tuple[str, str, str | None]]:
    return [(each["member"]["name"], each["role"]["key"], each["tier"]) for each in page["nodes"]]


async def test_tells_role_and_seat_as_they_were(database: Database) -> None:
    owner = await an_organization(database)
    bo = await owner.books.add("bo", tier="chat", at=days_later(1))
    do = owner.books.do
    await do(members.change_role, members.ChangeRole, at=days_later(2), member_id=bo, role="auditor")
    await do(seats.change_tier, seats.ChangeTier, at=days_later(3), member_id=bo, tier="chat_code")
    await do(members.deactivate, members.Deactivate, at=days_later(4), member_id=bo)
    await do(members.change_role, members.ChangeRole, at=days_later(5), member_id=bo, role="member")
    await do(members.reactivate, members.Reactivate, at=days_later(6), member_id=bo)

    days = {day: told(await review(owner, day))[1:] for day in (0.5, 1, 1.5, 2, 3.5, 4, 5.5, 6)}

    assert days == {
        0.5: [],
        1: [("bo", "member", "chat")],
        1.5: [("bo", "member", "chat")],
        2: [("bo", "auditor", "chat")],  # half-open: the change counts from its own instant
        3.5: [("bo", "auditor", "chat_code")],
        4: [],
        5.5: [],
        6: [("bo", "member", None)],
    }


async def test_pages_in_both_directions_and_counts(database: Database) -> None:
    owner = await an_organization(database)
    people = tuple(imports.NewMember(f"p{number}@x.example", f"p{number}", "member") for number in range(5))
    await owner.books.do(imports.add_many, imports.AddMany, at=days_later(1), members=people)

    first = await review(owner, 2, first=4)
    rest = await review(owner, 2, first=4, after=first["pageInfo"]["endCursor"])
    last = await review(owner, 2, last=2)

    assert first["totalCount"] == 6
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert len({name for name, _, _ in told(first) + told(rest)}) == 6
    assert told(last) == told(rest)


async def test_is_for_those_who_may_read_the_audit(database: Database) -> None:
    owner = await an_organization(database)
    _, member = await a_member(owner, "bo")
    _, auditor = await a_member(owner, "ada", role="auditor")

    assert await member.code(REVIEW, id=owner.organization_id) == "FORBIDDEN"
    assert len((await auditor.data(REVIEW, id=owner.organization_id))["organization"]["accessAt"]["nodes"]) == 3
