"""Whatever is done in whatever order, the services do what the model says, and the counters are what usage comes to."""

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from anyio.to_thread import run_sync
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from billing.limits import Chain
from billing.money import Money
from billing.windows import Interval
from models.database import Database
from services import groups, limits, members, seats, standings
from services.usage import Overage
from tests.services.books import START, Books, a_use, books
from tests.services.holding import CENT, a_call, an_ask, release, require_consistent, reserve, settle
from tests.services.increases import raised
from tests.services.spend_model import Cap, Place, SpendModel, outcome_of

T = TypeVar("T")
_SLUGS = itertools.count(1)
TIERS = ("chat", "chat_code")
EXAMPLES, STEPS = 8, 25

person = st.integers(0, 2)
hold = st.integers(0, 9)
cents = st.integers(0, 60)
place = st.sampled_from(("ORGANIZATION", "GROUP", "POOLED", "EACH", "MEMBER"))
interval = st.sampled_from(Interval)
amount = st.none() | st.integers(0, 150)
kind = st.sampled_from((limits.Kind.HARD, limits.Kind.HARD, limits.Kind.SOFT))
override = st.sampled_from((None, *limits.Override))


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

    async def all_standings(self, member_ids: Sequence[str], at: datetime) -> dict[str, standings.Standing]:
        """Return where members stand."""
        return await standings.standings(self.ours.reader, await self.ours.organization(), member_ids, at=at)

    async def standing(self, member_id: str, at: datetime) -> standings.Standing:
        """Return where one member stands."""
        return (await self.all_standings([member_id], at))[member_id]

    def place_of(self, level: str, which: int, interval: Interval) -> Place:
        """Return one of the places at which limits are set."""
        named = {"ORGANIZATION": self.ours.organization_id, "GROUP": self.groups[which], "MEMBER": self.people[which]}
        return level, named.get(level, TIERS[which]), interval

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

    @rule(of=person, amount=cents, overage=st.sampled_from(Overage))
    def use(self, of: int, amount: int, overage: Overage) -> None:
        at, member_id = self.tick(), self.people[of]
        if member_id in self.model.inactive:
            return
        (outcome,) = self.run_(
            self.ours.use(a_use(f"u{next(self.uses)}", member_id, amount, at=at), at=at, overage=overage)
        )
        recorded = overage is Overage.RECORD
        assert outcome_of(outcome) == self.model.use(member_id, amount, at, recorded=recorded)

    @rule(place=place, which=st.integers(0, 1), interval=interval, amount=amount, kind=kind, override=override)
    def cap(
        self,
        place: str,
        which: int,
        interval: Interval,
        amount: int | None,
        kind: limits.Kind,
        override: limits.Override | None,
    ) -> None:
        at, named = self.tick(), self.place_of(place, which, interval)
        fields = {"kind": kind, "override": override if place == "MEMBER" else None}
        money = None if amount is None else Money(amount, "USD")
        answer = self.run_(self.ours.cap(**_named(named), amount=None, cap=money, **fields, at=at))
        assert isinstance(answer, limits.LimitSet), answer
        instead = place == "MEMBER" and (override is limits.Override.INSTEAD or (override is None and amount is None))
        self.model.expire(at)
        self.model.set(named, Cap(amount if kind is limits.Kind.HARD else None, instead), at)

    @rule(place=place, which=st.integers(0, 1), interval=interval)
    def lift(self, place: str, which: int, interval: Interval) -> None:
        at, named = self.tick(), self.place_of(place, which, interval)
        self.model.lapse(at)
        answer = self.run_(self.ours.do(limits.clear_limit, limits.ClearLimit, **_named(named), at=at))
        assert isinstance(answer, limits.LimitCleared) == (named in self.model.caps), answer
        self.model.set(named, None, at)

    @rule(of=person, more=st.integers(1, 60), seconds=st.sampled_from((30, 86_400)))
    def raise_for_a_time(self, of: int, more: int, seconds: int) -> None:
        at, member_id = self.tick(), self.people[of]
        self.model.lapse(at)
        gate = self.run_(self.standing(member_id, at)).effective.binding
        if gate is None or gate.limit.cap_nanos is None or member_id in self.model.inactive:
            return
        alone = gate.limit.counted_at is limits.Level.MEMBER
        where = "MEMBER" if alone else {"SEAT_TIER": "POOLED"}.get(gate.level, str(gate.level))
        subject = member_id if alone else gate.subject
        named: Place = where, subject, gate.limit.interval
        if named in self.model.raises:
            return  # raises upon each other are told elsewhere
        amount, until = gate.limit.cap_nanos // CENT + more, at + timedelta(seconds=seconds)
        fields = {"limit_id": gate.limit.id, "until": until, "at": at}
        self.run_(raised(self.ours, member_id, str(Money(amount, "USD").amount), **fields))
        former = self.model.caps.get(named)
        instead = gate.level is limits.Level.SEAT_TIER or bool(former and former.instead)
        self.model.raise_until(named, Cap(amount, alone and instead), at, until)

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
            self.model.chains[member_id] = replace(self.model.chains[member_id], tier="")

    @invariant()
    def what_is_shown_is_what_binds(self) -> None:
        if hasattr(self, "ours"):
            model = deepcopy(self.model)  # reading ends nothing
            model.expire(self.now)
            shown = self.run_(self.all_standings(self.people, self.now))
            for member_id in self.people:
                left = model.remaining(model.chains[member_id], self.now)
                nanos = None if left is None else max(0, left) * CENT
                assert shown[member_id].effective.remaining_nanos == nanos, member_id

    @invariant()
    def counters_are_what_usage_and_holds_come_to(self) -> None:
        if hasattr(self, "ours"):
            assert self.run_(require_consistent(self.ours)) == self.model.counted()


def _named(place: Place) -> dict[str, Any]:
    """Return a place as commands about limits name it."""
    level, subject, interval = place
    scope = {"POOLED": limits.Scope.POOLED, "EACH": limits.Scope.PER_MEMBER}.get(level)
    return {
        "level": limits.Level(level if scope is None else "SEAT_TIER"),
        "subject": None if level == "ORGANIZATION" else subject,
        "scope": scope,
        "interval": interval,
    }


@pytest.mark.parametrize(
    ("examples", "steps"), [(EXAMPLES, STEPS), pytest.param(100, 60, marks=pytest.mark.proof)], ids=["short", "long"]
)
async def test_does_what_the_model_says(database: Database, examples: int, steps: int) -> None:
    loop = asyncio.get_running_loop()
    machine = type("Machine", (Spending,), {"database": database, "loop": loop})
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate, Phase.shrink],
    )

    await run_sync(lambda: run_state_machine_as_test(machine, settings=chosen))
