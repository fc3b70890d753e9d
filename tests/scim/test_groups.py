"""What directory groups give: a role and a seat tier, in the order an owner wrote, and never more than they may."""

from typing import Any

import pytest

from auth.principal import Membership, Principal
from billing.roles import BUILT_IN, Permission
from jobs import due
from models.database import Database
from schema import ids
from services import group_mappings, members
from services.group_mappings import Rule, SetMapping
from services.outcomes import Refused
from tests.scim.house import Directory, a_directory, directory_of, token_of
from tests.services.books import Books, a_person, as_role, days_later


def key(resource: Any) -> str:
    return ids.parse(resource["id"]).key


async def mapped(directory: Directory, *rules: Rule, **fields: Any) -> Any:
    return await directory.books.do(group_mappings.set_mapping, SetMapping, rules=rules, **fields)


async def join(directory: Directory, group: Any, *users: Any, op: str = "add") -> None:
    answer = await directory.patch(
        f"/Groups/{group['id']}", {"op": op, "path": "members", "value": [{"value": user["id"]} for user in users]}
    )
    assert answer.status_code == 200, answer.text


async def test_the_first_rule_decides_role_and_tier(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        admins, staff = await directory.group("Admins"), await directory.group("Staff")
        await mapped(directory, Rule(key(admins), "billing_admin", None), Rule(key(staff), "team_member", "chat_code"))

        await join(directory, staff, user)
        as_staff = await directory.seat(user)
        await join(directory, admins, user)
        as_both = await directory.seat(user)
        await join(directory, admins, user, op="remove")

        assert as_staff == ("team_member", "chat_code")
        assert as_both == ("billing_admin", "chat_code")  # a rule without a tier leaves the seat's
        assert await directory.seat(user) == ("team_member", "chat_code")


async def test_whoever_leaves_the_last_group_has_what_new_people_have(database: Database) -> None:
    async with a_directory(database) as directory:
        user, staff = await directory.user(), await directory.group("Staff")
        await mapped(directory, Rule(key(staff), "billing_admin", "chat_code"), default_role="view_only")
        await join(directory, staff, user)

        await join(directory, staff, user, op="remove")

        assert await directory.seat(user) == ("view_only", "chat_code")
        assert (await directory.member(user)).role == "view_only"


async def test_new_people_have_the_default_role_and_tier(database: Database) -> None:
    async with a_directory(database) as directory:
        await mapped(directory, default_role="team_member", default_tier="chat")

        assert await directory.seat(await directory.user()) == ("team_member", "chat")


async def test_new_rules_are_given_to_people_who_are_there_already(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        staff = await directory.group("Staff", user["id"])

        answer = await mapped(directory, Rule(key(staff), "team_member", "chat"))

        assert answer == group_mappings.MappingSet(1, is_complete=True)
        assert await directory.seat(user) == ("team_member", "chat")


async def test_a_group_that_is_deleted_gives_nothing_any_more(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        staff = await directory.group("Staff", user["id"])
        await mapped(directory, Rule(key(staff), "billing_admin", None))

        answer = await directory.send("DELETE", f"/Groups/{staff['id']}")

        assert answer.status_code == 204
        assert (await directory.member(user)).role == "member"


async def test_what_an_owner_does_stays_until_the_groups_change(database: Database) -> None:
    async with a_directory(database) as directory:
        user, staff, other = await directory.user(), await directory.group("Staff"), await directory.group("Other")
        await mapped(directory, Rule(key(staff), "team_member", None))
        await join(directory, staff, user)
        await directory.books.do(members.change_role, members.ChangeRole, member_id=key(user), role="auditor")

        await join(directory, other, user)
        untouched = (await directory.member(user)).role
        await join(directory, staff, user, op="remove")

        assert untouched == "auditor"
        assert (await directory.member(user)).role == "member"


async def test_a_rule_reaches_whoever_comes_back(database: Database) -> None:
    async with a_directory(database) as directory:
        user, staff = await directory.user(), await directory.group("Staff")
        await mapped(directory, Rule(key(staff), "team_member", "chat"))
        await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
        await join(directory, staff, user)

        await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": True})

        assert await directory.seat(user) == ("team_member", "chat")


async def test_what_cannot_be_given_is_said_in_the_log(database: Database) -> None:
    """The token of somebody who may not make owners does not make one, whatever the rule says."""
    async with a_directory(database) as directory:
        ours, user, staff = directory.books, await directory.user(), await directory.group("Owners")
        await mapped(directory, Rule(key(staff), "owner", None))
        token = await token_of(ours, actor=with_access(ours))

        async with directory_of(ours, token=token) as narrow:
            await join(narrow, staff, user)

        (told,) = await ours.facts("GroupRuleNotApplied")
        assert (await directory.member(user)).role == "member"
        assert "'owner' allows" in told.payload


async def test_no_group_makes_or_unmakes_a_primary_owner(database: Database) -> None:
    async with a_directory(database) as directory:
        staff = await directory.group("Owners")
        await mapped(directory, Rule(key(staff), "owner", None))
        primary = {"id": ids.text(ids.Kind.MEMBER, directory.books.organization_id, _owner(directory))}

        await join(directory, staff, primary)

        assert (await directory.member(primary)).role == "primary_owner"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (("primary_owner", None), "role"),
        (("emperor", None), "role"),
        (("member", "gold"), "tier"),
    ],
)
async def test_refuses_rules_that_could_not_be_kept(
    database: Database, rule: tuple[str, str | None], field: str
) -> None:
    async with a_directory(database) as directory:
        staff = await directory.group("Staff")

        refused = await mapped(directory, Rule(key(staff), *rule))

        assert isinstance(refused, Refused)
        assert refused.field == ("rules", "0", field)


async def test_refuses_a_rule_for_a_group_that_is_not_there(database: Database) -> None:
    async with a_directory(database) as directory:
        refused = await mapped(directory, Rule("01kwdfkd00yp6arym8shx0mx4x", "member", None))

        assert isinstance(refused, Refused)
        assert refused.field == ("rules", "0", "directory_group_id")


async def test_very_many_people_follow_as_scheduled_work(database: Database, monkeypatch: Any) -> None:
    monkeypatch.setattr(group_mappings, "BATCH", 2)
    async with a_directory(database) as directory:
        users = [await directory.user(f"p{number}@x.example") for number in range(5)]
        staff = await directory.group("Staff", *(user["id"] for user in users))

        answer = await mapped(directory, Rule(key(staff), "team_member", "chat"))
        organization = await directory.books.organization()
        reports = [
            report
            async for report in due.carry_out_of(
                directory.books.reader, directory.books.dispatcher, organization, at=days_later(1)
            )
        ]

        assert answer == group_mappings.MappingSet(2, is_complete=False)
        assert [report.what for report in reports] == ["mapping", "mapping"]
        assert [await directory.seat(user) for user in users] == [("team_member", "chat")] * 5


async def test_the_last_primary_owner_stays(database: Database) -> None:
    async with a_directory(database) as directory:
        owner = ids.text(ids.Kind.MEMBER, directory.books.organization_id, _owner(directory))

        patched = await directory.patch(f"/Users/{owner}", {"op": "Replace", "path": "active", "value": "False"})
        deleted = await directory.send("DELETE", f"/Users/{owner}")

        for answer in (patched, deleted):
            assert answer.status_code == 409
            assert "last primary owner" in answer.json()["detail"]
        assert (await directory.member({"id": owner})).status == "ACTIVE"


async def test_a_token_reaches_no_further_than_its_maker(database: Database) -> None:
    async with a_directory(database) as directory:
        owner = ids.text(ids.Kind.MEMBER, directory.books.organization_id, _owner(directory))
        await directory.books.add("second", role="primary_owner")
        token = await token_of(directory.books, actor=as_role(directory.books.organization_id, "owner"))

        async with directory_of(directory.books, token=token) as narrow:
            answer = await narrow.patch(f"/Users/{owner}", {"op": "replace", "path": "active", "value": False})
            taken_over = await narrow.patch(
                f"/Users/{owner}", {"op": "replace", "path": "userName", "value": "me@x.example"}
            )

        assert (answer.status_code, taken_over.status_code) == (403, 403)
        reached = await directory.patch(f"/Users/{owner}", {"op": "replace", "path": "active", "value": False})
        assert reached.status_code == 200  # made by a primary owner, and another one is there


async def test_a_token_knows_what_its_role_has_come_to_allow(database: Database) -> None:
    """A token from before a permission existed still lets an owner go who has it."""
    async with a_directory(database) as directory:
        ours, user = directory.books, await directory.user()
        await ours.do(members.change_role, members.ChangeRole, member_id=key(user), role="owner")
        before = BUILT_IN["owner"].permissions - {Permission.WEBHOOKS_WRITE}
        maker = a_person("old", Membership(ours.organization_id, None, "owner", before))

        async with directory_of(ours, token=await token_of(ours, actor=maker)) as old:
            answer = await old.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})

        assert answer.status_code == 200, answer.text


def with_access(ours: Books) -> Principal:
    """Return somebody who may let directories in, and is no owner."""
    may = BUILT_IN["billing_admin"].permissions | {Permission.ACCESS_WRITE}
    return a_person("it", Membership(ours.organization_id, None, "it", frozenset(may)))


def _owner(directory: Directory) -> str:
    own = directory.books.owner.membership(directory.books.organization_id)
    assert own is not None
    assert own.member_id is not None
    return own.member_id
