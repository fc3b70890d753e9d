"""A role that an organization made for itself: given, used, seen in the review of access, and nobody else's."""

import csv
import io
import json
from typing import Any

import httpx2

from tests.sign_in.houses import BO, House
from tests.sign_in.test_streams import as_member

ROLE: dict[str, Any] = {"key": "controller", "name": "Controller", "billable": True}
PERMISSIONS = ["ORGANIZATION_READ", "SELF_READ", "USAGE_READ"]
USAGE = "query($id: ID!) { organization(id: $id) { usage { total { amount } } } }"
MEMBERS = "query($id: ID!) { organization(id: $id) { members { totalCount } } }"
SEATS = "query($id: ID!) { organization(id: $id) { seatUsage { billable } } }"
VIEWER = "{ viewer { memberships { roleKey permissions organization { slug } } } }"


async def code(house: House, document: str) -> str | None:
    """Return what Bo is refused for at acme, or None."""
    answer = (await house.send(document, token=house.token(BO), id=house.organizations["acme"])).json()
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


async def exported(house: House, name: str) -> str:
    """Return a list of acme's as it leaves."""
    address = f"/organizations/{house.organizations['acme']}/{name}"
    async with httpx2.AsyncClient(base_url=house.origin) as client:
        answer = await client.get(address, headers={"authorization": f"Bearer {house.token()}"})
    assert answer.status_code == 200, answer.text
    return answer.text


async def billable(house: House) -> Any:
    return (await house.ask(SEATS, id=house.organizations["acme"]))["seatUsage"]["billable"]


async def test_a_role_of_ones_own_allows_what_it_lists_where_it_was_made(alone: House) -> None:
    before = await billable(alone)
    made = await alone.do("createRole", "role { permissions billable builtIn }", **ROLE, permissions=PERMISSIONS)
    await as_member(alone, "controller")

    assert made["role"] == {"permissions": PERMISSIONS, "billable": True, "builtIn": False}
    memberships = (await alone.ask(VIEWER, token=alone.token(BO)))["memberships"]
    assert [each for each in memberships if each["organization"]["slug"] == "acme"] == [
        {"roleKey": "controller", "permissions": PERMISSIONS, "organization": {"slug": "acme"}}
    ]
    assert (await code(alone, USAGE), await code(alone, MEMBERS)) == (None, "FORBIDDEN")
    assert await billable(alone) == before + 1, "its own answer to whether a seat is paid"

    person: dict[str, Any] = {"email": "cy@globex.example", "name": "Cy", "role": "controller"}
    elsewhere = await alone.do("addMember", "member { id }", slug="globex", token=alone.token(BO), **person)
    assert [error["code"] for error in elsewhere["userErrors"]] == ["NOT_FOUND"], (
        "another organization has no such role"
    )

    rows = list(csv.DictReader(io.StringIO((await exported(alone, "access.csv")).removeprefix("\ufeff"))))
    lines = [json.loads(line) for line in (await exported(alone, "access.jsonl")).splitlines()]
    assert [row["role"] for row in rows] == [line["role"] for line in lines] == ["primary_owner", "controller"]
    assert lines[1]["permissions"] == ["organization.read", "self.read", "usage.read"]
    assert rows[1]["email"] == "bo@acme.example"
