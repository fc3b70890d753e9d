"""Who asked for what, through the graph."""

import pytest

from tests.builders import Database, a_member, an_organization

RECORDS = """
    query($id: ID!, $first: Int, $filter: AuditRecordFilter) {
        organization(id: $id) {
            auditRecords(first: $first, filter: $filter) {
                totalCount
                nodes {
                    id sequence operation outcome code method actorMember { email } input previousHash hash
                    changes { kind before after }
                }
            }
        }
    }
"""


async def test_shows_the_newest_first_with_who_and_what(database: Database) -> None:
    owner = await an_organization(database)
    await owner.do("addMember", "member { id }", email="bo@x.example", name="Bo", role="member", tier="chat")
    await owner.do("addMember", "member { id }", email="bo@x.example", name="Bo", role="member", tier="chat")

    found = (await owner.data(RECORDS, id=owner.organization_id))["organization"]["auditRecords"]

    refused, done, opened = found["nodes"]
    assert found["totalCount"] == 3
    assert (refused["operation"], refused["outcome"], refused["code"]) == ("members.add", "REFUSED", "ALREADY_EXISTS")
    assert (done["outcome"], done["input"]["email"]) == ("DONE", "bo@x.example")
    assert [change["kind"] for change in done["changes"]] == ["MemberAdded", "SeatGranted"]
    assert done["actorMember"] == {"email": "ann@x.example"}
    assert refused["previousHash"] == done["hash"]
    assert opened["previousHash"] == ""


@pytest.mark.parametrize(
    ("given", "sequences"),
    [
        ({"outcomes": ["REFUSED"]}, ["4"]),
        ({"operations": ["members.add"]}, ["4", "3", "2"]),
        ({"operations": ["members.add"], "outcomes": ["DONE"]}, ["3", "2"]),
        ({"operations": []}, []),
        ({"until": "2020-01-01T00:00:00Z"}, []),
        ({"since": "2020-01-01T00:00:00Z"}, ["4", "3", "2", "1"]),
    ],
)
async def test_lists_what_is_asked_for(database: Database, given: dict[str, object], sequences: list[str]) -> None:
    owner = await an_organization(database)
    for email in ("bo@x.example", "cy@x.example", "cy@x.example"):
        await owner.do("addMember", "member { id }", email=email, name="Bo", role="member", tier="chat")

    found = (await owner.data(RECORDS, id=owner.organization_id, filter=given))["organization"]["auditRecords"]

    assert [str(node["sequence"]) for node in found["nodes"]] == sequences
    assert found["totalCount"] == len(sequences)


async def test_a_turned_away_member_is_on_record_under_their_name(database: Database) -> None:
    owner = await an_organization(database)
    _, member = await a_member(owner, "bo")

    document = "mutation($input: AddMemberInput!) { addMember(input: $input) { userErrors { code } } }"
    given = {"organizationId": owner.organization_id, "idempotencyKey": "k", "email": "c@x.example", "name": "C"}
    code = await member.code(document, input=given | {"role": "member"})

    newest = (await owner.data(RECORDS, id=owner.organization_id, first=1))["organization"]["auditRecords"]["nodes"][0]
    assert code == "FORBIDDEN"
    assert (newest["outcome"], newest["operation"], newest["actorMember"]) == (
        "FORBIDDEN",
        "members.add",
        {"email": "bo@x.example"},
    )


async def test_a_record_is_found_again_by_its_id_and_only_with_the_permission(database: Database) -> None:
    owner = await an_organization(database)
    _, member = await a_member(owner, "bo")
    found = (await owner.data(RECORDS, id=owner.organization_id))["organization"]["auditRecords"]["nodes"][0]

    document = "query($id: ID!) { node(id: $id) { ... on AuditRecord { operation hash } } }"

    node = (await owner.data(document, id=found["id"]))["node"]
    assert node == {"operation": found["operation"], "hash": found["hash"]}
    assert await member.code(document, id=found["id"]) == "FORBIDDEN"
    assert await member.code(RECORDS, id=owner.organization_id) == "FORBIDDEN"
