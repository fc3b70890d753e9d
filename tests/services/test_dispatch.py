"""A command happens at most once, only by whom it may, and leaves its answer behind."""

import asyncio

import pytest

from auth import policy
from models import members as rows
from models.database import Database
from services import members, organizations, seats
from services.dispatch import Dispatcher, Request
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, a_person, as_role, books


async def test_the_same_key_and_body_get_the_same_answer(database: Database) -> None:
    ours = await books(database)
    person = {"email": "bo@x.example", "name": "Bo", "role": "member"}

    first = await ours.do(members.add, members.AddMember, under="k", **person)
    again = await ours.do(members.add, members.AddMember, under="k", **person)

    assert first == again
    assert await rows.count(database.reader, ours.organization_id) == 2


async def test_the_same_key_with_another_body_does_nothing(database: Database) -> None:
    ours = await books(database)
    await ours.do(members.add, members.AddMember, under="k", email="bo@x.example", name="Bo", role="member")

    other = await ours.do(members.add, members.AddMember, under="k", email="cy@x.example", name="Cy", role="member")

    assert isinstance(other, Refused)
    assert other.code is RefusalCode.IDEMPOTENCY_MISMATCH
    assert await rows.find_by_email(database.reader, ours.organization_id, "cy@x.example") is None


async def test_one_of_many_at_once_acts_and_all_hear_the_same(database: Database) -> None:
    ours = await books(database)
    person = {"email": "bo@x.example", "name": "Bo", "role": "member"}

    answers = await asyncio.gather(*(ours.do(members.add, members.AddMember, under="k", **person) for _ in range(20)))

    assert len(set(answers)) == 1
    assert await rows.count(database.reader, ours.organization_id) == 2


async def test_a_refusal_is_an_answer_too(database: Database) -> None:
    ours = await books(database)
    unknown = {"email": "bo@x.example", "name": "Bo", "role": "pilot"}

    first = await ours.do(members.add, members.AddMember, under="k", **unknown)
    again = await ours.do(members.add, members.AddMember, under="k", **unknown)

    assert isinstance(first, Refused)
    assert first == again


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb"])
async def test_a_key_that_cannot_be_kept_is_refused(database: Database, key: str) -> None:
    ours = await books(database)

    answer = await ours.do(members.add, members.AddMember, under=key, email="b@x.example", name="Bo", role="member")

    assert isinstance(answer, Refused)
    assert answer.field == ("idempotencyKey",)


async def test_a_role_without_the_permission_is_turned_away(database: Database) -> None:
    ours = await books(database)
    auditor = as_role(ours.organization_id, "auditor")

    with pytest.raises(policy.Forbidden, match=r"members\.write"):
        await ours.do(members.add, members.AddMember, actor=auditor, email="b@x.example", name="Bo", role="member")

    assert await rows.count(database.reader, ours.organization_id) == 1


async def test_a_kept_answer_is_not_told_to_those_who_may_not_ask(database: Database) -> None:
    ours = await books(database)
    person = {"email": "bo@x.example", "name": "Bo", "role": "member"}
    await ours.do(members.add, members.AddMember, under="k", **person)

    with pytest.raises(policy.Forbidden):
        await ours.do(
            members.add, members.AddMember, under="k", actor=as_role(ours.organization_id, "member"), **person
        )


async def test_a_stranger_finds_no_organization(database: Database) -> None:
    ours = await books(database)

    with pytest.raises(policy.NotVisible):
        await ours.do(seats.change_tier, seats.ChangeTier, actor=a_person("eve"), member_id="m", tier=None)


async def test_the_log_has_every_fact_in_order_and_without_gaps(database: Database) -> None:
    from models import events

    ours = await books(database)
    await asyncio.gather(*(ours.add(f"member{number}") for number in range(10)))

    log = await events.after(database.reader, ours.organization_id, 0, limit=1_000)

    assert [event.sequence for event in log] == list(range(1, len(log) + 1))
    assert log[0].kind == "OrganizationCreated"
    assert sum(event.kind == "SeatGranted" for event in log) == 11
    assert {event.request_id for event in log} == {"request"}


async def test_opening_an_organization_twice_opens_one(database: Database) -> None:
    await books(database)
    dispatcher = Dispatcher(database.runner, (await books(database, slug="other")).dispatcher.hub)
    command = organizations.Create("open-acme", "acme", "Acme", "USD", "UTC", "en", "pooled")

    again = await organizations.create(dispatcher, command, Request(a_person("ann"), START, "request"))
    taken = await organizations.create(dispatcher, command, Request(a_person("bob"), START, "request"))

    assert isinstance(again, organizations.Created)
    assert isinstance(taken, Refused)
    assert taken.code is RefusalCode.ALREADY_EXISTS


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "No Spaces"}, "slug"),
        ({"name": " "}, "name"),
        ({"currency": "XXZ"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "timeZone"),
        ({"locale": "english"}, "locale"),
        ({"plan_key": "nothing"}, "planKey"),
    ],
)
async def test_an_organization_that_cannot_be_is_refused_by_field(
    database: Database, change: dict[str, str], field: str
) -> None:
    ours = await books(database)
    wanted = {
        "idempotency_key": "k",
        "slug": "beta",
        "name": "Beta",
        "currency": "USD",
        "time_zone": "UTC",
        "locale": "en",
        "plan_key": "pooled",
    }

    command = organizations.Create(**{**wanted, **change})
    answer = await organizations.create(ours.dispatcher, command, Request(a_person("ann"), START, "request"))

    assert isinstance(answer, Refused)
    assert answer.field == (field,)
