"""What does the page show?

An organization of sixty, so that its list goes on beyond the page; seats in two tiers and usage of two models; a limit
on all, one on each member of a tier and ten of members' own; five months that are closed and the running one, in which
everybody has spent something. Everything is written by the real services.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from auth.development import subject_of
from auth.principal import Membership, Method, Principal
from benchmarks.people import ALWAYS
from billing.limits import SpendLevel, TierScope
from billing.money import Money
from billing.rating import Direction
from billing.roles import Permission
from events.hub import Hub
from jobs import due
from models import invoices, plans
from models import organizations as rows
from models.database import Database
from models.paging import Window
from models.sql import Client
from services import imports, limits, organizations, payments, usage
from services.dispatch import Dispatcher, Request

EMAIL, NAME = "ann@acme.example", "Ann"
MEMBERS = 60
MONTHS = 5
TIERS = ("chat", "chat_code")
MODELS = ("atlas", "comet")
PLAN: dict[str, Any] = {
    "key": "pooled",
    "version": 1,
    "name": {"en": "Pooled"},
    "currency": "USD",
    "tax": {"mode": "EXCLUSIVE", "percent": "0"},
    "tiers": [{"key": tier, "name": {"en": tier.replace("_", " ").title()}, "includes": []} for tier in TIERS],
    "items": [
        *(
            {
                "key": f"seat_{tier}",
                "name": {"en": f"Seat {tier}"},
                "quantity": {"kind": "SEATS", "tiers": [tier]},
                "price": {"model": "UNIT", "unit": unit},
            }
            for tier, unit in zip(TIERS, ("20", "40"), strict=True)
        ),
        {
            "key": "usage",
            "name": {"en": "Usage"},
            "quantity": {"kind": "USAGE", "meter": "tokens"},
            "price": {
                "model": "RATE_CARD",
                "cards": [
                    {
                        "version": "1",
                        "effective_from": "2020-01-01T00:00:00+00:00",
                        "rates": [
                            {"model": model, "direction": direction, "amount": amount, "per": 1_000_000}
                            for model in MODELS
                            for direction, amount in (("INPUT", "3"), ("OUTPUT", "15"))
                        ],
                    }
                ],
            },
        },
    ],
}


@dataclass(slots=True)
class _Author:
    """Who writes it all, and how many commands they have given."""

    dispatcher: Dispatcher
    organization_id: str
    owner: Principal
    calls: int = 0

    async def do(self, at: datetime, verb: Any, make: Any, **fields: Any) -> Any:
        self.calls += 1
        command = make(organization_id=self.organization_id, idempotency_key=f"page-{self.calls}", **fields)
        return await self.dispatcher.execute(verb, command, Request(self.owner, at, "page"))


def month_start(at: datetime, back: int) -> datetime:
    """Return the start of the month so many months before that of `at`."""
    months = at.year * 12 + at.month - 1 - back
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


async def fill(database: Database, *, issuer: str, at: datetime) -> str:
    """Write what the page shows by `at`, for a reader who signs in through `issuer`; return the organization's id."""
    opened_at = month_start(at, MONTHS)
    await _publish(database, opened_at)
    dispatcher = Dispatcher(database.runner, Hub())
    command = organizations.Create("open", "acme", "Acme Example", "USD", "UTC", "en", "pooled")
    created = await organizations.create(dispatcher, command, Request(reader_of(issuer), opened_at, "page"))
    assert isinstance(created, organizations.Created), created
    own = Membership(created.organization_id, created.member_id, "primary_owner", frozenset(Permission))
    author = _Author(dispatcher, created.organization_id, reader_of(issuer, own))
    members = await _people(author, opened_at)
    await _limit(author, members, opened_at)
    for back in range(MONTHS, -1, -1):
        used_at = min(month_start(at, back) + timedelta(days=9), at)
        await _use(author, members, used_at, back)
        if back:
            await _bill(database, author, month_start(at, back - 1) + timedelta(days=3), pays=back > 1)
    return author.organization_id


def reader_of(issuer: str, *memberships: Membership) -> Principal:
    """Return whoever reads the page."""
    return Principal.of(
        memberships,
        issuer=issuer,
        subject=subject_of(EMAIL),
        name=NAME,
        email=EMAIL,
        authenticated_at=ALWAYS - timedelta(days=1),
        expires_at=ALWAYS,
        method=Method.BEARER,
    )


async def _publish(database: Database, at: datetime) -> None:
    async def publish(client: Client) -> None:
        await plans.publish(client, key="pooled", version=1, currency="USD", document=PLAN, published_at=at)

    await database.runner.run(publish, lane="catalog")


async def _people(author: _Author, at: datetime) -> list[str]:
    people = tuple(
        imports.NewMember(f"member{number:02d}@acme.example", f"Member {number:02d}", "member", TIERS[number % 2])
        for number in range(MEMBERS - 1)
    )
    added = await author.do(at, imports.add_many, imports.AddMany, members=people)
    assert isinstance(added, imports.ManyAdded), added
    return list(added.member_ids)


async def _limit(author: _Author, members: list[str], at: datetime) -> None:
    """Cap all, each member of one tier, and some members; no two leave the same."""
    caps: list[tuple[SpendLevel, str | None, TierScope | None, str]] = [
        (SpendLevel.ORGANIZATION, None, None, "100000.00"),
        (SpendLevel.SEAT_TIER, TIERS[0], TierScope.PER_MEMBER, "200.00"),
    ]
    caps += [(SpendLevel.MEMBER, each, None, f"{100 + number}.00") for number, each in enumerate(members[::6])]
    for level, subject, scope, amount in caps:
        cap = Money.parse(amount, "USD")
        done = await author.do(
            at, limits.set_limit, limits.SetLimit, level=level, subject=subject, scope=scope, cap=cap
        )
        assert isinstance(done, limits.LimitSet), done


async def _use(author: _Author, members: list[str], at: datetime, back: int) -> None:
    facts = tuple(
        usage.UsageFact(
            event_id=f"use-{back}-{number}-{model}-{direction}",
            member_id=member_id,
            occurred_at=at,
            meter="tokens",
            model=model,
            direction=direction,
            quantity=(number + 1) * 10_007 + back,
        )
        for number, member_id in enumerate(members)
        for model in MODELS
        for direction in (Direction.INPUT, Direction.OUTPUT)
    )
    recorded = await author.do(at, usage.record, usage.Record, events=facts)
    assert isinstance(recorded, usage.Recorded), recorded
    assert all(isinstance(outcome, usage.EventRecorded) for outcome in recorded.outcomes), recorded


async def _bill(database: Database, author: _Author, at: datetime, *, pays: bool) -> None:
    """Close the month before `at`, and pay for it where it is not the last."""
    organization = await rows.find(database.reader, author.organization_id)
    assert organization is not None, "it was opened a moment ago"
    async for _report in due.carry_out_of(database.reader, author.dispatcher, organization, at=at):
        pass
    found = await invoices.page_of(database.reader, author.organization_id, Window(1, None, None, from_end=False))
    (newest,) = found.rows
    if pays:
        paid = await author.do(
            at,
            payments.record_payment,
            payments.RecordPayment,
            invoice_id=newest.id,
            amount=Money(newest.total_minor, newest.currency),
            method=payments.MethodKind.BANK_TRANSFER,
            reference=f"wire {newest.number}",
            received_at=at,
        )
        assert isinstance(paid, payments.PaymentRecorded), paid
