"""Whatever is done in whatever order, the services do what the model says, and the counters are what usage comes to."""

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from anyio.to_thread import run_sync
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from billing.limits import Chain
from billing.money import Money
from billing.windows import Interval
from models.database import Database
from services import groups, limits, members, seats
from tests.services.books import START, Books, books
from tests.services.holding import a_call, an_ask, release, require_consistent, reserve, settle
from tests.services.spend_model import SpendModel, outcome_of

T = TypeVar("T")
_SLUGS = itertools.count(1)
TIERS = ("chat", "chat_code")
EXAMPLES, STEPS = 8, 25

person = st.integers(0, 2)
hold = st.integers(0, 9)
cents = st.integers(0, 60)


class Spending(RuleBasedStateMachine):
    """Three members, two tiers, two groups, ten reservations and whatever caps."""

    database: Database
    loop: asyncio.AbstractEventLoop

    @initialize()
    def open(self) -> None:
        self.now: datetime = START
        self.ours: Books = self.run_(books(self.database, slug=f"machine-{next(_SLUGS)}"))
        self.model = SpendModel(self.ours.organization_id)
        self.people = [self.run_(self.ours.add(f"p{number}", tier="chat")) for number in range(3)]
        kept = [
            self.run_(self.ours.do(groups.create, groups.CreateGroup, key=key, name=key)) for key in ("sales", "lab")
        ]
        self.groups = [each.group_id for each in kept]
        for member_id in self.people:
            self.model.chains[member_id] = Chain(self.ours.organization_id, "", "chat", member_id)
        self.uses = itertools.count(1)

    def run_(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the loop that owns the database."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def tick(self, seconds: int = 1) -> datetime:
        """Let time go by: no two things happen at once."""
        self.now += timedelta(seconds=seconds)
        return self.now

    @rule(of=person, number=hold, amount=cents, ttl=st.sampled_from((2, 60, 86_400)))
    def reserve(self, of: int, number: int, amount: int, ttl: int) -> None:
        at, external_id = self.tick(), f"r{number}"
        if external_id in self.model.holds:
            return  # a repeat with another body is a conflict, told elsewhere
        member_id = self.people[of]
        (outcome,) = self.run_(reserve(self.ours, an_ask(external_id, member_id, amount, ttl_seconds=ttl), at=at))
        expected = self.model.reserve(external_id, member_id, amount, at, at + timedelta(seconds=ttl))
        assert outcome_of(outcome) == expected

    @rule(number=hold, share=st.integers(0, 120))
    def settle(self, number: int, share: int) -> None:
        at, external_id = self.tick(), f"r{number}"
        kept = self.model.holds.get(external_id)
        amount = kept.cents * share // 100 if kept else 1
        outcome = self.run_(settle(self.ours, external_id, a_call(f"u{next(self.uses)}", amount), at=at))
        assert outcome_of(outcome) == self.model.settle(external_id, amount, at)

    @rule(number=hold)
    def release(self, number: int) -> None:
        at, external_id = self.tick(), f"r{number}"
        (outcome,) = self.run_(release(self.ours, external_id, at=at))
        assert outcome_of(outcome) == self.model.release(external_id, at)

    @rule(seconds=st.sampled_from((30, 3_600, 86_400, 6 * 86_400, 20 * 86_400)))
    def wait(self, seconds: int) -> None:
        self.tick(seconds)

    @rule(of=person, tier=st.sampled_from(TIERS))
    def move_to_tier(self, of: int, tier: str) -> None:
        at, member_id = self.tick(), self.people[of]
        if member_id in self.model.inactive:
            return
        self.run_(self.ours.do(seats.change_tier, seats.ChangeTier, at=at, member_id=member_id, tier=tier))
        self.model.chains[member_id] = replace(self.model.chains[member_id], tier=tier)

    @rule(of=person, group=st.sampled_from((None, 0, 1)))
    def move_to_group(self, of: int, group: int | None) -> None:
        at, member_id = self.tick(), self.people[of]
        group_id = None if group is None else self.groups[group]
        self.run_(self.ours.do(groups.assign, groups.AssignGroup, at=at, member_ids=(member_id,), group_id=group_id))
        self.model.chains[member_id] = replace(self.model.chains[member_id], group=group_id or "")

    @rule(
        place=st.sampled_from(("ORGANIZATION", "GROUP", "POOLED", "EACH", "MEMBER")),
        which=st.integers(0, 1),
        interval=st.sampled_from(Interval),
        amount=st.integers(0, 150),
    )
    def cap(self, place: str, which: int, interval: Interval, amount: int) -> None:
        at = self.tick()
        subject = {
            "ORGANIZATION": None,
            "GROUP": self.groups[which],
            "MEMBER": self.people[which],
        }.get(place, TIERS[which])
        level = "SEAT_TIER" if place in {"POOLED", "EACH"} else place
        scope = {"POOLED": limits.Scope.POOLED, "EACH": limits.Scope.PER_MEMBER}.get(place)
        money = Money(amount, "USD")
        answer = self.run_(self.ours.cap(level, None, subject, cap=money, scope=scope, interval=interval, at=at))
        assert isinstance(answer, limits.LimitSet), answer
        self.model.expire(at)
        self.model.caps[place, subject or self.ours.organization_id, interval] = amount

    @rule(of=person)
    def leave_and_come_back(self, of: int) -> None:
        at, member_id = self.tick(), self.people[of]
        if member_id in self.model.inactive:
            make = members.Reactivate
            self.run_(self.ours.do(members.reactivate, make, at=at, member_id=member_id, tier="chat"))
            self.model.inactive.discard(member_id)
            self.model.chains[member_id] = replace(self.model.chains[member_id], tier="chat")
        else:
            self.run_(self.ours.do(members.deactivate, members.Deactivate, at=at, member_id=member_id))
            self.model.inactive.add(member_id)

    @invariant()
    def counters_are_what_usage_and_holds_come_to(self) -> None:
        if hasattr(self, "ours"):
            assert self.run_(require_consistent(self.ours)) == self.model.counted()


async def test_does_what_the_model_says(database: Database) -> None:
    loop = asyncio.get_running_loop()
    machine = type("Machine", (Spending,), {"database": database, "loop": loop})
    quick = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )

    await run_sync(lambda: run_state_machine_as_test(machine, settings=quick))
