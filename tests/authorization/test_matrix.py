"""Every field and mutation × every kind of caller is what the reviewed file says, and a new field must be in it."""

import pytest

from billing.roles import BUILT_IN
from tests.authorization import matrix
from tests.authorization.callers import CALLERS, DEACTIVATED, NOBODY, STRANGER, Home
from tests.authorization.matrix import SHOWN

NAMES_NO_ORGANIZATION = {"Query.estimate", "Query.viewer", "Query.organizations", "Query.nodes"}
OF_THE_CALLER = {"Viewer", "Membership", "OrganizationConnection", "OrganizationEdge", "Session"}
OF_ONES_OWN = {
    "Mutation.createOrganization",
    "Mutation.acceptInvitation",
    "Mutation.revokeSession",
    "Mutation.revokeOtherSessions",
}
OWNERS_ONLY = {"Mutation.setSpendLimit", "Mutation.clearSpendLimit"}


def shown_to(caller: str) -> set[str]:
    return {field for field, row in matrix.expected().items() if row[caller] == SHOWN}


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    assert sorted(matrix.expected()) == sorted(matrix.rows()), "write it: python -m tests.authorization.matrix"


@pytest.mark.parametrize("caller", CALLERS)
async def test_each_caller_is_told_what_the_file_says(home: Home, caller: str) -> None:
    found = await matrix.column(home, caller, await home.paths())

    expected = matrix.expected()
    differing = {row: (expected[row][caller], told) for row, told in found.items() if expected[row][caller] != told}
    assert differing == {}


def test_nobody_sees_anything_but_the_calculator() -> None:
    assert {field.split(".")[0] for field in shown_to(NOBODY)} & {"Organization", "Member", "Invoice"} == set()
    assert {field for field in shown_to(NOBODY) if field.startswith(("Query.", "Mutation.", "Subscription."))} == {
        "Query.estimate"
    }


@pytest.mark.parametrize("outsider", [STRANGER, DEACTIVATED])
def test_an_outsider_sees_what_names_no_organization(outsider: str) -> None:
    roots = {field for field in shown_to(outsider) if field.startswith(("Query.", "Mutation.", "Subscription."))}

    assert roots == NAMES_NO_ORGANIZATION | {"Mutation.createOrganization", "Mutation.acceptInvitation"}
    below = shown_to(outsider) - roots - shown_to(NOBODY)
    assert {field.split(".")[0] for field in below} == OF_THE_CALLER


def test_an_auditor_reads_what_an_owner_reads_and_changes_nothing() -> None:
    changing = {field for field in shown_to("auditor") if field.startswith("Mutation.")}
    reading = {field for field in shown_to("owner") if not field.startswith("Mutation.")}

    assert changing == OF_ONES_OWN
    previews = {field for field in reading - shown_to("auditor") if "ChangePreview" in field or "preview" in field}
    assert reading - shown_to("auditor") == previews, "a preview asks what the change would ask"


def test_only_owners_set_limits() -> None:
    for field in OWNERS_ONLY:
        assert {caller for caller in CALLERS if field in shown_to(caller)} == {"primary_owner", "owner"}
    assert shown_to("owner") - shown_to("billing_admin") >= OWNERS_ONLY


def test_members_see_their_own_and_no_list_of_people() -> None:
    for role in BUILT_IN.keys() - {"primary_owner", "owner", "billing_admin", "auditor", "project_administrator"}:
        seen = shown_to(role)
        assert {"Member.monthToDate (own)", "Member.effectiveLimit (own)", "Member.seat (own)"} <= seen
        assert not {"Member.email", "Organization.members", "Organization.auditEvents", "Invoice.total"} & seen
