"""Every list of the graph is walked as Relay describes it; a list that is new is tried without touching this file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import ExecutionResult, GraphQLObjectType, build_schema, get_named_type

from models.database import Database
from resolvers.roots import sdl
from schema.errors import first_code
from tests.authorization.callers import Home
from tests.authorization.world import furnished

GRAPH: Final = build_schema(sdl())
PAGE = """edges { cursor node { __typename } } nodes { __typename }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"""
NEWS = (
    'addMember(input: {%s email: "late@home.example", name: "Late", role: "member", tier: "chat"})',
    'createGroup(input: {%s key: "late", name: "Late"})',
    'grantCredit(input: {%s amount: {amount: "1.00", currency: "USD"}, reason: "Late"})',
    'inviteMember(input: {%s email: "later@home.example", role: "member"})',
    'createWebhookEndpoint(input: {%s url: "https://93.184.215.14/late", description: "Late"})',
    'createScimToken(input: {%s name: "Late"})',
)


WHERE = {
    "Query": "%s",
    "Organization": "organization(id: $id) { %s }",
    "Member": "node(id: $member) { ... on Member { %s } }",
    "Group": "organization(id: $id) { groups(first: 1) { nodes { %s } } }",
    "Invoice": "organization(id: $id) { invoices(last: 1) { nodes { %s } } }",
    "InvoiceLine": "organization(id: $id) { invoices(last: 1) { nodes { lines { %s } } } }",
    "Contract": "organization(id: $id) { contract { %s } }",
    "SeatUsage": 'organization(id: $id) { seatUsage(period: "2026-10") { %s } }',
    "WebhookEndpoint": "organization(id: $id) { webhookEndpoints(first: 1) { nodes { %s } } }",
    "Import": "organization(id: $id) { imports(first: 1) { nodes { %s } } }",
}
"""Where there is something of each type that has lists."""

MANY_AT_ONCE = frozenset({"InvoiceLine"})
"""Types that only stand in lists: a cursor belongs to one of them and not to the others."""


@dataclass(frozen=True)
class Listed:
    """A list, and where it is."""

    type_name: str
    field: str

    @property
    def name(self) -> str:
        return f"{self.type_name}.{self.field}"

    @property
    def document(self) -> str:
        page = "first: $first, after: $after, last: $last, before: $before"
        inner = WHERE[self.type_name] % f"found: {self.field}({page}) {{ {PAGE} }}"
        used = "$id: ID!, " * ("$id" in inner) + "$member: ID!, " * ("$member" in inner)
        return f"query Q({used}$first: Int, $after: String, $last: Int, $before: String) {{ {inner} }}"


@dataclass
class Reader:
    """The primary owner, who walks through lists."""

    home: Home

    async def ask(self, listed: Listed, page: Mapping[str, object]) -> ExecutionResult:
        known = {"id": self.home.known["organization"], "member": self.home.known["member"]}
        return await self.home.ask(self.home.caller("primary_owner"), listed.document, {**known, **page})

    async def page(self, listed: Listed, **page: object) -> Any:
        """Return a page."""
        result = await self.ask(listed, page)
        assert not result.errors, (listed.name, page, result.errors)
        return _found(result.data)

    async def refusal(self, listed: Listed, **page: object) -> str:
        result = await self.ask(listed, page)
        assert result.errors, f"{listed.name}({page}) was answered"
        return first_code(result.errors).value


def lists() -> list[Listed]:
    return [
        Listed(kind.name, name)
        for kind in GRAPH.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if get_named_type(field.type).name.endswith("Connection")
    ]


def test_every_list_takes_the_arguments_of_a_page() -> None:
    for listed in lists():
        field = GRAPH.type_map[listed.type_name].fields[listed.field]  # type: ignore[attr-defined]  # it has fields
        assert set(field.args) >= {"first", "after", "last", "before"}, listed.name
        assert listed.type_name in WHERE, f"say where a {listed.type_name} is"


async def test_every_list_is_walked_the_same_way(database: Database) -> None:
    home = await furnished(database)
    reader, begun = Reader(home), dict[Listed, list[str]]()

    for listed in lists():
        await _refuses_what_cannot_be(reader, listed)
        if listed.type_name not in MANY_AT_ONCE:
            begun[listed] = await _walks_both_ways(reader, listed)
    some = {_answer_of(listed): cursors[0] for listed, cursors in begun.items() if cursors}
    for listed in lists():
        foreign = next(cursor for answer, cursor in some.items() if answer != _answer_of(listed))
        assert await reader.refusal(listed, first=1, after=foreign) == "CURSOR_INVALID", listed.name

    await _much_happens(home)
    grown = []
    for listed, before in begun.items():
        now = [edge["cursor"] for edge in (await reader.page(listed, first=100))["edges"]]
        grown += [listed.name] * (len(now) > len(before))
        assert [cursor for cursor in now if cursor in set(before)] == before, f"{listed.name} was reordered"
        if before:
            rest = await reader.page(listed, first=100, after=before[0])
            after = now[now.index(before[0]) + 1 :]
            assert [edge["cursor"] for edge in rest["edges"]] == after, f"{listed.name} repeats or hides what came"

    assert len(grown) > 6, grown


async def _refuses_what_cannot_be(reader: Reader, listed: Listed) -> None:
    for page in ({"first": -1}, {"first": 101}, {"last": 101}, {"first": 1, "last": 1}):
        assert await reader.refusal(listed, **page) == "PAGE_SIZE_INVALID", (listed.name, page)
    for cursor in ({"after": "x"}, {"before": "bWVtYmVyczo6"}):
        assert await reader.refusal(listed, **cursor) == "CURSOR_INVALID", (listed.name, cursor)


async def _walks_both_ways(reader: Reader, listed: Listed) -> list[str]:
    whole = await reader.page(listed, first=100)
    cursors, info = [edge["cursor"] for edge in whole["edges"]], whole["pageInfo"]
    assert [edge["node"] for edge in whole["edges"]] == whole["nodes"], listed.name
    assert (info["startCursor"], info["endCursor"]) == ((cursors[0], cursors[-1]) if cursors else (None, None))
    assert len(set(cursors)) == len(cursors), f"{listed.name} has two entries at one place"
    if info["hasNextPage"] or len(cursors) < 2:
        return cursors
    first, last = await reader.page(listed, first=1), await reader.page(listed, last=1)
    second = await reader.page(listed, first=1, after=cursors[0])
    earlier = await reader.page(listed, last=1, before=cursors[-1])
    beyond = await reader.page(listed, first=1, after=cursors[-1])
    shown = [[edge["cursor"] for edge in page["edges"]] for page in (first, second, last, earlier, beyond)]
    assert shown == [[cursors[0]], [cursors[1]], [cursors[-1]], [cursors[-2]], []], listed.name
    goes_on = [(page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]) for page in (first, last)]
    assert goes_on == [(False, True), (True, False)], listed.name
    assert (second["pageInfo"]["hasPreviousPage"], earlier["pageInfo"]["hasNextPage"]) == (True, True), listed.name
    assert beyond["pageInfo"]["hasNextPage"] is False, listed.name
    return cursors


async def _much_happens(home: Home) -> None:
    for number, news in enumerate(NEWS):
        shared = f'organizationId: $organization, idempotencyKey: "late-{number}",'
        document = f"mutation {{ {news % shared} {{ userErrors {{ code message }} }} }}"
        result = await home.ask(home.caller("primary_owner"), document)
        assert not result.errors, (news, result.errors)
        assert result.data is not None
        assert next(iter(result.data.values()))["userErrors"] == [], news


def _found(data: Any) -> Any:
    """Return the first page in an answer: the path to it leads through lists."""
    waiting = [data]
    while waiting:
        match waiting.pop(0):
            case {"found": {"edges": _} as page}:
                return page
            case dict() as fields:
                waiting += fields.values()
            case list() as items:
                waiting += items
    raise AssertionError("there is no page in the answer")


def _answer_of(listed: Listed) -> str:
    """Return what a list is a list of; the same can be seen from different places, with the same cursors."""
    return str(GRAPH.type_map[listed.type_name].fields[listed.field].type)  # type: ignore[attr-defined]  # it has fields
