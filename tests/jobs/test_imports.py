"""A long list of people comes in beside the request that brought it, however often whoever works on it is stopped."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from jobs import due
from jobs.imports import Importer
from models import imports as rows
from models import members, organizations
from models.database import Database
from models.paging import Window
from models.runner import Runner
from models.sql import Client
from services import import_runs, imports, verification
from services.dispatch import Dispatcher
from services.import_runs import Mode, Started, Status
from services.imports import NewMember
from services.outcomes import RefusalCode, Refused
from tests.services.books import Books, as_role, books, days_later
from tests.services.test_closing_crash import Killed, MortalWriter

SIZE = 4
BOUNDARY = datetime(2026, 11, 1, tzinfo=UTC)
"""An instant whose books are closed at that very instant."""


def person(number: int, **fields: Any) -> NewMember:
    return NewMember(**{"email": f"P{number}@x.example", "name": f"P {number}", "role": "member", **fields})


def people(total: int, **by_row: NewMember) -> list[NewMember]:
    """Return so many people; `row3=…` puts another one at the third row."""
    return [by_row.get(f"row{number}") or person(number) for number in range(1, total + 1)]


async def start(
    ours: Books,
    listed: Sequence[NewMember],
    mode: Mode = Mode.ALL_OR_NOTHING,
    *,
    dry_run: bool = False,
    size: int = SIZE,
    **fields: Any,
) -> Any:
    lines = [number + 2 for number in range(len(listed))]
    given = {"people": import_runs.packed(listed, lines, size=size), "mode": mode, "dry_run": dry_run, **fields}
    return await ours.do(import_runs.start, import_runs.Start, **given)


def importer(ours: Books, dispatcher: Dispatcher | None = None) -> Importer:
    return Importer(ours.reader, dispatcher or ours.dispatcher, clock=lambda: days_later(1))


async def finished(ours: Books, started: Started) -> rows.Import:
    """Work until nothing waits, and return the list as it then is."""
    await importer(ours).carry_out()
    return await as_it_is(ours, started)


async def as_it_is(ours: Books, started: Started) -> rows.Import:
    found = await rows.find(ours.reader, ours.organization_id, started.import_id)
    assert found is not None
    return found


async def errors(ours: Books, started: Started) -> list[rows.RowError]:
    return list((await rows.errors_of(ours.reader, ours.organization_id, started.import_id, Window(100))).rows)


async def names(ours: Books) -> list[str]:
    page = await members.page_of(ours.reader, ours.organization_id, Window(100))
    return sorted(member.email for member in page.rows if member.email != "ann@x.example")


async def test_all_come_in_at_one_instant(database: Database) -> None:
    ours = await books(database)
    started = await start(ours, people(10, row2=person(2, tier="chat", add_ons=("hipaa",), external_id="d-2")))

    run = await finished(ours, started)

    assert (run.status, run.done, run.failed, run.added) == (Status.COMPLETED, 10, 0, 10)
    assert await names(ours) == sorted(f"p{number}@x.example" for number in range(1, 11))
    page = await members.page_of(ours.reader, ours.organization_id, Window(100))
    assert {member.created_at for member in page.rows} == {days_later(0), days_later(1)}
    assert await rows.chunk_from(ours.reader, ours.organization_id, run.id, 0) is None, "the list itself is forgotten"
    assert await verification.of_organization(ours.reader, ours.organization_id) == []


async def test_what_comes_in_is_what_a_short_list_brings_in(database: Database) -> None:
    listed = people(6, row2=person(2, tier="chat", add_ons=("hipaa",)), row3=person(3, role="view_only"))
    ours, theirs = await books(database), await books(database, slug="other")

    await finished(ours, await start(ours, listed, Mode.BEST_EFFORT))
    await theirs.do(imports.add_many, imports.AddMany, members=tuple(listed))

    def kept(payload: str) -> str:
        return payload.split('"memberId"')[0]

    for kind in ("SeatGranted", "MemberAdded"):
        assert [kept(each.payload) for each in (await ours.facts(kind))[1:]] != []
        assert len(await ours.facts(kind)) == len(await theirs.facts(kind)) == 7
    assert [kept(each.payload) for each in await ours.facts("SeatGranted")] == [
        kept(each.payload) for each in await theirs.facts("SeatGranted")
    ]


async def test_nobody_comes_in_where_somebody_cannot_and_every_row_is_named(database: Database) -> None:
    ours = await books(database)
    bad = {"row2": person(2, email="nobody"), "row6": person(6, role="king"), "row9": person(1, tier="gold")}
    started = await start(ours, people(10, **bad))

    run = await finished(ours, started)

    assert (run.status, run.done, run.failed, run.added) == (Status.REFUSED, 10, 3, 0)
    assert [(error.row, error.line, error.code, error.field) for error in await errors(ours, started)] == [
        (2, 3, "INPUT_INVALID", ("email",)),
        (6, 7, "NOT_FOUND", ("role",)),
        (9, 10, "ALREADY_EXISTS", ("email",)),
    ]
    assert await names(ours) == []


async def test_as_many_as_can_come_in(database: Database) -> None:
    ours = await books(database)
    bad = {"row2": person(2, email="nobody"), "row6": person(6, external_id="d" * 300), "row9": person(1)}
    started = await start(ours, people(10, **bad), Mode.BEST_EFFORT)

    run = await finished(ours, started)

    assert (run.status, run.done, run.failed, run.added) == (Status.COMPLETED, 10, 3, 7)
    assert [error.row for error in await errors(ours, started)] == [2, 6, 9]
    assert len(await names(ours)) == 7


async def test_a_dry_run_tells_the_same_and_changes_nothing(database: Database) -> None:
    ours = await books(database)
    listed = people(6, row5=person(5, role="king"))

    tried = await start(ours, listed, dry_run=True)
    meant = await start(ours, listed)

    assert (await finished(ours, tried)).status == Status.COMPLETED
    assert (await as_it_is(ours, meant)).status == Status.REFUSED
    assert await errors(ours, tried) == await errors(ours, meant)
    assert await names(ours) == []


async def test_one_who_came_meanwhile_keeps_everybody_out(database: Database) -> None:
    ours = await books(database)
    started = await start(ours, people(6))
    for number in range(2):
        await carry_on(ours, started, number * SIZE)
    await ours.add("p3")

    run = await finished(ours, started)

    assert (run.status, run.failed, run.added) == (Status.REFUSED, 1, 0)
    assert [(error.row, error.code) for error in await errors(ours, started)] == [(3, "ALREADY_EXISTS")]
    assert await names(ours) == ["p3@x.example"]


async def carry_on(ours: Books, started: Started, first_row: int) -> Any:
    fields = {"import_id": started.import_id, "first_row": first_row}
    return await ours.do(import_runs.carry_on, import_runs.CarryOn, **fields)


async def test_nobody_brings_in_roles_above_their_own(database: Database) -> None:
    ours = await books(database)
    admin = as_role(ours.organization_id, "billing_admin")
    started = await start(ours, people(2, row2=person(2, role="owner")), Mode.BEST_EFFORT, actor=admin)

    run = await finished(ours, started)

    assert run.added == 1
    assert [error.code for error in await errors(ours, started)] == ["ROLE_ABOVE_OWN"]


@pytest.mark.parametrize("mode", Mode)
async def test_whoever_is_killed_anywhere_is_followed_by_one_who_goes_on(database: Database, mode: Mode) -> None:
    ours = await books(database)
    started = await start(ours, people(10, row9=person(9, tier="chat")), mode)
    deaths = 0
    for statements in count(0, 3):
        dispatcher = Dispatcher(Runner(MortalWriter(database.writer, statements)), ours.dispatcher.hub)
        try:
            await importer(ours, dispatcher).carry_out()
        except Killed:
            deaths += 1
            came = len(await names(ours))
            assert came in {0, 10} or mode is Mode.BEST_EFFORT, "never a part of a list that is all or nothing"
        else:
            break

    run = await as_it_is(ours, started)
    assert deaths > 5
    assert (run.status, run.done, run.added) == (Status.COMPLETED, 10, 10)
    assert len(await names(ours)) == len(await ours.facts("MemberAdded")) - 1 == 10
    assert await verification.of_organization(ours.reader, ours.organization_id) == []


@pytest.mark.parametrize("at", [BOUNDARY, BOUNDARY + timedelta(hours=1)])
async def test_a_chunk_takes_as_many_statements_however_many_people_it_has(database: Database, at: datetime) -> None:
    ours = await books(database, at=BOUNDARY - timedelta(days=40))
    async for _ in due.carry_out(ours.reader, ours.dispatcher, at=BOUNDARY):
        pass
    taken = []
    for first, total in ((0, 20), (100, 60)):
        listed = [person(number) for number in range(first, first + total)]
        started = await start(ours, listed, Mode.BEST_EFFORT, size=total, at=at)
        writer = MortalWriter(database.writer, 1_000)
        dispatcher = Dispatcher(Runner(writer), ours.dispatcher.hub)

        assert await Importer(ours.reader, dispatcher, clock=lambda: at).carry_out() == 1

        assert (await as_it_is(ours, started)).added == total
        taken.append(1_000 - writer.left)
    assert taken[0] == taken[1]


async def test_two_workers_do_everything_once(database: Database) -> None:
    ours = await books(database)
    started = [await start(ours, [person(number) for number in range(start_at, start_at + 6)], Mode.BEST_EFFORT)
               for start_at in (0, 6)]  # fmt: skip

    await asyncio.gather(importer(ours).carry_out(), importer(ours).carry_out())

    assert [(await as_it_is(ours, each)).added for each in started] == [6, 6]
    assert len(await ours.facts("ImportAdvanced")) == len(await ours.facts("ImportFinished")) == 2


async def test_a_list_that_fails_holds_up_no_other(database: Database) -> None:
    ours = await books(database)
    broken, sound = [await start(ours, [person(number)]) for number in range(2)]

    async def break_it(client: Client) -> None:
        await rows.forget_chunks(client, ours.organization_id, broken.import_id)

    await database.runner.run(break_it, lane=ours.organization_id)
    run = await finished(ours, sound)

    assert run.status == Status.COMPLETED
    assert (await as_it_is(ours, broken)).status == Status.WAITING


async def test_can_be_stopped_and_who_came_stays(database: Database) -> None:
    ours = await books(database)
    started = await start(ours, people(10), Mode.BEST_EFFORT)
    await carry_on(ours, started, 0)

    stopped = await ours.do(import_runs.cancel, import_runs.Cancel, import_id=started.import_id)
    again = await ours.do(import_runs.cancel, import_runs.Cancel, import_id=started.import_id)

    assert (stopped.status, stopped.added) == (Status.CANCELLED, SIZE)
    assert again.code is RefusalCode.STATUS_CONFLICT
    assert await importer(ours).carry_out() == 0
    assert len(await names(ours)) == SIZE


async def test_ends_where_the_organization_may_only_be_read(database: Database) -> None:
    ours = await books(database)
    started = await start(ours, people(6))

    async def close(client: Client) -> None:
        await organizations.update(client, ours.organization_id, status="READ_ONLY")

    await database.runner.run(close, lane=ours.organization_id)

    assert (await finished(ours, started)).status == Status.CANCELLED
    assert await names(ours) == []


async def test_the_same_list_under_the_same_key_is_one_list(database: Database) -> None:
    ours = await books(database)

    first = await start(ours, people(3), under="monday")
    again = await start(ours, people(3), under="monday")
    other = await start(ours, people(4), under="monday")

    assert first == again
    assert other.code is RefusalCode.IDEMPOTENCY_MISMATCH
    assert await rows.count(ours.reader, ours.organization_id) == 1


async def test_refuses_more_at_once_than_can_be_and_lists_that_are_none(database: Database) -> None:
    ours = await books(database)
    for _ in range(import_runs.WAITING_MAX):
        assert isinstance(await start(ours, people(1)), Started)

    sixth, empty = await start(ours, people(1)), await start(ours, [])

    assert isinstance(sixth, Refused)
    assert (sixth.code, "at most 5" in sixth.message) == (RefusalCode.STATUS_CONFLICT, True)
    assert (empty.code, empty.message) == (RefusalCode.INPUT_INVALID, "0 people: give 1 to 50,000")
