"""What the great directories send, in the words of their own documentation, and what becomes of it here."""

from typing import Any

import pytest

from models.database import Database
from tests.scim.house import ENTERPRISE, GROUP, USER, a_directory

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

# Microsoft Entra ID: "Develop and plan provisioning for a SCIM endpoint", the requests of its reference.
ENTRA_USER = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Test_User_ab6490ee@x.example",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "Test_User_fd0ea19b@x.example"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
    "roles": [],
}


async def test_entra_asks_for_a_stranger_and_gets_an_empty_list(database: Database) -> None:
    async with a_directory(database) as directory:
        found = await directory.get('/Users?filter=userName eq "Test_User_dfeef4c5@x.example"')

    assert found == {"schemas": [LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []}


async def test_entra_creates_a_user_and_finds_it_in_any_case(database: Database) -> None:
    async with a_directory(database) as directory:
        made = await directory.send("POST", "/Users", ENTRA_USER)
        found = await directory.get('/Users?filter=userName eq "test_user_AB6490EE@x.example"')

        assert made.status_code == 201
        assert made.headers["content-type"] == "application/scim+json"
        assert made.headers["location"] == made.json()["meta"]["location"]
        assert [each["id"] for each in found["Resources"]] == [made.json()["id"]]
        assert found["Resources"][0] == made.json()
        assert {name: made.json()[name] for name in ("userName", "externalId", "emails", "name")} == {
            name: ENTRA_USER[name] for name in ("userName", "externalId", "emails", "name")
        }


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "Replace", "value": {"active": "False"}},
        {"op": "replace", "value": {"active": False}},
    ],
)
async def test_deactivates_however_it_is_said(database: Database, operation: dict[str, Any]) -> None:
    """Entra writes Booleans as text and operations with a capital; Okta leaves the path out."""
    async with a_directory(database) as directory:
        user = await directory.user()

        answer = await directory.patch(f"/Users/{user['id']}", operation)
        again = await directory.patch(f"/Users/{user['id']}", operation)

        assert (answer.status_code, answer.json()["active"]) == (200, False)
        assert again.json() == answer.json()
        assert (await directory.member(user)).status == "DEACTIVATED"
        assert await directory.seat(user) is None
        assert len(await directory.books.facts("MemberDeactivated")) == 1


async def test_entra_writes_into_an_address_that_is_not_there_yet(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()

        answer = await directory.patch(
            f"/Users/{user['id']}",
            {"op": "Add", "path": 'emails[type eq "work"].value', "value": "updated@x.example"},
            {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
            {"op": "Add", "path": "title", "value": "not kept"},
            {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "not kept either"},
        )

        assert answer.status_code == 200, answer.text
        assert answer.json()["emails"] == [{"type": "work", "value": "updated@x.example"}]
        assert answer.json()["name"] == {"familyName": "updatedFamilyName"}
        assert "title" not in answer.json()


async def test_entra_adds_without_a_path_and_in_dotted_names(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()

        answer = await directory.patch(
            f"/Users/{user['id']}",
            {"op": "Add", "value": {"displayName": "Bjarne", "name.givenName": "Bjarne", "active": True}},
        )

        assert (answer.json()["displayName"], answer.json()["name"]) == ("Bjarne", {"givenName": "Bjarne"})
        assert (await directory.member(user)).name == "Bjarne"


async def test_entra_finds_a_group_by_name_without_its_members(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        group = await directory.group("Engineers", user["id"])

        found = await directory.get('/Groups?excludedAttributes=members&filter=displayName eq "ENGINEERS"')
        inside = await directory.get(
            f'/Groups?attributes=id&filter=id eq "{group["id"]}" and members eq "{user["id"]}"'
        )

        assert [(each["id"], "members" in each) for each in found["Resources"]] == [(group["id"], False)]
        assert [each["id"] for each in inside["Resources"]] == [group["id"]]
        assert "displayName" in inside["Resources"][0]  # always returned


async def test_entra_removes_a_member_by_value(database: Database) -> None:
    async with a_directory(database) as directory:
        users = [await directory.user(f"p{number}@x.example") for number in range(3)]
        group = await directory.group("Engineers", *(user["id"] for user in users))

        answer = await directory.patch(
            f"/Groups/{group['id']}",
            {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": users[0]["id"]}]},
        )
        by_filter = {"op": "remove", "path": f'members[value eq "{users[1]["id"]}"]'}
        await directory.patch(f"/Groups/{group['id']}", by_filter)
        left = await directory.get(f"/Groups/{group['id']}")

        assert answer.status_code == 200, answer.text
        assert [each["value"] for each in left["members"]] == [users[2]["id"]]


async def test_okta_replaces_a_user_as_a_whole(database: Database) -> None:
    """Okta: "Understanding of the SCIM protocol", PUT with everything it knows."""
    async with a_directory(database) as directory:
        user = await directory.user(
            externalId="00ujl29u0le5T6Aj10h7", emails=[{"value": "old@x.example", "type": "work"}]
        )

        answer = await directory.send(
            "PUT",
            f"/Users/{user['id']}",
            {
                "schemas": [USER],
                "id": user["id"],
                "userName": "test.user@x.example",
                "name": {"givenName": "Another", "middleName": "Excited", "familyName": "User"},
                "emails": [{"primary": True, "value": "test.user@x.example", "type": "work", "display": "a"}],
                "active": False,
                "groups": [],
                "password": "1mz050nq",
                "meta": {"resourceType": "User"},
            },
        )

        member = await directory.member(user)
        assert answer.status_code == 200, answer.text
        assert "displayName" not in answer.json()
        assert "externalId" not in answer.json()
        assert "1mz050nq" not in answer.text
        assert (member.email, member.name, member.status) == ("test.user@x.example", "Another User", "DEACTIVATED")


async def test_okta_pages_from_one(database: Database) -> None:
    async with a_directory(database) as directory:
        for number in range(5):
            await directory.user(f"p{number}@x.example")

        pages = [await directory.get(f"/Users?startIndex={start}&count=2") for start in (1, 3, 5, 7)]
        every = await directory.get("/Users?count=100&startIndex=0")

        assert [page["totalResults"] for page in pages] == [6] * 4  # the primary owner is there too
        assert [(page["startIndex"], page["itemsPerPage"]) for page in pages] == [(1, 2), (3, 2), (5, 2), (7, 0)]
        listed = [each["id"] for page in pages for each in page["Resources"]]
        assert listed == [each["id"] for each in every["Resources"]]


async def test_okta_replaces_a_group_as_a_whole(database: Database) -> None:
    async with a_directory(database) as directory:
        users = [await directory.user(f"p{number}@x.example") for number in range(3)]
        group = await directory.group("Test SCIMv2", users[0]["id"], users[1]["id"])

        answer = await directory.send(
            "PUT",
            f"/Groups/{group['id']}",
            {
                "schemas": [GROUP],
                "id": group["id"],
                "displayName": "Test SCIMv2 renamed",
                "members": [{"value": each["id"], "display": each["userName"]} for each in users[1:]],
            },
        )

        assert answer.status_code == 200, answer.text
        assert answer.json()["displayName"] == "Test SCIMv2 renamed"
        assert {each["value"] for each in answer.json()["members"]} == {users[1]["id"], users[2]["id"]}


async def test_okta_renames_a_group_and_replaces_its_members_in_patches(database: Database) -> None:
    async with a_directory(database) as directory:
        users = [await directory.user(f"p{number}@x.example") for number in range(2)]
        group = await directory.group("Old", users[0]["id"])
        path = f"/Groups/{group['id']}"

        await directory.patch(path, {"op": "replace", "value": {"id": group["id"], "displayName": "New"}})
        answer = await directory.patch(path, {"op": "replace", "path": "members", "value": [{"value": users[1]["id"]}]})

        assert answer.json()["displayName"] == "New"
        assert [each["value"] for each in answer.json()["members"]] == [users[1]["id"]]


async def test_google_updates_by_patch_and_suspends(database: Database) -> None:
    """Google Workspace's automated provisioning: find by userName, create, PATCH with lower-case operations."""
    async with a_directory(database) as directory:
        user = await directory.user("liz@x.example", name={"givenName": "Liz", "familyName": "A"}, active=True)

        renamed = await directory.patch(
            f"/Users/{user['id']}",
            {"op": "replace", "path": "name", "value": {"givenName": "Elizabeth", "familyName": "A"}},
            {"op": "replace", "path": "userName", "value": "elizabeth@x.example"},
        )
        suspended = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})

        assert (renamed.json()["userName"], renamed.json()["name"]["givenName"]) == ("elizabeth@x.example", "Elizabeth")
        assert suspended.json()["active"] is False


async def test_brings_back_whoever_is_active_again_with_the_seat_they_had(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        held = await directory.seat(user)
        path = f"/Users/{user['id']}"
        await directory.patch(path, {"op": "Replace", "path": "active", "value": "False"})

        await directory.patch(path, {"op": "Replace", "path": "active", "value": "True"})

        assert await directory.seat(user) == held == ("member", None)
        assert (await directory.get(path))["active"] is True


async def test_whoever_is_deleted_is_gone_for_the_directory_and_stays_in_the_books(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user(externalId="e-1")
        group = await directory.group("Engineers", user["id"])

        gone = await directory.send("DELETE", f"/Users/{user['id']}")

        assert (gone.status_code, gone.content) == (204, b"")
        assert (await directory.send("GET", f"/Users/{user['id']}")).status_code == 404
        assert (await directory.send("DELETE", f"/Users/{user['id']}")).status_code == 404
        assert (await directory.get('/Users?filter=userName eq "bo@x.example"'))["totalResults"] == 0
        assert "members" not in await directory.get(f"/Groups/{group['id']}")
        member = await directory.member(user)
        assert (member.status, member.email, member.external_id) == ("DEACTIVATED", "bo@x.example", "e-1")


async def test_whoever_is_deleted_and_created_again_is_the_same_person(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user(externalId="e-1")
        await directory.send("DELETE", f"/Users/{user['id']}")

        again = await directory.user("bo.married@x.example", externalId="e-1")

        assert again["id"] == user["id"]
        assert (await directory.member(user)).email == "bo.married@x.example"
        assert await directory.seat(user) == ("member", None)


async def test_an_inactive_person_is_brought_in_without_a_seat(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user(active=False)

        assert user["active"] is False
        assert await directory.seat(user) is None
        assert [each.actor[:4] for each in await directory.books.facts("SeatGranted")] == ["memb"]  # the owner's own


async def test_who_did_it_is_on_record(database: Database) -> None:
    async with a_directory(database) as directory:
        await directory.user()

        added = [each for each in await directory.books.facts("MemberAdded") if each.actor.startswith("scim:")]

        assert len(added) == 1
