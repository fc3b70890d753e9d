"""What is read by a written question is what Tortoise would have read."""

import json
import re
from datetime import timedelta

import pytest

from models import members
from models.members import Member
from models.paging import Window, page
from models.selecting import Lookup, Pages, Select
from models.sql import Client
from tests.builders import START, Database, a_member, an_organization
from tests.databases import on_postgres
from tests.schema.counting import CountingReader

NEWEST_FIRST = Pages(Member, "organization_id = :organization_id", descending=True)
ACTIVE = Select(Member, "WHERE organization_id = :organization_id AND status = 'ACTIVE' ORDER BY id")
NAMED = Select(Member, "WHERE organization_id = :organization_id AND name = :name LIMIT 1")
BY_EMAILS = Lookup(Member, "email", "status = 'ACTIVE'")


async def test_rows_are_those_of_the_table(database: Database) -> None:
    owner = await an_organization(database)
    for name in ("bo", "cy"):
        await a_member(owner, name)
    organization_id, reader = owner.books.organization_id, owner.books.reader

    written = await ACTIVE.all(reader, organization_id=organization_id)
    asked = await Member.filter(organization_id=organization_id).using_db(reader).order_by("id")

    assert [dict(row) for row in written] == [dict(row) for row in asked]
    assert START <= written[0].created_at < START + timedelta(days=1), "an instant, not a number"
    assert await NAMED.first(reader, organization_id=organization_id, name="nobody") is None


@pytest.mark.parametrize("descending", [False, True])
async def test_every_window_is_the_same(database: Database, descending: bool) -> None:
    owner = await an_organization(database)
    for number in range(4):
        await a_member(owner, f"m{number}")
    organization_id, reader = owner.books.organization_id, owner.books.reader
    pages = NEWEST_FIRST if descending else members._PAGES
    keys = [None, *[row.id for row in await ACTIVE.all(reader, organization_id=organization_id)]]
    query = Member.filter(organization_id=organization_id).using_db(reader)

    for size in (0, 2, 9):
        for after in keys:
            for before in keys:
                for from_end in (False, True):
                    window = Window(size, after, before, from_end)
                    written = await pages.page(reader, window, organization_id=organization_id)
                    asked = await page(query, window, descending=descending)
                    found = [row.id for row in written.rows], written.has_next, written.has_previous
                    assert found == ([row.id for row in asked.rows], asked.has_next, asked.has_previous), window


async def test_rows_of_many_values_are_those_of_this_organization(database: Database) -> None:
    ours, theirs = await an_organization(database), await an_organization(database, slug="other")
    for owner in (ours, theirs):
        for name in ("bo", "cy"):
            await a_member(owner, name)

    wanted = ["cy@x.example", "bo@x.example", "cy@x.example", "nobody@x.example"]
    found = await BY_EMAILS.all(ours.books.reader, ours.books.organization_id, wanted)

    assert sorted((row.organization_id, row.email) for row in found) == [
        (ours.books.organization_id, "bo@x.example"),
        (ours.books.organization_id, "cy@x.example"),
    ]
    assert await BY_EMAILS.all(ours.books.reader, ours.books.organization_id, []) == []


async def test_many_values_are_read_value_by_value_in_a_table_that_has_just_grown(database: Database) -> None:
    owner = await an_organization(database)
    organization_id, reader = owner.books.organization_id, owner.books.reader

    async def grow(client: Client) -> None:
        await members.insert_many(client, [_a_row(organization_id, number) for number in range(2_000)])

    await database.runner.run(grow, lane=organization_id)
    counting = CountingReader(reader)
    wanted = [f"p{number}@x.example" for number in range(50)]

    assert len(await BY_EMAILS.all(counting, organization_id, wanted)) == 50
    plan = await _plan(reader, counting.statements[-1], organization_id, wanted)

    assert re.search(r"\(organization_id=\? AND email=\?\)|Index Cond: .*organization_id = .*email = ", plan), plan


def _a_row(organization_id: str, number: int) -> Member:
    name = f"p{number}"
    named = {"id": name, "email": f"{name}@x.example", "name": name, "role": "member", "status": "ACTIVE"}
    return Member(organization_id=organization_id, created_at=START, **named)


async def _plan(reader: Client, statement: str, organization_id: str, wanted: list[str]) -> str:
    """Return how the database means to answer."""
    if on_postgres():
        rows = await reader.execute_query_dict(f"EXPLAIN {statement}", [wanted, organization_id])
    else:
        rows = await reader.execute_query_dict(f"EXPLAIN QUERY PLAN {statement}", [organization_id, json.dumps(wanted)])
    return "\n".join(str(list(row.values())) for row in rows)
