"""Which callers may be told the same thing in the same words?

An answer depends on who asks. To work it out once for several subscribers, it is worked out for a view: a principal
that is nobody in particular and knows only what makes a difference, its role and permissions in one organization and,
for those who may not read everything, which member it is. Whoever has the same view gets the same answer, and because
the answer is worked out for the view and not for one of them, it cannot hold what another may not see.

>>> from auth.principal import Principal
>>> view = as_seen(Principal.system("acme"), "acme")
>>> view.name, view.membership("acme").member_id, view.membership("globex")
('', None, None)
"""

from dataclasses import replace
from datetime import UTC, datetime

from auth import policy
from auth.principal import Membership, Method, Principal
from billing.roles import Permission

_ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_READS = frozenset(permission for permission in Permission if permission.endswith(".read"))


def as_seen(principal: Principal, organization_id: str) -> Principal:
    """Return the view that `principal` has of one organization, or raise `policy.NotVisible`."""
    membership = principal.membership(organization_id)
    if membership is None:
        raise policy.NotVisible
    if membership.permissions >= _READS:  # nothing is shown to them for being about themselves
        membership = replace(membership, member_id=None)
    return Principal.of(
        (membership,),
        issuer="",
        subject="",
        name="",
        email="",
        authenticated_at=_ALWAYS[0],
        expires_at=_ALWAYS[1],
        method=Method.BEARER,
    )


def key(view: Principal) -> Membership:
    """Return what tells one view from another."""
    (membership,) = view.memberships.values()
    return membership
