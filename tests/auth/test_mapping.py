"""What groups become, in the shapes that providers document."""

from typing import Any

import pytest

from auth.mapping import Given, Mapping, Rule, Unknown

OWNER, MEMBER = Rule("Finance", "owner", None), Rule("Staff", "member", "chat")

# claim, what a provider sends, and what becomes of it
SHAPES: list[tuple[str, str, dict[str, Any], Given | None]] = [
    ("Okta: a list", "groups", {"groups": ["Everyone", "Staff"]}, Given("member", "chat")),
    ("the first rule decides", "groups", {"groups": ["Staff", "Finance"]}, Given("owner", None)),
    ("none that means anything", "groups", {"groups": ["Everyone"]}, Given(None, None)),
    ("Keycloak: nested", "realm_access.roles", {"realm_access": {"roles": ["Staff"]}}, Given("member", "chat")),
    (
        "Auth0: a URL",
        "https://acme.example/groups",
        {"https://acme.example/groups": ["Staff"]},
        Given("member", "chat"),
    ),
    ("Cognito: a colon", "cognito:groups", {"cognito:groups": ["Finance"]}, Given("owner", None)),
    ("AD FS: one text", "group", {"group": "Staff"}, Given("member", "chat")),
    ("names are exact", "groups", {"groups": ["staff", "FINANCE"]}, Given(None, None)),
    ("Google: nothing", "groups", {"hd": "acme.example"}, None),
    ("Entra: too many", "groups", {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, None),
    ("Entra, implicit: too many", "groups", {"hasgroups": True}, None),
    ("an odd list", "groups", {"groups": ["Finance", 7]}, None),
    ("an odd shape", "groups", {"groups": {"Finance": True}}, None),
    ("an endless list", "groups", {"groups": ["Finance"] * 2_001}, None),
    ("a path through a text", "groups.roles", {"groups": "Finance"}, None),
]


@pytest.mark.parametrize(("claim", "claims", "given"), [shape[1:] for shape in SHAPES], ids=[s[0] for s in SHAPES])
def test_reads_what_providers_send(claim: str, claims: dict[str, Any], given: Given | None) -> None:
    found = Mapping(claim, (OWNER, MEMBER)).of(claims)

    assert found == given if given is not None else isinstance(found, Unknown)
