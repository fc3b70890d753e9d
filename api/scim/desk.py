"""What do users and groups have in common when a directory works on them?

Each request is one visit of one directory to one organization. What it asks for is compared with what is, and only a
difference becomes a command. The key of a command is made of what is asked for and of where the organization's log
stands: a request that comes twice at once is carried out once, and one that comes again after something else has
happened is decided anew.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Protocol, TypeVar

from scim2_models import (
    ConflictException,
    ForbiddenException,
    InvalidValueException,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    SCIMException,
    SearchRequest,
    UniquenessException,
)

from auth.principal import Principal
from models import organizations
from models.fields import dump
from models.sql import Client
from schema import ids
from services.dispatch import Dispatcher, Request, Verb
from services.outcomes import RefusalCode, Refused

TRIES_MAX: Final = 3
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one directory."""

    reader: Client
    dispatcher: Dispatcher
    principal: Principal
    organization_id: str
    at: datetime
    request_id: str
    base: str

    async def carry_out(self, verb: Verb[Any, Any], make: Callable[[str, str], Any], what: Any) -> Any:
        """Carry out a command that `make` makes of the organization and a key; raise for a refusal.

        `what` is everything the command says, for its key.
        """
        organization = await organizations.find(self.reader, self.organization_id)
        head = organization.event_sequence if organization else 0
        digest = sha256(dump([self.principal.subject, verb.name, what, head]).encode()).hexdigest()
        command = make(self.organization_id, f"scim/{digest}")
        answer = await self.dispatcher.execute(verb, command, Request(self.principal, self.at, self.request_id))
        if isinstance(answer, Refused):
            raise Refusal(answer)
        return answer

    def key(self, kind: ids.Kind, given: str) -> str:
        """Return the row that an id names; raise `NotFoundException` where it can be none of this organization's."""
        found = self.key_or_none(kind, given)
        if found is None:
            raise NotFoundException(detail=f"there is no {given[:120]!r} here")
        return found

    def key_or_none(self, kind: ids.Kind, given: object) -> str | None:
        """Return the row that an id names, or None."""
        try:
            named = ids.parse(str(given), kind)
        except ids.MalformedId:
            return None
        return named.key if named.organization_id == self.organization_id else None


class Refusal(Exception):
    """A command was refused."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.refused = refused

    def as_scim(self) -> SCIMException:
        """Return the refusal as the standard names it."""
        code, detail = self.refused.code, self.refused.message
        match code:
            case RefusalCode.ALREADY_EXISTS:
                return UniquenessException(detail=detail)
            case RefusalCode.VERSION_CONFLICT:
                return PreconditionFailedException(detail=detail)
            case RefusalCode.ROLE_ABOVE_OWN | RefusalCode.ORGANIZATION_READ_ONLY:
                return ForbiddenException(detail=detail)
            case RefusalCode.LAST_PRIMARY_OWNER | RefusalCode.STATUS_CONFLICT:
                return ConflictException(detail=detail)
            case RefusalCode.NOT_FOUND if self.refused.field == ("id",):
                return NotFoundException(detail=detail)
            case _:
                return InvalidValueException(detail=detail)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was searched for."""

    total: int
    resources: Sequence[Resource[Any]]


class Desk(Protocol):
    """Where one kind of resource is worked on."""

    async def find(self, search: SearchRequest[Any], *, start: int, size: int) -> Found:
        """Return the resources that a search is for, from one place on."""
        ...

    async def read(self, given_id: str, search: SearchRequest[Any]) -> Resource[Any]:
        """Return one resource."""
        ...

    async def create(self, document: Any) -> Resource[Any]:
        """Make a resource."""
        ...

    async def replace(self, given_id: str, document: Any, if_match: str | None) -> Resource[Any]:
        """Make a resource what is given, and nothing else."""
        ...

    async def patch(self, given_id: str, document: Any, if_match: str | None) -> Resource[Any]:
        """Change a part of a resource."""
        ...

    async def delete(self, given_id: str, if_match: str | None) -> None:
        """Remove a resource."""
        ...


def require_match(if_match: str | None, version: str) -> None:
    """Raise `PreconditionFailedException` where a directory speaks of another version than the one there is."""
    if if_match is not None and not is_named(if_match, version):
        raise PreconditionFailedException(detail=f"the resource is at version {version}")


def is_named(tags: str, version: str) -> bool:
    """Return whether a list of entity tags names a version, or any at all.

    >>> is_named('W/"7", "8"', "8"), is_named("*", "8"), is_named('"9"', "8")
    (True, True, False)
    """
    named = [tag.strip().removeprefix("W/").strip('"') for tag in tags.split(",")]
    return "*" in named or version in named


async def until_settled(attempt: Callable[[], Awaitable[T]], *, if_match: str | None) -> T:
    """Return what `attempt` returns, which reads anew each time: somebody else may write in between.

    Whoever named a version is told at once that it is gone.
    """
    for last in range(TRIES_MAX):
        try:
            return await attempt()
        except Refusal as refusal:
            is_stale = refusal.refused.code is RefusalCode.VERSION_CONFLICT
            if not is_stale or if_match is not None or last == TRIES_MAX - 1:
                raise
    raise AssertionError("the last attempt returns or raises")
