"""The policy: whatever is not granted is denied, and where one does not belong there is nothing to see."""

import pytest

from auth.policy import Forbidden, NotVisible, Unauthenticated, authenticated, may, require, require_self_or
from auth.principal import Membership, Method, Principal
from billing.roles import BUILT_IN, Permission
from tests.auth.forging import ISSUER, NOON

P = Permission


def a_principal(**roles: str) -> Principal:
    """Return Ann, with one membership for each `organization=role`."""
    memberships = [
        Membership(organization, f"ann-at-{organization}", role, BUILT_IN[role].permissions)
        for organization, role in roles.items()
    ]
    return Principal.of(
        memberships,
        issuer=ISSUER,
        subject="ann",
        name="Ann",
        email="ann@acme.example",
        authenticated_at=NOON,
        expires_at=NOON,
        method=Method.SESSION,
    )


# Who may: PO primary owner, O owner, B billing admin, A auditor, M member, J project administrator, T team member,
# C client, K comment only, V view only.
TABLE = """
organization.read    PO O B A M J T C K V
organization.write   PO O B
members.read         PO O B A J
members.write        PO O B
seats.read           PO O B A
seats.write          PO O B
plan.read            PO O B A
plan.write           PO O B
spend_limits.read    PO O B A
spend_limits.write   PO O
usage.read           PO O B A
usage.write          PO O B
invoices.read        PO O B A
invoices.write       PO O B
audit.read           PO O B A
webhooks.read        PO O B A
webhooks.write       PO O
access.read          PO O B A
access.write         PO O
self.read            PO O B A M J T C K V
self.write           PO O B M J T
"""
ROLES = {
    "PO": "primary_owner",
    "O": "owner",
    "B": "billing_admin",
    "A": "auditor",
    "M": "member",
    "J": "project_administrator",
    "T": "team_member",
    "C": "client",
    "K": "comment_only",
    "V": "view_only",
}
GRANTS = {Permission(line.split()[0]): set(line.split()[1:]) for line in TABLE.strip().splitlines()}


def test_the_table_names_every_permission_and_every_role() -> None:
    assert set(GRANTS) == set(Permission)
    assert set(ROLES.values()) == set(BUILT_IN)


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("letter", ROLES)
def test_grants_exactly_what_the_table_says(letter: str, permission: Permission) -> None:
    ann = a_principal(acme=ROLES[letter])

    assert may(ann, "acme", permission) is (letter in GRANTS[permission])


def test_returns_the_membership_that_grants() -> None:
    ann = a_principal(acme="owner", globex="member")

    assert require(ann, "acme", P.SPEND_LIMITS_WRITE).member_id == "ann-at-acme"


def test_says_which_permission_is_missing() -> None:
    with pytest.raises(Forbidden, match=r"the role billing_admin does not include .* spend_limits\.write") as caught:
        require(a_principal(acme="billing_admin"), "acme", P.SPEND_LIMITS_WRITE)

    assert caught.value.permission is P.SPEND_LIMITS_WRITE


def test_does_not_carry_a_role_from_one_organization_into_another() -> None:
    ann = a_principal(acme="primary_owner", globex="view_only")

    with pytest.raises(Forbidden):
        require(ann, "globex", P.INVOICES_READ)


@pytest.mark.parametrize("organization_id", ["globex", "", "ACME", "acme "])
def test_sees_nothing_where_it_does_not_belong(organization_id: str) -> None:
    with pytest.raises(NotVisible, match=r"^there is no such organization$"):
        require(a_principal(acme="owner"), organization_id, P.ORGANIZATION_READ)


def test_lets_members_at_what_is_their_own() -> None:
    ann = a_principal(acme="member")

    assert require_self_or(ann, "acme", "ann-at-acme", P.USAGE_READ).role_key == "member"


def test_lets_members_at_what_is_anothers_only_with_the_permission() -> None:
    assert require_self_or(a_principal(acme="auditor"), "acme", "bob", P.USAGE_READ)
    with pytest.raises(Forbidden):
        require_self_or(a_principal(acme="member"), "acme", "bob", P.USAGE_READ)


def test_being_oneself_elsewhere_counts_for_nothing() -> None:
    with pytest.raises(NotVisible):
        require_self_or(a_principal(acme="member"), "globex", "ann-at-acme", P.USAGE_READ)


def test_a_custom_role_without_self_read_does_not_even_see_itself() -> None:
    muted = Principal.of(
        [Membership("acme", "ann", "muted", frozenset())],
        issuer=ISSUER,
        subject="ann",
        name="",
        email="",
        authenticated_at=NOON,
        expires_at=NOON,
        method=Method.BEARER,
    )

    with pytest.raises(Forbidden):
        require_self_or(muted, "acme", "ann", P.USAGE_READ)


def test_nobody_is_not_a_principal() -> None:
    with pytest.raises(Unauthenticated, match="sign in"):
        authenticated(None)


@pytest.mark.parametrize("permission", list(Permission))
def test_scheduled_work_may_do_everything_in_its_one_organization(permission: Permission) -> None:
    assert may(Principal.system("acme"), "acme", permission)
    assert not may(Principal.system("acme"), "globex", permission)


def test_names_actors_for_the_log_without_their_address() -> None:
    ann = a_principal(acme="owner")

    assert ann.actor_id("acme") == "member:ann-at-acme"
    assert Principal.system("acme").actor_id("acme") == "system"
    assert ann.actor_id("globex").startswith("account:")
    assert ann.actor_id("globex") == a_principal().actor_id("anywhere")
    assert "ann" not in ann.actor_id("globex")
