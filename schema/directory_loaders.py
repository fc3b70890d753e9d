"""How are the groups of directories read for many fields at once?"""

from collections.abc import Mapping
from functools import cached_property

from models import directory_groups
from models.sql import Client
from schema.batches import Loader, batched


class DirectoryLoaders:
    """The loaders of what directories keep."""

    _reader: Client

    @cached_property
    def directory_group(self) -> Loader[tuple[str, str], directory_groups.DirectoryGroup | None]:
        """Groups of directories by id."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, directory_groups.DirectoryGroup]:
            return {row.id: row for row in await directory_groups.find_many(self._reader, organization_id, ids)}

        return batched(read)

    @cached_property
    def directory_group_size(self) -> Loader[tuple[str, str], int | None]:
        """How many members groups of directories have, by group."""

        async def read(organization_id: str, ids: list[str]) -> Mapping[str, int]:
            return await directory_groups.sizes(self._reader, organization_id, ids)

        return batched(read)
