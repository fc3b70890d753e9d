"""Who asks for a higher limit, who decides, and what came of it."""

from datetime import datetime
from typing import Any

from billing.limit_increases import Decision
from billing.money import Money
from models import limit_increases as rows
from models import limits as limit_rows
from models.database import Database
from models.paging import Window
from services import clock, limit_increases, limits, standings
from services.dispatch import Request
from tests.services.books import START, Books, as_role, books, days_later


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


async def the_only(ours: Books) -> rows.LimitIncrease:
    (found,) = (await rows.page_of(ours.reader, ours.organization_id, Window(2), at=START)).rows
    return found


async def remaining(ours: Books, *member_ids: str, at: datetime = START) -> list[int]:
    """Return what members may still spend, in dollars."""
    found = await standings.standings(ours.reader, await ours.organization(), member_ids, at=at)
    return [(found[each].effective.remaining_nanos or 0) // 10**9 for each in member_ids]


async def advance(ours: Books, days: int) -> list[str]:
    """Move a sandbox's clock; return what fell due that is about requests."""
    command = clock.Advance(ours.organization_id, f"to-{days}", days_later(days))
    _, happened = await clock.advance(ours.dispatcher, ours.reader, command, Request(ours.owner, START, "request"))
    return [each.what for each in happened if each.what.startswith("limit_")]
