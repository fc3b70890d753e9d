"""The protocol itself: media types, versions, filters, paging, errors, bulk, and who may come in."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from api import scim
from models import scim_tokens as rows
from models.database import Database
from schema import ids
from services import members, scim_tokens
from tests.schema.counting import CountingReader
from tests.scim.house import GROUP, USER, a_directory, app_of, directory_of, token_of
from tests.services.books import books, days_later

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
FAULTS: list[tuple[str, str, Any, int, str | None]] = [
    ("GET", "/Users?filter=userName eq", None, 400, "invalidFilter"),
    ("GET", "/Users?filter=shoeSize eq 46", None, 400, "invalidFilter"),
    ("GET", "/Users?attributes=userName&excludedAttributes=name", None, 400, "invalidValue"),
    ("GET", "/Users?count=many", None, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue"),
    ("POST", "/Users", {"schemas": [USER], "userName": "no address"}, 400, "invalidValue"),
    ("POST", "/Users", [], 400, "invalidSyntax"),
    ("POST", "/Users", {"schemas": [USER], "userName": "ANN@x.example"}, 409, "uniqueness"),
    ("POST", "/Groups", {"schemas": [GROUP], "displayName": "x", "members": [{"value": "y"}]}, 400, "invalidValue"),
    ("PUT", "/Users/nobody", {"schemas": [USER], "userName": "a@x.example"}, 404, None),
    ("GET", "/Users/mem_01kwdfkd00yp6arym8shx0mx4x_01kwdfkd00yp6arym8shx0mx4y", None, 404, None),
    ("GET", "/Me", None, 501, None),
    ("GET", "/Shoes", None, 404, None),
    ("DELETE", "/Users", None, 405, None),
    ("POST", "/Schemas", {}, 405, None),
    ("GET", "/Schemas?filter=id pr", None, 403, None),
    ("POST", "/.search", {"filter": "id pr"}, 400, "invalidSyntax"),
    ("POST", "/Bulk", {"schemas": [BULK]}, 400, "invalidSyntax"),
    ("POST", "/Bulk", {"schemas": [BULK], "Operations": [{}] * 101}, 413, None),
]
CHANGES: list[tuple[Any, str]] = [
    ({"op": "move", "path": "active", "value": True}, "invalidValue"),
    ({"op": "remove"}, "noTarget"),
    ({"op": "replace", "path": "emails[type eq", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": 'emails[type co "w"].value', "value": "x"}, "noTarget"),
    ({"op": "remove", "path": "userName"}, "mutability"),
    ({"op": "replace", "path": "id", "value": "another"}, "mutability"),
    ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
]
FILTERS = [
    ('userName eq "P1@x.example"', ["p1"]),
    ('userName ne "p1@x.example" and displayName sw "p"', ["p0", "p2", "p3"]),
    ('userName co "2@"', ["p2"]),
    ('userName sw "P" and userName ew "3@x.example"', ["p3"]),
    ('externalId eq "e-0" or externalId eq "e-2"', ["p0", "p2"]),
    ("active eq false", ["p3"]),
    ('not (active eq true) and userName sw "p"', ["p3"]),
    ('active pr and externalId pr and (displayName eq "P0" or displayName eq "p1")', ["p0", "p1"]),
    ('emails[type eq "work" and value co "@work.example"]', ["p0", "p1", "p2", "p3"]),
    ('emails.value eq "p2@work.example"', ["p2"]),
    ('displayName gt "p1" and displayName le "p3"', ["p2", "p3"]),
    ('displayName ge "p3"', ["p3"]),
    ('displayName lt "p1" and displayName sw "p"', ["p0"]),
    ('meta.created ge "2026-01-01T00:00:00Z" and userName eq "p1@x.example"', ["p1"]),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "p1@x.example"', ["p1"]),
]


def a_user(email: str) -> dict[str, Any]:
    return {"schemas": [USER], "userName": email}


def a_group(name: str, *users: str) -> dict[str, Any]:
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in users]}


async def test_finds_by_every_operator(database: Database) -> None:
    async with a_directory(database) as directory:
        for number in range(4):
            name = f"p{number}"
            emails = [{"type": "work", "value": f"{name}@work.example"}]
            await directory.user(f"{name}@x.example", externalId=f"e-{number}", active=number != 3, emails=emails)

        for given, expected in FILTERS:
            answer = await directory.http.get("/scim/v2/Users", params={"filter": given})

            assert answer.status_code == 200, answer.text
            names = sorted(each["userName"].partition("@")[0] for each in answer.json()["Resources"])
            assert names == expected, given
            assert answer.json()["totalResults"] == len(expected)


async def test_says_what_is_wrong_as_the_standard_says_it(database: Database) -> None:
    async with a_directory(database) as directory:
        for method, path, document, status, scim_type in FAULTS:
            answer = await directory.send(method, path, document)

            assert (answer.status_code, answer.json().get("scimType")) == (status, scim_type), (path, answer.text)
            assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
            assert answer.json()["status"] == str(status)
            assert answer.headers["content-type"] == "application/scim+json"


async def test_refuses_changes_that_mean_nothing(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()

        for operation, scim_type in CHANGES:
            answer = await directory.patch(f"/Users/{user['id']}", operation)

            assert (answer.status_code, answer.json()["scimType"]) == (400, scim_type), (operation, answer.text)
        assert await directory.get(f"/Users/{user['id']}") == user


async def test_carries_out_all_operations_of_a_patch_or_none(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user(name={"givenName": "Bo"})

        await directory.patch(
            f"/Users/{user['id']}",
            {"op": "replace", "path": "displayName", "value": "Other"},
            {"op": "remove", "path": "userName"},
        )
        removed = await directory.patch(f"/Users/{user['id']}", {"op": "remove", "path": "name.givenName"})

        assert removed.json()["displayName"] == "bo"
        assert "name" not in removed.json()


async def test_versions_keep_two_writers_apart(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        path, version = f"/Users/{user['id']}", user["meta"]["version"]
        rename = {"op": "replace", "path": "displayName", "value": "First"}

        unchanged = await directory.send("GET", path, if_none_match=version)
        first = await directory.patch(path, rename, if_match=version)
        second = await directory.patch(path, {**rename, "value": "Second"}, if_match=version)
        anyway = await directory.patch(path, {**rename, "value": "Third"}, if_match="*")
        late = await directory.send("DELETE", path, if_match=version)
        changed = await directory.send("GET", path, if_none_match=version)

        assert [each.status_code for each in (unchanged, first, second, anyway, late, changed)] == [
            304,
            200,
            412,
            200,
            412,
            200,
        ]
        assert first.headers["etag"] == first.json()["meta"]["version"] != version
        assert changed.json()["displayName"] == "Third"


async def test_a_request_that_comes_twice_at_once_happens_once(database: Database) -> None:
    async with a_directory(database) as directory:
        document = {"schemas": [USER], "userName": "bo@x.example"}

        answers = await asyncio.gather(*(directory.send("POST", "/Users", document) for _ in range(4)))

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert len(await directory.books.facts("MemberAdded")) == 2  # the owner and bo


async def test_a_change_that_was_undone_elsewhere_is_made_again(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        off = {"op": "replace", "path": "active", "value": False}
        await directory.patch(f"/Users/{user['id']}", off)
        member_id = ids.parse(user["id"]).key
        await directory.books.do(members.reactivate, members.Reactivate, member_id=member_id)

        answer = await directory.patch(f"/Users/{user['id']}", off)

        assert answer.json()["active"] is False
        assert (await directory.member(user)).status == "DEACTIVATED"


async def test_a_user_taken_over_from_the_books_is_the_member(database: Database) -> None:
    async with a_directory(database) as directory:
        await directory.books.add("max")
        (found,) = (await directory.get('/Users?filter=userName eq "max@x.example"'))["Resources"]

        answer = await directory.patch(f"/Users/{found['id']}", {"op": "add", "path": "externalId", "value": "e-9"})

        assert (found["displayName"], answer.json()["externalId"]) == ("max", "e-9")


async def test_searches_by_post_over_users_and_groups(database: Database) -> None:
    async with a_directory(database) as directory:
        user = await directory.user()
        group = await directory.group("Bo's friends")

        both = await directory.send(
            "POST", "/.search", {"schemas": [SEARCH], "filter": 'displayName sw "bo"', "attributes": ["displayName"]}
        )
        second = await directory.send(
            "POST", "/.search", {"schemas": [SEARCH], "filter": 'displayName sw "bo"', "startIndex": 2, "count": 1}
        )
        users = await directory.send("POST", "/Users/.search", {"schemas": [SEARCH], "filter": 'displayName sw "bo"'})

        assert [each["id"] for each in both.json()["Resources"]] == [user["id"], group["id"]]
        assert set(both.json()["Resources"][0]) == {"schemas", "id", "displayName"}
        assert (second.json()["totalResults"], second.json()["Resources"][0]["id"]) == (2, group["id"])
        assert [each["id"] for each in users.json()["Resources"]] == [user["id"]]


async def test_bulk_carries_out_one_after_another_and_knows_what_it_made(database: Database) -> None:
    async with a_directory(database) as directory:
        answer = await directory.send(
            "POST",
            "/Bulk",
            {
                "schemas": [BULK],
                "Operations": [
                    {
                        "method": "POST",
                        "path": "/Users",
                        "bulkId": "bo",
                        "data": {"schemas": [USER], "userName": "bo@x.example"},
                    },
                    {
                        "method": "POST",
                        "path": "/Users",
                        "bulkId": "no",
                        "data": {"schemas": [USER], "userName": "nobody"},
                    },
                    {
                        "method": "POST",
                        "path": "/Groups",
                        "bulkId": "staff",
                        "data": {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": "bulkId:bo"}]},
                    },
                    {"method": "DELETE", "path": "/Users/bulkId:bo"},
                    {"method": "PUT", "path": "/Groups/bulkId:never", "data": {}},
                ],
            },
        )

        done = answer.json()["Operations"]
        assert [each["status"] for each in done] == ["201", "400", "201", "204", "409"], answer.text
        assert [each.get("bulkId") for each in done[:3]] == ["bo", "no", "staff"]
        assert done[1]["response"]["scimType"] == "invalidValue"
        assert done[0]["location"].startswith("http://directory/scim/v2/Users/mem_")


async def test_bulk_stops_where_it_was_asked_to(database: Database) -> None:
    async with a_directory(database) as directory:
        bad = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {}}

        answer = await directory.send("POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 2, "Operations": [bad] * 5})

        assert len(answer.json()["Operations"]) == 2


async def test_takes_and_gives_its_own_media_type(database: Database) -> None:
    async with a_directory(database) as directory:
        document = {"schemas": [USER], "userName": "bo@x.example"}

        plain = await directory.send("POST", "/Users", document, content_type="application/json; charset=utf-8")
        text = await directory.send("POST", "/Users", document, content_type="text/json")
        ish = await directory.send("POST", "/Users", document, content_type="application/scim+jsonish")
        html = await directory.send("GET", "/Users", accept="text/html")

        assert [each.status_code for each in (plain, text, ish, html)] == [201, 415, 415, 406]


@pytest.mark.parametrize("shown", [None, "Bearer nonsense", "Basic abc", f"Bearer bgd_{'a' * 43}"])
async def test_lets_nobody_in_without_a_token(database: Database, shown: str | None) -> None:
    async with a_directory(database) as directory:
        directory.http.headers.pop("authorization")
        answer = await directory.send("GET", "/ServiceProviderConfig", **({"authorization": shown} if shown else {}))

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_leads_to_its_own_organization_alone(database: Database) -> None:
    ours, theirs = await books(database), await books(database, slug="globex")
    async with directory_of(ours) as here, directory_of(theirs) as there:
        user, group = await here.user(), await here.group("Staff")

        answers = [
            await there.send("GET", f"/Users/{user['id']}"),
            await there.send("DELETE", f"/Users/{user['id']}"),
            await there.send("GET", f"/Groups/{group['id']}"),
            await there.send(
                "POST", "/Groups", {"schemas": [GROUP], "displayName": "x", "members": [{"value": user["id"]}]}
            ),
        ]

        assert [each.status_code for each in answers] == [404, 404, 404, 400]
        assert (await there.get("/Users"))["totalResults"] == 1


async def test_a_token_that_was_revoked_does_nothing(database: Database) -> None:
    ours = await books(database)
    made = await ours.do(scim_tokens.create, scim_tokens.Create, name="Directory")
    async with directory_of(ours, token=made.secret) as directory:
        before = await directory.send("GET", "/Users")
        await ours.do(scim_tokens.revoke, scim_tokens.Revoke, scim_token_id=made.scim_token_id)
        after = await directory.send("GET", "/Users")

        assert (before.status_code, after.status_code) == (200, 401)


async def test_too_many_failures_have_to_wait_and_proof_that_holds_does_not(database: Database) -> None:
    ours = await books(database)
    async with directory_of(ours, failures_max=3) as directory:
        wrong = {"authorization": f"Bearer bgd_{'a' * 43}"}

        answers = [await directory.send("GET", "/Users", **wrong) for _ in range(5)]
        right = await directory.send("GET", "/Users")

        assert [each.status_code for each in answers] == [401, 401, 401, 429, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert right.status_code == 200


async def test_knows_when_a_token_was_last_used_and_keeps_no_secret(database: Database) -> None:
    ours = await books(database)
    made = await ours.do(scim_tokens.create, scim_tokens.Create, name="Directory", under="once")
    again = await ours.do(scim_tokens.create, scim_tokens.Create, name="Directory", under="once")
    async with directory_of(ours, token=made.secret, at=days_later(3)) as directory:
        await directory.get("/Users")

    row = await rows.find(ours.reader, ours.organization_id, made.scim_token_id)
    assert row is not None
    assert row.last_used_at == days_later(3)
    assert made.secret not in (row.token_hash, row.name)
    assert (again.scim_token_id, again.secret) == (made.scim_token_id, None)


async def test_a_whole_page_takes_the_same_statements_as_one_user(database: Database) -> None:
    ours = await books(database)
    counting = CountingReader(database.reader)
    ours.database = replace(database, reader=counting)
    async with directory_of(ours) as directory:
        group = await directory.group("Staff")
        counts = []
        for number in (0, 10):
            users = [await directory.user(f"p{each}@x.example") for each in range(number, number + 10)]
            add = {"op": "add", "path": "members", "value": [{"value": user["id"]} for user in users]}
            await directory.patch(f"/Groups/{group['id']}", add)
            counting.statements.clear()
            await directory.get("/Users")
            await directory.get("/Groups")
            counts.append(len(counting.statements))

    assert counts[0] == counts[1] > 0


async def test_has_no_route_without_the_library(database: Database, monkeypatch: Any) -> None:
    ours = await books(database)
    monkeypatch.setattr(scim, "find_spec", lambda _name: None)

    assert list(app_of(ours).routes) == []
    assert await token_of(ours)
