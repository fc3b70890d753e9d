"""A raise is asked for once, decided once, and over when its time is over."""

import json
from datetime import timedelta
from typing import Any

import pytest

from auth import policy
from billing.money import Money
from models import limits as limit_rows
from models.database import Database
from models.paging import Window
from services import limit_increases, limits, members
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, a_use, as_role, books, days_later
from tests.services.increases import (
    advance,
    asking,
    cap_of,
    capped,
    deciding,
    in_force,
    raised,
    remaining,
    the,
    the_only,
)

DAY = timedelta(days=1)


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

    page = await limit_rows.page_in_force(ours.reader, ours.organization_id, {}, Window(10))
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
