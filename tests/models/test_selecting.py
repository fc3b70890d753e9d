"""What is read by a written question is what Tortoise would have read."""

from datetime import timedelta

import pytest

from models import members
from models.members import Member
from models.paging import Window, page
from models.selecting import Pages, Select
from tests.builders import START, Database, a_member, an_organization

NEWEST_FIRST = Pages(Member, "organization_id = :organization_id", descending=True)
ACTIVE = Select(Member, "WHERE organization_id = :organization_id AND status = 'ACTIVE' ORDER BY id")
NAMED = Select(Member, "WHERE organization_id = :organization_id AND name = :name LIMIT 1")


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
