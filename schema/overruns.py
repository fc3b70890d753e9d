"""What went further than was allowed, as subscribers hear of it?

It is told once for each command and member, whatever thresholds a limit has, to the member and to those who manage. The
permission is asked for again with every event.
"""

import json
from datetime import datetime
from functools import cached_property
from typing import Any

import strawberry

from billing.roles import Permission
from events.feed import Told
from models import events
from models.organizations import Organization
from schema import ids
from schema.access import Own, field
from schema.context import Info
from schema.members import Member
from schema.money import Money
from schema.news import cursor


@strawberry.type(
    description="Spend beyond what was reserved for it, or recorded over a limit. It counts and is billed."
)
class SpendOverrun:
    occurred_at: datetime = strawberry.field(description="When it was recorded.")
    excess: Money = strawberry.field(description="By how much calls came to more than was reserved for them, exact.")
    over_limit: Money = strawberry.field(
        description="What the usage cost that passed a limit, exact; zero where all of it was within every limit."
    )
    reservation_ids: list[strawberry.ID] = strawberry.field(
        description="The reservations that were passed: give them to `nodes`. At most 1,000."
    )
    usage_event_ids: list[strawberry.ID] = strawberry.field(
        description="The usage events that passed a limit: give them to `nodes`. At most 1,000."
    )
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str | None]

    @field(description="Who used more than was allowed.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)


@strawberry.type(description="News of spend that went too far on its way to a subscriber.")
class SpendOverrunEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[events.Event]

    @property
    def member_id(self) -> str | None:
        """The member whose spend it is."""
        return self.row.member_id

    @cached_property
    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.row.payload)
        return facts

    @field(description="The same for every delivery of this news.", requires=None)
    def dedup_id(self) -> str:
        return str(self._facts["dedupId"])

    @field(
        description="What went too far. The permission is asked for again with every event.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    def overrun(self) -> SpendOverrun:
        facts, owner = self._facts, self.owner

        def named(kind: ids.Kind, keys: list[str]) -> list[strawberry.ID]:
            return [ids.text(kind, owner.organization_id, key) for key in keys]

        return SpendOverrun(
            occurred_at=self.row.occurred_at,
            excess=Money.of_nanos(int(facts["excessNanos"]), owner.currency, owner.locale),
            over_limit=Money.of_nanos(int(facts["overLimitNanos"]), owner.currency, owner.locale),
            reservation_ids=named(ids.Kind.RESERVATION, facts["reservationIds"]),
            usage_event_ids=named(ids.Kind.USAGE_EVENT, facts["usageIds"]),
            owner=owner,
            member_id=self.row.member_id,
        )

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "SpendOverrunEvent":
        """Return the news of one overrun."""
        (row,) = told.events
        return cls(cursor=cursor(told), owner=owner, row=row)
