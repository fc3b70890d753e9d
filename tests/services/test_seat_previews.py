"""What a preview of a seat says is what the change does, refusals included, whatever the policies."""

import os
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.principal import Principal
from billing.seat_policies import Decrease, Increase
from models.database import Database
from services import drafts, members, reassignments, seat_previews, seats
from services.outcomes import RefusalCode, Refused
from services.reassignments import FormerHolder, NewPerson
from services.unit import Unit
from tests.services.books import START, Books, as_role, books, days_later
from tests.services.test_releases import a_plan

NUMBERS = count()
EXAMPLES = int(os.environ.get("BILLING_EXAMPLES", "12"))
"""How many organizations are tried; BILLING_EXAMPLES asks for more."""
TIERS = st.sampled_from([None, "chat", "chat_code"])
ROLES = st.sampled_from(["member", "project_administrator", "view_only"])
PEOPLE = st.sampled_from(["ann", "bo", "cy"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tier"), PEOPLE, TIERS),
        st.tuples(st.just("role"), PEOPLE, ROLES),
        st.tuples(st.just("leave"), PEOPLE),
        st.tuples(st.just("hand on"), PEOPLE, PEOPLE, st.sampled_from(FormerHolder)),
        st.tuples(st.just("hand to somebody new"), PEOPLE, st.sampled_from(FormerHolder)),
    ),
    min_size=1,
    max_size=6,
)
POLICIES = st.fixed_dictionaries(
    {
        "timing": st.sampled_from(["ADVANCE", "ARREARS"]),
        "increase": st.sampled_from(sorted(Increase)),
        "decrease": st.sampled_from(sorted(set(Decrease) - {Decrease.KEEP})),
        "interval": st.sampled_from(["MONTH", "QUARTER"]),
        "proration": st.sampled_from(["BY_SECOND", "ACTUAL_INCLUSIVE"]),
    }
)


async def asked_and_done(ours: Books, step: tuple[Any, ...], ids: dict[str, str], number: int) -> tuple[Any, Any]:
    """Return what a preview of the step says, and what the step itself answers."""
    verb, make, ask, fields = _command(step, ids, number)
    at = days_later(number * 5 + 2)
    unit = Unit.of_reading(ours.reader, await ours.organization(), ours.owner, at=at, request_id="asking")
    preview = await ask(unit, make(organization_id=ours.organization_id, idempotency_key="", **fields))
    return preview, await ours.do(verb, make, at=at, **fields)


def _command(step: tuple[Any, ...], ids: dict[str, str], number: int) -> tuple[Any, Any, Any, dict[str, Any]]:
    member = {"member_id": ids[step[1]]}
    match step:
        case "tier", _, tier:
            return seats.change_tier, seats.ChangeTier, seat_previews.of_tier, {**member, "tier": tier}
        case "role", _, role:
            return members.change_role, members.ChangeRole, seat_previews.of_role, {**member, "role": role}
        case "leave", _:
            return members.deactivate, members.Deactivate, seat_previews.of_leaving, member
        case "hand on", _, to, former:
            to = ids[to]
        case _:
            to, former = NewPerson(f"new{number}@x.example", "New", "member"), step[2]
    fields = {**member, "to": to, "former": former}
    return reassignments.reassign, reassignments.Reassign, seat_previews.of_reassignment, fields


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, policies=POLICIES)
async def test_says_what_the_change_does(
    database: Database, steps: list[tuple[Any, ...]], policies: dict[str, Any]
) -> None:
    slug = f"acme-{next(NUMBERS)}"
    ours = await books(database, plan=a_plan(**policies) | {"key": f"plan-{slug}"}, slug=slug)
    owner = ours.owner.membership(ours.organization_id)
    assert owner is not None
    assert owner.member_id is not None
    ids = {name: await ours.add(name, tier="chat_code", at=days_later(1)) for name in ("bo", "cy")}
    ids["ann"] = owner.member_id

    for number, step in enumerate(steps):
        preview, answer = await asked_and_done(ours, step, ids, number)
        drafted = await drafts.month_total(ours.reader, await ours.organization(), at=days_later(number * 5 + 2))

        if isinstance(preview, Refused):
            assert answer == preview
        else:
            assert not isinstance(answer, Refused), answer
            assert preview.after == drafted
            if hasattr(answer, "after"):
                assert (answer.before, answer.after) == (preview.before, preview.after)


def _refused(found: Any, code: RefusalCode, *field: str) -> None:
    assert isinstance(found, Refused), found
    assert (found.code, found.field) == (code, field)


@pytest.mark.parametrize(
    ("actor", "code"), [(None, RefusalCode.LAST_PRIMARY_OWNER), ("billing_admin", RefusalCode.ROLE_ABOVE_OWN)]
)
async def test_refuses_to_let_an_owner_go_as_the_change_would(
    database: Database, actor: str | None, code: RefusalCode
) -> None:
    ours = await books(database)
    owner = ours.owner.membership(ours.organization_id)
    assert owner is not None
    asking: Principal = ours.owner if actor is None else as_role(ours.organization_id, actor)
    unit = Unit.of_reading(ours.reader, await ours.organization(), asking, at=START, request_id="asking")
    leave = members.Deactivate(ours.organization_id, "", str(owner.member_id))

    preview = await seat_previews.of_leaving(unit, leave)
    answer = await ours.do(members.deactivate, members.Deactivate, actor=asking, member_id=leave.member_id)

    _refused(preview, code, "memberId")
    assert preview == answer


async def test_a_preview_changes_nothing_and_says_nothing(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    unit = Unit.of_reading(ours.reader, await ours.organization(), ours.owner, at=days_later(3), request_id="asking")
    command = reassignments.Reassign(ours.organization_id, "", bo, NewPerson("cy@x.example", "Cy"))
    before = await ours.organization()

    found = await seat_previews.of_reassignment(unit, command)

    assert isinstance(found, seat_previews.SeatPreview)
    assert unit.events == []
    assert (await ours.organization()).event_sequence == before.event_sequence
    assert isinstance(await seat_previews.of_reassignment(unit, replace(command, member_id="nobody")), Refused)
