"""Many writers at once: nothing over, nobody refused who fitted, and the limit filled to the last cent."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from billing.limits import Chain
from models.database import Database
from services import limits
from tests.services.books import START, Books, books
from tests.services.holding import a_call, an_ask, held, release, require_consistent, reserve, settle
from tests.services.spend_model import Cap, Interval, SpendModel, outcome_of

WRITERS, ATTEMPTS = 30, 20
STEP = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Attempt:
    """One thing a writer does."""

    what: str
    external_id: str
    member_id: str
    cents: int
    ttl_seconds: int
    event_id: str = ""


def attempts_of(writer: int, people: list[str]) -> list[Attempt]:
    """Return what one writer does: reservations, some sent twice, settled, cancelled, or left to expire."""
    dice = Random(writer)
    found: list[Attempt] = []
    while len(found) < ATTEMPTS:
        number = len(found)
        member_id, cents, ttl_seconds = dice.choice(people), dice.randint(1, 30), dice.choice((1, 3, 600))
        ask = Attempt("reserve", f"r{writer}-{number}", member_id, cents, ttl_seconds)
        found.append(ask)
        match dice.randrange(4):
            case 0:
                found.append(ask)
            case 1:
                spent = dice.randint(0, ask.cents)
                found.append(Attempt("settle", ask.external_id, ask.member_id, spent, 0, f"u{writer}-{number}"))
            case 2:
                found.append(Attempt("release", ask.external_id, ask.member_id, 0, 0))
    return found[:ATTEMPTS]


@dataclass
class Order:
    """The order in which writes were asked for, which is the order in which one organization's happen."""

    ours: Books
    done: list[tuple[Attempt, datetime, str]]
    asked: int = 0

    async def do(self, attempt: Attempt) -> None:
        """Carry out one attempt and note what became of it at its place."""
        place = self.asked
        self.asked += 1
        at = START + place * STEP
        self.done.append((attempt, at, ""))
        match attempt.what:
            case "reserve":
                ask = an_ask(attempt.external_id, attempt.member_id, attempt.cents, ttl_seconds=attempt.ttl_seconds)
                (outcome,) = await reserve(self.ours, ask, at=at)
                told = outcome_of(outcome)
            case "settle":
                use = a_call(attempt.event_id, attempt.cents)
                told = outcome_of(await settle(self.ours, attempt.external_id, use, at=at))
            case _:
                (ended,) = await release(self.ours, attempt.external_id, at=at)
                told = outcome_of(ended)
        self.done[place] = (attempt, at, told)


def expected(model: SpendModel, attempt: Attempt, at: datetime) -> str:
    """Return what a writer alone would have been told."""
    match attempt.what:
        case "reserve":
            end = at + timedelta(seconds=attempt.ttl_seconds)
            return model.reserve(attempt.external_id, attempt.member_id, attempt.cents, at, end)
        case "settle":
            return model.settle(attempt.external_id, attempt.cents, at)
        case _:
            return model.release(attempt.external_id, at)


async def test_concurrent_writers_are_told_what_one_after_another_would_have_been(database: Database) -> None:
    ours = await books(database)
    people = [await ours.add(f"p{number}", tier=("chat", "chat_code")[number % 2]) for number in range(6)]
    caps = {"ORGANIZATION": 900, "POOLED": 500, "MEMBER": 250}
    await ours.cap("ORGANIZATION", "9.00")
    await ours.cap("SEAT_TIER", "5.00", "chat", scope=limits.Scope.POOLED)
    for member_id in people:
        await ours.cap("MEMBER", "2.50", member_id)
    order = Order(ours, [])

    async def write(writer: int) -> None:
        for attempt in attempts_of(writer, people):
            await order.do(attempt)

    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))

    model = SpendModel(ours.organization_id)
    model.caps["ORGANIZATION", ours.organization_id, Interval.MONTH] = Cap(caps["ORGANIZATION"])
    model.caps["POOLED", "chat", Interval.MONTH] = Cap(caps["POOLED"])
    for number, member_id in enumerate(people):
        model.caps["MEMBER", member_id, Interval.MONTH] = Cap(caps["MEMBER"])
        model.chains[member_id] = Chain(ours.organization_id, "", ("chat", "chat_code")[number % 2], member_id)
    told = [outcome for _, _, outcome in order.done]
    assert len(told) == WRITERS * ATTEMPTS
    assert told == [expected(model, attempt, at) for attempt, at, _ in order.done]
    assert {"DONE", "DUPLICATE", "BLOCKED"} <= set(told), "the limits were reached"
    assert await require_consistent(ours) == model.counted()

    end = START + order.asked * STEP
    cents = [an_ask(f"fill-{number}", people[number % 6], 1) for number in range(1_000)]
    await reserve(ours, *cents, at=end)
    spent = (await ours.spent())["organization"] // 10_000
    assert spent + (await held(ours))["organization"] == caps["ORGANIZATION"]
