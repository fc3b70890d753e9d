"""People come, change, leave and return, and their history stays."""

from datetime import timedelta

import pytest

from billing.roles import Permission
from models import members as rows
from models import seats as seat_rows
from models.database import Database
from services import imports, members, roles, seats
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, as_role, books, days_later

HOUR = timedelta(hours=1)


async def test_a_new_member_holds_a_seat_in_the_same_answer(database: Database) -> None:
    ours = await books(database)

    bo = await ours.add("bo", tier="chat", add_ons=("hipaa",))

    seat = await seat_rows.open_seat(database.reader, ours.organization_id, bo)
    assert seat is not None
    assert (seat.tier, seat.add_ons, seat.billable, seat.starts_at) == ("chat", ["hipaa"], 1, START)


async def test_a_change_of_tier_ends_one_interval_and_starts_the_next(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")

    answer = await ours.do(seats.change_tier, seats.ChangeTier, member_id=bo, tier="chat_code", at=START + HOUR)

    history = await seat_rows.history(database.reader, ours.organization_id, [bo])
    assert isinstance(answer, seats.TierChanged)
    assert [(seat.tier, seat.starts_at, seat.ends_at) for seat in history] == [
        ("chat", START, START + HOUR),
        ("chat_code", START + HOUR, None),
    ]


async def test_changing_to_the_same_tier_changes_nothing(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")

    await ours.do(seats.change_tier, seats.ChangeTier, member_id=bo, tier="chat", at=START + HOUR)

    assert len(await seat_rows.history(database.reader, ours.organization_id, [bo])) == 1
    assert await ours.facts("SeatChanged") == []


async def test_a_seat_changed_within_an_instant_leaves_one_interval(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")

    await ours.do(seats.change_tier, seats.ChangeTier, member_id=bo, tier="chat_code")

    (seat,) = await seat_rows.history(database.reader, ours.organization_id, [bo])
    assert seat.tier == "chat_code"


async def test_a_deactivated_member_frees_the_seat_and_keeps_the_history(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")

    await ours.do(members.deactivate, members.Deactivate, member_id=bo, at=START + HOUR)
    back = await ours.do(members.reactivate, members.Reactivate, member_id=bo, tier="chat", at=days_later(2))

    assert isinstance(back, members.StatusChanged)
    history = await seat_rows.history(database.reader, ours.organization_id, [bo])
    assert [(seat.starts_at, seat.ends_at) for seat in history] == [(START, START + HOUR), (days_later(2), None)]
    found = await rows.find(database.reader, ours.organization_id, bo)
    assert found is not None
    assert (found.name, found.status) == ("bo", "ACTIVE")


async def test_a_free_role_frees_the_paid_seat_at_that_instant(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", role="team_member")

    await ours.do(members.change_role, members.ChangeRole, member_id=bo, role="view_only", at=START + HOUR)

    history = await seat_rows.history(database.reader, ours.organization_id, [bo])
    assert [(seat.billable, seat.ends_at) for seat in history] == [(1, START + HOUR), (0, None)]


async def test_the_last_primary_owner_stays(database: Database) -> None:
    ours = await books(database)
    own = ours.owner.memberships[ours.organization_id].member_id

    for verb, make, fields in (
        (members.deactivate, members.Deactivate, {}),
        (members.change_role, members.ChangeRole, {"role": "member"}),
    ):
        answer = await ours.do(verb, make, member_id=own, **fields)
        assert isinstance(answer, Refused)
        assert answer.code is RefusalCode.LAST_PRIMARY_OWNER


async def test_only_a_primary_owner_makes_another(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    owner = as_role(ours.organization_id, "owner")

    refused = await ours.do(members.change_role, members.ChangeRole, actor=owner, member_id=bo, role="primary_owner")
    done = await ours.do(members.change_role, members.ChangeRole, member_id=bo, role="primary_owner")

    assert isinstance(refused, Refused)
    assert isinstance(done, members.RoleChanged)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "not an address"}, "email"),
        ({"email": "bo@x.example"}, "email"),
        ({"email": "BO@X.EXAMPLE"}, "email"),
        ({"external_id": "42"}, "externalId"),
        ({"name": ""}, "name"),
        ({"role": "pilot"}, "role"),
        ({"tier": "gold"}, "tier"),
        ({"add_ons": ("sauna",)}, "addOns"),
    ],
)
async def test_a_member_who_cannot_be_is_refused_by_field(
    database: Database, change: dict[str, object], field: str
) -> None:
    ours = await books(database)
    await ours.add("bo", external_id="42")
    person = {"email": "cy@x.example", "name": "Cy", "role": "member", **change}

    answer = await ours.do(members.add, members.AddMember, **person)

    assert isinstance(answer, Refused)
    assert answer.field == (field,)
    assert await rows.count(database.reader, ours.organization_id) == 2


async def test_another_organizations_member_is_nobody_here(database: Database) -> None:
    ours, theirs = await books(database), await books(database, slug="globex")
    stranger = await theirs.add("eve", tier="chat")

    for verb, make, fields in (
        (members.deactivate, members.Deactivate, {}),
        (members.change_role, members.ChangeRole, {"role": "member"}),
        (seats.change_tier, seats.ChangeTier, {"tier": None}),
    ):
        answer = await ours.do(verb, make, member_id=stranger, **fields)
        assert isinstance(answer, Refused)
        assert answer.code is RefusalCode.NOT_FOUND


async def test_a_custom_role_has_its_own_answer_to_what_is_paid(database: Database) -> None:
    ours = await books(database)
    await ours.do(
        roles.create,
        roles.CreateRole,
        key="guest_reviewer",
        name="Guest reviewer",
        billable=False,
        permissions=(Permission.ORGANIZATION_READ,),
    )

    bo = await ours.add("bo", role="guest_reviewer")

    seat = await seat_rows.open_seat(database.reader, ours.organization_id, bo)
    assert seat is not None
    assert seat.billable == 0


async def test_nobody_gives_a_role_that_allows_more_than_their_own(database: Database) -> None:
    """Else a billing admin would only have to become an owner to lift every spend limit."""
    ours = await books(database)
    bo = await ours.add("bo", role="billing_admin")
    admin = as_role(ours.organization_id, "billing_admin", bo)

    for verb, make, fields in (
        (members.add, members.AddMember, {"email": "cy@x.example", "name": "Cy", "role": "owner"}),
        (members.change_role, members.ChangeRole, {"member_id": bo, "role": "owner"}),
        (imports.add_many, imports.AddMany, {"members": (imports.NewMember("d@x.example", "Di", "owner"),)}),
    ):
        answer = await ours.do(verb, make, actor=admin, **fields)
        refused = answer.rows[0] if isinstance(answer, imports.ManyRefused) else answer
        assert refused.code is RefusalCode.ROLE_ABOVE_OWN, answer


async def test_nobody_changes_a_member_whose_role_allows_more(database: Database) -> None:
    ours = await books(database)
    boss, bo = await ours.add("boss", role="owner"), await ours.add("bo", role="billing_admin")
    admin = as_role(ours.organization_id, "billing_admin", bo)

    for verb, make, fields in (
        (members.change_role, members.ChangeRole, {"role": "view_only"}),
        (members.deactivate, members.Deactivate, {}),
    ):
        answer = await ours.do(verb, make, actor=admin, member_id=boss, **fields)
        assert isinstance(answer, Refused)
        assert answer.code is RefusalCode.ROLE_ABOVE_OWN
    await ours.do(members.deactivate, members.Deactivate, member_id=boss)
    back = await ours.do(members.reactivate, members.Reactivate, actor=admin, member_id=boss)
    assert isinstance(back, Refused)
    assert back.code is RefusalCode.ROLE_ABOVE_OWN


async def test_nobody_puts_more_into_a_role_than_they_may_do(database: Database) -> None:
    ours = await books(database)

    answer = await ours.do(
        roles.create,
        roles.CreateRole,
        actor=as_role(ours.organization_id, "billing_admin"),
        key="loophole",
        name="Loophole",
        billable=False,
        permissions=(Permission.SPEND_LIMITS_WRITE,),
    )

    assert isinstance(answer, Refused)
    assert "spend_limits.write" in answer.message
