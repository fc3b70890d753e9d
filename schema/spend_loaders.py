"""How are requests for a higher limit, and forecasts, read in few statements?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from billing.forecasts import Forecast, Unknown
from models import limit_increases, organizations
from models.sql import Client
from schema.batches import Loader, batched, grouped
from services import forecasts

REQUESTS_MAX = 20


class SpendLoaders:
    """The loaders of one operation that look ahead in spend and at what was asked."""

    def __init__(self, reader: Client, now: datetime) -> None:
        self._reader = reader
        self._now = now

    @cached_property
    def organization(self) -> Loader[str, organizations.Organization | None]:
        """Organizations by id."""

        async def load(ids: list[str]) -> Sequence[organizations.Organization | None]:
            found = {row.organization_id: row for row in await organizations.find_many(self._reader, ids)}
            return [found.get(organization_id) for organization_id in ids]

        return Loader(load)

    @cached_property
    def increases(self) -> Loader[tuple[str, str], list[limit_increases.LimitIncrease] | None]:
        """The newest requests for a higher limit, by member."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, list[limit_increases.LimitIncrease]]:
            rows = await limit_increases.newest_of(self._reader, organization_id, ids, each=REQUESTS_MAX)
            return grouped(rows, lambda row: row.member_id)

        return batched(read)

    @cached_property
    def forecast(self) -> Loader[tuple[str, forecasts.Ask], Forecast | Unknown | None]:
        """What months will come to."""

        async def read(organization_id: str, asks: list[forecasts.Ask]) -> Mapping[forecasts.Ask, Forecast | Unknown]:
            owner = await self.organization.load(organization_id)
            assert owner is not None, "spend belongs to an organization that exists"
            return await forecasts.forecasts(self._reader, owner, asks, at=self._at(owner))

        return batched(read)

    def _at(self, owner: organizations.Organization | None) -> datetime:
        return (owner.test_clock_at if owner else None) or self._now
