"""Does the role alone decide what a seat costs, and do ids derive?"""

import pytest

from billing.identifiers import LENGTH, derive, is_well_formed
from billing.roles import BUILT_IN, OWNERS, Permission
from tests.billing.builders import at


@pytest.mark.parametrize(
    ("role", "billable"),
    [
        ("project_administrator", True),
        ("team_member", True),
        ("member", True),
        ("client", False),
        ("comment_only", False),
        ("view_only", False),
        ("auditor", False),
        ("billing_admin", False),
        ("owner", False),
        ("primary_owner", False),
    ],
)
def test_a_role_is_paid_or_free(role, billable):
    assert BUILT_IN[role].billable is billable


def test_only_owners_set_spend_limits():
    allowed = {key for key, role in BUILT_IN.items() if Permission.SPEND_LIMITS_WRITE in role.permissions}

    assert allowed == OWNERS


def test_an_id_depends_on_nothing_but_its_arguments():
    one = derive(at("2026-10-01"), "acme", "member", "key/0")

    assert one == derive(at("2026-10-01"), "acme", "member", "key/0")
    assert one < derive(at("2026-10-02"), "acme", "member", "key/0")
    assert len(one) == LENGTH
    assert is_well_formed(one)
    assert not is_well_formed(one[:-1])
    assert not is_well_formed("u" * LENGTH)
