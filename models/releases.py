"""Which seats are given back, and kept until what is paid for is used up?

A member has at most one release that waits. Its row is the seat they hold from then on; it is ended, never deleted,
when it is carried out or withdrawn.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.fields import IntField
from tortoise.models import Model

from billing import seats as rules
from models.fields import DocumentField, InstantField, code


class SeatRelease(Model):
    """What a member holds from `due_at` on, asked for at `requested_at`; it waits while `ended_at` is null."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    member_id: str = code()
    role: str = code()
    billable = IntField()
    tier: str | None = code(null=True)
    add_ons: Any = DocumentField()
    requested_at: datetime = InstantField()  # type: ignore[assignment]
    due_at: datetime = InstantField()  # type: ignore[assignment]
    ended_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "seat_releases"

    def as_rule(self) -> rules.SeatInterval:
        """Return the seat that begins with the release, as the rules know it."""
        return rules.SeatInterval(
            member_id=self.member_id,
            role=self.role,
            billable=bool(self.billable),
            tier=self.tier,
            add_ons=tuple(self.add_ons),
            start=self.due_at,
            end=None,
        )


async def waiting(client: BaseDBAsyncClient, organization_id: str) -> list[SeatRelease]:
    """Return the releases that wait, in the order in which they fall due."""
    query = SeatRelease.filter(organization_id=organization_id, ended_at__isnull=True).using_db(client)
    return await query.order_by("due_at", "id").limit(1_000_000)


async def waiting_of(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]) -> list[SeatRelease]:
    """Return the releases that wait of the given members."""
    query = SeatRelease.filter(organization_id=organization_id, member_id__in=list(member_ids), ended_at__isnull=True)
    return await query.using_db(client)


async def next_due(client: BaseDBAsyncClient, organization_id: str) -> SeatRelease | None:
    """Return the release that falls due first."""
    query = SeatRelease.filter(organization_id=organization_id, ended_at__isnull=True).using_db(client)
    return await query.order_by("due_at", "id").first()


async def insert(client: BaseDBAsyncClient, **columns: Any) -> SeatRelease:
    """Let a release wait."""
    return await SeatRelease.create(using_db=client, **columns)


async def end(client: BaseDBAsyncClient, release: SeatRelease, *, at: datetime) -> None:
    """Note that a release was carried out, or withdrawn."""
    query = SeatRelease.filter(organization_id=release.organization_id, id=release.id, ended_at__isnull=True)
    await query.using_db(client).update(ended_at=at)
