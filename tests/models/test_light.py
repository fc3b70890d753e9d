"""A light row is a row of its table: the same columns, methods and identity, worked out when somebody looks."""

import pytest

from models.groups import GroupMembership
from models.invoices import InvoiceLine
from models.light import columns, rows_of
from models.members import Member
from models.sql import Client
from tests.builders import Database, an_organization


def a_line(explanation: str = '{"steps": [1, 2]}') -> InvoiceLine:
    values = dict.fromkeys(columns(InvoiceLine), "")
    values |= {"id": "line", "period_start": 1_000_000, "period_end": 3_000_000, "explanation": explanation}
    (line,) = rows_of(InvoiceLine, [tuple(values.values())])
    return line


def test_a_document_nobody_looks_at_is_never_read() -> None:
    line = a_line(explanation="{no document at all")

    assert line.period_start.isoformat() == "1970-01-01T00:00:01+00:00"
    with pytest.raises(ValueError, match="Expecting property name"):
        _ = line.explanation


def test_what_was_worked_out_once_is_kept() -> None:
    line = a_line()

    assert line.explanation == {"steps": [1, 2]}
    assert line.explanation is line.explanation


def test_a_column_that_was_set_shows_what_it_was_set_to() -> None:
    line, end = a_line(), a_line().period_end

    line.explanation, line.period_start, line.unit = None, end, "seat"

    assert (line.explanation, line.period_start, line.unit) == (None, end, "seat")


def test_a_light_row_is_of_its_class_and_has_its_methods() -> None:
    (membership,) = rows_of(GroupMembership, [("o", "id", "m", "g", 1_000_000, None)])

    assert isinstance(membership, GroupMembership)
    assert membership.ends_at is None
    assert membership.holds(membership.starts_at)


def test_a_light_row_equals_the_row_that_it_is() -> None:
    full = Member(organization_id="o", id="m", email="a@b.example", name="Nobody", role="member", status="ACTIVE")

    light = rows_of(Member, [("o", "m", None, "", "", "", "", 0, None), ("o", "n", None, "", "", "", "", 0, None)])

    assert [row == full for row in light] == [True, False]
    assert [full == row for row in light] == [True, False]
    assert full in set(light)


async def test_a_light_row_can_be_saved(database: Database) -> None:
    owner = await an_organization(database)
    organization = await owner.books.organization()

    async def rename(client: Client) -> None:
        organization.name = "Renamed"
        await organization.save(using_db=client, update_fields=["name"])

    await database.runner.run(rename, lane="test")

    assert (await owner.books.organization()).name == "Renamed"
