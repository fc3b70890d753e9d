"""How much was spent and is held in a window of time?

A counter is one row per level and subject for each month, week and day. It exists whether or not there is a cap, so
that a limit set in the middle of any window knows at once what was spent before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from billing import limits as rules
from billing.periods import to_microseconds
from billing.windows import Interval
from models.inserting import INTEGER, TEXT, Insert
from models.sql import Row, Statement


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
