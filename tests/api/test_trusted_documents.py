"""Documents by id: who registers them, who learns them, and what a server that trusts no others refuses."""

import json
from pathlib import Path

import httpx2
import pytest

from api.cli import documenting
from api.cli.books import NotAccepted
from api.graph_requests import GraphRequest
from api.settings import Settings
from api.trusted_documents import Library, Mode, NoManifest, read_manifest, sha256, write
from schema.errors import ErrorCode, GraphError
from tests.api.house import serving
from tests.api.test_graphql_ws import hear, introduced, subscribe

HELLO = "{ hello }"
DIGEST = sha256(HELLO)
VIEWER = "query Who { viewer { name } }"


def hashed(digest: str = DIGEST, query: str = "") -> dict[str, object]:
    asked = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    return {**asked, "query": query} if query else asked


def code(library: Library, **parameters: object) -> ErrorCode:
    with pytest.raises(GraphError) as refused:
        library.text_of(GraphRequest.of(parameters))
    return refused.value.code


@pytest.mark.parametrize("identity", ["a1", f"sha256:{DIGEST}"])
def test_finds_a_trusted_document_by_its_id_and_by_its_hash(identity: str) -> None:
    library = Library({"a1": HELLO}, Mode.ONLY)

    assert library.text_of(GraphRequest.of({"documentId": identity})) == HELLO
    assert library.text_of(GraphRequest.of(hashed())) == HELLO


def test_learns_a_document_from_whoever_sends_it_with_its_hash() -> None:
    library = Library({})
    before = code(library, **hashed())
    taught = GraphRequest.of(hashed(query=HELLO))

    library.text_of(taught)
    library.learn(taught)

    assert before is ErrorCode.PERSISTED_QUERY_NOT_FOUND
    assert library.text_of(GraphRequest.of(hashed())) == HELLO
    assert code(library, documentId=f"sha256:{DIGEST}") is ErrorCode.DOCUMENT_NOT_FOUND, "taught is not registered"


def test_forgets_what_it_learned_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.trusted_documents.LEARNED_LENGTH_MAX", 25)
    library = Library({})

    for text in (HELLO, "{ hello a: hello }"):
        library.learn(GraphRequest.of(hashed(sha256(text), text)))

    assert code(library, **hashed()) is ErrorCode.PERSISTED_QUERY_NOT_FOUND


def test_believes_no_hash_of_another_document() -> None:
    assert code(Library({}), **hashed(query="{ other }")) is ErrorCode.BAD_REQUEST


@pytest.mark.parametrize(
    ("expected", "parameters"),
    [
        (ErrorCode.DOCUMENT_NOT_TRUSTED, {"query": "{ __schema { types { name } } }"}),
        (ErrorCode.DOCUMENT_NOT_TRUSTED, {"query": HELLO}),
        (ErrorCode.DOCUMENT_NOT_FOUND, {"documentId": "a2"}),
        (ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, hashed("0" * 64)),
        (ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, hashed(sha256(VIEWER), VIEWER)),
    ],
)
def test_executes_registered_documents_only(expected: ErrorCode, parameters: dict[str, object]) -> None:
    assert code(Library({"a1": HELLO}, Mode.ONLY), **parameters) is expected


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"documentId": ""},
        {"documentId": 1},
        {"documentId": "a" * 300},
        {"documentId": "a", "query": HELLO},
        {"extensions": {"persistedQuery": []}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": DIGEST.upper()}}},
    ],
)
def test_refuses_what_names_no_document(parameters: dict[str, object]) -> None:
    assert code(Library({}), **parameters) is ErrorCode.BAD_REQUEST


@pytest.mark.parametrize(
    "manifest",
    [
        {"a1": HELLO},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": "a1", "name": "Q", "type": "query", "body": HELLO}],
        },
    ],
)
def test_reads_the_manifests_of_builds(tmp_path: Path, manifest: object) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))

    assert read_manifest(path) == {"a1": HELLO}


@pytest.mark.parametrize(
    "manifest",
    ["[", "[]", '{"a b": "{ a }"}', '{"a": 1}', '{"a": " "}', '{"sha256:' + "0" * 64 + '": "{ a }"}',
     '{"format": "apollo-persisted-query-manifest", "version": 2}',
     '{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "a"}]}'],
)  # fmt: skip
def test_refuses_what_is_no_manifest(tmp_path: Path, manifest: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(manifest)

    with pytest.raises(NoManifest, match="manifest"):
        read_manifest(path)


def test_registers_what_the_schema_allows_and_all_of_it(tmp_path: Path) -> None:
    path, manifest = tmp_path / "shelf" / "documents.json", tmp_path / "manifest.json"
    settings = Settings(trusted_documents_file=path)
    library = Library.at(path, Mode.ONLY)
    manifest.write_text(json.dumps({"who": VIEWER}))

    documenting.register(settings, manifest)
    manifest.write_text(json.dumps({"what": VIEWER, "wrong": "{ nothing }"}))
    with pytest.raises(NotAccepted, match="wrong: Cannot query field"):
        documenting.register(settings, manifest)
    manifest.write_text(json.dumps({"who": "{ viewer { email } }"}))
    with pytest.raises(NotAccepted, match="another document"):
        documenting.register(settings, manifest)

    assert library.trusted("who") == VIEWER, "a server that runs finds what was registered since"
    assert library.trusted("what") is None


async def test_answers_by_id_over_every_door(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    write(path, {"hello": HELLO, "count": "subscription { count(to: 1) }"})
    files = {"trusted_documents": Mode.ONLY, "trusted_documents_file": path}
    async with (
        serving(settings=files) as house,
        httpx2.AsyncClient(base_url=house.url) as client,
        introduced(house) as socket,
    ):
        posted = await client.post("/graphql", json={"documentId": "hello"})
        got = await client.get("/graphql", params={"documentId": f"sha256:{DIGEST}"})
        free = await client.post(
            "/graphql", json={"query": HELLO}, headers={"accept": "application/graphql-response+json"}
        )
        followed = await client.post("/graphql/stream", json={"documentId": "count"})
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"documentId": "hello"}}))
        heard = [await hear(socket), await hear(socket)][0]
        await subscribe(socket, "2", HELLO)
        refused = await hear(socket)

    assert [each.json()["data"] for each in (posted, got)] == [{"hello": "hello world"}] * 2
    assert (free.status_code, free.json()["errors"][0]["extensions"]["code"]) == (403, "DOCUMENT_NOT_TRUSTED")
    assert '{"count":"1"}' in followed.text
    assert heard["payload"]["data"] == {"hello": "hello world"}
    assert refused["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_TRUSTED"
