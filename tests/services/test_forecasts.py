"""A forecast is read from the counters of days, for every level alike."""

from datetime import datetime, timedelta

from billing.forecasts import Forecast, Gap, Unknown
from billing.limits import SpendLevel
from billing.periods import month_containing
from models.database import Database
from services import corrections, forecasts, groups
from tests.schema.counting import CountingReader
from tests.services.books import START, Books, a_use, books

DAY = timedelta(days=1)
NOW = START + 14 * DAY + timedelta(hours=12)
OCTOBER = month_containing(START, "UTC")


async def spending(ours: Books, name: str, cents: int, **fields: object) -> str:
    """Add somebody who has spent so many cents on each day of October until now."""
    member_id = await ours.add(name, **fields)
    uses = [a_use(f"{name}-{day}", member_id, cents, at=START + day * DAY) for day in range(14)]
    await ours.use(*uses, at=NOW)
    return member_id


async def asked(ours: Books, *asks: tuple[SpendLevel, str], at: datetime = NOW) -> list[Forecast | Unknown]:
    named = [forecasts.Ask(level, subject, OCTOBER) for level, subject in asks]
    found = await forecasts.forecasts(ours.reader, await ours.organization(), named, at=at)
    return [found[each] for each in named]


async def test_looks_ahead_at_every_level(database: Database) -> None:
    ours = await books(database)
    kept = await ours.do(groups.create, groups.CreateGroup, key="research", name="Research")
    bo = await ours.add("bo", tier="chat")
    await ours.do(groups.assign, groups.AssignGroup, member_ids=(bo,), group_id=kept.group_id)
    await ours.use(*[a_use(f"bo-{day}", bo, 100, at=START + day * DAY) for day in range(14)], at=NOW)
    eve = await spending(ours, "eve", 200, tier="chat_code")

    found = await asked(
        ours,
        (SpendLevel.MEMBER, bo),
        (SpendLevel.MEMBER, eve),
        (SpendLevel.SEAT_TIER, "chat"),
        (SpendLevel.GROUP, kept.group_id),
        (SpendLevel.ORGANIZATION, ours.organization_id),
    )

    assert [each.expected // 10**9 for each in found if isinstance(each, Forecast)] == [31, 62, 31, 31, 93]
    assert [each.spent // 10**9 for each in found] == [14, 28, 14, 14, 42]


async def test_says_when_too_little_is_known(database: Database) -> None:
    ours = await books(database)
    bo = await spending(ours, "bo", 100)
    eve = await ours.add("eve")

    early, none = await asked(ours, (SpendLevel.MEMBER, bo), (SpendLevel.MEMBER, eve), at=START + 5 * DAY)

    assert early == Unknown(Gap.TOO_LITTLE_HISTORY, 14 * 10**9, 5)
    assert none == Unknown(Gap.TOO_LITTLE_HISTORY, 0, 0)


async def test_heeds_corrections(database: Database) -> None:
    ours = await books(database)
    bo = await spending(ours, "bo", 100)
    await ours.do(corrections.correct, corrections.Correct, event_id="bo-3", correction_id="bo-3b", quantity=0, at=NOW)

    (found,) = await asked(ours, (SpendLevel.MEMBER, bo))

    assert found.spent == 13 * 10**9


async def test_days_are_those_of_the_organizations_time_zone(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    late = START + 10 * DAY + timedelta(hours=23, minutes=59)
    await ours.use(a_use("late", bo, 100, at=late), a_use("after", bo, 500, at=late + timedelta(minutes=1)), at=NOW)

    (found,) = await asked(ours, (SpendLevel.MEMBER, bo), at=START + 20 * DAY)

    assert isinstance(found, Forecast)
    assert found.history_from == (START + 10 * DAY).date()
    assert found.history_days == 10


async def test_takes_one_statement_for_a_level_however_many_subjects(database: Database) -> None:
    ours = await books(database)
    members = [await ours.add(f"m{number}") for number in range(12)]
    reader, organization = CountingReader(ours.reader), await ours.organization()
    named = [forecasts.Ask(SpendLevel.MEMBER, member_id, OCTOBER) for member_id in members]

    found = await forecasts.forecasts(reader, organization, named, at=NOW)  # type: ignore[arg-type]  # a stand-in

    assert len(found) == 12
    assert len(reader.statements) == 1
