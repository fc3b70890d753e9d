"""A list of people comes in whole, or nobody does and every reason is told."""

from typing import Any

import pytest

from tests.builders import Caller, Database, an_organization, refusals

IMPORTED = """count members { name email role { key } seat { tier { key } addOns } externalId }
    userErrors { ... on ImportRowError { row line email } }"""
PEOPLE = "query($id: ID!) { organization(id: $id) { members { totalCount } } }"
GOOD = """email,name,role,tier,add_ons,external_id
max@x.example,Max,member,chat,hipaa,d-1
"eve@x.example","Eve, the second",member,chat_code,,
"""
BAD = """email,name,role,tier,add_ons,external_id
max@x.example,Max,member,chat,,d-1

nobody,No Body,member,chat,,
"eve@x.example","Eve
Two",king,chat,,
ann@x.example,Ann,member,gold,,
MAX@x.example,Max again,member,chat,,
"""


async def _count(owner: Caller) -> int:
    return int((await owner.data(PEOPLE, id=owner.organization_id))["organization"]["members"]["totalCount"])


async def test_brings_in_a_list_of_a_file(database: Database) -> None:
    owner = await an_organization(database)

    payload = await owner.do("importMembers", IMPORTED, csv=GOOD)

    assert (payload["userErrors"], payload["count"]) == ([], 2)
    assert payload["members"] == [
        {
            "name": "Max",
            "email": "max@x.example",
            "role": {"key": "member"},
            "seat": {"tier": {"key": "chat"}, "addOns": ["hipaa"]},
            "externalId": "d-1",
        },
        {
            "name": "Eve, the second",
            "email": "eve@x.example",
            "role": {"key": "member"},
            "seat": {"tier": {"key": "chat_code"}, "addOns": []},
            "externalId": None,
        },
    ]


async def test_brings_in_a_list_of_rows(database: Database) -> None:
    owner = await an_organization(database)
    rows = [
        {"email": f"p{number}@x.example", "name": f"P {number}", "role": "member", "tier": "chat"}
        for number in range(200)
    ]

    payload = await owner.do("importMembers", "count members { seat { tier { key } } }", rows=rows)

    assert payload["count"] == len(payload["members"]) == 200
    assert await _count(owner) == 201


async def test_names_every_row_that_cannot_come_in_and_lets_nobody_in(database: Database) -> None:
    owner = await an_organization(database)

    payload = await owner.do("importMembers", IMPORTED, csv=BAD)

    assert (payload["count"], payload["members"]) == (None, [])
    assert [
        (error["__typename"], error["row"], error["line"], error["code"], error["email"])
        for error in payload["userErrors"]
    ] == [
        ("ImportRowError", 2, 4, "INPUT_INVALID", "nobody"),
        ("ImportRowError", 3, 5, "NOT_FOUND", "eve@x.example"),
        ("ImportRowError", 4, 7, "ALREADY_EXISTS", "ann@x.example"),
        ("ImportRowError", 5, 8, "ALREADY_EXISTS", "MAX@x.example"),
    ]
    assert await _count(owner) == 1


async def test_names_the_field_of_a_row(database: Database) -> None:
    owner = await an_organization(database)
    rows = [
        {"email": "max@x.example", "name": "Max", "role": "member", "tier": "gold"},
        {"email": "eve@x.example", "name": "Eve", "role": "member", "addOns": ["gold"]},
    ]

    payload = await owner.do("importMembers", IMPORTED, rows=rows)

    assert refusals(payload) == [("NOT_FOUND", ["rows", "0", "tier"]), ("NOT_FOUND", ["rows", "1", "addOns"])]
    assert [error["line"] for error in payload["userErrors"]] == [None, None]


async def test_rehearses_with_the_same_reasons_and_no_effect(database: Database) -> None:
    owner = await an_organization(database)

    rehearsed = await owner.do("importMembers", IMPORTED, csv=BAD, dryRun=True)
    meant = await owner.do("importMembers", IMPORTED, csv=BAD)
    fine = await owner.do("importMembers", IMPORTED, csv=GOOD, dryRun=True)
    told = await owner.data(
        'query($id: ID!) { organization(id: $id) { auditEvents(filter: {kinds: ["MemberAdded"]}) { totalCount } } }',
        id=owner.organization_id,
    )

    assert rehearsed == meant
    assert (fine["userErrors"], fine["count"], fine["members"]) == ([], 2, [])
    assert await _count(owner) == told["organization"]["auditEvents"]["totalCount"] == 1


async def test_leaves_the_key_to_the_import_that_was_rehearsed(database: Database) -> None:
    owner = await an_organization(database)
    key = {"idempotencyKey": "monday"}

    rehearsed = [await owner.do("importMembers", IMPORTED, csv=GOOD, dryRun=True, **key) for _ in range(2)]
    meant = [await owner.do("importMembers", IMPORTED, csv=GOOD, **key) for _ in range(2)]
    again = await owner.do("importMembers", IMPORTED, csv=GOOD, dryRun=True, **key)

    assert rehearsed[0] == rehearsed[1]
    assert (rehearsed[0]["count"], rehearsed[0]["userErrors"]) == (2, [])
    assert meant[0] == meant[1]
    assert (meant[0]["count"], len(meant[0]["members"]), await _count(owner)) == (2, 2, 3)
    assert again["userErrors"][0]["code"] == "ALREADY_EXISTS"  # it answers for now, not for when the key was new


@pytest.mark.parametrize(
    ("code", "field", "given", "told"),
    [
        ("INPUT_INVALID", ["csv"], {}, "either csv or rows"),
        ("INPUT_INVALID", ["csv"], {"csv": GOOD, "rows": []}, "either csv or rows"),
        ("INPUT_INVALID", ["rows"], {"rows": []}, "0 people"),
        ("INPUT_INVALID", ["csv"], {"csv": ""}, "there is no header"),
        ("INPUT_INVALID", ["csv"], {"csv": "email,name,role\n"}, "0 people"),
        ("INPUT_INVALID", ["csv"], {"csv": "email,name,role,shoe\n"}, "'shoe'"),
        ("INPUT_INVALID", ["csv"], {"csv": "email,name,role\nmax@x.example,Max\n"}, "line 2: 2 cells under 3 columns"),
        ("INPUT_INVALID", ["csv"], {"csv": 'email,name,role\n"max'}, "line 2: unexpected end of data"),
        ("INPUT_INVALID", ["csv"], {"csv": "email,name,role\n" + ",A,b\n" * 50_001}, "line 50002"),
    ],
)
async def test_says_what_is_wrong_with_the_list_itself(
    database: Database, code: str, field: list[str], given: dict[str, Any], told: str
) -> None:
    owner = await an_organization(database)

    payload = await owner.do("importMembers", IMPORTED, **given)

    assert refusals(payload) == [(code, field)]
    assert told in payload["userErrors"][0]["message"]
