"""What became of usage, seats and invoices, as subscribers hear of it?

Each event carries where it stands, so that a listener goes on from there, and what happened, for which the permission
is asked again with every event.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import strawberry

from billing.periods import month_containing
from billing.roles import Permission
from events.feed import Told
from models import events as rows
from models.organizations import Organization
from schema.access import Own, field
from schema.context import Info
from schema.enums import mirror
from schema.invoices import Invoice, InvoiceStatus
from schema.members import Member
from schema.money import Money
from schema.news import cursor
from schema.periods import Period
from schema.scalars import Long
from schema.usage_events import UsageEvent


class UsageUpdateKind(StrEnum):
    """What happened to usage."""

    RECORDED = "RECORDED"
    CORRECTED = "CORRECTED"


class SeatChangeKind(StrEnum):
    """What happened to a seat."""

    GRANTED = "GRANTED"
    CHANGED = "CHANGED"
    REVOKED = "REVOKED"


mirror(
    UsageUpdateKind,
    description="What happened to usage.",
    RECORDED="Events were reported and counted.",
    CORRECTED="An event was given another quantity.",
)
mirror(
    SeatChangeKind,
    description="What happened to a seat.",
    GRANTED="A member who held no seat was given one.",
    CHANGED="A member's seat became another one, at one instant.",
    REVOKED="A member's seat was taken away.",
)
CORRECTED: Final = "UsageCorrected"
USAGE_KINDS: Final[Mapping[str, UsageUpdateKind]] = MappingProxyType(
    {"UsageRecorded": UsageUpdateKind.RECORDED, CORRECTED: UsageUpdateKind.CORRECTED}
)
SEAT_KINDS: Final[Mapping[str, SeatChangeKind]] = MappingProxyType(
    {
        "SeatGranted": SeatChangeKind.GRANTED,
        "SeatChanged": SeatChangeKind.CHANGED,
        "SeatRevoked": SeatChangeKind.REVOKED,
    }
)
INVOICE_KINDS: Final[Mapping[str, InvoiceStatus | None]] = MappingProxyType(
    {
        "InvoiceDrafted": InvoiceStatus.DRAFT,
        "InvoiceFinalized": None,  # FINALIZED, or PAID where credit covered it: the facts say
        "InvoicePaid": InvoiceStatus.PAID,
        "InvoiceStatusChanged": None,
    }
)


USAGE_PAUSE_SECONDS: Final = 0.25
"""How long a subscriber to usage is left in peace between two updates."""


@strawberry.type(
    description="What usage became. Usage that is recorded thick and fast is summed up: the first update comes at once "
    "and the next ones at most four times a second, each with the sum of what was recorded in between."
)
class UsageUpdate:
    kind: UsageUpdateKind = strawberry.field(description="What happened.")
    entries: Long = strawberry.field(description="How many entries of the log this update sums up.")
    occurred_at: datetime = strawberry.field(description="When we learned of it; of several, of the last.")
    period: Period | None = strawberry.field(
        description="The month the usage counts in; null for a correction, whose event says when it was used."
    )
    events: Long | None = strawberry.field(
        description="How many events were recorded, zero for a correction. Null for one who may see only their own "
        "usage, where others' was reported together with it."
    )
    difference: Money | None = strawberry.field(
        description="What it adds to spend, exact; below zero where it takes away. Null like `events`."
    )
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str | None]
    member_ids: strawberry.Private[tuple[str, ...]]
    usage_id: strawberry.Private[str | None]

    @field(
        description="Whose usage it is; for one who may see only their own, themself alone.",
        requires=Permission.MEMBERS_READ,
        own=Own.SUBJECT,
    )
    async def members(self, info: Info) -> list[Member]:
        wanted = [(self.owner.organization_id, member_id) for member_id in self.member_ids]
        found = await info.context.loaders.member.load_many(wanted)
        return [Member.of(self.owner, row) for row in found if row is not None]

    @field(description="The event that takes the place of another; null where events were recorded.", requires=None)
    async def correction(self, info: Info) -> UsageEvent | None:
        return await UsageEvent.load(info.context, self.owner, self.usage_id)


@strawberry.type(description="News of usage on its way to a subscriber.")
class UsageUpdatedEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    told: strawberry.Private[Sequence[rows.Event]]
    member_id: strawberry.Private[str | None]  # the listener, where they may hear of themself alone

    @field(
        description="What happened. The permission is asked for again with every event.",
        requires=Permission.USAGE_READ,
        own=Own.SUBJECT,
    )
    def update(self) -> UsageUpdate:
        last, facts = self.told[-1], [facts_of(row) for row in self.told]
        corrected = last.kind == CORRECTED
        nanos = sum(int(each["differenceNanos" if corrected else "costNanos"]) for each in facts)
        shows_sums = self.member_id is None or users_of(last) == (self.member_id,)
        everybody = sorted({member_id for row in self.told for member_id in users_of(row)})
        start = None if corrected else datetime.fromisoformat(facts[-1]["periodStart"])
        zone = self.owner.time_zone
        return UsageUpdate(
            kind=USAGE_KINDS[last.kind],
            entries=Long(len(self.told)),
            occurred_at=last.occurred_at,
            period=Period.of(month_containing(start, zone), zone) if start else None,
            events=Long(0 if corrected else sum(each["events"] for each in facts)) if shows_sums else None,
            difference=Money.of_nanos(nanos, self.owner.currency, self.owner.locale) if shows_sums else None,
            owner=self.owner,
            member_id=self.member_id,
            member_ids=tuple(everybody) if self.member_id is None else (self.member_id,),
            usage_id=facts[-1]["usageId"] if corrected else None,
        )

    @classmethod
    def of(cls, listener: str | None, owner: Organization, told: Told) -> "UsageUpdatedEvent":
        """Return the news of one or several entries about usage, as one listener may know it."""
        return cls(cursor=cursor(told), owner=owner, told=told.events, member_id=listener)


def sums_up(listener: str | None, before: rows.Event, event: rows.Event) -> bool:
    """Return whether two entries about usage can be told as one: of one month, and equally open to the listener."""
    if CORRECTED in (before.kind, event.kind):
        return False  # a correction names the event that it replaces
    if facts_of(before)["periodStart"] != facts_of(event)["periodStart"]:
        return False
    return listener is None or (users_of(before) == (listener,)) == (users_of(event) == (listener,))


@strawberry.type(description="A seat as it was held at one instant.")
class HeldSeat:
    role: str = strawberry.field(description="The key of the role the member held it with.")
    billable: bool = strawberry.field(description="Whether it was paid for.")
    tier: str | None = strawberry.field(description="The key of the seat tier, null for none.")
    add_ons: list[str] = strawberry.field(description="The keys of the add-ons.")

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "HeldSeat":
        """Return the seat that an event tells of."""
        return cls(role=facts["role"], billable=facts["billable"], tier=facts["tier"], add_ons=list(facts["addOns"]))


@strawberry.type(description="What a seat became.")
class SeatChange:
    kind: SeatChangeKind = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    before: HeldSeat | None = strawberry.field(description="The seat until then; null where there was none.")
    after: HeldSeat | None = strawberry.field(description="The seat from then on; null where there is none.")
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str | None]

    @field(description="Who holds the seat that changed.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)


@strawberry.type(description="News of a seat on its way to a subscriber.")
class SeatChangedEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[rows.Event]

    @property
    def member_id(self) -> str | None:
        """The member whose seat it is."""
        return self.row.member_id

    @field(
        description="What happened. The permission is asked for again with every event.",
        requires=Permission.SEATS_READ,
        own=Own.SUBJECT,
    )
    def change(self) -> SeatChange:
        facts, kind = facts_of(self.row), SEAT_KINDS[self.row.kind]
        told, previous = HeldSeat.of(facts), facts.get("previous")
        revoked = kind is SeatChangeKind.REVOKED
        return SeatChange(
            kind=kind,
            occurred_at=self.row.occurred_at,
            before=told if revoked else (HeldSeat.of(previous) if previous else None),
            after=None if revoked else told,
            owner=self.owner,
            member_id=self.row.member_id,
        )

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "SeatChangedEvent":
        """Return the news of one seat."""
        (row,) = told.events
        return cls(cursor=cursor(told), owner=owner, row=row)


@strawberry.type(description="What an invoice became.")
class InvoiceStatusChange:
    status: InvoiceStatus = strawberry.field(description="Where the invoice stood from then on.")
    occurred_at: datetime = strawberry.field(description="When it came to stand there.")
    owner: strawberry.Private[Organization]
    invoice_id: strawberry.Private[str]

    @field(
        description="The invoice as it is now; null for a draft whose place an issued invoice has taken.",
        requires=Permission.INVOICES_READ,
    )
    async def invoice(self, info: Info) -> Invoice | None:
        return await Invoice.load(info.context, self.owner, self.invoice_id)


@strawberry.type(description="News of an invoice on its way to a subscriber.")
class InvoiceStatusChangedEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[rows.Event]

    @field(
        description="What happened. The permission is asked for again with every event.",
        requires=Permission.INVOICES_READ,
    )
    def change(self) -> InvoiceStatusChange:
        facts = facts_of(self.row)
        return InvoiceStatusChange(
            status=INVOICE_KINDS[self.row.kind] or InvoiceStatus(facts["status"]),
            occurred_at=self.row.occurred_at,
            owner=self.owner,
            invoice_id=facts["invoiceId"],
        )

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "InvoiceStatusChangedEvent":
        """Return the news of one invoice."""
        (row,) = told.events
        return cls(cursor=cursor(told), owner=owner, row=row)


def concerns(row: rows.Event, member_id: str) -> bool:
    """Return whether an entry is about this member, alone or among others."""
    if row.member_id is not None:
        return row.member_id == member_id
    # An id is nothing else by chance: most entries are told apart without being read.
    return member_id in row.payload and member_id in facts_of(row).get("memberIds", ())


def users_of(row: rows.Event) -> tuple[str, ...]:
    """Return the members whose usage an event tells of."""
    return (row.member_id,) if row.member_id is not None else tuple(facts_of(row)["memberIds"])


def facts_of(row: rows.Event) -> Mapping[str, Any]:
    """Return what an entry of the log says."""
    found: Mapping[str, Any] = json.loads(row.payload)
    return found
