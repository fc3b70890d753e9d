"""Which days were unusual for a member, and above what does one become so?

An anomaly is a fact and stays. A baseline is a note: what a member's day is compared with, worked out once for each
member and day and thrown away a few days later. An unusual day's baseline says so, and is not looked at again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from billing.anomalies import Baseline
from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.sql import Statement


class SpendAnomaly(Model):
    """A day on which a member spent far more than usual. The figures are those of the moment it was noticed."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    dedup_id: str = code()
    member_id: str = code()
    day: str = code()
    spent_nanos = fields.BigIntField()
    median_nanos = fields.BigIntField()
    distance_nanos = fields.BigIntField()
    threshold_nanos = fields.BigIntField()
    history_days = fields.BigIntField()
    detected_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "spend_anomalies"


class SpendWatch(Model):
    """How closely an organization watches; without a row it watches as everybody does."""

    organization_id: str = code(primary_key=True)
    sensitivity: str = code()
    floor_minor = fields.BigIntField()

    class Meta:
        table = "spend_watches"


@dataclass(frozen=True, slots=True)
class Noted:
    """What is noted of a member's day: its baseline, None for nothing to compare with, and whether it was told of."""

    usual: Baseline | None
    told: bool


MemberDay = tuple[str, date]

_NOTED = Statement("""
    SELECT member_id, day, median_nanos, distance_nanos, history_days, threshold_nanos, told FROM spend_baselines
    WHERE organization_id = :organization_id AND member_id IN :member_ids[] AND day >= :since
""")
_NOTE = Statement("""
    INSERT INTO spend_baselines (
        organization_id, member_id, day, median_nanos, distance_nanos, history_days, threshold_nanos, told)
    VALUES (:organization_id, :member_id, :day, :median, :distance, :days, :threshold, 0)
""")
_TELL = Statement("""
    UPDATE spend_baselines SET told = 1
    WHERE organization_id = :organization_id AND member_id = :member_id AND day = :day
""")
_FORGET_BEFORE = Statement("""
    DELETE FROM spend_baselines
    WHERE organization_id = :organization_id AND member_id IN :member_ids[] AND day < :since
""")
_FORGET_UNTOLD = Statement("DELETE FROM spend_baselines WHERE organization_id = :organization_id AND told = 0")
_SET_WATCH = Statement("""
    INSERT INTO spend_watches (organization_id, sensitivity, floor_minor)
    VALUES (:organization_id, :sensitivity, :floor_minor)
    ON CONFLICT (organization_id) DO UPDATE SET
        sensitivity = excluded.sensitivity, floor_minor = excluded.floor_minor
""")


async def noted(
    client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str], *, since: date
) -> dict[MemberDay, Noted]:
    """Return what is noted of the members' days since one."""
    rows = await _NOTED.rows(client, organization_id=organization_id, member_ids=member_ids, since=since.isoformat())
    return {
        (row["member_id"], date.fromisoformat(row["day"])): Noted(
            None
            if row["threshold_nanos"] is None
            else Baseline(row["median_nanos"], row["distance_nanos"], row["history_days"], row["threshold_nanos"]),
            bool(row["told"]),
        )
        for row in rows
    }


async def note(
    client: BaseDBAsyncClient, organization_id: str, found: Mapping[MemberDay, Baseline | None], *, since: date
) -> None:
    """Note what members' days are compared with, and forget these members' days before `since`."""
    member_ids = sorted({member_id for member_id, _ in found})
    await _FORGET_BEFORE.run(client, organization_id=organization_id, member_ids=member_ids, since=since.isoformat())
    await _NOTE.run_many(
        client,
        [
            {
                "organization_id": organization_id,
                "member_id": member_id,
                "day": day.isoformat(),
                "median": usual.median if usual else None,
                "distance": usual.distance if usual else None,
                "days": usual.days if usual else None,
                "threshold": usual.threshold if usual else None,
            }
            for (member_id, day), usual in sorted(found.items(), key=lambda item: item[0])
        ],
    )


async def insert_many(client: BaseDBAsyncClient, organization_id: str, anomalies: Sequence[SpendAnomaly]) -> None:
    """Keep new anomalies, and note that these days were told of."""
    await SpendAnomaly.bulk_create(anomalies, using_db=client)
    await _TELL.run_many(
        client,
        [
            {"organization_id": organization_id, "member_id": anomaly.member_id, "day": anomaly.day}
            for anomaly in anomalies
        ],
    )


async def find(client: BaseDBAsyncClient, organization_id: str, anomaly_id: str) -> SpendAnomaly | None:
    """Return one anomaly by id."""
    return await SpendAnomaly.filter(organization_id=organization_id, id=anomaly_id).using_db(client).first()


async def page_of(
    client: BaseDBAsyncClient, organization_id: str, window: Window, *, seen_by: str | None
) -> Page[SpendAnomaly]:
    """Return one page of anomalies, newest first; `seen_by` keeps to those of one member."""
    return await page(_visible(organization_id, seen_by).using_db(client), window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str, *, seen_by: str | None) -> int:
    """Return how many anomalies there are."""
    return int(await _visible(organization_id, seen_by).using_db(client).count())


async def find_watch(client: BaseDBAsyncClient, organization_id: str) -> SpendWatch | None:
    """Return how an organization watches; None where it never said."""
    return await SpendWatch.filter(organization_id=organization_id).using_db(client).first()


async def set_watch(client: BaseDBAsyncClient, organization_id: str, *, sensitivity: str, floor_minor: int) -> None:
    """Keep how an organization watches, and forget every comparison that nobody was told of."""
    await _SET_WATCH.run(client, organization_id=organization_id, sensitivity=sensitivity, floor_minor=floor_minor)
    await _FORGET_UNTOLD.run(client, organization_id=organization_id)


def _visible(organization_id: str, seen_by: str | None) -> Any:
    query = SpendAnomaly.filter(organization_id=organization_id)
    return query if seen_by is None else query.filter(member_id=seen_by)
