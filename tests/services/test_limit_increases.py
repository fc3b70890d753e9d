"""A raise is asked for once, decided once, and over when its time is over."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from auth import policy
from auth.principal import Principal
from billing.limit_increases import WAITING_MAX, Decision
from billing.money import Money
from jobs import due
from models import limit_increases as rows
from models import limits as limit_rows
from models.database import Database
from models.paging import Window
from services import clock, increase_ends, limit_increases, limits, members, standings, usage
from services.dispatch import Request
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, Books, a_use, as_role, books, days_later
from tests.services.holding import an_ask, reserve

DAY = timedelta(days=1)


async def asking(ours: Books, member_id: str, dollars: str = "200", **fields: Any) -> Any:
    """Ask for more, as the member."""
    command = {"member_id": member_id, "limit_id": None, "reason": "Quarter end", "until": None, **fields}
    command.setdefault("actor", as_role(ours.organization_id, "member", member_id))
    return await ours.do(limit_increases.ask, limit_increases.Ask, amount=Money.parse(dollars, "USD"), **command)


async def deciding(ours: Books, request_id: str, decision: str = "APPROVE", **fields: Any) -> Any:
    """Answer, as the primary owner."""
    dollars = fields.pop("dollars", None)
    amount = Money.parse(dollars, "USD") if dollars else None
    fields = {"until": None, "note": None, "amount": amount, **fields}
    command = limit_increases.Decide
    return await ours.do(limit_increases.decide, command, request_id=request_id, decision=Decision(decision), **fields)


async def capped(database: Database, dollars: str = "100", **fields: Any) -> tuple[Books, str]:
    """Return books with one member, who may spend so many dollars a month."""
    ours = await books(database, **fields)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("MEMBER", dollars, bo)
    return ours, bo


async def raised(ours: Books, member_id: str, dollars: str, *, at: datetime = START, **fields: Any) -> str:
    """Have a raise asked for and granted; return the request."""
    asked = await asking(ours, member_id, dollars, at=at, **fields)
    assert isinstance(asked, limit_increases.Asked), asked
    decided = await deciding(ours, asked.request_id, at=at)
    assert isinstance(decided, limit_increases.Decided), decided
    return asked.request_id


async def cap_of(ours: Books, member_id: str) -> str:
    found = await in_force(ours, limits.Level.MEMBER, member_id)
    assert found is not None
    assert found.cap_nanos is not None
    return str(found.cap_nanos // 1_000_000_000)


async def in_force(ours: Books, level: limits.Level, subject: str) -> limit_rows.SpendLimit | None:
    scope = limits.Scope.POOLED if level is limits.Level.ORGANIZATION else limits.Scope.PER_MEMBER
    place = limit_rows.Place(level, subject, scope, limits.Interval.MONTH)
    return await limit_rows.find_open(ours.reader, ours.organization_id, place)


async def the(ours: Books, request_id: str) -> rows.LimitIncrease:
    found = await rows.find(ours.reader, ours.organization_id, request_id)
    assert found is not None
    return found


async def test_an_approval_raises_the_limit_in_the_same_transaction(database: Database) -> None:
    ours, bo = await capped(database)
    asked = await asking(ours, bo)

    decided = await deciding(ours, asked.request_id, note="Go ahead")

    assert await cap_of(ours, bo) == "200"
    row = await the(ours, asked.request_id)
    assert (row.status, row.granted_minor, row.note) == ("APPROVED", 200_00, "Go ahead")
    assert row.granted_limit_id == decided.limit_id
    (event,) = await ours.facts("LimitIncreaseDecided")
    set_again = (await ours.facts("SpendLimitSet"))[-1]
    assert event.sequence == set_again.sequence + 1
    assert event.member_id == bo
    assert json.loads(event.payload)["amount"] == "200.00"
    assert (event.actor, row.decided_by) == (ours.owner.actor_id(ours.organization_id),) * 2


async def test_an_approval_may_give_less_but_never_more(database: Database) -> None:
    ours, bo = await capped(database)
    asked = await asking(ours, bo, until=days_later(10))

    more = await deciding(ours, asked.request_id, dollars="200.01")
    longer = await deciding(ours, asked.request_id, until=days_later(11))
    no_raise = await deciding(ours, asked.request_id, dollars="100")
    less = await deciding(ours, asked.request_id, dollars="150", until=days_later(5))

    assert [(each.code, each.field) for each in (more, longer, no_raise)] == [
        (RefusalCode.AMOUNT_INVALID, ("amount",)),
        (RefusalCode.TIME_OUT_OF_RANGE, ("until",)),
        (RefusalCode.AMOUNT_INVALID, ("amount",)),
    ]
    assert less.limit_id
    row = await the(ours, asked.request_id)
    assert (row.granted_minor, row.granted_until_at) == (150_00, days_later(5))
    assert await cap_of(ours, bo) == "150"


async def test_a_raise_keeps_the_thresholds_and_arms_them_again(database: Database) -> None:
    ours, bo = await capped(database)
    await ours.cap("MEMBER", "100", bo, thresholds=(50,))
    await ours.use(a_use("e1", bo, 60_00))
    before = len(await ours.facts("SpendLimitThresholdReached"))

    await raised(ours, bo, "200", at=days_later(1))
    await ours.use(a_use("e2", bo, 40_00), at=days_later(1))

    alerts = await ours.facts("SpendLimitThresholdReached")
    assert (before, len(alerts)) == (1, 2)
    assert json.loads(alerts[1].payload)["cap"] == "200"


async def test_declining_leaves_the_limit(database: Database) -> None:
    ours, bo = await capped(database)
    asked = await asking(ours, bo)

    odd = await deciding(ours, asked.request_id, "DECLINE", dollars="150")
    declined = await deciding(ours, asked.request_id, "DECLINE", note="Not this month")
    again = await deciding(ours, asked.request_id)

    assert (odd.code, odd.field) == (RefusalCode.INPUT_INVALID, ("amount",))
    assert declined == limit_increases.Decided(asked.request_id, None)
    assert await cap_of(ours, bo) == "100"
    assert again.code is RefusalCode.STATUS_CONFLICT
    assert (await the(ours, asked.request_id)).status == "DECLINED"


async def test_one_question_stands_for_each_member_and_limit(database: Database) -> None:
    ours, bo = await capped(database)
    await ours.cap("ORGANIZATION", "1000")
    eve = await ours.add("eve", tier="chat")
    await ours.cap("MEMBER", "100", eve)
    whole = await in_force(ours, limits.Level.ORGANIZATION, ours.organization_id)
    assert whole is not None
    first = await asking(ours, bo)

    second = await asking(ours, bo, "300")
    await ours.cap("MEMBER", "120", bo)  # another version of the limit, at the same place
    third = await asking(ours, bo, "300")
    elsewhere = await asking(ours, bo, "2000", limit_id=whole.id)
    else_one = await asking(ours, eve)

    assert second == third == limit_increases.AlreadyAsked(first.request_id)
    assert isinstance(elsewhere, limit_increases.Asked)
    assert isinstance(else_one, limit_increases.Asked)


async def test_a_question_that_was_answered_can_be_asked_again(database: Database) -> None:
    ours, bo = await capped(database)
    first = await asking(ours, bo)
    actor = as_role(ours.organization_id, "member", bo)
    taken_back = await ours.do(
        limit_increases.withdraw, limit_increases.Withdraw, request_id=first.request_id, actor=actor
    )

    second = await asking(ours, bo)

    assert taken_back == limit_increases.Withdrawn(first.request_id)
    assert isinstance(second, limit_increases.Asked)
    assert (await the(ours, first.request_id)).status == "WITHDRAWN"


async def test_only_whoever_asked_takes_a_question_back(database: Database) -> None:
    ours, bo = await capped(database)
    asked = await asking(ours, bo)
    eve = as_role(ours.organization_id, "member", await ours.add("eve"))

    for actor in (eve, ours.owner):
        refused = await ours.do(
            limit_increases.withdraw, limit_increases.Withdraw, request_id=asked.request_id, actor=actor
        )
        assert refused.code is RefusalCode.NOT_FOUND
    assert (await the(ours, asked.request_id)).status == "PENDING"


async def test_members_ask_for_themselves_and_managers_for_anybody(database: Database) -> None:
    ours, bo = await capped(database)
    eve = await ours.add("eve")
    for_bo = {"member_id": bo}

    for role in ("member", "auditor", "project_administrator"):
        with pytest.raises(policy.Forbidden):
            await asking(ours, actor=as_role(ours.organization_id, role, eve), **for_bo)
    asked = await asking(ours, actor=as_role(ours.organization_id, "billing_admin", eve), **for_bo)

    row = await the(ours, asked.request_id)
    assert (row.member_id, row.requested_by) == (bo, f"member:{eve}")


@pytest.mark.parametrize("role", ["member", "auditor", "billing_admin", "project_administrator"])
async def test_only_those_who_set_limits_decide(database: Database, role: str) -> None:
    ours, bo = await capped(database)
    asked = await asking(ours, bo)

    with pytest.raises(policy.Forbidden):
        await deciding(ours, asked.request_id, actor=as_role(ours.organization_id, role, bo))

    assert await cap_of(ours, bo) == "100"


async def test_an_owner_decides_about_themself_and_the_log_says_so(database: Database) -> None:
    ours = await books(database)
    own = ours.owner.memberships[ours.organization_id].member_id
    assert own is not None
    await ours.cap("MEMBER", "100", own)
    asked = await asking(ours, own, actor=ours.owner)

    await deciding(ours, asked.request_id)

    row = await the(ours, asked.request_id)
    assert row.requested_by == row.decided_by == f"member:{own}"
    assert await cap_of(ours, own) == "200"


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        (RefusalCode.AMOUNT_INVALID, ("amount",), {"dollars": "100"}),
        (RefusalCode.AMOUNT_INVALID, ("amount",), {"dollars": "10000000000"}),
        (RefusalCode.INPUT_INVALID, ("reason",), {"reason": "  "}),
        (RefusalCode.INPUT_INVALID, ("reason",), {"reason": "x" * 1_001}),
        (RefusalCode.TIME_OUT_OF_RANGE, ("until",), {"until": START}),
        (RefusalCode.TIME_OUT_OF_RANGE, ("until",), {"until": START + 367 * DAY}),
        (RefusalCode.NOT_FOUND, ("limitId",), {"limit_id": "01kwdfkd00yp6arym8shx0mx4x"}),
    ],
)
async def test_refuses_a_question_that_makes_no_sense(
    database: Database, code: RefusalCode, field: tuple[str, ...], change: dict[str, Any]
) -> None:
    ours, bo = await capped(database)

    refused = await asking(ours, bo, **change)

    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == (code, field)
    assert await ours.facts("LimitIncreaseRequested") == []


async def test_refuses_where_nothing_limits_and_for_limits_of_others(database: Database) -> None:
    ours, bo = await capped(database)
    eve = await ours.add("eve", tier="chat")
    gone = await ours.add("gone")
    await ours.do(members.deactivate, members.Deactivate, member_id=gone)
    of_bo = await in_force(ours, limits.Level.MEMBER, bo)
    assert of_bo is not None

    unlimited = await asking(ours, eve)
    foreign = await asking(ours, eve, limit_id=of_bo.id)
    left = await asking(ours, gone, actor=ours.owner)
    nobody = await asking(ours, "01kwdfkd00yp6arym8shx0mx4x", actor=ours.owner)
    euros = await ours.do(
        limit_increases.ask,
        limit_increases.Ask,
        member_id=bo,
        limit_id=None,
        amount=Money.parse("200", "EUR"),
        reason="Trip",
        until=None,
    )

    assert [each.code for each in (unlimited, foreign, left, nobody, euros)] == [
        RefusalCode.STATUS_CONFLICT,
        RefusalCode.NOT_FOUND,
        RefusalCode.MEMBER_DEACTIVATED,
        RefusalCode.NOT_FOUND,
        RefusalCode.CURRENCY_MISMATCH,
    ]


async def test_a_limit_that_was_lifted_meanwhile_cannot_be_raised(database: Database) -> None:
    ours, bo = await capped(database)
    asked = await asking(ours, bo)
    await ours.do(limits.clear_limit, limits.ClearLimit, level=limits.Level.MEMBER, subject=bo, scope=None)

    refused = await deciding(ours, asked.request_id)

    assert refused.code is RefusalCode.STATUS_CONFLICT
    assert (await the(ours, asked.request_id)).status == "PENDING"


async def test_a_limit_raised_meanwhile_is_not_lowered_by_an_approval(database: Database) -> None:
    ours, bo = await capped(database)
    asked = await asking(ours, bo)
    await ours.cap("MEMBER", "500", bo)

    refused = await deciding(ours, asked.request_id)

    assert (refused.code, refused.field) == (RefusalCode.AMOUNT_INVALID, ("amount",))
    assert await cap_of(ours, bo) == "500"


@pytest.mark.parametrize(("scope", "left"), [("POOLED", [80, 80]), ("PER_MEMBER", [80, 50])])
async def test_raises_a_tiers_limit_for_all_who_share_it_and_for_one_who_has_it_alone(
    database: Database, scope: str, left: list[int]
) -> None:
    ours = await books(database)
    bo, eve = await ours.add("bo", tier="chat"), await ours.add("eve", tier="chat")
    await ours.cap("SEAT_TIER", "50", "chat", scope=limits.Scope(scope))

    await raised(ours, bo, "80")

    assert await remaining(ours, bo, eve) == left


async def test_a_raise_of_what_each_member_has_leaves_nothing_behind_when_it_is_over(database: Database) -> None:
    ours = await books(database, test_clock_at=START)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("SEAT_TIER", "50", "chat")

    await raised(ours, bo, "80", until=days_later(3))
    before = await remaining(ours, bo)
    await advance(ours, 4)

    assert (before, await remaining(ours, bo)) == ([80], [50])
    assert await in_force(ours, limits.Level.MEMBER, bo) is None
    (event,) = await ours.facts("LimitIncreaseEnded")
    assert json.loads(event.payload)["returned"] is True


async def test_a_raise_keeps_kind_interval_and_every_threshold(database: Database) -> None:
    ours = await books(database, test_clock_at=START)
    bo = await ours.add("bo", tier="chat")
    shape = {
        "kind": limits.Kind.SOFT,
        "interval": limits.Interval.DAY,
        "thresholds": (50, 100),
        "amount_thresholds": (Money.parse("70", "USD"),),
        "repeat_amount": Money.parse("10", "USD"),
    }
    limit = await ours.cap("MEMBER", "100", bo, **shape)
    await raised(ours, bo, "200", limit_id=limit.limit_id, until=days_later(3))
    await advance(ours, 4)

    page = await limit_rows.page_in_force(ours.reader, ours.organization_id, Window(10))
    named = [limit.limit_id, (await the_only(ours)).granted_limit_id or "", page.rows[0].id]
    found = {row.id: row for row in await limit_rows.find_many(ours.reader, ours.organization_id, named)}
    rows_in_turn = [found[each] for each in named]
    assert [row.cap_nanos for row in rows_in_turn] == [100 * 10**9, 200 * 10**9, 100 * 10**9]
    assert [
        (row.kind, row.interval, row.thresholds, row.amount_thresholds, row.repeat_every, row.override)
        for row in rows_in_turn
    ] == [("SOFT", "DAY", [50, 100], [70 * 10**9], {"nanos": 10 * 10**9}, "WITHIN")] * 3


async def test_there_is_nothing_to_raise_where_a_limit_says_there_is_none(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    lifted = await ours.cap("MEMBER", "0", bo, cap=None)

    refused = await asking(ours, bo, limit_id=lifted.limit_id)

    assert (refused.code, refused.field) == (RefusalCode.STATUS_CONFLICT, ("limitId",))


async def the_only(ours: Books) -> rows.LimitIncrease:
    (found,) = (await rows.page_of(ours.reader, ours.organization_id, Window(2))).rows
    return found


async def remaining(ours: Books, *member_ids: str) -> list[int]:
    """Return what members may still spend, in dollars."""
    found = await standings.standings(ours.reader, await ours.organization(), member_ids, at=START)
    return [(found[each].effective.remaining_nanos or 0) // 10**9 for each in member_ids]


# --- what ends by itself -----------------------------------------------------------------------------------------


async def advance(ours: Books, days: int) -> list[str]:
    """Move a sandbox's clock; return what fell due that is about requests."""
    command = clock.Advance(ours.organization_id, f"to-{days}", days_later(days))
    _, happened = await clock.advance(ours.dispatcher, ours.reader, command, Request(ours.owner, START, "request"))
    return [each.what for each in happened if each.what.startswith("limit_")]


async def test_a_raise_for_a_time_gives_the_former_limit_back(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    request_id = await raised(ours, bo, "200", until=days_later(3))

    before = await advance(ours, 2), await cap_of(ours, bo)
    after = await advance(ours, 4), await cap_of(ours, bo)
    later = await advance(ours, 9)

    assert before == ([], "200")
    assert after == (["limit_raise"], "100")
    assert later == []
    row = await the(ours, request_id)
    assert row.ended_at == days_later(3)
    (event,) = await ours.facts("LimitIncreaseEnded")
    assert event.actor == "system"
    assert json.loads(event.payload)["formerLimitId"]


async def test_a_raise_is_over_at_its_instant_whether_or_not_a_worker_came_by(database: Database) -> None:
    ours, bo = await capped(database)
    await raised(ours, bo, "200", until=days_later(3))
    await ours.use(a_use("1", bo, 150_00, at=START), at=START)

    (within,) = await ours.use(a_use("2", bo, 10_00, at=days_later(2)), at=days_later(2))
    (late,) = await ours.use(a_use("3", bo, 10_00, at=days_later(3)), at=days_later(3))
    (held,) = await reserve(ours, an_ask("r", bo, 1), at=days_later(3))

    assert isinstance(within, usage.EventRecorded)
    assert isinstance(late, usage.EventBlocked)
    assert isinstance(held, usage.EventBlocked)
    assert (late.cap_nanos, late.headroom_nanos) == (100 * 10**9, 0)
    assert len(await ours.facts("LimitIncreaseEnded")) == 1


async def test_what_was_decided_later_stands_when_a_raise_is_over(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    await raised(ours, bo, "200", until=days_later(3))
    await ours.cap("MEMBER", "150", bo)

    happened = await advance(ours, 4)

    assert happened == ["limit_raise"]
    assert await cap_of(ours, bo) == "150"
    (event,) = await ours.facts("LimitIncreaseEnded")
    assert json.loads(event.payload)["formerLimitId"] is None


@pytest.mark.parametrize(
    ("first", "second", "caps"),
    [
        (3, 6, {2: "300", 4: "300", 7: "100"}),
        (6, 3, {2: "300", 4: "200", 7: "100"}),
        (3, 3, {2: "300", 4: "100"}),
    ],
)
async def test_raises_upon_each_other_end_in_order(
    database: Database, first: int, second: int, caps: dict[int, str]
) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    await raised(ours, bo, "200", until=days_later(first))
    await raised(ours, bo, "300", until=days_later(second))

    found = {}
    for day in caps:
        await advance(ours, day)
        found[day] = await cap_of(ours, bo)

    assert found == caps


async def test_a_raise_for_good_stays_when_one_before_it_is_over(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    await raised(ours, bo, "200", until=days_later(3))
    await raised(ours, bo, "300")

    await advance(ours, 4)

    assert await cap_of(ours, bo) == "300"


async def test_a_question_nobody_answers_expires(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    asked = await asking(ours, bo)

    happened = await advance(ours, WAITING_MAX.days)

    assert happened == ["limit_request"]
    assert (await the(ours, asked.request_id)).status == "EXPIRED"
    assert len(await ours.facts("LimitIncreaseExpired")) == 1


async def test_a_late_worker_lets_no_answer_through(database: Database) -> None:
    ours, bo = await capped(database)
    first = await asking(ours, bo, until=days_later(2))

    late = await deciding(ours, first.request_id, at=days_later(3))
    second = await asking(ours, bo, at=days_later(3))

    assert late.code is RefusalCode.STATUS_CONFLICT
    assert isinstance(second, limit_increases.Asked)
    assert (await the(ours, first.request_id)).status == "EXPIRED"


async def test_the_worker_ends_raises_of_real_organizations(database: Database) -> None:
    ours, bo = await capped(database)
    await raised(ours, bo, "200", until=days_later(3))

    async def work(at: datetime) -> list[str]:
        return [each.what async for each in due.carry_out(ours.reader, ours.dispatcher, at=at)]

    assert await work(days_later(2)) == []
    assert await work(days_later(3)) == ["limit_raise"]
    assert await work(days_later(4)) == []
    assert await cap_of(ours, bo) == "100"


async def test_nothing_ends_early_or_twice(database: Database) -> None:
    ours, bo = await capped(database)
    waiting = await asking(ours, bo)

    async def end(request_id: str, at: datetime) -> Any:
        actor = Principal.system(ours.organization_id)
        return await ours.do(increase_ends.end, increase_ends.End, request_id=request_id, at=at, actor=actor)

    early = await end(waiting.request_id, START)
    await deciding(ours, waiting.request_id, until=days_later(3))
    running = await end(waiting.request_id, days_later(2))
    over = await end(waiting.request_id, days_later(3))
    twice = await end(waiting.request_id, days_later(4))
    nothing = await end("01kwdfkd00yp6arym8shx0mx4x", START)

    assert [each.code for each in (early, running, twice, nothing)] == [
        RefusalCode.TIME_OUT_OF_RANGE,
        RefusalCode.TIME_OUT_OF_RANGE,
        RefusalCode.STATUS_CONFLICT,
        RefusalCode.NOT_FOUND,
    ]
    assert isinstance(over, increase_ends.Ended)
