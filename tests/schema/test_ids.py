"""Ids are typed and carry their organization; what is malformed is said to be."""

import pytest

from schema import ids
from schema.ids import Kind
from tests.builders import Database, a_member, an_organization

ORGANIZATION = "01kwdfkd00yp6arym8shx0mx4x"
ROW = "01kwdfkd00yp6arym8shx0mx4y"


@pytest.mark.parametrize("kind", Kind)
def test_reads_back_what_it_wrote(kind: Kind) -> None:
    key = {
        Kind.ORGANIZATION: ORGANIZATION,
        Kind.ROLE: "primary_owner",
        Kind.AUDIT_EVENT: "17",
        Kind.AUDIT_RECORD: "17",
    }.get(kind, ROW)

    named = ids.parse(ids.text(kind, ORGANIZATION, key), kind)

    assert named == ids.GlobalId(kind, ORGANIZATION, key)


MALFORMED = [
    "",
    "mem",
    "mem_",
    f"mem_{ORGANIZATION}",
    f"mem_{ORGANIZATION}_",
    f"mem_{ORGANIZATION}_{ROW}_",
    f"mem_{ORGANIZATION}_{ROW[:-1]}",
    f"mem_{ORGANIZATION.upper()}_{ROW}",
    f"MEM_{ORGANIZATION}_{ROW}",
    f"cat_{ORGANIZATION}_{ROW}",
    f"org_{ORGANIZATION}_{ORGANIZATION}",
    f"event_{ORGANIZATION}_0",
    f"event_{ORGANIZATION}_01",
    f"event_{ORGANIZATION}_-1",
    f"role_{ORGANIZATION}_Owner",
    f" mem_{ORGANIZATION}_{ROW}",
    f"mem_{ORGANIZATION}_{ROW}\n",
    f"mem_{ORGANIZATION}_" + "0" * 1000,
]


@pytest.mark.parametrize("text", MALFORMED)
def test_refuses_what_it_never_wrote(text: str) -> None:
    with pytest.raises(ids.MalformedId):
        ids.parse(text)


async def test_answers_a_malformed_id_with_its_code(database: Database) -> None:
    owner = await an_organization(database)
    node = "query($id: ID!) { node(id: $id) { id } }"

    assert [await owner.code(node, id=text) for text in MALFORMED[:3]] == ["ID_INVALID"] * 3
    assert (
        await owner.code("query($id: ID!) { organization(id: $id) { id } }", id=f"mem_{ORGANIZATION}_{ROW}")
        == "ID_INVALID"
    )


async def test_finds_every_kind_of_thing_again(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    limit = await owner.do(
        "setSpendLimit", "limit { id }", level="ORGANIZATION", amount={"amount": "9.00", "currency": "USD"}
    )
    method = await owner.do("setPaymentMethod", "paymentMethod { id }", kind="CARD", label="4242")
    known = await owner.data(
        "query($id: ID!) { organization(id: $id) { id roles { id } auditEvents(first: 1) { nodes { id } } } }",
        id=owner.organization_id,
    )
    organization = known["organization"]
    wanted = [
        organization["id"],
        organization["roles"][0]["id"],
        organization["auditEvents"]["nodes"][0]["id"],
        member_id,
        limit["limit"]["id"],
        method["paymentMethod"]["id"],
    ]
    missing = owner.id(Kind.INVOICE, ROW)

    found = await owner.data("query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=[*wanted, missing])

    assert [each and each["id"] for each in found["nodes"]] == [*wanted, None]
    assert [each["__typename"] for each in found["nodes"][:-1]] == [
        "Organization",
        "Role",
        "AuditEvent",
        "Member",
        "SpendLimit",
        "PaymentMethod",
    ]


async def test_forbids_one_of_many_without_hiding_the_others(database: Database) -> None:
    owner = await an_organization(database)
    max_id, max_ = await a_member(owner, "max")
    eve_id, _ = await a_member(owner, "eve")

    result = await max_.send("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[max_id, eve_id])

    assert result.data == {"nodes": [{"id": max_id}, None]}
    assert [error.path for error in result.errors or ()] == [["nodes", 1]]


async def test_takes_exactly_one_way_to_find_an_organization(database: Database) -> None:
    owner = await an_organization(database)
    both = 'query($id: ID!) { organization(id: $id, slug: "acme") { name } }'

    assert await owner.code("{ organization { name } }") == "BAD_USER_INPUT"
    assert await owner.code(both, id=owner.organization_id) == "BAD_USER_INPUT"
    assert await owner.data('{ organization(slug: "acme") { name } }') == {"organization": {"name": "Acme"}}
