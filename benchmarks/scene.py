"""On what organization is spend attempted?

One with members in two seat tiers and three groups, capped at every level and in every way a cap can be held, so that
each cap binds for somebody. Its plan prices a token at a millionth of a dollar, which makes a quantity a cost. The
scene is a plain value: any process can be told of it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.people import a_person, owner_of
from billing.limits import SpendLevel, TierScope
from billing.money import Money
from billing.plans import from_document, to_document
from billing.windows import Interval
from events.hub import Hub
from models import plans
from models.database import Database
from models.sql import Client
from services import groups, limits, members, organizations
from services.dispatch import Dispatcher, Request

START = datetime(2026, 10, 1, 9, tzinfo=UTC)
NANOS_PER_TOKEN = 1_000
NANOS_PER_CENT = 10_000_000
TIERS = ("chat", "chat_code")
PLAN: dict[str, Any] = {
    "key": "tokens",
    "version": 1,
    "name": {"en": "Tokens"},
    "currency": "USD",
    "tax": {"mode": "EXCLUSIVE", "percent": "0"},
    "tiers": [{"key": tier, "name": {"en": tier}, "includes": []} for tier in TIERS],
    "items": [
        {
            "key": "usage",
            "name": {"en": "Usage"},
            "quantity": {"kind": "USAGE", "meter": "tokens"},
            "price": {
                "model": "RATE_CARD",
                "cards": [
                    {
                        "version": "1",
                        "effective_from": "2026-01-01T00:00:00+00:00",
                        "rates": [{"model": "atlas", "direction": "INPUT", "amount": "1", "per": 1_000_000}],
                    }
                ],
            },
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Person:
    """A member, and where their spend counts."""

    member_id: str
    tier: str
    group: str


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap as the oracle knows it: whose counter it is held against, and for whom."""

    level: SpendLevel
    subject: str
    scope: TierScope
    cap_nanos: int

    def counter(self, person: Person, organization_id: str) -> tuple[SpendLevel, str] | None:
        """Return the counter that one person's spend meets here, or None where the cap is not theirs."""
        subjects = {
            SpendLevel.ORGANIZATION: organization_id,
            SpendLevel.GROUP: person.group,
            SpendLevel.SEAT_TIER: person.tier,
            SpendLevel.MEMBER: person.member_id,
        }
        if subjects[self.level] != self.subject:
            return None
        is_each = self.level is SpendLevel.SEAT_TIER and self.scope is TierScope.PER_MEMBER
        return (SpendLevel.MEMBER, person.member_id) if is_each else (self.level, self.subject)


@dataclass(frozen=True, slots=True)
class Scene:
    """An organization, its people, its caps, and one person more whom only the organization's own cap stops."""

    organization_id: str
    owner_id: str
    people: tuple[Person, ...]
    filler: Person
    caps: tuple[Cap, ...]

    @property
    def cap_nanos(self) -> int:
        """The organization's own cap."""
        return next(cap.cap_nanos for cap in self.caps if cap.level is SpendLevel.ORGANIZATION)

    def request(self, request_id: str, at: datetime = START) -> Request:
        """Return a request of the owner's."""
        return Request(owner_of(self.organization_id, self.owner_id, "owner", START), at, request_id)


async def set_up(database: Database, *, people: int, demand_nanos: int) -> Scene:
    """Open the organization, for a demand of which its caps let about a half through."""
    dispatcher = Dispatcher(database.runner, Hub())
    await _publish(database)
    command = organizations.Create("open", "bench", "Bench", "USD", "UTC", "en", "tokens")
    created = await organizations.create(dispatcher, command, Request(a_person("owner", START), START, "open"))
    assert isinstance(created, organizations.Created), created
    empty = Scene(created.organization_id, created.member_id, (), Person("", "", ""), ())
    kept = [await _group(dispatcher, empty, key) for key in ("north", "south", "west")]
    persons = [await _person(dispatcher, empty, number, kept) for number in range(people)]
    filler = await _member(dispatcher, empty, "filler", None)
    caps = _caps(created.organization_id, persons, kept, demand_nanos)
    for number, cap in enumerate(caps):
        await _set(dispatcher, empty, number, cap)
    return Scene(created.organization_id, created.member_id, tuple(persons), Person(filler, "", ""), tuple(caps))


def _caps(organization_id: str, people: list[Person], kept: list[str], demand_nanos: int) -> list[Cap]:
    """Return caps such that each level binds for somebody: one person, one tier each way, one group, and all."""
    each = demand_nanos // len(people)
    pooled, per_member = TierScope.POOLED, TierScope.PER_MEMBER
    caps = [
        Cap(SpendLevel.ORGANIZATION, organization_id, per_member, _cents(demand_nanos * 38 // 100)),
        Cap(SpendLevel.GROUP, kept[0], per_member, _cents(demand_nanos * 12 // 100)),
        Cap(SpendLevel.SEAT_TIER, TIERS[0], pooled, _cents(demand_nanos * 19 // 100)),
        Cap(SpendLevel.SEAT_TIER, TIERS[1], per_member, _cents(each * 5 // 10)),
    ]
    return caps + [Cap(SpendLevel.MEMBER, person.member_id, per_member, _cents(each // 3)) for person in people[::3]]


def _cents(nanos: int) -> int:
    """Return an amount down to the last whole cent, which is what a cap can be set to."""
    return nanos // NANOS_PER_CENT * NANOS_PER_CENT


async def _publish(database: Database) -> None:
    document = to_document(from_document(PLAN))

    async def publish(client: Client) -> None:
        await plans.publish(client, key="tokens", version=1, currency="USD", document=document, published_at=START)

    await database.runner.run(publish, lane="catalog")


async def _group(dispatcher: Dispatcher, scene: Scene, key: str) -> str:
    command = groups.CreateGroup(scene.organization_id, f"group-{key}", key, key.title())
    answer = await dispatcher.execute(groups.create, command, scene.request("group"))
    assert isinstance(answer, groups.GroupKept), answer
    return answer.group_id


async def _person(dispatcher: Dispatcher, scene: Scene, number: int, kept: list[str]) -> Person:
    tier, group = TIERS[number % 2], kept[number % len(kept)]
    member_id = await _member(dispatcher, scene, f"member-{number}", tier)
    command = groups.AssignGroup(scene.organization_id, f"assign-{number}", (member_id,), group)
    answer = await dispatcher.execute(groups.assign, command, scene.request("assign"))
    assert isinstance(answer, groups.GroupAssigned), answer
    return Person(member_id, tier, group)


async def _member(dispatcher: Dispatcher, scene: Scene, name: str, tier: str | None) -> str:
    command = members.AddMember(
        scene.organization_id, f"add-{name}", email=f"{name}@bench.example", name=name, role="member", tier=tier
    )
    answer = await dispatcher.execute(members.add, command, scene.request("add"))
    assert isinstance(answer, members.MemberAdded), answer
    return answer.member_id


async def _set(dispatcher: Dispatcher, scene: Scene, number: int, cap: Cap) -> None:
    is_own = cap.level is SpendLevel.ORGANIZATION
    money = Money(cap.cap_nanos // NANOS_PER_CENT, "USD")
    command = limits.SetLimit(
        scene.organization_id,
        f"cap-{number}",
        level=cap.level,
        subject=None if is_own else cap.subject,
        scope=cap.scope if cap.level is SpendLevel.SEAT_TIER else None,
        cap=money,
        interval=Interval.MONTH,
    )
    answer = await dispatcher.execute(limits.set_limit, command, scene.request("cap"))
    assert isinstance(answer, limits.LimitSet), answer
