"""Named parameters: one text, two dialects, the same rows."""

from models.database import Database
from models.sql import Statement

INSERT = Statement("INSERT INTO number_series (series, last_number) VALUES (:series, :number)")
PICK = Statement("SELECT series FROM number_series WHERE series IN :names[] AND last_number > :floor ORDER BY series")
TWICE = Statement("SELECT series FROM number_series WHERE series = :name OR last_number = 3 AND series = :name")


async def filled(database: Database) -> Database:
    rows = [{"series": name, "number": number} for number, name in enumerate(("a", "b", "c'; --", "d"), start=1)]
    await database.runner.run(lambda client: INSERT.run_many(client, rows), lane="test")
    return database


async def test_takes_a_list_where_a_subquery_may_stand(database: Database) -> None:
    await filled(database)

    rows = await PICK.rows(database.reader, names=["a", "c'; --", "nobody"], floor=0)

    assert [row["series"] for row in rows] == ["a", "c'; --"]


async def test_takes_an_empty_list(database: Database) -> None:
    await filled(database)

    assert await PICK.rows(database.reader, names=[], floor=0) == []


async def test_binds_one_name_in_two_places(database: Database) -> None:
    await filled(database)

    assert await TWICE.rows(database.reader, name="c'; --") == [{"series": "c'; --"}]


async def test_leaves_casts_and_times_alone() -> None:
    statement = Statement("SELECT '12:30', x::text FROM t WHERE y = :y")

    assert statement.names == (("y", False),)
