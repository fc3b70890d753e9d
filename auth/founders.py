"""Who may open an organization?

Where everybody who signs in is a customer, anyone; where some providers are staff and others partners, those who came
through a provider that is listed; and where customers are opened by the operator's own programs, nobody through the
graph. Scheduled work is the operator's own.

>>> Founders(Founding.NOBODY).refusal("https://id.example")
'organizations are opened by the operator here'
>>> Founders(Founding.LISTED, frozenset({"https://id.example"})).refusal("https://id.example") is None
True
"""

from dataclasses import dataclass
from enum import StrEnum

from auth.principal import Method, Principal


class Founding(StrEnum):
    """Which accounts may open organizations."""

    ANYONE = "anyone"
    LISTED = "listed"
    NOBODY = "nobody"


class NotAFounder(Exception):
    """The account may not open organizations here; the message says who may."""


@dataclass(frozen=True, slots=True)
class Founders:
    """Those who may open an organization: where only some may, the accounts of these issuers."""

    founding: Founding = Founding.ANYONE
    issuers: frozenset[str] = frozenset()

    def require(self, principal: Principal) -> None:
        """Raise `NotAFounder` for an account that may not."""
        refusal = None if principal.method is Method.SYSTEM else self.refusal(principal.issuer)
        if refusal is not None:
            raise NotAFounder(refusal)

    def refusal(self, issuer: str) -> str | None:
        """Return why an account of this issuer may not open an organization, or None where it may."""
        match self.founding:
            case Founding.ANYONE:
                return None
            case Founding.LISTED if issuer in self.issuers:
                return None
            case Founding.LISTED:
                return (
                    "organizations are opened by accounts of certain sign-in providers here, and yours is none of them"
                )
            case Founding.NOBODY:
                return "organizations are opened by the operator here"
