"""Which limits hold?

A limit is history: a change ends one row and starts the next with a higher version.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q
from tortoise.models import Model

from billing import limits as rules
from billing.alert_marks import Plan, repeat_of
from billing.windows import Interval
from models.counters import Subjects
from models.fields import DocumentField, InstantField, code, dump
from models.paging import Page, Window, page
from models.sql import Statement


class SpendLimit(Model):
    """A cap as set by somebody at `starts_at`, in force until `ends_at`."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    level: str = code()
    subject: str = code()
    scope: str = code()
    kind: str = code()
    interval: str = code()
    override: str = code()
    cap_nanos = fields.BigIntField(null=True)
    thresholds: Any = DocumentField()
    amount_thresholds: Any = DocumentField()
    repeat_every: Any = DocumentField(null=True)
    version = fields.BigIntField()
    set_by: str = code()
    starts_at: datetime = InstantField()  # type: ignore[assignment]
    ends_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "spend_limits"

    def as_rule(self) -> rules.Limit:
        """Return the limit as the rules know it."""
        documents = (self.thresholds, self.amount_thresholds, self.repeat_every)
        return _rule(*(getattr(self, name) for name in _PLAIN), *(dump(each) for each in documents))


_PLAIN = ("id", "level", "subject", "scope", "kind", "interval", "override", "cap_nanos", "version")
_DOCUMENTS = ("thresholds", "amount_thresholds", "repeat_every")


@lru_cache(maxsize=4_096)
def _rule(
    id_: str,
    level: str,
    subject: str,
    scope: str,
    kind: str,
    interval: str,
    override: str,
    cap_nanos: int | None,
    version: int,
    thresholds: str,
    amount_thresholds: str,
    repeat_every: str | None,
) -> rules.Limit:
    """Return the limit with these columns as the rules know it."""
    repeat = repeat_of(json.loads(repeat_every or "null"))
    return rules.Limit(
        id=id_,
        level=rules.SpendLevel(level),
        subject=subject,
        scope=rules.TierScope(scope),
        cap_nanos=cap_nanos,
        version=version,
        alerts=Plan(tuple(json.loads(thresholds)), tuple(json.loads(amount_thresholds)), repeat),
        kind=rules.LimitKind(kind),
        interval=Interval(interval),
        override=rules.Override(override),
    )


async def in_force(client: BaseDBAsyncClient, organization_id: str) -> list[SpendLimit]:
    """Return every limit in force, the organization's own first."""
    query = SpendLimit.filter(organization_id=organization_id, ends_at__isnull=True).using_db(client)
    return await query.order_by("level", "subject", "scope", "interval").limit(100_000)


async def in_force_at(
    client: BaseDBAsyncClient, organization_id: str, at: datetime, *, size_max: int
) -> list[SpendLimit]:
    """Return the limits in force at `at`: those that several share first, then members', up to a number."""
    query = SpendLimit.filter(organization_id=organization_id, starts_at__lte=at).using_db(client)
    query = query.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at)).order_by("level", "subject", "scope", "interval")
    shared = await query.exclude(level="MEMBER").limit(size_max)
    return [*shared, *await query.filter(level="MEMBER").limit(size_max - len(shared))]


async def page_in_force(
    client: BaseDBAsyncClient, organization_id: str, due: Mapping[str, str | None], window: Window
) -> Page[SpendLimit]:
    """Return one page of the limits in force, oldest first; `due` names those that are over and what follows each."""
    return await page(_in_force(organization_id, due).using_db(client), window)


async def count_in_force(client: BaseDBAsyncClient, organization_id: str, due: Mapping[str, str | None]) -> int:
    """Return how many limits are in force."""
    return int(await _in_force(organization_id, due).using_db(client).count())


def _in_force(organization_id: str, due: Mapping[str, str | None]) -> Any:
    query = SpendLimit.filter(organization_id=organization_id)
    if not due:
        return query.filter(ends_at__isnull=True)
    back = [limit_id for limit_id in due.values() if limit_id is not None]
    return query.filter(Q(ends_at__isnull=True, id__not_in=list(due)) | Q(id__in=back))


_COLUMNS = ", ".join(_PLAIN + _DOCUMENTS)
_BEARING = Statement(f"""
    SELECT {_COLUMNS} FROM spend_limits
    WHERE organization_id = :organization_id AND ends_at IS NULL AND level = 'MEMBER' AND subject IN :members[]
    UNION ALL
    SELECT {_COLUMNS} FROM spend_limits
    WHERE organization_id = :organization_id AND ends_at IS NULL
      AND level IN ('ORGANIZATION', 'GROUP', 'SEAT_TIER') AND subject IN :shared[]
""")  # noqa: S608  # names of columns


async def in_force_for(client: BaseDBAsyncClient, organization_id: str, subjects: Subjects) -> list[rules.Limit]:
    """Return the limits that bear on the given subjects, with the organization's own, as the rules know them."""
    found = await _BEARING.records(client, organization_id=organization_id, **subjects.parameters(organization_id))
    return [_rule(*record) for record in found]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a limit stands: of several set at one place, the last is in force."""

    level: rules.SpendLevel
    subject: str
    scope: rules.TierScope
    interval: Interval

    @property
    def columns(self) -> dict[str, str]:
        """The place as columns of a row."""
        return {
            "level": self.level.value,
            "subject": self.subject,
            "scope": self.scope.value,
            "interval": self.interval.value,
        }


async def find_open(client: BaseDBAsyncClient, organization_id: str, place: Place) -> SpendLimit | None:
    """Return the limit in force at one place."""
    query = SpendLimit.filter(organization_id=organization_id, ends_at__isnull=True, **place.columns)
    return await query.using_db(client).first()


async def newest_version(client: BaseDBAsyncClient, organization_id: str, place: Place) -> int:
    """Return the highest version ever given to a limit at this place, 0 where there never was one."""
    query = SpendLimit.filter(organization_id=organization_id, **place.columns)
    newest = await query.using_db(client).order_by("-version").first()
    return newest.version if newest else 0


async def overriding(client: BaseDBAsyncClient, organization_id: str, interval: Interval) -> set[str]:
    """Return the members whose own limit of this interval stands instead of their tier's."""
    query = SpendLimit.filter(
        organization_id=organization_id,
        level="MEMBER",
        interval=interval.value,
        override="INSTEAD",
        ends_at__isnull=True,
    )
    return {str(found) for found in await query.using_db(client).limit(100_000).values_list("subject", flat=True)}


async def find_many(client: BaseDBAsyncClient, organization_id: str, limit_ids: Sequence[str]) -> list[SpendLimit]:
    """Return limits by id, also ended ones."""
    return await SpendLimit.filter(organization_id=organization_id, id__in=list(limit_ids)).using_db(client)


async def insert(client: BaseDBAsyncClient, **columns: Any) -> SpendLimit:
    """Start a limit."""
    return await SpendLimit.create(using_db=client, **columns)


async def end(client: BaseDBAsyncClient, limit: SpendLimit, *, at: datetime) -> None:
    """End a limit."""
    query = SpendLimit.filter(organization_id=limit.organization_id, id=limit.id).using_db(client)
    await query.update(ends_at=at)
