"""Who is asking, and what may they do where?

A principal is an account, `(issuer, subject)`, with one membership for each organization it belongs to. The e-mail
and the name are for people to read: they identify nobody, for the same address can be given to someone else.

>>> clerk = Principal.system("acme")
>>> clerk.actor_id("acme"), clerk.membership("globex")
('system', None)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Self

from billing.roles import Permission

SYSTEM = "system"


class Method(StrEnum):
    """How the principal proved who it is. Only SESSION comes with a cookie, which a foreign page could ride."""

    BEARER = "bearer"
    SESSION = "session"
    API_CLIENT = "api_client"
    SCIM = "scim"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Membership:
    """What one principal is in one organization. `member_id` is None when the actor is not a person."""

    organization_id: str
    member_id: str | None
    role_key: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Return whether this membership carries `permission`."""
        return permission in self.permissions


@dataclass(frozen=True, slots=True)
class Principal:
    """An account whose identity has been proved, until `expires_at`."""

    issuer: str
    subject: str
    name: str
    email: str
    memberships: Mapping[str, Membership]
    authenticated_at: datetime
    expires_at: datetime
    method: Method
    session: str | None = None
    is_login_known: bool = True

    @classmethod
    def of(
        cls,
        memberships: Sequence[Membership],
        *,
        issuer: str,
        subject: str,
        name: str,
        email: str,
        authenticated_at: datetime,
        expires_at: datetime,
        method: Method,
        session: str | None = None,
        is_login_known: bool = True,
    ) -> Self:
        """Return the principal of an account, with its memberships keyed by organization.

        `session` names the session behind it, where there is one. Where the proof does not say when the person
        signed in, `is_login_known` is false and `authenticated_at` no more than when the proof was made.
        """
        by_organization = {membership.organization_id: membership for membership in memberships}
        assert len(by_organization) == len(memberships), "an account is a member of an organization at most once"
        frozen = MappingProxyType(by_organization)
        return cls(issuer, subject, name, email, frozen, authenticated_at, expires_at, method, session, is_login_known)

    @classmethod
    def system(cls, organization_id: str) -> Self:
        """Return the principal of scheduled work: every permission, in one organization, never expiring."""
        membership = Membership(organization_id, None, SYSTEM, frozenset(Permission))
        always = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        memberships = MappingProxyType({organization_id: membership})
        return cls(SYSTEM, SYSTEM, "Billgraph", "", memberships, *always, Method.SYSTEM)

    @property
    def is_person(self) -> bool:
        """Return whether somebody signed in, as opposed to a program or scheduled work."""
        return self.method in (Method.SESSION, Method.BEARER)

    def membership(self, organization_id: str) -> Membership | None:
        """Return what this principal is in the organization, or None when it does not belong there."""
        return self.memberships.get(organization_id)

    def actor_id(self, organization_id: str) -> str:
        """Return the text under which the event log names this principal for good.

        An account that is no member (yet) is named by a digest, so that the log keeps neither address nor subject.
        """
        if self.method is Method.SYSTEM:
            return SYSTEM
        if self.method is Method.API_CLIENT:
            return f"client:{self.subject.rpartition('_')[2]}"
        if self.method is Method.SCIM:
            return f"scim:{self.subject.rpartition('_')[2]}"
        membership = self.membership(organization_id)
        if membership is not None and membership.member_id is not None:
            return f"member:{membership.member_id}"
        return _account(self.issuer, self.subject)


@lru_cache(maxsize=10_000)
def _account(issuer: str, subject: str) -> str:
    account = "\x1f".join((issuer, subject))
    return f"account:{sha256(account.encode()).hexdigest()[:24]}"
