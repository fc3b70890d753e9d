"""In which organizations does a proof of identity count, and for what?

Of a person's memberships only those count that the party who vouched may vouch for. An organization that lets people
in only through a provider of its own is not there for those who came another way; its primary owners are, or a
provider that breaks would lock everybody out.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from auth.authentication import Identity
from auth.clients import ClientIdentity, Clients
from auth.principal import Membership
from auth.together import Together
from billing.roles import Permission
from models import identities as rows
from models.identities import LinkedMember
from models.sql import Client

PRIMARY_OWNER = "primary_owner"


class Memberships:
    """Looks up what those who call belong to; of people who call in the same moment in one statement."""

    def __init__(self, reader: Client, clients: Clients) -> None:
        self._reader = reader
        self._clients = clients
        self._people = Together(self._linked)

    async def of(self, identity: Identity) -> list[Membership]:
        """Return the memberships of an identity, as they are after this was asked."""
        if isinstance(identity, ClientIdentity):
            return await self._clients.memberships(identity)
        return _counting(await self._people.of((identity.issuer, identity.subject)), identity.vouched_for)

    async def _linked(self, accounts: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], list[LinkedMember]]:
        if len(accounts) > 1:
            return await rows.active_members_of_many(self._reader, accounts)
        ((issuer, subject),) = accounts
        return {(issuer, subject): await rows.active_members(self._reader, issuer, subject)}


async def of_all(reader: Client, clients: Clients, identities: Sequence[Identity]) -> list[list[Membership]]:
    """Return the memberships of each identity, in a number of statements that depends on the programs."""
    accounts = {(each.issuer, each.subject) for each in identities if not isinstance(each, ClientIdentity)}
    linked = await rows.active_members_of_many(reader, accounts) if accounts else {}
    return [
        await clients.memberships(each)
        if isinstance(each, ClientIdentity)
        else _counting(linked.get((each.issuer, each.subject), ()), each.vouched_for)
        for each in identities
    ]


def _counting(linked: Sequence[LinkedMember], vouched_for: frozenset[str] | None) -> list[Membership]:
    return [
        Membership(each.organization_id, each.member_id, each.role, _granted(each.permissions))
        for each in linked
        if (vouched_for is not None and each.organization_id in vouched_for)
        or (vouched_for is None and (not each.has_enforced_provider or each.role == PRIMARY_OWNER))
    ]


@lru_cache(maxsize=1_000)
def _granted(permissions: tuple[str, ...]) -> frozenset[Permission]:
    """Return what a role allows: one set for all who hold it, because thousands of open sockets each keep theirs."""
    return frozenset(map(Permission, permissions))
