"""Does a provider confirm that an e-mail address belongs to the person?

By `email_verified`, and only where it is the JSON value true: whatever else stands there is no. Two providers have more
to say, and are taken at the word of their documentation.

Google confirms addresses of consumer accounts too, which people may keep after they left the company whose address it
is. It calls itself authoritative for a domain only where the claim `hd` says that the account is of a Workspace.
Microsoft Entra ID sends no `email_verified`; its optional claim `xms_edov` says that the address is in a domain whose
owner the tenant has proved to be.

>>> confirms("https://idp.example", {"email_verified": True}), confirms("https://idp.example", {})
(True, None)
>>> confirms(GOOGLE, {"email_verified": True}), confirms(GOOGLE, {"email_verified": True, "hd": "acme.example"})
(False, True)
>>> confirms(f"{ENTRA}0f3c/v2.0", {"xms_edov": "1"}), confirms("https://idp.example", {"xms_edov": True})
(True, None)
"""

from collections.abc import Mapping
from typing import Any, Final

GOOGLE: Final = "https://accounts.google.com"
ENTRA: Final = "https://login.microsoftonline.com/"
_SAID_YES: Final = ("1", "true")


def confirms(issuer: str, claims: Mapping[str, Any]) -> bool | None:
    """Return whether `issuer` confirms the address in these claims; None where it does not say."""
    if issuer == GOOGLE:
        workspace = claims.get("hd")
        return claims.get("email_verified") is True and isinstance(workspace, str) and workspace != ""
    if issuer.startswith(ENTRA) and "email_verified" not in claims and "xms_edov" in claims:
        return str(claims["xms_edov"]).lower() in _SAID_YES  # a Boolean, a number or a text, as the tenant has it
    return claims["email_verified"] is True if "email_verified" in claims else None
