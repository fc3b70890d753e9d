"""Whose word on an e-mail address counts, in the shapes that providers document."""

from typing import Any

import pytest

from auth.confirming import ENTRA, GOOGLE, confirms

OTHER, TENANT = "https://idp.example", f"{ENTRA}9122040d-6c67-4c5b-b112-36a304b66dad/v2.0"


@pytest.mark.parametrize(
    ("confirmed", "issuer", "claims"),
    [
        (True, OTHER, {"email_verified": True}),
        (False, OTHER, {"email_verified": False}),
        (False, OTHER, {"email_verified": "true"}),
        (False, OTHER, {"email_verified": 1}),
        (False, OTHER, {"email_verified": None}),
        (None, OTHER, {}),
        (None, OTHER, {"hd": "acme.example", "xms_edov": True}),
        (True, GOOGLE, {"email_verified": True, "hd": "acme.example"}),
        (False, GOOGLE, {"email_verified": True}),
        (False, GOOGLE, {"email_verified": True, "hd": ""}),
        (False, GOOGLE, {"email_verified": True, "hd": True}),
        (False, GOOGLE, {"email_verified": False, "hd": "acme.example"}),
        (False, GOOGLE, {"hd": "acme.example"}),
        (None, TENANT, {"email": "mia@acme.example"}),
        (True, TENANT, {"xms_edov": True}),
        (True, TENANT, {"xms_edov": 1}),
        (True, TENANT, {"xms_edov": "True"}),
        (False, TENANT, {"xms_edov": False}),
        (False, TENANT, {"xms_edov": "0"}),
        (False, TENANT, {"xms_edov": 2}),
        (False, TENANT, {"email_verified": False, "xms_edov": True}),
        (None, f"https://evil.example/{ENTRA}", {"xms_edov": True}),
    ],
)
def test_takes_providers_at_the_word_of_their_documentation(
    confirmed: bool | None, issuer: str, claims: dict[str, Any]
) -> None:
    assert confirms(issuer, claims) is confirmed
