"""How a test reserves, settles and releases."""

from datetime import UTC, datetime, timedelta
from typing import Any

from billing.money import NANOS_PER_MAJOR
from billing.rating import Direction
from billing.windows import Interval
from models import counters as counter_rows
from models import reservations as rows
from models.sql import Statement
from services import reservation_facts as facts
from services import reservations, settling
from tests.services.books import START, Books

CENT = NANOS_PER_MAJOR // 100
NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)
LATER = START + timedelta(seconds=facts.TTL_SECONDS_DEFAULT)
_COUNTERS = Statement("""
    SELECT period_start, interval, level, subject, spent_nanos, held_nanos FROM spend_counters
    WHERE organization_id = :organization_id AND (spent_nanos <> 0 OR held_nanos <> 0)
""")
_USES = Statement("""
    SELECT e.occurred_at, e.group_id, e.tier, e.member_id, e.cost_nanos FROM usage_events e
    WHERE e.organization_id = :organization_id AND NOT EXISTS (
        SELECT 1 FROM usage_events later WHERE later.organization_id = e.organization_id AND later.supersedes = e.id)
""")
Counted = dict[tuple[int, str, str, str], tuple[int, int]]


def an_ask(external_id: str, member_id: str, cents: int, **fields: Any) -> facts.Ask:
    """Return the wish to hold so many cents."""
    return facts.Ask(external_id, member_id, cents * CENT, "USD", **fields)


def a_call(event_id: str, cents: int, **fields: Any) -> facts.Use:
    """Return a use that costs so many cents."""
    return facts.Use(event_id, "tokens", "atlas", Direction.INPUT, cents * 10_000, **fields)


def named(external_id: str) -> facts.Which:
    """Return the reservation that the caller knows by this id."""
    return facts.Which(None, external_id)


async def reserve(ours: Books, *asks: facts.Ask, at: Any = START, **fields: Any) -> tuple[facts.AskOutcome, ...]:
    """Reserve and return what became of each ask."""
    answer = await ours.do(reservations.reserve, facts.Reserve, at=at, asks=asks, **fields)
    assert isinstance(answer, facts.ReserveAnswer), answer
    return answer.outcomes


async def settle(
    ours: Books, external_id: str, *uses: facts.Use, at: Any = START, **fields: Any
) -> facts.SettleOutcome:
    """Settle one reservation and return what became of it."""
    return (await settle_all(ours, facts.Actual(named(external_id), uses), at=at, **fields))[0]


async def settle_all(
    ours: Books, *actuals: facts.Actual, at: Any = START, **fields: Any
) -> tuple[facts.SettleOutcome, ...]:
    """Settle a batch and return what became of each."""
    answer = await ours.do(settling.settle, facts.Settle, at=at, actuals=actuals, **fields)
    assert isinstance(answer, facts.SettleAnswer), answer
    return answer.outcomes


async def release(ours: Books, *external_ids: str, at: Any = START, **fields: Any) -> tuple[facts.ReleaseOutcome, ...]:
    """Release and return what became of each."""
    which = tuple(named(external_id) for external_id in external_ids)
    answer = await ours.do(reservations.release, facts.Release, at=at, reservations=which, **fields)
    assert isinstance(answer, facts.ReleaseAnswer), answer
    return answer.outcomes


async def kept(ours: Books, external_id: str) -> rows.Reservation:
    """Return the row of a reservation."""
    (row,) = await rows.find_many_by(ours.reader, ours.organization_id, ids=(), external_ids=[external_id])
    return row


async def held(ours: Books, *member_ids: str, at: Any = START, **fields: Any) -> dict[str, int]:
    """Return what each level holds in the month, in cents, by its subject."""
    counters = await counter_rows.counters(
        ours.reader,
        ours.organization_id,
        period_start=at.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
        members=member_ids,
        **fields,
    )
    names = {ours.organization_id: "organization"}
    return {names.get(subject, subject): counter.held_nanos // CENT for (_, subject), counter in counters.items()}


async def counted(ours: Books) -> Counted:
    """Return every counter that is not zero: spent and held."""
    rows = await _COUNTERS.rows(ours.reader, organization_id=ours.organization_id)
    return {
        (row["period_start"], row["interval"], row["level"], row["subject"]): (row["spent_nanos"], row["held_nanos"])
        for row in rows
    }


async def recounted(ours: Books) -> Counted:
    """Return what every counter should be: from the usage events, and from the holds that still stand."""
    from billing.limits import Chain
    from billing.periods import from_microseconds, to_microseconds
    from billing.windows import windows
    from models.reservations import Reservation

    sums: Counted = {}

    def add(key: tuple[int, str, str, str], spent: int, kept: int) -> None:
        before = sums.get(key, (0, 0))
        sums[key] = (before[0] + spent, before[1] + kept)

    for row in await _USES.rows(ours.reader, organization_id=ours.organization_id):
        chain = Chain(ours.organization_id, row["group_id"], row["tier"], row["member_id"])
        for interval, period in windows(from_microseconds(row["occurred_at"]), "UTC").items():
            for level, subject in chain.counted:
                add((to_microseconds(period.start), interval.value, level.value, subject), row["cost_nanos"], 0)
    for hold in await Reservation.filter(organization_id=ours.organization_id, status="HELD").using_db(ours.reader):
        for interval, start, level, subject in hold.keys:
            add((to_microseconds(start), interval.value, level.value, subject), 0, hold.held_nanos)
    return {key: amounts for key, amounts in sums.items() if amounts != (0, 0)}


async def require_consistent(ours: Books) -> Counted:
    """Assert that the counters are what usage and holds come to, and that the parts add up; return them."""
    live = await counted(ours)
    assert live == await recounted(ours)
    for interval in Interval:
        starts = {key[0] for key in live if key[1] == interval}
        for start in starts:
            level: dict[str, tuple[int, int]] = {}
            for key, (spent, kept) in live.items():
                if key[:2] == (start, interval):
                    before = level.get(key[2], (0, 0))
                    level[key[2]] = (before[0] + spent, before[1] + kept)
            assert level["ORGANIZATION"] == level["SEAT_TIER"] == level["MEMBER"], (start, interval)
            assert level.get("GROUP", (0, 0)) <= level["ORGANIZATION"]
    return live
