"""What do a provider's claims make of a person here?

Rules are asked in order and the first whose group the person is in decides. A provider that says nothing of groups
changes nothing: only a list that is there and does not contain a group means that the person is not in it.

>>> rules = Mapping("groups", (Rule("admins", "owner", None), Rule("staff", "member", "chat")))
>>> rules.of({"groups": ["staff", "admins"]})
Given(role='owner', tier=None)
>>> rules.of({"groups": []}), rules.of({})
(Given(role=None, tier=None), Unknown(reason='the provider sends no claim groups'))
>>> rules.of({"_claim_names": {"groups": "src1"}})
Unknown(reason='the person is in more groups than the provider sends')
"""

from collections.abc import Mapping as Claims
from dataclasses import dataclass
from typing import Any

GROUPS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Rule:
    """Whoever is in this group gets this role, and this seat tier where the plan has tiers."""

    group: str
    role: str
    tier: str | None


@dataclass(frozen=True, slots=True)
class Given:
    """What the rules give; no role where none of them applies."""

    role: str | None
    tier: str | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The claims do not tell which groups the person is in."""

    reason: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """The claim that lists a person's groups, and what the groups mean here."""

    groups_claim: str
    rules: tuple[Rule, ...]

    def of(self, claims: Claims[str, Any]) -> Given | Unknown:
        """Return what the rules make of these claims."""
        # Microsoft Entra leaves long lists out of the token and says only where they could be asked for.
        elsewhere = claims.get("_claim_names")
        if (isinstance(elsewhere, dict) and self.groups_claim in elsewhere) or claims.get("hasgroups") is True:
            return Unknown("the person is in more groups than the provider sends")
        found = _found(claims, self.groups_claim)
        if found is None:
            return Unknown(f"the provider sends no claim {self.groups_claim}")
        groups = [found] if isinstance(found, str) else found
        is_list = isinstance(groups, list) and all(isinstance(each, str) for each in groups)
        if not is_list or len(groups) > GROUPS_MAX:
            return Unknown(f"the claim {self.groups_claim} is not a list of at most {GROUPS_MAX} names")
        belongs = set(groups)
        rule = next((rule for rule in self.rules if rule.group in belongs), None)
        return Given(None, None) if rule is None else Given(rule.role, rule.tier)


def _found(claims: Claims[str, Any], name: str) -> Any:
    """Return a claim by its exact name (which may be a URL, as at Auth0), or by a path, as Keycloak nests them."""
    if name in claims:
        return claims[name]
    here: Any = claims
    for part in name.split("."):
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return here
