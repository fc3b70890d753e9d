"""What does a service need for one transaction?

The client that the transaction runs on, the organization as it is under the lock, who acts, and the one instant at
which everything in it happens. Events and ids come from here, so that a replay derives the same ids.

`at` is the organization's time, which a sandbox sets itself. `asked_at` is the time outside, for what concerns the
world and not the books: when a message to a server is due.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auth.principal import Principal
from billing import identifiers
from events.webhooks import Postbox
from models.events import NewEvent
from models.organizations import Organization
from models.sql import Client


@dataclass(slots=True)
class Unit:
    """One transaction of one organization."""

    client: Client
    organization: Organization
    actor: Principal
    at: datetime
    asked_at: datetime
    request_id: str
    idempotency_key: str
    postbox: Postbox = field(default_factory=Postbox)
    events: list[NewEvent] = field(default_factory=list)
    _ids: int = 0

    @classmethod
    def of_reading(
        cls, client: Client, organization: Organization, actor: Principal, *, at: datetime, request_id: str
    ) -> "Unit":
        """Return a unit to ask what a service would decide; `client` is a reader, on which nothing can be written."""
        return cls(client, organization, actor, at, at, request_id, "")

    @property
    def organization_id(self) -> str:
        """The organization that every query of this unit names."""
        return self.organization.organization_id

    @property
    def actor_id(self) -> str:
        """The actor as the event log names it."""
        return self.actor.actor_id(self.organization_id)

    @property
    def next_sequence(self) -> int:
        """The number in the log of the next event emitted: nobody else takes one while the unit holds the lock."""
        return int(self.organization.event_sequence) + len(self.events) + 1

    @property
    def own_member_id(self) -> str | None:
        """The member that the actor is here; None for one who is no person, or no member."""
        membership = self.actor.membership(self.organization_id)
        return membership.member_id if membership else None

    def new_id(self, kind: str) -> str:
        """Return the next id of this unit for a row of the given kind."""
        self._ids += 1
        return identifiers.derive(self.at, self.organization_id, kind, f"{self.idempotency_key}/{self._ids}")

    def emit(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        member_id: str | None = None,
        before: dict[str, Any] | None = None,
        version: int = 1,
    ) -> None:
        """Append a fact to the log when the unit commits; `before` is what of it was otherwise until now."""
        self.events.append(NewEvent(kind, version, payload, member_id, before))
