"""Directories in the graph: who lets them in, what is shown of them, and what their groups give."""

from schema import ids
from services import directory_groups
from tests.builders import Caller, Database, a_member, an_organization, refusals

TOKENS = """query($id: ID!) { organization(id: $id) { scimTokens { totalCount edges { node {
    id name ending role createdBy lastUsedAt revokedAt } } } } }"""
NODE = "query($id: ID!) { node(id: $id) { ... on ScimToken { name } ... on DirectoryGroup { name } } }"
GROUPS = """query($id: ID!) { organization(id: $id) {
    directoryGroups { totalCount edges { node { id name externalId memberCount } } }
    groupMapping { rules { role tier group { name } } defaultRole defaultTier isApplied } } }"""


async def a_group(owner: Caller, name: str, *member_ids: str) -> str:
    made = await owner.books.do(
        directory_groups.create, directory_groups.CreateGroup, name=name, external_id=None, joining=member_ids
    )
    assert isinstance(made, directory_groups.GroupKept), made
    return owner.id(ids.Kind.DIRECTORY_GROUP, made.group_id)


async def test_a_token_is_shown_once_and_listed_for_ever(database: Database) -> None:
    owner = await an_organization(database)

    made = await owner.do("createScimToken", "secret scimToken { id ending }", name="Entra", idempotencyKey="once")
    again = await owner.do("createScimToken", "secret scimToken { id }", name="Entra", idempotencyKey="once")
    gone = await owner.do("revokeScimToken", "scimToken { revokedAt }", scimTokenId=made["scimToken"]["id"])
    twice = await owner.do("revokeScimToken", "scimToken { id }", scimTokenId=made["scimToken"]["id"])
    listed = (await owner.data(TOKENS, id=owner.organization_id))["organization"]["scimTokens"]

    assert made["secret"].startswith("bgd_")
    assert made["secret"].endswith(made["scimToken"]["ending"])
    assert (again["secret"], again["scimToken"]["id"]) == (None, made["scimToken"]["id"])
    assert gone["scimToken"]["revokedAt"] is not None
    assert refusals(twice) == [("STATUS_CONFLICT", ["scimTokenId"])]
    (edge,) = listed["edges"]
    assert (edge["node"]["name"], edge["node"]["role"], listed["totalCount"]) == ("Entra", "primary_owner", 1)
    assert (await owner.data(NODE, id=edge["node"]["id"]))["node"] == {"name": "Entra"}


async def test_bounds_how_many_ways_in_there_are(database: Database) -> None:
    owner = await an_organization(database)
    for number in range(10):
        await owner.do("createScimToken", "scimToken { id }", name=f"Directory {number}")

    assert refusals(await owner.do("createScimToken", "secret", name="One more")) == [("STATUS_CONFLICT", [])]
    assert refusals(await owner.do("createScimToken", "secret", name=" ")) == [("INPUT_INVALID", ["name"])]


async def test_only_owners_let_directories_in(database: Database) -> None:
    owner = await an_organization(database)
    _, admin = await a_member(owner, "adam", role="billing_admin")

    document = "mutation($input: CreateScimTokenInput!) { createScimToken(input: $input) { secret } }"
    given = {"organizationId": owner.organization_id, "idempotencyKey": "k", "name": "Entra"}

    assert await admin.code(document, input=given) == "FORBIDDEN"


async def test_says_what_groups_give_and_gives_it(database: Database) -> None:
    owner = await an_organization(database)
    _, member = await a_member(owner, "bo")
    own = member.principal.membership(owner.books.organization_id)
    staff, admins = await a_group(owner, "Staff", own.member_id), await a_group(owner, "Admins")
    rules = [{"directoryGroupId": admins, "role": "owner"}, {"directoryGroupId": staff, "role": "team_member"}]

    set_ = await owner.do(
        "setGroupMapping",
        "applied groupMapping { isApplied rules { role } }",
        rules=rules,
        defaultRole="view_only",
        defaultTier="chat",
    )
    shown = (await owner.data(GROUPS, id=owner.organization_id))["organization"]

    assert (set_["applied"], set_["groupMapping"]["isApplied"]) == (1, True)
    assert shown["groupMapping"] == {
        "rules": [
            {"role": "owner", "tier": None, "group": {"name": "Admins"}},
            {"role": "team_member", "tier": None, "group": {"name": "Staff"}},
        ],
        "defaultRole": "view_only",
        "defaultTier": "chat",
        "isApplied": True,
    }
    sizes = {each["node"]["name"]: each["node"]["memberCount"] for each in shown["directoryGroups"]["edges"]}
    assert sizes == {"Staff": 1, "Admins": 0}
    assert (await owner.data(NODE, id=staff))["node"] == {"name": "Staff"}


async def test_refuses_rules_with_the_path_of_what_is_wrong(database: Database) -> None:
    owner = await an_organization(database)
    staff = await a_group(owner, "Staff")

    too_high = await owner.do(
        "setGroupMapping", "applied", rules=[{"directoryGroupId": staff, "role": "primary_owner"}]
    )
    twice = await owner.do("setGroupMapping", "applied", rules=[{"directoryGroupId": staff, "role": "member"}] * 2)
    default = await owner.do("setGroupMapping", "applied", rules=[], defaultTier="gold")
    foreign = await owner.do(
        "setGroupMapping",
        "applied",
        rules=[{"directoryGroupId": "dgroup_01kwdfkd00yp6arym8shx0mx4x_01kwdfkd00yp6arym8shx0mx4y", "role": "member"}],
    )

    assert refusals(too_high) == [("ROLE_ABOVE_OWN", ["rules", "0", "role"])]
    assert refusals(twice) == [("INPUT_INVALID", ["rules"])]
    assert refusals(default) == [("NOT_FOUND", ["defaultTier"])]
    assert refusals(foreign) == [("NOT_FOUND", ["rules", "0", "directoryGroupId"])]
