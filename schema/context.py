"""What does a resolver know of the request it serves?

Who asks, what time it is, how to read and how to write. A context serves one operation, or one event of a
subscription, so nothing in it can be stale for longer than that; after a write its loaders start afresh.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

import strawberry

from auth import policy
from auth.principal import Principal
from auth.providers import Providers
from events.hub import Hub
from models import tenancy
from models.organizations import Organization
from models.sql import Client
from schema.loaders import Loaders
from services.dispatch import Command, Dispatcher, Request, Verb
from services.outcomes import Refused

C = TypeVar("C", bound=Command)
A = TypeVar("A")

RESUMABLE: Final = timedelta(days=30)
"""How far back subscriptions go on from a cursor, where nobody decided otherwise."""


@dataclass(slots=True)
class Context:
    """One operation: its caller, its instant and its doors to the floors below, and to identity providers."""

    principal: Principal | None
    reader: Client
    dispatcher: Dispatcher
    hub: Hub
    clock: Callable[[], datetime]
    request_id: str
    resumable: timedelta = RESUMABLE
    providers: Providers | None = None
    everybody: Client | None = None
    shared: Client = field(init=False)
    """Reads for all callers together, where `reader` is kept to the organizations of this one."""
    now: datetime = field(init=False)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.shared = self.everybody or self.reader
        self.refresh()

    @property
    def caller(self) -> Principal:
        """The principal; raises `policy.Unauthenticated` when nobody is asking."""
        return policy.authenticated(self.principal)

    def at(self, organization: Organization) -> datetime:
        """Return the one instant at which this operation sees the organization: its test clock, where it has one."""
        return organization.test_clock_at or self.now

    def refresh(self) -> None:
        """Forget what was loaded, and look at the clock again."""
        self.now = self.clock()
        self.reader = tenancy.confined(self.reader, self.principal.memberships if self.principal else ())
        self.loaders = Loaders(self.reader, self.now)

    async def execute(self, verb: Verb[C, A], command: C) -> A | Refused:
        """Carry out a command, and see afterwards what it changed."""
        answer = await self.dispatcher.execute(verb, command, self.request())
        self.refresh()
        return answer

    def request(self) -> Request:
        """Return who asks, when, and under which id."""
        return Request(self.caller, self.clock(), self.request_id)


Info = strawberry.Info[Context, None]
