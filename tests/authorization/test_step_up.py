"""Where an organization asks for a young sign-in, everything that moves money or changes access asks for it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from graphql import GraphQLField

from auth import policy
from auth.principal import Principal
from billing.roles import Permission
from resolvers.roots import schema
from schema import ids
from schema.access import Requires
from schema.ids import Kind
from tests.authorization import matrix, reach
from tests.authorization.callers import Home
from tests.stories.seeded import AT

# The only mutations that an old sign-in may send. A new one that belongs here is put here by somebody.
ALWAYS: Final = {
    # who is not in yet, and who only gives up something of their own
    *("acceptInvitation", "createOrganization", "revokeSession", "revokeOtherSessions"),
    # reporting what was used: programs do it all day
    *("recordUsage", "correctUsage", "reserveSpend", "reserveSpendBatch"),
    *("settleReservation", "settleReservations", "releaseReservation", "releaseReservations"),
    # asking somebody who decides
    *("requestLimitIncrease", "withdrawLimitIncrease"),
}
NAMED_OTHERWISE: Final[Mapping[str, Kind]] = {
    "requestId": Kind.LIMIT_INCREASE_REQUEST,
    "endpointId": Kind.WEBHOOK_ENDPOINT,
    "deliveryId": Kind.WEBHOOK_DELIVERY,
}
READABLE: Final[Mapping[str, Mapping[str, object]]] = {
    "setSpendLimit": {"level": "ORGANIZATION", "amount": {"amount": "5.00", "currency": "USD"}},
    "clearSpendLimit": {"level": "ORGANIZATION"},
    "importMembers": {"csv": "email,name,role\nnew@x.example,New,member\n"},
    "replayWebhook": {"since": "2026-11-01T00:00:00+00:00"},
    "createWebhookEndpoint": {"url": "https://93.184.215.14/"},
}
"""What makes the least input one that can be looked at."""
PROBED_FIRST: Final = {"createIdentityProvider", "updateIdentityProvider"}
"""These ask the provider before they are carried out, and there is none here."""


async def codes(home: Home, caller: Principal, key: str) -> dict[str, str]:
    """Return what each mutation tells a caller, sent with ids that name nothing."""
    here = home.organization_id
    named = {kind.name.title().replace("_", ""): kind for kind in Kind}
    kinds = {**{f"{name[0].lower()}{name[1:]}Id": kind for name, kind in named.items()}, **NAMED_OTHERWISE}
    nothing = {name: str(ids.text(kind, here, here)) for name, kind in kinds.items()}
    mutations = reach.GRAPH.mutation_type
    assert mutations is not None
    found = {}
    for name, field in mutations.fields.items():
        (argument,) = field.args.values()
        own = {"idempotencyKey": f"{key}-{name}", "slug": key, "currency": "USD"}
        known = {**nothing, **home.known_by_field, **own}
        given = reach.example(argument.type, "input", known)
        document = f"mutation($input: {argument.type}) {{ {name}(input: $input) {{ __typename }} }}"
        found[name] = matrix.told(await home.ask(caller, document, {"input": given | READABLE.get(name, {})}))
    return found


async def test_an_old_sign_in_moves_no_money_and_changes_no_access(home: Home) -> None:
    owner = home.caller("primary_owner")
    assert owner is not None
    young = replace(owner, authenticated_at=AT - timedelta(minutes=1))
    given = {"organizationId": home.known["organization"], "idempotencyKey": "policy", "stepUpMinutes": 15}
    await home.ask(owner, "mutation($i: SetStepUpInput!) { setStepUp(input: $i) { stepUpMinutes } }", {"i": given})

    told_old, told_young = await codes(home, owner, "old"), await codes(home, young, "young")

    asked = {name for name, told in told_old.items() if told.startswith("STEP_UP_REQUIRED")}
    assert told_old.keys() - asked == ALWAYS | PROBED_FIRST
    assert not any(told.startswith("STEP_UP_REQUIRED") for told in told_young.values())


def test_whatever_an_old_sign_in_may_not_send_is_declared_sensitive() -> None:
    mutations = schema._schema.mutation_type
    assert mutations is not None

    declared = {name: permission_of(field) for name, field in mutations.fields.items()}

    assert {name for name, permission in declared.items() if permission not in policy.SENSITIVE} == ALWAYS


def permission_of(field: GraphQLField) -> Permission | None:
    directives = field.extensions["strawberry-definition"].directives
    return next((each.permission for each in directives if isinstance(each, Requires)), None)
