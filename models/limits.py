"""Which limits hold, and how much of each is used?

A limit is history: a change ends one row and starts the next with a higher version. A counter is one row per level and
subject for each month, week and day. It exists whether or not there is a cap, so that a limit set in the middle of any
window knows at once what was spent before it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
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
from billing.periods import to_microseconds
from billing.windows import Interval
from models.fields import DocumentField, InstantField, code, dump
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window, page
from models.sql import Row, Statement


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


@dataclass(frozen=True, slots=True)
class Delta:
    """What the counter of one window gains."""

    window_start: datetime
    interval: Interval
    level: rules.SpendLevel
    subject: str
    spent_nanos: int
    held_nanos: int = 0

    @property
    def takes_back(self) -> bool:
        """Whether something leaves the counter."""
        return self.spent_nanos < 0 or self.held_nanos < 0

    @property
    def order(self) -> tuple[datetime, str, str, str]:
        """Where it stands in the one order in which counters are written."""
        return self.window_start, self.interval.value, self.level.value, self.subject


WindowKey = tuple[Interval, datetime, rules.SpendLevel, str]
"""Which counter: interval, start of the window, level and subject."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whose counters and limits are asked for, with the organization's own always among them."""

    groups: Iterable[str] = ()
    tiers: Iterable[str] = ()
    members: Iterable[str] = ()

    def parameters(self, organization_id: str) -> dict[str, list[str]]:
        """Return the subjects as parameters of a statement: those that members share, and members."""
        return {
            "shared": [organization_id, *sorted({*self.groups, *self.tiers})],
            "members": sorted(set(self.members)),
        }

    def joined(self, keys: Iterable["WindowKey"]) -> "Subjects":
        """Return these subjects with those of some counters."""
        named: dict[rules.SpendLevel, set[str]] = {level: set() for level in rules.SpendLevel}
        for _, _, level, subject in keys:
            named[level].add(subject)
        return Subjects(
            named[rules.SpendLevel.GROUP].union(self.groups),
            named[rules.SpendLevel.SEAT_TIER].union(self.tiers),
            named[rules.SpendLevel.MEMBER].union(self.members),
        )

    @classmethod
    def of(cls, chains: Iterable[rules.Chain]) -> "Subjects":
        """Return the subjects of some chains."""
        found = tuple(chains)
        return cls(
            {chain.group for chain in found if chain.group},
            {chain.tier for chain in found},
            {chain.member_id for chain in found},
        )


_LEVELS = {level.value: level for level in rules.SpendLevel}
# By level, so that each subject is looked up by the whole key: an organization may have a hundred thousand members.
_COUNTERS = Statement("""
    SELECT period_start, interval, level, subject, spent_nanos, held_nanos FROM spend_counters
    WHERE organization_id = :organization_id AND period_start IN :starts[int] AND interval IN :intervals[]
      AND level = 'MEMBER' AND subject IN :members[]
    UNION ALL
    SELECT period_start, interval, level, subject, spent_nanos, held_nanos FROM spend_counters
    WHERE organization_id = :organization_id AND period_start IN :starts[int] AND interval IN :intervals[]
      AND level IN ('ORGANIZATION', 'GROUP', 'SEAT_TIER') AND subject IN :shared[]
""")
_ADD = Insert(
    "spend_counters",
    {
        "organization_id": TEXT,
        "period_start": INTEGER,
        "interval": TEXT,
        "level": TEXT,
        "subject": TEXT,
        "spent_nanos": INTEGER,
        "held_nanos": INTEGER,
    },
    """
    ON CONFLICT (organization_id, period_start, interval, level, subject) DO UPDATE SET
        spent_nanos = spend_counters.spent_nanos + excluded.spent_nanos,
        held_nanos = spend_counters.held_nanos + excluded.held_nanos
    """,
)
_TAKE_BACK = Statement("""
    UPDATE spend_counters SET spent_nanos = spent_nanos + :spent_nanos, held_nanos = held_nanos + :held_nanos
    WHERE organization_id = :organization_id AND period_start = :period_start AND interval = :interval
      AND level = :level AND subject = :subject
""")


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


async def counters_of(
    client: BaseDBAsyncClient, organization_id: str, windows: Iterable[tuple[Interval, datetime]], subjects: Subjects
) -> dict[WindowKey, rules.Counter]:
    """Return the counters of some windows, each by its interval and start, in one statement; a missing one is zero."""
    wanted = {(interval.value, to_microseconds(start)): (interval, start) for interval, start in windows}
    records = await _COUNTERS.records(
        client,
        organization_id=organization_id,
        starts=sorted({start for _, start in wanted}),
        intervals=sorted({interval for interval, _ in wanted}),
        **subjects.parameters(organization_id),
    )
    found: dict[WindowKey, rules.Counter] = {}
    for period_start, interval, level_text, subject, spent_nanos, held_nanos in records:
        window = wanted.get((interval, period_start))
        if window is not None:  # a month, a week and a day may start at one instant
            level = _LEVELS[level_text]
            found[(*window, level, subject)] = rules.Counter(level, subject, spent_nanos, held_nanos, window[0])
    return found


async def counters(
    client: BaseDBAsyncClient,
    organization_id: str,
    *,
    period_start: datetime,
    tiers: Iterable[str] = (),
    members: Iterable[str] = (),
    groups: Iterable[str] = (),
    interval: Interval = Interval.MONTH,
) -> dict[tuple[rules.SpendLevel, str], rules.Counter]:
    """Return the counters of one window: the organization's, and those of the given groups, tiers and members."""
    subjects = Subjects(groups, tiers, members)
    found = await counters_of(client, organization_id, [(interval, period_start)], subjects)
    return {(counter.level, counter.subject): counter for counter in found.values()}


async def add(client: BaseDBAsyncClient, organization_id: str, deltas: Iterable[Delta]) -> None:
    """Add to counters, creating those that are missing, in one global order; a delta below zero takes back."""
    ordered = sorted(deltas, key=lambda delta: delta.order)
    # A row proposed by INSERT must pass its CHECKs before the conflict is seen, so what takes back is an UPDATE.
    gains = [_move(organization_id, delta) for delta in ordered if not delta.takes_back]
    await _ADD.rows(client, [tuple(gain.values()) for gain in gains])
    await _TAKE_BACK.run_many(client, [_move(organization_id, delta) for delta in ordered if delta.takes_back])


def _move(organization_id: str, delta: Delta) -> Row:
    return {
        "organization_id": organization_id,
        "period_start": to_microseconds(delta.window_start),
        "interval": delta.interval.value,
        "level": delta.level.value,
        "subject": delta.subject,
        "spent_nanos": delta.spent_nanos,
        "held_nanos": delta.held_nanos,
    }
