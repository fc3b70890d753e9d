"""The past of an enterprise with seats in two tiers and usage from one pool, limited at three levels.

Forty people hold seats. Prices of the models fall in the middle of the second month. The persona `member` is near
their own limit in the running month, so that one alert has been raised; nobody is over any limit.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

from api.demo import catalogue, personas, pooled_team, pooled_usage
from api.demo.dice import Dice
from api.demo.months import RUNNING, Months
from api.demo.pooled_team import CHAT, CHAT_CODE, HIPAA, PERSONA, SLUG, Worker
from api.demo.pooled_usage import Habit
from api.demo.scripts import PRIMARY_OWNER, Script, Use
from billing import plans
from billing.limits import TierScope
from billing.money import Money, minor_to_nanos
from billing.periods import Period, day_start, local_date
from billing.prices import RateCardPrice
from billing.rating import RateCard
from services.imports import NewMember
from services.organizations import Create
from services.payments import MethodKind

TIME_ZONE: Final = "America/New_York"
CURRENCY: Final = pooled_usage.CURRENCY
PERSONA_CAP: Final = Money.parse("60.00", CURRENCY)
PERSONA_USED: Final = (846, 1_000)
_FIRST_CAP: Final = Money.parse("50.00", CURRENCY)
_INSTANT: Final = timedelta(microseconds=1)


def plan(at: datetime) -> dict[str, Any]:
    """Return the plan with its rate cards: the later one is in force from the middle of the second month."""
    months = Months.before(at, TIME_ZONE)
    return catalogue.assistant_pooled(since=months.preceding.start, repriced_at=months.moment(1, 15))


def cards(at: datetime) -> tuple[RateCard, ...]:
    """Return the rate cards of the plan."""
    price = plans.from_document(plan(at)).item("usage").price
    assert isinstance(price, RateCardPrice)
    return price.cards


def script(at: datetime) -> Script:
    """Return the past of the organization up to `at`."""
    months = Months.before(at, TIME_ZONE)
    written = Script(months.moment(0, 1, "08:00"), _opening())
    team = pooled_team.workers()
    written.pays_by(months.moment(0, 1, "08:20"), MethodKind.BANK_TRANSFER, "Operating account, wire transfer")
    _bring_in(written, months, team)
    _limit(written, months, team)
    _change_seats(written, months, team)
    _use(written, months, team)
    for number in range(RUNNING):
        written.closes(months.closing(number), months.label(number))
    for number in range(RUNNING - 1):
        paid_at = months.moment(number + 1, 12, "14:00")
        written.pays(paid_at, months.label(number), MethodKind.BANK_TRANSFER, f"WIRE-{months.label(number)}")
    return written


def _opening() -> Create:
    return Create(
        idempotency_key="demo/opening",
        slug=SLUG,
        name="Quillmere Example Labs",
        currency=CURRENCY,
        time_zone=TIME_ZONE,
        locale="en-US",
        plan_key=catalogue.POOLED,
        legal_name="Quillmere Example Labs, Inc.",
    )


def _bring_in(written: Script, months: Months, team: tuple[Worker, ...]) -> None:
    administrators = [each for each in personas.of(SLUG)[1:] if each.role != "member"]
    rows = [NewMember(each.email, each.name, each.role) for each in administrators]
    written.joins(months.moment(0, 1, "08:10"), rows, by=PRIMARY_OWNER)
    batches: defaultdict[datetime, list[NewMember]] = defaultdict(list)
    for worker in team:
        batches[_joined_at(worker, months)].append(worker.row)
        if worker.leaves is not None:
            written.leaves(months.moment(*worker.leaves, "17:30"), worker.row.email)
    for joined_at, batch in batches.items():
        written.joins(joined_at, batch)


def _limit(written: Script, months: Months, team: tuple[Worker, ...]) -> None:
    """Set limits at all three levels; the persona's own is raised once."""
    at = months.moment(0, 1, "09:00")
    written.caps_all(at, Money.parse("2500.00", CURRENCY))
    written.caps_tier(at, CHAT_CODE, TierScope.PER_MEMBER, Money.parse("200.00", CURRENCY))
    written.caps_tier(at, CHAT, TierScope.POOLED, Money.parse("900.00", CURRENCY))
    written.caps_member(months.moment(0, 2, "11:00"), team[0].row.email, _FIRST_CAP)
    written.caps_member(months.moment(1, 16, "10:00"), team[0].row.email, PERSONA_CAP)
    for worker in team[1:3]:
        written.caps_member(months.moment(0, 2, "11:05"), worker.row.email, Money.parse("180.00", CURRENCY))


def _change_seats(written: Script, months: Months, team: tuple[Worker, ...]) -> None:
    """Move some people between tiers, in the middle of months."""
    for number, day, position, tier, add_ons in (
        (1, 10, 14, CHAT_CODE, ()),
        (1, 18, 11, CHAT, ()),
        (2, 11, 23, CHAT, (HIPAA,)),
        (2, 14, 17, CHAT_CODE, ()),
        (RUNNING, 5, 21, CHAT_CODE, ()),
    ):
        written.moves(months.moment(number, day, "13:15"), team[position].row.email, tier, add_ons)


def _use(written: Script, months: Months, team: tuple[Worker, ...]) -> None:
    """Report what everybody used, each day's at its end."""
    rates, reports = cards(months.at), defaultdict[datetime, list[Use]](list)
    for number in range(RUNNING + 1):
        for worker in team:
            for use in _used(worker, months, number, rates):
                tomorrow = local_date(use.occurred_at, TIME_ZONE) + timedelta(days=1)
                reports[min(day_start(tomorrow, TIME_ZONE), months.at)].append(use)
    for reported_at, used in sorted(reports.items()):
        used.sort(key=lambda use: (use.occurred_at, use.event_id))
        for start in range(0, len(used), pooled_usage.BATCH_MAX):
            written.uses(reported_at, catalogue.METER, used[start : start + pooled_usage.BATCH_MAX])


def _used(worker: Worker, months: Months, number: int, rates: tuple[RateCard, ...]) -> tuple[Use, ...]:
    joined_at = _joined_at(worker, months)
    left_at = months.moment(*worker.leaves, "17:30") if worker.leaves else months.at + _INSTANT
    left_at = min(left_at, months.at + _INSTANT)
    if joined_at >= left_at:
        return ()
    habit = _habit(worker, months, number)
    return pooled_usage.of_month(habit, months, number, rates, Period(joined_at, left_at))


def _habit(worker: Worker, months: Months, number: int) -> Habit:
    """Return how somebody works in one month: every month a little less than they could, and part of a part of it."""
    dice = Dice(f"{worker.row.email}/{months.label(number)}/habit")
    passed, whole = months.elapsed(number)
    calls = worker.calls * dice.between(85, 115) * passed // (100 * whole)
    nanos = minor_to_nanos(dice.between(*worker.cents), CURRENCY) * passed // whole
    if number == RUNNING and worker.row.email == PERSONA:
        used, of = PERSONA_USED
        calls, nanos = max(calls, 12), minor_to_nanos(PERSONA_CAP.minor, CURRENCY) * used // of
    return Habit(worker.row.email, calls, nanos, worker.large)


def _joined_at(worker: Worker, months: Months) -> datetime:
    return months.moment(*worker.joins, "08:40")
