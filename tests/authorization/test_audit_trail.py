"""Every mutation leaves one record in the audit, also one that is refused, whoever sends it and whatever it says."""

import pytest

from models import audit
from tests.authorization import reach
from tests.authorization.callers import Home

NO_ORGANIZATION_YET = {"createOrganization", "acceptInvitation"}
"""These name no organization: what they do is on record in the one they lead to, what they are refused in none."""


async def records(home: Home, before: int) -> list[audit.Attempt]:
    found = await audit.after(home.database.reader, home.organization_id, before, limit=100)
    return [record.attempt for record in found]


async def trails(home: Home, caller: str, **given: str) -> dict[str, list[tuple[str, str | None]]]:
    """Return what each mutation leaves in the audit: outcomes and codes."""
    found = {}
    mutations = reach.GRAPH.mutation_type
    assert mutations is not None
    for name, field in sorted(mutations.fields.items()):
        (argument,) = field.args.values()
        known = {"organizationId": home.known["organization"], "idempotencyKey": f"{caller}-{name}", **given}
        variables = {"input": reach.example(argument.type, "input", known)}
        document = f"mutation($input: {argument.type}) {{ {name}(input: $input) {{ __typename }} }}"
        head = (await audit.head(home.database.reader, home.organization_id)).sequence
        answer = await home.ask(home.caller(caller), document, variables)
        left = [
            each for each in await records(home, head) if each.actor != "system"
        ]  # a clock that is moved moves more
        assert all(each.operation and each.actor and each.request_id == "request" for each in left), (name, answer)
        found[name] = [(each.outcome, each.code) for each in left]
    return found


async def test_a_missing_permission_and_an_input_that_cannot_be_read_leave_one_record_each(home: Home) -> None:
    forbidden = await trails(home, "client")
    unreadable = await trails(home, "primary_owner")
    keyless = await trails(home, "primary_owner", idempotencyKey="")

    assert len(forbidden) > 60
    for found in (forbidden, unreadable, keyless):
        assert {name: len(left) for name, left in found.items() if len(left) != 1} == dict.fromkeys(
            NO_ORGANIZATION_YET, 0
        )
    refused = [left for name, left in forbidden.items() if left == [("FORBIDDEN", "FORBIDDEN")]]
    assert len(refused) > 50
    assert ("REFUSED", "ID_INVALID") in [each for left in unreadable.values() for each in left]
    assert {outcome for left in keyless.values() for outcome, _ in left} == {"REFUSED"}


@pytest.mark.parametrize("caller", ["stranger", "nobody"])
async def test_who_does_not_belong_leaves_none(home: Home, caller: str) -> None:
    found = await trails(home, caller)

    assert {name for name, left in found.items() if left} == set()


async def test_what_a_service_forbids_is_on_record_too(home: Home) -> None:
    head = (await audit.head(home.database.reader, home.organization_id)).sequence
    given = {"organizationId": home.known["organization"], "memberId": home.known["other"], "idempotencyKey": "k"}
    document = """mutation($input: RequestLimitIncreaseInput!) { requestLimitIncrease(input: $input) { __typename } }"""
    money = {"amount": "50.00", "currency": "USD"}

    await home.ask(home.caller("client"), document, {"input": {**given, "amount": money, "reason": "For another"}})

    assert [(each.outcome, each.operation) for each in await records(home, head)] == [
        ("FORBIDDEN", "limit_increases.ask")
    ]
