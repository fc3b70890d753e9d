"""Which directory is this, and of which organization?

A directory shows one token, and the token alone says which organization it pushes to. It reaches as far as the role
that whoever made it had then. What a role allows is looked up each time: a later version may know permissions that no
role had when the token was made, and a directory must still be able to let an owner go.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from auth.principal import Membership, Method, Principal
from auth.sessions import hash_of
from billing.roles import Permission
from models import roles
from models import scim_tokens as rows
from models.database import Database

ISSUER = "scim"
USED_AT_MOST_EVERY = timedelta(minutes=1)
_TOKEN = re.compile(r"bgd_[A-Za-z0-9_-]{43}", re.ASCII)
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_USES_REMEMBERED_MAX = 10_000


class DirectoryRefused(Exception):
    """The directory has not proved who it is. `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__("give a valid SCIM token of the organization as Authorization: Bearer")
        self.reason = reason


class Directories:
    """Recognizes directories by their tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, datetime] = {}

    async def authenticate(self, authorizations: Sequence[str], *, at: datetime) -> tuple[Principal, str]:
        """Return who pushes, and to which organization; raise `DirectoryRefused`."""
        if len(authorizations) != 1:
            raise DirectoryRefused(f"{len(authorizations)} authorizations")
        scheme, _, token = authorizations[0].partition(" ")
        if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token.strip(" ")):
            raise DirectoryRefused("no token of ours")
        row = await rows.find_live(self._database.reader, hash_of(token.strip(" ")))
        if row is None:
            raise DirectoryRefused("unknown or revoked")
        await self._note_use(row, at)
        role = await roles.find(self._database.reader, row.organization_id, row.role)
        return _principal(row, role.permissions if role else row.permissions), row.organization_id

    async def _note_use(self, row: rows.ScimToken, at: datetime) -> None:
        """Note that a token was used, at most once a minute: a write for every request would cost more than it."""
        noted = self._noted.get(row.id)
        if noted is not None and abs(at - noted) < USED_AT_MOST_EVERY:
            return
        if len(self._noted) >= _USES_REMEMBERED_MAX:
            self._noted.clear()
        self._noted[row.id] = at
        await self._database.runner.run(
            lambda client: rows.note_use(client, row.organization_id, row.id, at=at), lane=f"scim:{row.id}"
        )


def _principal(row: rows.ScimToken, permissions: Sequence[str]) -> Principal:
    """Return who pushes; a maker without a role, such as a program, left its own permissions with the token."""
    own = Membership(row.organization_id, None, row.role, frozenset(map(Permission, permissions)))
    return Principal.of(
        [own],
        issuer=ISSUER,
        subject=f"scim_{row.organization_id}_{row.id}",
        name=row.name,
        email="",
        authenticated_at=row.created_at,
        expires_at=_ALWAYS,
        method=Method.SCIM,
    )
