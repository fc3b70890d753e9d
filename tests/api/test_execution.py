"""What is executed, for how long, and what is refused before it is even validated."""

import asyncio
import sys
from types import FrameType

import httpx2
import pytest
from graphql import parse

from api.cost import Cost, measure, require_within
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Refused
from api.settings import Limits
from schema.errors import ErrorCode, GraphError, first_code
from tests.api.graph import graph
from tests.api.house import serving


def bomb(levels: int, *, width: int = 2) -> str:
    """Return a document of a few kilobytes that describes `width ** levels` fields."""
    spreads = [" ".join([f"...F{level + 1}"] * width) for level in range(levels)]
    fragments = " ".join(f"fragment F{level} on Member {{ {spread} }}" for level, spread in enumerate(spreads))
    return f"{{ member {{ ...F0 }} }} {fragments} fragment F{levels} on Member {{ name }}"


def request(query: str, operation_name: str | None = None) -> GraphRequest:
    return GraphRequest(query, operation_name, {})


def refusal(query: str, **limits: int) -> ErrorCode:
    with pytest.raises(Refused) as refused:
        Operations(graph, Limits(**limits)).prepare(request(query))
    return first_code(refused.value.errors)


def steps(query: str) -> int:
    """Return how many Python functions run to prepare a document, refused or not: its work, on any machine."""
    operations, counted = Operations(graph, Limits()), 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        operations.prepare(request(query))
    except Refused:
        pass
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("levels", [9, 21, 60, 200, 400])
def test_refuses_a_fragment_bomb_at_once(levels: int) -> None:
    assert refusal(bomb(levels)) is ErrorCode.QUERY_TOO_COMPLEX
    assert steps(bomb(levels)) < 400 * (levels + 1), "each fragment is looked at once"


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        (Cost(depth=1, roots=1, fields=1), "{ hello }"),
        (Cost(depth=2, roots=1, fields=3, aliases=1), "{ member { name other: name } }"),
        (Cost(depth=2, roots=2, fields=4), "{ ...R } fragment R on Query { member { ...M } member { ...M } } "
         "fragment M on Member { name }"),
        (Cost(depth=1, roots=2, fields=2, directives=2), "query @a { hello @skip(if: true) ...on Query { hello } }"),
        (Cost(depth=3, roots=1, fields=3, rows=7), "{ members(first: 7) { edges { cursor } } }"),
        (Cost(depth=3, roots=1, fields=3, rows=100), "query ($n: Int) { members(last: $n) { nodes { id } } }"),
        (Cost(depth=3, roots=1, fields=3, rows=50), "{ members { nodes { id } } }"),
        (Cost(depth=3, roots=1, fields=3, rows=0), "{ members(first: -5) { nodes { id } } }"),
        (Cost(depth=3, roots=1, fields=3, rows=100), "{ members(first: 99999999999) { nodes { id } } }"),
        (Cost(depth=2, roots=1, fields=2), "{ nodes(ids: []) { id } }"),
        (
            Cost(depth=6, roots=1, fields=6, rows=220),
            "{ members(first: 20) { ...E } } "
            "fragment E on C { edges { node { invoices(first: 10) { nodes { id } } } } }",
        ),
        (Cost(depth=1, introspection_depth=3, roots=1, fields=3), "{ __schema { types { name } } }"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_measures_what_a_document_asks_for(expected: Cost, query: str) -> None:
    assert measure(parse(query)) == (expected,)


@pytest.mark.parametrize(
    ("allowed", "query"),
    [
        ("query_depth_max", "{ member { friend { name } } }"),
        ("query_fields_max", "{ hello member { name } }"),
        ("query_aliases_max", "{ a: hello b: hello c: hello }"),
        ("query_roots_max", "{ a: hello b: hello c: hello }"),
        ("query_directives_max", "{ hello @skip(if: true) @skip(if: true) @skip(if: true) }"),
        ("query_rows_max", "{ members(first: 3) { nodes { id } } }"),
        ("document_length_max", "{ hello }"),
    ],
)
def test_holds_each_limit(allowed: str, query: str) -> None:
    assert refusal(query, **{allowed: 2}) is ErrorCode.QUERY_TOO_COMPLEX


def test_names_the_bound_and_the_value() -> None:
    with pytest.raises(GraphError, match="The document has 4 levels of fields; 3 are allowed") as refused:
        require_within([Cost(depth=4)], Limits(query_depth_max=3))

    assert refused.value.facts == {"limit": 3}


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        (ErrorCode.GRAPHQL_VALIDATION_FAILED, "{ member { ...F } } fragment F on Member { friend { ...F } }"),
        (ErrorCode.GRAPHQL_VALIDATION_FAILED, "{ member { ...Nowhere } }"),
        (ErrorCode.GRAPHQL_PARSE_FAILED, "{" * 5_000),
        (ErrorCode.GRAPHQL_VALIDATION_FAILED, "fragment F on Query { hello }"),
        (ErrorCode.BAD_USER_INPUT, r'{ hello(name: "\u0000") }'),
        (ErrorCode.BAD_USER_INPUT, r'{ hello(name: "\\\u{0}") }'),
    ],
)
def test_refuses_documents_that_mean_nothing(expected: ErrorCode, query: str) -> None:
    operations = Operations(graph, Limits(query_fields_max=2_000))

    with pytest.raises(Refused) as refused:
        operations.prepare(request(query))

    assert first_code(refused.value.errors) is expected


def test_takes_an_escaped_backslash_for_what_it_is() -> None:
    assert Operations(graph, Limits()).prepare(request(r'{ hello(name: "\\u0000") }')).name is None


def test_the_widest_document_takes_a_bounded_amount_of_work() -> None:
    """The library compares every two fields of one name, so the bound on fields is what bounds the work."""
    assert steps("{ member {" + " friend { name }" * 249 + " } }") < 1_200_000


def test_parses_a_repeated_document_once() -> None:
    operations = Operations(graph, Limits(documents_cached_max=2))
    texts = ["{ hello }", "query A { hello }", "query B { hello }"]

    first, _, _ = (operations.prepare(request(text)).document for text in texts)
    repeated = operations.prepare(request(texts[2])).document

    assert operations.prepare(request(texts[2])).document is repeated
    assert operations.prepare(request(texts[0])).document is not first


async def test_tells_the_caller_of_a_long_mutation_how_to_learn_its_outcome() -> None:
    async with serving(mutation_seconds_max=0.1) as house, httpx2.AsyncClient(base_url=house.url) as client:
        response = await client.post("/graphql", json={"query": "mutation { pay(seconds: 0.4) }"})

        (error,) = response.json()["errors"]
        assert response.status_code == 504
        assert error["extensions"]["code"] == "TIMEOUT"
        assert "idempotencyKey" in error["message"]
        assert house.notes.finished_mutations == 0

    assert house.notes.finished_mutations == 1  # the server did not stop before it was done


async def test_counts_a_mutation_until_it_is_done() -> None:
    limits = {"operations_max": 1, "mutation_seconds_max": 0.1}
    async with serving(**limits) as house, httpx2.AsyncClient(base_url=house.url) as client:
        await client.post("/graphql", json={"query": "mutation { pay(whenTold: true) }"})
        refused = await client.post("/graphql", json={"query": "{ hello }"})
        house.notes.told.set()
        answered = await client.post("/graphql", json={"query": "{ hello }"})

    assert [refused.status_code, answered.status_code] == [503, 200]


@pytest.mark.parametrize("path", ["/graphql", "/graphql/stream"])
async def test_finishes_a_mutation_whose_caller_has_gone(path: str) -> None:
    async with serving() as house:
        body = b'{"query": "mutation { pay(whenTold: true) }"}'
        accept = b"text/event-stream" if path.endswith("stream") else b"application/json"
        _, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(
            b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: %b\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (path.encode(), accept, len(body), body)
        )
        async with httpx2.AsyncClient(base_url=house.url) as client:
            while not house.notes.contexts:  # it has begun
                await client.get("/livez")
            writer.transport.abort()
            await client.get("/livez")
            before = house.notes.finished_mutations
            house.notes.told.set()

    assert (before, house.notes.finished_mutations) == (0, 1)
    assert house.notes.contexts == ["closed"]


async def test_closes_every_context_it_opens() -> None:
    async with serving() as house, httpx2.AsyncClient(base_url=house.url) as client:
        for query in ("{ hello }", "{ broken }", "mutation { pay }", "query A($n: String!) { hello(name: $n) }"):
            await client.post("/graphql", json={"query": query})

        assert house.notes.contexts == ["closed"] * 4
