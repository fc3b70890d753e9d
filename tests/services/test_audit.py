"""Whoever asks leaves a record, and nobody changes one without it being seen."""

import json
from typing import Any

import pytest

from auth import policy
from models import audit as rows
from models.database import Database
from services import audit, imports, members, seats
from services.outcomes import Refused
from tests.services.books import Books, a_use, as_role, books

BO = {"email": "bo@x.example", "name": "Bo", "role": "member"}


async def recorded(ours: Books) -> list[rows.Record]:
    return await rows.after(ours.reader, ours.organization_id, 0, limit=1_000)


async def faults(ours: Books) -> list[str]:
    return [fault async for fault in audit.faults(ours.reader, ours.organization_id)]


async def a_history(database: Database) -> Books:
    """Return books with five records: the opening, two people, a refusal and a change of role."""
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.add("cy")
    await ours.do(members.add, members.AddMember, **BO)
    await ours.do(members.change_role, members.ChangeRole, member_id=bo, role="auditor")
    return ours


async def test_every_command_leaves_one_record_in_order(database: Database) -> None:
    ours = await a_history(database)

    found = await recorded(ours)

    assert [(each.sequence, each.attempt.operation, each.attempt.outcome) for each in found] == [
        (1, "organizations.create", "DONE"),
        (2, "members.add", "DONE"),
        (3, "members.add", "DONE"),
        (4, "members.add", "REFUSED"),
        (5, "members.change_role", "DONE"),
    ]
    assert [each.previous_hash for each in found] == ["", *(each.hash for each in found[:-1])]
    assert await faults(ours) == []


async def test_a_record_says_who_asked_how_they_signed_in_and_what_changed(database: Database) -> None:
    ours = await a_history(database)

    attempt = (await recorded(ours))[-1].attempt

    assert attempt.actor == ours.owner.actor_id(ours.organization_id)
    assert (attempt.method, attempt.issuer, attempt.request_id) == (
        ours.owner.method.value,
        ours.owner.issuer,
        "request",
    )
    assert json.loads(attempt.input)["role"] == "auditor"
    [role, seat] = json.loads(attempt.changes)["facts"]
    assert (role["kind"], role["before"]["role"], role["after"]["role"]) == ("MemberRoleChanged", "member", "auditor")
    assert (seat["kind"], seat["before"]["role"], seat["after"]["role"]) == ("SeatChanged", "member", "auditor")


async def test_a_refusal_says_why(database: Database) -> None:
    ours = await a_history(database)

    attempt = (await recorded(ours))[3].attempt

    assert (attempt.code, attempt.message) == ("ALREADY_EXISTS", "bo@x.example is a member already")
    assert json.loads(attempt.changes)["facts"] == []


async def test_a_missing_permission_is_on_record_too(database: Database) -> None:
    ours = await books(database)
    auditor = as_role(ours.organization_id, "auditor")

    with pytest.raises(policy.Forbidden):
        await ours.do(members.add, members.AddMember, actor=auditor, **BO)

    last = (await recorded(ours))[-1].attempt
    assert (last.outcome, last.operation, last.actor) == (
        "FORBIDDEN",
        "members.add",
        auditor.actor_id(ours.organization_id),
    )
    assert "members.write" in str(last.message)
    assert await faults(ours) == []


async def test_a_stranger_leaves_no_record(database: Database) -> None:
    ours = await books(database)
    stranger = as_role("01kwdfkd00yp6arym8shx0mx4x", "primary_owner")

    with pytest.raises(policy.NotVisible):
        await ours.do(members.add, members.AddMember, actor=stranger, **BO)

    assert len(await recorded(ours)) == 1


async def test_a_replay_leaves_none_and_another_body_under_the_key_does(database: Database) -> None:
    ours = await books(database)
    for name in ("Bo", "Bo", "Cy"):
        await ours.do(members.add, members.AddMember, under="k", **BO | {"name": name})

    assert [each.attempt.code for each in await recorded(ours)] == [None, None, "IDEMPOTENCY_MISMATCH"]


async def test_a_key_that_cannot_be_kept_is_on_record(database: Database) -> None:
    ours = await books(database)

    await ours.do(members.add, members.AddMember, under="", **BO)

    assert [each.attempt.code for each in await recorded(ours)] == [None, "INPUT_INVALID"]


async def test_what_fails_leaves_nothing_behind(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = await books(database)

    async def fails(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(seats, "grant", fails)
    with pytest.raises(RuntimeError):
        await ours.add("bo")

    assert len(await recorded(ours)) == 1
    assert await faults(ours) == []


async def test_a_long_input_is_kept_as_a_digest(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")

    await ours.use(*(a_use(f"u{number}", bo, 1) for number in range(100)))

    asked = json.loads((await recorded(ours))[-1].attempt.input)
    assert set(asked) == {"digest", "length"}
    assert asked["length"] > audit.INPUT_LENGTH_MAX


async def test_many_changes_are_kept_as_a_digest_and_the_log_has_them(database: Database) -> None:
    ours = await books(database)
    people = tuple(imports.NewMember(f"p{number}@x.example", f"P{number}", "member") for number in range(40))

    added = await ours.do(imports.add_many, imports.AddMany, members=people)

    assert not isinstance(added, Refused), added
    changes = json.loads((await recorded(ours))[-1].attempt.changes)
    first, last = changes["events"]
    assert (changes["facts"], last - first + 1) == (None, 80)


CHANGED = "UPDATE audit_records SET actor = 'somebody else' WHERE sequence = 3"
REMOVED = "DELETE FROM audit_records WHERE sequence = 3"
CUT = "DELETE FROM audit_records WHERE sequence >= 4"
SWAPPED = "UPDATE audit_records SET sequence = CASE sequence WHEN 2 THEN -3 ELSE -2 END WHERE sequence IN (2, 3)"
TURNED = "UPDATE audit_records SET sequence = -sequence WHERE sequence < 0"
EMPTIED = "DELETE FROM audit_records"


@pytest.mark.parametrize(
    ("deeds", "found"),
    [
        ([CHANGED], ["audit record 3 was changed"]),
        ([REMOVED], ["audit records 3 to 3 are missing"]),
        ([CUT], ["audit records 4 to 5 are missing"]),
        ([EMPTIED], ["audit records 1 to 5 are missing"]),
        (
            [SWAPPED, TURNED],
            [
                "audit record 2 does not follow the one before it",
                "audit record 2 was changed",
                "audit record 3 does not follow the one before it",
                "audit record 3 was changed",
                "audit record 4 does not follow the one before it",
            ],
        ),
        (["DELETE FROM audit_heads"], ["the chain ends with record 5, its kept end says 0"]),
    ],
    ids=["changed", "removed", "cut off", "emptied", "reordered", "unended"],
)
async def test_tampering_shows(database: Database, deeds: list[str], found: list[str]) -> None:
    ours = await a_history(database)
    for deed in deeds:
        await database.writer.execute_query(deed)

    assert await faults(ours) == found


async def test_a_forged_record_with_a_hash_of_its_own_breaks_the_next_link(database: Database) -> None:
    ours = await a_history(database)
    true = (await recorded(ours))[2]
    forged = rows.Attempt(**{name: getattr(true.attempt, name) for name in true.attempt.__slots__} | {"actor": "x"})
    new = rows.link(ours.organization_id, 3, forged, true.previous_hash)
    await database.writer.execute_query(
        f"UPDATE audit_records SET actor = 'x', hash = '{new}' WHERE sequence = 3"  # our own hash
    )

    assert await faults(ours) == ["audit record 4 does not follow the one before it"]
