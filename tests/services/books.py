"""Open books for a test: an organization made by the real services, and somebody who may do everything in it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from auth.principal import Membership, Method, Principal
from billing.money import Money
from billing.plans import from_document, to_document
from billing.rating import Direction
from billing.roles import BUILT_IN, Permission
from billing.windows import Interval, window
from events.hub import Hub
from models import events, organizations, plans
from models.database import Database
from models.sql import Client
from services import limits, members, usage
from services import organizations as services
from services.dispatch import Dispatcher, Request

START = datetime(2026, 10, 1, tzinfo=UTC)
ALWAYS = datetime(2100, 1, 1, tzinfo=UTC)

POOLED = {
    "key": "pooled",
    "version": 1,
    "name": {"en": "Pooled"},
    "currency": "USD",
    "tax": {"mode": "EXCLUSIVE", "percent": "0"},
    "tiers": [
        {"key": "chat", "name": {"en": "Chat"}, "includes": []},
        {"key": "chat_code", "name": {"en": "Chat and code"}, "includes": ["chat"]},
    ],
    "items": [
        {
            "key": "seat-chat",
            "name": {"en": "Chat seat"},
            "quantity": {"kind": "SEATS", "tiers": ["chat"]},
            "price": {"model": "UNIT", "unit": "20"},
        },
        {
            "key": "hipaa",
            "name": {"en": "HIPAA"},
            "quantity": {"kind": "SEATS", "add_on": "hipaa"},
            "price": {"model": "UNIT", "unit": "5"},
        },
        {
            "key": "usage",
            "name": {"en": "Usage"},
            "quantity": {"kind": "USAGE", "meter": "tokens"},
            "price": {
                "model": "RATE_CARD",
                "cards": [
                    {
                        "version": "2026-01",
                        "effective_from": "2026-01-01T00:00:00+00:00",
                        "rates": [{"model": "atlas", "direction": "INPUT", "amount": "1", "per": 1_000_000}],
                    }
                ],
            },
        },
    ],
}
"""One token of atlas costs a millionth of a dollar, so a quantity is the cost in millionths."""


@dataclass(slots=True)
class Books:
    """An organization, and its primary owner at work."""

    database: Database
    dispatcher: Dispatcher
    organization_id: str
    owner: Principal
    calls: int = 0

    @property
    def reader(self) -> Client:
        return self.database.reader

    async def organization(self) -> organizations.Organization:
        found = await organizations.find(self.reader, self.organization_id)
        assert found is not None
        return found

    async def do(
        self, verb: Any, make: Any, *, at: datetime = START, actor: Principal | None = None, **fields: Any
    ) -> Any:
        """Carry out one command, under a new key unless one is given."""
        self.calls += 1
        key = fields.pop("under", f"key-{self.calls}")
        command = make(organization_id=self.organization_id, idempotency_key=key, **fields)
        return await self.dispatcher.execute(verb, command, Request(actor or self.owner, at, "request"))

    async def add(self, name: str, *, at: datetime = START, **fields: Any) -> str:
        """Add a member and return the id."""
        fields = {"role": "member", "tier": None, **fields}
        added = await self.do(members.add, members.AddMember, at=at, email=f"{name}@x.example", name=name, **fields)
        assert isinstance(added, members.MemberAdded), added
        return added.member_id

    async def cap(self, level: str, amount: str | None, subject: str | None = None, **fields: Any) -> Any:
        """Set a limit in dollars, or with no amount the word that there is none."""
        fields = {"scope": None, "cap": amount and Money.parse(amount, "USD"), **fields}
        return await self.do(limits.set_limit, limits.SetLimit, level=limits.Level(level), subject=subject, **fields)

    async def use(self, *facts: usage.UsageFact, at: datetime = START, **fields: Any) -> tuple[usage.EventOutcome, ...]:
        """Record usage and return what became of each event."""
        recorded = await self.do(usage.record, usage.Record, at=at, events=facts, **fields)
        assert isinstance(recorded, usage.Recorded), recorded
        return recorded.outcomes

    async def facts(self, kind: str) -> list[events.Event]:
        """Return the events of one kind in the log."""
        log = await events.after(self.reader, self.organization_id, 0, limit=10_000)
        return [event for event in log if event.kind == kind]

    async def spent(
        self,
        *member_ids: str,
        tiers: tuple[str, ...] = (),
        groups: tuple[str, ...] = (),
        at: datetime = START,
        interval: Interval = Interval.MONTH,
    ) -> dict[str, int]:
        """Return what each level has spent in the window of an instant, in millionths, by its subject."""
        from models import counters as rows

        counters = await rows.counters(
            self.reader,
            self.organization_id,
            period_start=window(interval, at, "UTC").start,
            interval=interval,
            groups=groups,
            tiers=tiers,
            members=member_ids,
        )
        names = {self.organization_id: "organization"}
        return {names.get(subject, subject): each.spent_nanos // 1_000 for (_, subject), each in counters.items()}


def a_use(event_id: str, member_id: str, cents: int, *, at: datetime = START, **fields: Any) -> usage.UsageFact:
    """Return usage that costs so many cents."""
    fields = {"meter": "tokens", "model": "atlas", "direction": Direction.INPUT, "quantity": cents * 10_000, **fields}
    return usage.UsageFact(event_id=event_id, member_id=member_id, occurred_at=at, **fields)


def a_person(name: str, *memberships: Membership) -> Principal:
    """Return a signed-in account."""
    return Principal.of(
        memberships,
        issuer="https://idp.example",
        subject=name,
        name=name.title(),
        email=f"{name}@x.example",
        authenticated_at=START,
        expires_at=ALWAYS,
        method=Method.BEARER,
    )


def as_role(organization_id: str, role: str, member_id: str = "somebody") -> Principal:
    """Return somebody who has a built-in role in the organization."""
    return a_person(role, Membership(organization_id, member_id, role, BUILT_IN[role].permissions))


async def books(
    database: Database,
    *,
    plan: dict[str, Any] = POOLED,
    slug: str = "acme",
    at: datetime = START,
    time_zone: str = "UTC",
    **fields: Any,
) -> Books:
    """Open an organization on a plan of its own."""
    document = to_document(from_document(plan))

    async def publish(client: Client) -> None:
        if await plans.newest_in_catalog(client, plan["key"], plan["currency"]) is None:
            await plans.publish(
                client, key=plan["key"], version=1, currency=plan["currency"], document=document, published_at=at
            )

    await database.runner.run(publish, lane="catalog")
    dispatcher = Dispatcher(database.runner, Hub())
    command = services.Create(
        f"open-{slug}", slug, slug.title(), plan["currency"], time_zone, "en", plan["key"], **fields
    )
    created = await services.create(dispatcher, command, Request(a_person("ann"), at, "request"))
    assert isinstance(created, services.Created), created
    own = Membership(created.organization_id, created.member_id, "primary_owner", frozenset(Permission))
    return Books(database, dispatcher, created.organization_id, a_person("ann", own))


def days_later(count: int) -> datetime:
    """Return an instant so many days after the start."""
    return START + timedelta(days=count)
