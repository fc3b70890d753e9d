"""Who may see what: by declaration, by role, and by nobody from outside."""

from collections.abc import Iterator

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type

from billing.roles import Permission
from resolvers.roots import schema
from schema.access import Requires
from schema.ids import Kind
from tests.builders import Caller, Database, a_member, a_person, an_organization, as_role, with_permissions

GRAPH = schema._schema

# What anybody, or anybody signed in, may be answered without a permission in an organization.
OPEN = {
    "Viewer",
    "Membership",
    "PageInfo",
    "Organization",
    "OrganizationConnection",
    "OrganizationEdge",
    "OrganizationStatus",
    "Estimate",
    "EstimateLine",
    "EstimateShare",
    "ItemQuote",
    "LineExplanation",
    "LineRounding",
    "LineSource",
    "Money",
    "PriceStep",
    "SourceFact",
    "UserError",
    "ValidationError",
    "NotFoundError",
    "ConflictError",
    "ImportRowError",
    # reached only through `viewer.sessions`, which are the caller's own
    "Session",
    # reached only through `viewer.memberships.member`, which is the caller
    "Member",
    "Role",
    # reached only through SpendLimitReached, which answers a command
    "SpendLimitReached",
    "SpendLimit",
    # reached only through RequestLimitIncreasePayload, which answers a command
    "LimitIncreaseAlreadyRequested",
    # reached only through `node`, which asks for the permission of the kind
    "Node",
}


def test_leads_into_an_organization_only_through_declared_permissions() -> None:
    assert GRAPH.query_type is not None

    reached = set(_reachable(GRAPH.query_type)) - {"Query"} - _behind_node()

    assert reached <= OPEN, reached - OPEN


def test_declares_the_permission_of_every_mutation_but_those_of_people_who_are_not_in_yet() -> None:
    assert GRAPH.mutation_type is not None
    silent = [name for name, field in GRAPH.mutation_type.fields.items() if not _requires(field)]

    assert sorted(silent) == ["acceptInvitation", "createOrganization"]


def _reachable(start: GraphQLObjectType) -> Iterator[str]:
    seen, queue = {start.name}, [start]
    while queue:
        here = queue.pop()
        yield here.name
        for field in here.fields.values():
            named = get_named_type(field.type)
            if _requires(field) or named.name in seen:
                continue
            seen.add(named.name)
            if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
                queue.append(named)  # type: ignore[arg-type]  # an interface has fields just as well
            if isinstance(named, GraphQLInterfaceType):
                queue.extend(GRAPH.get_implementations(named).objects)
            if isinstance(named, GraphQLUnionType):
                queue.extend(named.types)


def _behind_node() -> set[str]:
    """Return what is reached from the things `node` finds, whose kinds each ask for a permission."""
    node = GRAPH.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    things = [each for each in GRAPH.get_implementations(node).objects if each.name not in {"Member", "Organization"}]
    return {name for each in things for name in _reachable(each)}


def _requires(field: object) -> bool:
    definition = field.extensions["strawberry-definition"]  # type: ignore[attr-defined]
    return any(isinstance(each, Requires) for each in definition.directives)


ASKED = {
    "name": "{ name }",
    "members": "{ members { totalCount } }",
    "roles": "{ roles { key } }",
    "seatUsage": "{ seatUsage { current } }",
    "plan": "{ plan { key } priceBook { currency } contract { number } }",
    "usage": "{ usage { total { amount } } }",
    "limits": "{ spendLimits { totalCount } spendStatus { level } }",
    "credit": "{ creditBalance { amount } creditGrants { totalCount } creditEntries { totalCount } }",
    "billing": "{ billTo { legalName } invoiceGraceHours }",
    "terms": "{ scheduledPlan { effectiveAt } contracts { totalCount } }",
    "invoices": "{ invoices { totalCount } upcomingInvoice { currency } balance { amount } payments { totalCount } }",
    "audit": "{ auditEvents { totalCount } }",
    "webhooks": "{ webhookEndpoints { totalCount } }",
}
EVERYTHING = set(ASKED)
SEES = {
    "primary_owner": EVERYTHING,
    "owner": EVERYTHING,
    "billing_admin": EVERYTHING,
    "auditor": EVERYTHING,
    "project_administrator": {"name", "members", "roles"},
    "member": {"name"},
    "team_member": {"name"},
    "client": {"name"},
    "comment_only": {"name"},
    "view_only": {"name"},
}


@pytest.mark.parametrize(("role", "seen"), SEES.items())
async def test_shows_each_role_what_it_may_see(database: Database, role: str, seen: set[str]) -> None:
    owner = await an_organization(database)
    somebody = Caller(owner.books, as_role(owner.books.organization_id, role))

    answered = set()
    for name, selection in ASKED.items():
        result = await somebody.send(
            f"query($id: ID!) {{ organization(id: $id) {selection} }}", id=owner.organization_id
        )
        if not result.errors:
            answered.add(name)

    assert answered == seen


COMMANDS = {
    "createWebhookEndpoint": {"url": "http://refused.example"},
    "addMember": {"email": "new@x.example", "name": "New", "role": "member"},
    "createRole": {"key": "lead", "name": "Lead", "billable": True, "permissions": ["MEMBERS_READ"]},
    "setSpendLimit": {"level": "ORGANIZATION", "amount": {"amount": "5.00", "currency": "USD"}},
    "recordUsage": {"events": []},
    "closeBillingPeriod": {"period": "2026-10"},
    "setPaymentMethod": {"kind": "CARD", "label": "4242"},
    "updateOrganization": {"name": "Acme"},
    "importMembers": {"rows": [], "dryRun": True},
    "changePlan": {"planKey": "pooled"},
    "renewContract": {},
    "correctUsage": {"eventId": "e", "correctionId": "c", "quantity": "1"},
    "grantCredit": {"amount": {"amount": "5.00", "currency": "USD"}, "reason": "Sorry"},
    "advanceTestClock": {"to": "2026-10-02T00:00:00Z"},
    "decideLimitIncrease": {"requestId": "raise_1", "decision": "APPROVE"},
}
OWNS = set(COMMANDS)
DOES = {
    "owner": OWNS,
    "billing_admin": OWNS - {"setSpendLimit", "createWebhookEndpoint", "decideLimitIncrease"},
    "auditor": set(),
    "member": set(),
    "project_administrator": set(),
    "view_only": set(),
}


@pytest.mark.parametrize(("role", "allowed"), DOES.items())
async def test_lets_each_role_do_what_it_may_do(database: Database, role: str, allowed: set[str]) -> None:
    owner = await an_organization(database)
    somebody = Caller(owner.books, as_role(owner.books.organization_id, role))

    done = set()
    for name, fields in COMMANDS.items():
        given = {"organizationId": owner.organization_id, "idempotencyKey": name, **fields}
        capital = f"{name[0].upper()}{name[1:]}"
        document = f"mutation($input: {capital}Input!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}"
        result = await somebody.send(document, input=given)
        if not result.errors:
            done.add(name)

    assert done == allowed


async def test_names_the_missing_permission(database: Database) -> None:
    owner = await an_organization(database)
    _, max_ = await a_member(owner, "max")

    fault = await max_.fault(
        "query($id: ID!) { organization(id: $id) { invoices { totalCount } } }", id=owner.organization_id
    )

    assert fault["extensions"]["code"] == "FORBIDDEN"
    assert fault["extensions"]["permission"] == "INVOICES_READ"
    assert "invoices.read" in fault["message"]


async def test_shows_members_themselves_and_nobody_else(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await a_member(owner, "max")
    eve_id, _ = await a_member(owner, "eve")
    document = """query($id: ID!) { node(id: $id) { ... on Member {
        name email seat { tier { key } } monthToDate { amount } effectiveLimit { remaining { amount } }
        usage { total { amount } } role { key }
    } } }"""

    own = await max_.data(document, id=max_id)
    code = await max_.code(document, id=eve_id)

    assert own["node"]["seat"] == {"tier": {"key": "chat"}}
    assert own["node"]["monthToDate"] == {"amount": "0.00"}
    assert code == "FORBIDDEN"


async def test_a_project_administrator_sees_names_but_not_spend(database: Database) -> None:
    owner = await an_organization(database)
    _, boss = await a_member(owner, "boss", role="project_administrator")
    query = "query($id: ID!) { organization(id: $id) { members { nodes { %s } } } }"

    seen = await boss.data(query % "name role { key }", id=owner.organization_id)
    codes = [
        await boss.code(query % hidden, id=owner.organization_id)
        for hidden in ("monthToDate { amount }", "effectiveLimit { resetsAt }", "seat { since }", "usage { events }")
    ]

    assert len(seen["organization"]["members"]["nodes"]) == 2
    assert codes == ["FORBIDDEN"] * 4


async def test_a_custom_role_may_do_what_it_lists_and_nothing_else(database: Database) -> None:
    owner = await an_organization(database)
    reporter = with_permissions(owner, Permission.USAGE_READ)

    code = await reporter.code("query($id: ID!) { organization(id: $id) { name } }", id=owner.organization_id)

    assert code == "FORBIDDEN"


async def test_nobody_gets_nothing_but_the_calculator(database: Database) -> None:
    owner = await an_organization(database)
    nobody = Caller(owner.books, None)
    given = {"organizationId": owner.organization_id, "idempotencyKey": "k", "period": "2026-10"}

    codes = [
        await nobody.code("{ viewer { name } }"),
        await nobody.code("{ organizations { totalCount } }"),
        await nobody.code("query($id: ID!) { organization(id: $id) { name } }", id=owner.organization_id),
        await nobody.code("query($id: ID!) { node(id: $id) { id } }", id=owner.organization_id),
        await nobody.code(
            "mutation($i: CloseBillingPeriodInput!) { closeBillingPeriod(input: $i) { period } }", i=given
        ),
    ]

    assert codes == ["UNAUTHENTICATED"] * 5
    assert await nobody.data('{ estimate(input: {currency: "USD", items: []}) { userErrors { code } } }')


async def test_a_strangers_organization_is_not_there(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    stranger = Caller(owner.books, a_person("stranger"))
    never = "org_00000000000000000000000000"
    query = "query($id: ID!) { organization(id: $id) { name } }"
    given = {"idempotencyKey": "k", "period": "2026-10"}
    close = "mutation($i: CloseBillingPeriodInput!) { closeBillingPeriod(input: $i) { period } }"

    foreign, missing = await stranger.fault(query, id=owner.organization_id), await owner.fault(query, id=never)
    by_slug = await stranger.fault('{ organization(slug: "acme") { name } }')
    commands = [
        await stranger.fault(close, i={**given, "organizationId": id_}) for id_ in (owner.organization_id, never)
    ]
    nodes = await stranger.data(
        "query($a: ID!, $b: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }",
        a=owner.organization_id,
        b=member_id,
    )

    assert foreign == missing
    assert by_slug["message"] == foreign["message"]
    assert {foreign["extensions"]["code"], by_slug["extensions"]["code"]} == {"NOT_FOUND"}
    assert commands[0] == commands[1]
    assert nodes == {"a": None, "b": None}


async def test_tells_the_caller_who_they_are(database: Database) -> None:
    owner = await an_organization(database)
    member_id, max_ = await a_member(owner, "max")

    found = await max_.data(
        """{ viewer { name email organizations { slug }
            memberships { roleKey permissions member { id name } organization { name } } } }"""
    )

    assert found["viewer"]["organizations"] == [{"slug": "acme"}]
    assert found["viewer"]["memberships"] == [
        {
            "roleKey": "member",
            "permissions": ["ORGANIZATION_READ", "SELF_READ", "SELF_WRITE"],
            "member": {"id": member_id, "name": "max"},
            "organization": {"name": "Acme"},
        }
    ]
    assert owner.id(Kind.MEMBER, owner.books.owner.memberships[owner.books.organization_id].member_id or "")
